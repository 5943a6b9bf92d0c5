// Chains of reductions along rows, which passes make.
#include "core/kernels/rows.h"

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct RowsState : KernelState {
  std::unique_ptr<RowsPlan> plan;
};

constexpr int kMaxOperands = 64;

Status prepare_rows(PrepareContext& ctx) {
  if (ctx.num_inputs() > kMaxOperands || ctx.num_outputs() > kMaxOperands) {
    return unimplemented("a chain of rows takes at most ", kMaxOperands, " inputs, not ", ctx.num_inputs());
  }
  RowsSpec spec;
  spec.space = ctx.attrs().must<Shape>("space");
  spec.first_axis = static_cast<int>(ctx.attrs().integer("first_axis"));
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    spec.shapes.push_back(ctx.input_shape(i));
    spec.dtypes.push_back(ctx.input_dtype(i));
  }
  for (const std::string& text : ctx.attrs().must<std::vector<std::string>>("stages")) {
    TW_ASSIGN_OR_RETURN(RowsStage stage, RowsStage::parse(text));
    spec.stages.push_back(std::move(stage));
  }
  for (int64_t v : ctx.attrs().ints("results")) spec.outputs.push_back(static_cast<int>(v));
  auto& state = ctx.emplace_state<RowsState>();
  TW_ASSIGN_OR_RETURN(state.plan, plan_rows(spec, ctx.threads()));
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    for (int o = 0; o < ctx.num_outputs(); ++o) {
      if (ctx.input_shape(i) == ctx.output_shape(o) && state.plan->may_share(i, o)) ctx.allow_in_place(i, o);
    }
  }
  ctx.set_workspace(state.plan->workspace_bytes());
  ctx.set_cost({state.plan->flops(), operand_bytes(ctx)});
  return {};
}

Status run_rows(const RunContext& ctx) {
  const void* in[kMaxOperands];
  void* out[kMaxOperands];
  for (int i = 0; i < ctx.num_inputs(); ++i) in[i] = ctx.input(i).data;
  for (int i = 0; i < ctx.num_outputs(); ++i) out[i] = ctx.output(i).data;
  return ctx.state<RowsState>().plan->run(in, out, ctx.workspace(), ctx.pool());
}

}  // namespace

TW_KERNEL(FusedRows, prepare_rows, run_rows);

}  // namespace tw
