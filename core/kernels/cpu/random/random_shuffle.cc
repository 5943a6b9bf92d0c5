// RandomShuffle: the rows of a tensor in a random order.
#include <numeric>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/random/rng_state.h"
#include "core/kernels/move/rows.h"

namespace tw {
namespace {

struct State : KernelState {
  explicit State(const AttrReader& attrs) : rng(attrs) {}
  RngLookup rng;
  bool dynamic = false;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>(ctx.attrs()).dynamic = output_is_dynamic(ctx, 0);
  const Shape& s = ctx.input_shape(0);
  ctx.set_workspace(s.rank() > 0 ? static_cast<size_t>(s[0]) * sizeof(int64_t) : 0);
  return {};
}

Status run(const RunContext& ctx) {
  const auto& state = ctx.state<State>();
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, state.dynamic));
  const int64_t n = shape.rank() > 0 ? shape[0] : 1, total = shape.num_elements();
  if (total <= 1 || n <= 1) {
    copy_elements(in.dtype, in.data, to, total);
    return {};
  }
  TW_ASSIGN_OR_RETURN(RngState * rng, state.rng.get(ctx));
  // One word for each swap.
  PhiloxWords words(rng->reserve(static_cast<uint64_t>(n - 1 + 3) / 4));
  auto* const order = static_cast<int64_t*>(ctx.workspace());
  std::iota(order, order + n, int64_t{0});
  for (int64_t i = 0; i + 1 < n; ++i) std::swap(order[i], order[i + words() % static_cast<uint32_t>(n - i)]);
  gather_rows(in.dtype, in.data, order, n, total / n, to, ctx.pool());
  return {};
}

}  // namespace

TW_KERNEL(RandomShuffle, prepare, run);

}  // namespace tw
