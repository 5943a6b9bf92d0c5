// Calls of the language above the core.
#include "core/framework/kernel.h"

namespace tw {
namespace {

struct HostCallState : KernelState {
  std::string token;
  std::vector<DType> types;  // of the results
};

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<HostCallState>();
  state.token = ctx.attrs().string("token");
  state.types = ctx.attrs().must<std::vector<DType>>("Tout");
  return {};
}

Status run(const RunContext& ctx) {
  const auto& state = ctx.state<HostCallState>();
  // The function may keep what it is given, and the step reuses its memory: arguments are the function's own.
  std::vector<Tensor> arguments, results(state.types.size());
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(i, true));
    arguments.push_back(std::move(t));
  }
  TW_RETURN_IF_ERROR(ctx.step().call_host(state.token, arguments, &results));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].valid()) {
      return invalid_argument(state.token, " gave no value for output ", i, " of ", state.types.size());
    }
    if (results[i].dtype() != state.types[i]) {
      return invalid_argument(i, "-th value returned by ", state.token, " is ", dtype_name(results[i].dtype()),
                              ", but expects ", dtype_name(state.types[i]));
    }
    ctx.set_output(static_cast<int>(i), std::move(results[i]));
  }
  return {};
}

}  // namespace

TW_KERNEL(PyFunc, prepare, run);

}  // namespace tw
