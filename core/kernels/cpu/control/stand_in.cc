// What lifted branches return in place of values that they do not make.
#include <cstring>

#include "core/framework/kernel.h"

namespace tw {
namespace {

Status prepare_nothing(PrepareContext&) { return {}; }

Status run_nothing(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(ctx.output(0).dtype, Shape{}));
  if (is_plain(t.dtype())) std::memset(t.raw(), 0, t.bytes());
  ctx.set_output(0, std::move(t));
  return {};
}

struct FailState : KernelState {
  std::string message;
};

Status prepare_fail(PrepareContext& ctx) {
  ctx.emplace_state<FailState>().message = ctx.attrs().string("message");
  return {};
}

Status run_fail(const RunContext& ctx) { return invalid_argument(ctx.state<FailState>().message); }

}  // namespace

TW_KERNEL(Nothing, prepare_nothing, run_nothing);
TW_KERNEL(Fail, prepare_fail, run_fail);

}  // namespace tw
