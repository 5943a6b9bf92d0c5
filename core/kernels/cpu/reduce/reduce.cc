// Reductions over axes: the ops of core/ops/reduce.toml and the fused form.
#include "core/kernels/reduce.h"

#include <algorithm>

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct ReduceState : KernelState {
  std::unique_ptr<ReducePlan> plan;
};

constexpr int kMaxInputs = 64;

Status run_reduce(const RunContext& ctx) {
  // Inputs past the tape's are the axes, which prepare() has read.
  const void* in[kMaxInputs];
  void* out[kMaxInputs];
  for (int i = 0; i < ctx.num_inputs(); ++i) in[i] = ctx.input(i).data;
  for (int i = 0; i < ctx.num_outputs(); ++i) out[i] = ctx.output(i).data;
  return ctx.state<ReduceState>().plan->run(in, out, ctx.workspace(), ctx.pool());
}

Status finish(PrepareContext& ctx, const ReduceSpec& spec) {
  if (ctx.num_inputs() > kMaxInputs || ctx.num_outputs() > kMaxInputs) {
    return unimplemented("a fused reduction takes at most ", kMaxInputs, " inputs, not ", ctx.num_inputs());
  }
  auto& state = ctx.emplace_state<ReduceState>();
  TW_ASSIGN_OR_RETURN(state.plan, plan_reduce(spec, ctx.threads()));
  ctx.set_workspace(state.plan->workspace_bytes());
  ctx.set_cost({state.plan->flops(), operand_bytes(ctx)});
  return {};
}

Status add_axis(int64_t axis, std::vector<int>* axes, int rank) {
  if (axis < -rank || axis >= rank) {
    return invalid_argument("Invalid reduction dimension (", axis, " for input with ", rank, " dimension(s)");
  }
  const int a = static_cast<int>(axis < 0 ? axis + rank : axis);
  // An axis named twice counts once.
  if (std::find(axes->begin(), axes->end(), a) == axes->end()) axes->push_back(a);
  return {};
}

int64_t reduced_count(const ReduceSpec& spec) {
  int64_t n = 1;
  for (int a : spec.axes) n *= spec.space[a];
  return n;
}

// A tape of unary steps on one value.
class Steps {
 public:
  explicit Steps(DType t) : type_(t) { tape_.add_input(t); }
  Steps& then(MicroOp op) {
    value_ = tape_.emit(op, type_, value_, value_);
    return *this;
  }
  Steps& cast(DType t) {
    if (t != type_) value_ = tape_.emit(MicroOp::k_cast, t, value_);
    type_ = t;
    return *this;
  }
  Steps& times_conjugate() {
    const uint16_t other = is_complex(type_) ? tape_.emit(MicroOp::k_conj, type_, value_) : value_;
    value_ = tape_.emit(MicroOp::k_mul, type_, value_, other);
    return *this;
  }
  Tape tape() {
    tape_.outputs = {value_};
    return tape_;
  }

 private:
  Tape tape_;
  DType type_;
  uint16_t value_ = 0;
};

Status set_op(std::string_view op, ReduceSpec* spec) {
  static constexpr struct {
    std::string_view name;
    ReduceOp op;
  } kOps[] = {{"Sum", ReduceOp::kSum}, {"Mean", ReduceOp::kSum},         {"Prod", ReduceOp::kProd},
              {"Max", ReduceOp::kMax}, {"Min", ReduceOp::kMin},          {"All", ReduceOp::kAll},
              {"Any", ReduceOp::kAny}, {"EuclideanNorm", ReduceOp::kSum}};
  const auto* row = std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& r) { return r.name == op; });
  if (row == std::end(kOps)) return unimplemented("no reduction is called ", op);
  spec->op = row->op;
  if (op == "Mean") {
    // The mean of nothing is NaN, but 0 for complex numbers, as in TensorFlow.
    const int64_t count = reduced_count(*spec);
    spec->scale = count == 0 && is_complex(spec->dtype) ? 1.0 : 1.0 / static_cast<double>(count);
  }
  if (op == "EuclideanNorm") {
    const DType t = spec->dtype, wide = is_integer(t) ? DType::kDouble : t;
    spec->pre = Steps(t).cast(wide).times_conjugate().tape();
    spec->post = Steps(wide).then(MicroOp::k_sqrt).cast(t).tape();
    spec->dtype = wide;
  }
  return {};
}

