// BiasAdd and its gradient: a vector along the channels, added or summed over everything else.
#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/reduce.h"

namespace tw {
namespace {

struct BiasState : KernelState {
  std::shared_ptr<const MapPlan> add;
  std::unique_ptr<ReducePlan> sum;
};

// The axis of the channels; BiasAddV1 has no data_format.
int channel_axis(const AttrReader& attrs, int rank) {
  return attrs.has("data_format") && attrs.string("data_format") == "NCHW" ? 1 : rank - 1;
}

Status prepare_bias_add(PrepareContext& ctx) {
  const Shape &x = ctx.input_shape(0), &bias = ctx.input_shape(1);
  if (x.rank() < 2) return invalid_argument("Input tensor must be at least 2D: ", x);
  if (bias.rank() != 1) return invalid_argument("Biases must be 1D: ", bias);
  const int axis = channel_axis(ctx.attrs(), x.rank());
  if (x[axis] != bias[0]) {
    return invalid_argument("Must provide as many biases as the ", axis == x.rank() - 1 ? "last" : "channel",
                            " dimension of the input tensor: ", bias, " vs. ", x);
  }
  Shape spread{bias[0]};
  for (int i = axis + 1; i < x.rank(); ++i) spread.add_dim(1);
  const Shape shapes[] = {x, spread};
  const DType t = ctx.input_dtype(0);
  auto& state = ctx.emplace_state<BiasState>();
  TW_ASSIGN_OR_RETURN(state.add, plan_map(tape_of(MicroOp::k_add, t, t), shapes, x));
  ctx.allow_in_place(0, 0);
  ctx.set_cost({state.add->flops(), operand_bytes(ctx)});
  return {};
}

Status run_bias_add(const RunContext& ctx) {
  const void* in[] = {ctx.input(0).data, ctx.input(1).data};
  void* out[] = {ctx.output(0).data};
  return ctx.state<BiasState>().add->run(in, out, ctx.pool());
}

Status prepare_bias_add_grad(PrepareContext& ctx) {
  const Shape& dy = ctx.input_shape(0);
  if (dy.rank() < 2) return invalid_argument("Input tensor must be at least 2D: ", dy);
  const int axis = channel_axis(ctx.attrs(), dy.rank());
  ReduceSpec spec;
  spec.shapes = {dy};
  spec.space = dy;
  spec.dtype = spec.result = ctx.input_dtype(0);
  for (int i = 0; i < dy.rank(); ++i) {
    if (i != axis) spec.axes.push_back(i);
  }
  auto& state = ctx.emplace_state<BiasState>();
  TW_ASSIGN_OR_RETURN(state.sum, plan_reduce(spec, ctx.threads()));
  ctx.set_workspace(state.sum->workspace_bytes());
  ctx.set_cost({state.sum->flops(), operand_bytes(ctx)});
  return {};
}

Status run_bias_add_grad(const RunContext& ctx) {
  const void* in[] = {ctx.input(0).data};
  void* out[] = {ctx.output(0).data};
  return ctx.state<BiasState>().sum->run(in, out, ctx.workspace(), ctx.pool());
}

}  // namespace

TW_KERNEL(BiasAdd, prepare_bias_add, run_bias_add);
TW_KERNEL(BiasAddGrad, prepare_bias_add_grad, run_bias_add_grad);

}  // namespace tw
