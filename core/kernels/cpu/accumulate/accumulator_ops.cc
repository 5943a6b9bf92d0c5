// The rows of accumulator.toml.
#include "core/kernels/cpu/accumulate/accumulator.h"
#include "core/kernels/cpu/state/named_resource.h"

namespace tw {
namespace {

struct MakeState : NamedState {
  AccumulatorSpec spec;
};

Status prepare_make(PrepareContext& ctx, std::string_view kind) {
  auto& s = ctx.emplace_state<MakeState>();
  s.read(ctx.attrs());
  s.spec = {std::string(kind), s.name, ctx.attrs().dtype("dtype"), ctx.attrs().must<Shape>("shape"),
            ctx.attrs().string("reduction_type") == "MEAN"};
  return {};
}
Status prepare_dense(PrepareContext& ctx) { return prepare_make(ctx, "ConditionalAccumulator"); }
Status prepare_sparse(PrepareContext& ctx) { return prepare_make(ctx, "SparseConditionalAccumulator"); }

template <typename A>
Status run_make(const RunContext& ctx) {
  const auto& s = ctx.state<MakeState>();
  TW_ASSIGN_OR_RETURN(const A* a, give_named<A>(ctx, s, s.spec.kind, [&] { return make_ref<A>(s.spec); }));
  const AccumulatorSpec& have = a->spec();
  if (have.dtype == s.spec.dtype && have.shape == s.spec.shape && have.mean == s.spec.mean) return {};
  return invalid_argument("Shared ", s.spec.kind, " '", s.name, "' has dtype ", dtype_name(have.dtype), " and shape ",
                          have.shape, ", but dtype ", dtype_name(s.spec.dtype), " and shape ", s.spec.shape,
                          " were requested, or another reduction");
}

Status prepare_nothing(PrepareContext&) { return {}; }

template <typename A = Accumulator>
Result<A*> accumulator(const RunContext& ctx) {
  return named_input<A>(ctx, 0, "conditional accumulator");
}

template <typename T>
Result<int64_t> scalar(const RunContext& ctx, int i, std::string_view name) {
  if (ctx.input(i).shape->num_elements() == 1) return static_cast<int64_t>(*ctx.in<T>(i));
  return invalid_argument("Argument ", name, " must be a scalar, but has shape ", *ctx.input(i).shape);
}

Status run_apply(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(DenseAccumulator * a, accumulator<DenseAccumulator>(ctx));
  TW_ASSIGN_OR_RETURN(const int64_t step, scalar<int64_t>(ctx, 1, "local_step"));
  TW_ASSIGN_OR_RETURN(const Tensor gradient, ctx.input_tensor(2, false));
  return a->apply(step, gradient);
}
Status run_take(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(DenseAccumulator * a, accumulator<DenseAccumulator>(ctx));
  TW_ASSIGN_OR_RETURN(const int64_t required, scalar<int32_t>(ctx, 1, "num_required"));
  if (ctx.output(0).dtype != a->spec().dtype) {
    return invalid_argument(a->describe(), " holds ", dtype_name(a->spec().dtype), ", not ",
                            dtype_name(ctx.output(0).dtype));
  }
  Tensor average;
  TW_RETURN_IF_ERROR(a->take(ctx.step(), required, &average));
  ctx.set_output(0, std::move(average));
  return {};
}

struct SparseState : KernelState {
  bool known_shape = false;
};
Status prepare_sparse_apply(PrepareContext& ctx) {
  ctx.emplace_state<SparseState>().known_shape = ctx.attrs().boolean("has_known_shape");
  return {};
}
Status run_sparse_apply(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(SparseAccumulator * a, accumulator<SparseAccumulator>(ctx));
  TW_ASSIGN_OR_RETURN(const int64_t step, scalar<int64_t>(ctx, 1, "local_step"));
  TW_ASSIGN_OR_RETURN(const Tensor indices, ctx.input_tensor(2, false));
  TW_ASSIGN_OR_RETURN(const Tensor values, ctx.input_tensor(3, false));
  Tensor shape = Tensor::make_or_die(DType::kInt64, Shape{0});
  if (ctx.state<SparseState>().known_shape) {
    TW_ASSIGN_OR_RETURN(shape, ctx.input_tensor(4, false));
  }
  return a->apply(step, indices, values, shape);
}
Status run_sparse_take(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(SparseAccumulator * a, accumulator<SparseAccumulator>(ctx));
  TW_ASSIGN_OR_RETURN(const int64_t required, scalar<int32_t>(ctx, 1, "num_required"));
  if (ctx.output(1).dtype != a->spec().dtype) {
    return invalid_argument(a->describe(), " holds ", dtype_name(a->spec().dtype), ", not ",
                            dtype_name(ctx.output(1).dtype));
  }
  Tensor indices, values, shape;
  TW_RETURN_IF_ERROR(a->take(ctx.step(), required, &indices, &values, &shape));
  ctx.set_output(0, std::move(indices));
  ctx.set_output(1, std::move(values));
  ctx.set_output(2, std::move(shape));
  return {};
}

Status run_count(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Accumulator* a, accumulator(ctx));
  *ctx.out<int32_t>(0) = static_cast<int32_t>(a->count());
  return {};
}
Status run_set_step(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Accumulator * a, accumulator(ctx));
  TW_ASSIGN_OR_RETURN(const int64_t step, scalar<int64_t>(ctx, 1, "new_global_step"));
  a->set_global_step(step);
  return {};
}

}  // namespace

TW_KERNEL(ConditionalAccumulator, prepare_dense, run_make<DenseAccumulator>);
TW_KERNEL(SparseConditionalAccumulator, prepare_sparse, run_make<SparseAccumulator>);
TW_KERNEL(AccumulatorApplyGradient, prepare_nothing, run_apply);
TW_KERNEL(AccumulatorTakeGradient, prepare_nothing, run_take);
TW_KERNEL(AccumulatorNumAccumulated, prepare_nothing, run_count);
TW_KERNEL(AccumulatorSetGlobalStep, prepare_nothing, run_set_step);
TW_KERNEL(SparseAccumulatorApplyGradient, prepare_sparse_apply, run_sparse_apply);
TW_KERNEL(SparseAccumulatorTakeGradient, prepare_nothing, run_sparse_take);

}  // namespace tw