Status prepare_reduce(PrepareContext& ctx) {
  ReduceSpec spec;
  spec.shapes = {ctx.input_shape(0)};
  spec.space = ctx.input_shape(0);
  spec.dtype = spec.result = ctx.input_dtype(0);
  const Tensor& axes = *ctx.constant(1);
  for (int64_t i = 0; i < axes.num_elements(); ++i) {
    TW_RETURN_IF_ERROR(add_axis(index_value(axes, i), &spec.axes, spec.space.rank()));
  }
  std::sort(spec.axes.begin(), spec.axes.end());
  TW_RETURN_IF_ERROR(set_op(ctx.op().name, &spec));
  return finish(ctx, spec);
}

Status prepare_fused(PrepareContext& ctx) {
  ReduceSpec spec;
  const std::string pre = ctx.attrs().string("pre"), post = ctx.attrs().string("post");
  const int inputs = static_cast<int>(ctx.attrs().must<std::vector<DType>>("Tin").size());
  for (int i = 0; i < inputs; ++i) spec.shapes.push_back(ctx.input_shape(i));
  for (int i = inputs; i < ctx.num_inputs(); ++i) spec.operands.push_back(ctx.input_shape(i));
  TW_ASSIGN_OR_RETURN(spec.space, broadcast_all(spec.shapes));
  spec.dtype = ctx.input_dtype(0);
  if (!pre.empty()) {
    TW_ASSIGN_OR_RETURN(spec.pre, Tape::parse(pre));
    if (spec.pre.outputs.size() != 1) return invalid_argument("a tape before a reduction has one output");
    spec.dtype = spec.pre.value_dtype(spec.pre.outputs[0]);
  }
  if (!post.empty()) {
    TW_ASSIGN_OR_RETURN(spec.post, Tape::parse(post));
  }
  spec.keep_dims = ctx.attrs().boolean("keep_dims");
  spec.result = ctx.output_dtype(0);
  for (int64_t axis : ctx.attrs().ints("axes")) TW_RETURN_IF_ERROR(add_axis(axis, &spec.axes, spec.space.rank()));
  std::sort(spec.axes.begin(), spec.axes.end());
  TW_RETURN_IF_ERROR(set_op(ctx.attrs().string("op"), &spec));
  return finish(ctx, spec);
}

Status prepare_arg(PrepareContext& ctx) {
  ReduceSpec spec;
  spec.op = ctx.op().name == "ArgMax" ? ReduceOp::kArgMax : ReduceOp::kArgMin;
  spec.shapes = {ctx.input_shape(0)};
  spec.space = ctx.input_shape(0);
  spec.dtype = ctx.input_dtype(0);
  spec.result = ctx.output_dtype(0);
  const int64_t axis = index_value(*ctx.constant(1), 0);
  const int rank = spec.space.rank();
  if (axis < -rank || axis >= rank) {
    return invalid_argument("Expected dimension in the range [", -rank, ", ", rank, "), but got ", axis);
  }
  spec.axes = {static_cast<int>(axis < 0 ? axis + rank : axis)};
  if (spec.space[spec.axes[0]] == 0 && ctx.output_shape(0).num_elements() > 0) {
    return invalid_argument("Reduction axis ", axis, " is empty in shape ", spec.space);
  }
  return finish(ctx, spec);
}

Status prepare_l2_loss(PrepareContext& ctx) {
  ReduceSpec spec;
  spec.shapes = {ctx.input_shape(0)};
  spec.space = ctx.input_shape(0);
  spec.dtype = spec.result = ctx.input_dtype(0);
  for (int i = 0; i < spec.space.rank(); ++i) spec.axes.push_back(i);
  spec.pre = Steps(spec.dtype).times_conjugate().tape();
  spec.scale = 0.5;
  return finish(ctx, spec);
}

}  // namespace

TW_KERNEL(Reduce, prepare_reduce, run_reduce);
TW_KERNEL(FusedReduce, prepare_fused, run_reduce);
TW_KERNEL(ArgReduce, prepare_arg, run_reduce);
TW_KERNEL(L2Loss, prepare_l2_loss, run_reduce);

}  // namespace tw
