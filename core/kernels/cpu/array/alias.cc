// Ops whose output 0 is input 0, perhaps under another shape. The plan makes views of them where it can; these kernels
// serve where it cannot.
#include "core/kernels/cpu/array/move_kernel.h"
#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

// Finds the output's shape; may defer.
using Reshaper = Status (*)(const MoveArgs& args, MovePlan* plan);

struct AliasState : KernelState {
  MovePlan plan;
  AttrMap attrs;
  bool dynamic = false;
};

Status prepare_alias(PrepareContext& ctx, Reshaper reshaper) {
  auto& state = ctx.emplace_state<AliasState>();
  state.dynamic = output_is_dynamic(ctx, 0);
  TW_RETURN_IF_ERROR(reshaper(MoveArgs(ctx), &state.plan));
  if (state.plan.deferred) state.attrs = ctx.attrs().map();
  ctx.allow_in_place(0, 0);
  const double bytes =
      static_cast<double>(ctx.input_shape(0).num_elements()) * static_cast<double>(dtype_size(ctx.input_dtype(0)));
  ctx.set_cost({0, 2 * bytes});
  return {};
}

Status copy_or_share(const RunContext& ctx, int i, const Shape& shape, bool dynamic) {
  const Value& in = ctx.input(i);
  if (dynamic && in.owner != nullptr) {
    TW_ASSIGN_OR_RETURN(const Tensor t, ctx.input_tensor(i, false));
    ctx.set_output(i, t.reshaped(shape));
    return {};
  }
  const void* from = in.data;
  const DType dtype = in.dtype;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, i, shape, dynamic));
  if (to == from) return {};
  const int64_t n = shape.num_elements();
  if (!is_plain(dtype)) {
    copy_elements(dtype, from, to, n);
    return {};
  }
  const int64_t dims[] = {n}, stride[] = {1};
  StridedCopy(dims, stride, stride, dtype_size(dtype)).run(from, to, ctx.pool());
  return {};
}

Status run_alias(const RunContext& ctx, Reshaper reshaper) {
  const AliasState& state = ctx.state<AliasState>();
  if (!state.plan.deferred) return copy_or_share(ctx, 0, state.plan.shapes[0], state.dynamic);
  const AttrReader attrs(state.attrs);
  MovePlan plan;
  TW_RETURN_IF_ERROR(reshaper(MoveArgs(ctx, attrs), &plan));
  return copy_or_share(ctx, 0, plan.shapes[0], state.dynamic);
}

template <Reshaper kReshaper>
inline constexpr KernelDef kAliasKernel = {[](PrepareContext& ctx) { return prepare_alias(ctx, kReshaper); },
                                           [](const RunContext& ctx) { return run_alias(ctx, kReshaper); }};

Status same_shape(const MoveArgs& args, MovePlan* plan) {
  plan->shapes = {args.shape(0)};
  return {};
}

Status reshape(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(sizes, args, plan, 1);
  if (sizes->shape().rank() != 1) return invalid_argument("sizes input must be 1-D, not ", sizes->shape());
  const int64_t have = args.shape(0).num_elements(), rank = sizes->num_elements();
  if (rank > kMaxRank)
    return invalid_argument("Shapes of rank ", rank, " are not supported: the largest rank is ", kMaxRank);
  std::array<int64_t, kMaxRank> dims;
  int64_t open = -1, known = 1;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t size = dims[static_cast<size_t>(i)] = index_value(*sizes, i);
    if (size == -1) {
      if (open >= 0) return invalid_argument("Only one input size may be -1, not both ", open, " and ", i);
      open = i;
      dims[static_cast<size_t>(i)] = 1;
    } else if (size < 0) {
      return invalid_argument("Size ", i, " must be non-negative, not ", size);
    }
  }
  TW_ASSIGN_OR_RETURN(Shape shape, Shape::make({dims.data(), static_cast<size_t>(rank)}));
  known = shape.num_elements();
  if (open >= 0) {
    if (known == 0) {
      return invalid_argument(
          "reshape cannot infer the missing input size for an empty tensor unless all specified input "
          "sizes are non-zero");
    }
    if (have % known != 0) {
      return invalid_argument("Input to reshape is a tensor with ", have,
                              " values, but the requested shape requires a "
                              "multiple of ",
                              known);
    }
    shape.set_dim(static_cast<int>(open), have / known);
  } else if (known != have) {
    return invalid_argument("Input to reshape is a tensor with ", have, " values, but the requested shape has ", known);
  }
  plan->shapes = {shape};
  return {};
}

Status expand_dims(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(dim, args, plan, 1);
  if (dim->num_elements() != 1) return invalid_argument("'dim' must be a tensor with a single value");
  const Shape& in = args.shape(0);
  const int axis = canonical_axis(index_value(*dim, 0), in.rank() + 1);
  if (axis < 0) {
    return invalid_argument("Tried to expand dim index ", index_value(*dim, 0), " for tensor with ", in.rank(),
                            " dimensions.");
  }
  if (in.rank() == kMaxRank) return invalid_argument("ExpandDims would give a rank above ", kMaxRank, ": ", in);
  Shape out;
  for (int d = 0; d <= in.rank(); ++d) out.add_dim(d == axis ? 1 : in[d < axis ? d : d - 1]);
  plan->shapes = {out};
  return {};
}

Status squeeze(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  uint32_t drop = 0;
  for (int64_t given : args.attrs().ints("squeeze_dims")) {
    const int axis = canonical_axis(given, in.rank());
    if (axis < 0) {
      return invalid_argument("Tried to squeeze dim index ", given, " for tensor with ", in.rank(), " dimensions.");
    }
    if (in[axis] != 1)
      return invalid_argument("Can not squeeze dim[", axis, "], expected a dimension of 1, got ", in[axis]);
    drop |= uint32_t{1} << axis;
  }
  Shape out;
  for (int d = 0; d < in.rank(); ++d) {
    const bool gone = drop == 0 ? in[d] == 1 : ((drop >> d) & 1) != 0;
    if (!gone) out.add_dim(in[d]);
  }
  plan->shapes = {out};
  return {};
}

Status ensure_shape(const MoveArgs& args, MovePlan* plan) {
  const Shape expected = args.attrs().must<Shape>("shape");
  if (!compatible(expected, args.shape(0))) {
    return invalid_argument("Shape of tensor ", args.shape(0), " is not compatible with expected shape ", expected,
                            ".");
  }
  return same_shape(args, plan);
}

Status placeholder_with_default(const MoveArgs& args, MovePlan* plan) {
  const Shape expected = args.attrs().has("shape") ? args.attrs().must<Shape>("shape") : Shape::unknown();
  if (!compatible(expected, args.shape(0))) {
    return invalid_argument("The default value's shape ", args.shape(0), " does not fit the placeholder's shape ",
                            expected);
  }
  return same_shape(args, plan);
}

// DeepCopy: storage that nothing else refers to.
Status run_deep_copy(const RunContext& ctx) {
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<AliasState>().dynamic));
  if (to != in.data) copy_elements(in.dtype, in.data, to, shape.num_elements());
  return {};
}

struct IdentityNState : KernelState {
  std::vector<bool> dynamic;
};

Status prepare_identity_n(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<IdentityNState>();
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    state.dynamic.push_back(output_is_dynamic(ctx, i));
    ctx.allow_in_place(i, i);
  }
  return {};
}

Status run_identity_n(const RunContext& ctx) {
  const auto& state = ctx.state<IdentityNState>();
  for (int i = 0; i < ctx.num_outputs(); ++i) {
    const Shape shape = *ctx.input(i).shape;
    TW_RETURN_IF_ERROR(copy_or_share(ctx, i, shape, state.dynamic[static_cast<size_t>(i)]));
  }
  return {};
}

// Bitcast: an element of another size adds or takes the last dimension.
Status bitcast(const MoveArgs& args, MovePlan* plan) {
  const Shape& in = args.shape(0);
  const DType from = args.dtype(0), to = args.attrs().dtype("type");
  const auto from_size = static_cast<int64_t>(dtype_size(from)), to_size = static_cast<int64_t>(dtype_size(to));
  Shape out = in;
  if (from_size > to_size) {
    if (in.rank() == kMaxRank) return invalid_argument("Bitcast would give a rank above ", kMaxRank, ": ", in);
    out.add_dim(from_size / to_size);
  } else if (from_size < to_size) {
    if (in.rank() == 0 || in[in.rank() - 1] != to_size / from_size) {
      return invalid_argument("Cannot bitcast from ", dtype_name(from), " to ", dtype_name(to), ": shape ", in);
    }
    out = Shape(in.dims().first(static_cast<size_t>(in.rank() - 1)));
  }
  plan->shapes = {out};
  return {};
}

Status run_bitcast(const RunContext& ctx) {
  const AliasState& state = ctx.state<AliasState>();
  const void* from = ctx.input(0).data;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, state.plan.shapes[0], state.dynamic));
  const int64_t bytes = ctx.output(0).shape->num_elements() * static_cast<int64_t>(dtype_size(ctx.output(0).dtype));
  if (to == from) return {};
  const int64_t dims[] = {bytes}, stride[] = {1};
  StridedCopy(dims, stride, stride, 1).run(from, to, ctx.pool());
  return {};
}

}  // namespace

#define TW_ALIAS_KERNEL(name, reshaper) \
  extern const KernelDef kernel_##name; \
  const KernelDef kernel_##name = kAliasKernel<reshaper>

TW_ALIAS_KERNEL(Identity, same_shape);
TW_ALIAS_KERNEL(StopGradient, same_shape);
TW_ALIAS_KERNEL(PreventGradient, same_shape);
TW_ALIAS_KERNEL(Snapshot, same_shape);
TW_ALIAS_KERNEL(GuaranteeConst, same_shape);
TW_ALIAS_KERNEL(PlaceholderWithDefault, placeholder_with_default);
TW_ALIAS_KERNEL(EnsureShape, ensure_shape);
TW_ALIAS_KERNEL(Reshape, reshape);
TW_ALIAS_KERNEL(ExpandDims, expand_dims);
TW_ALIAS_KERNEL(Squeeze, squeeze);
TW_KERNEL(DeepCopy, [](PrepareContext& ctx) { return prepare_alias(ctx, same_shape); }, run_deep_copy);
TW_KERNEL(IdentityN, prepare_identity_n, run_identity_n);
TW_KERNEL(Bitcast, [](PrepareContext& ctx) { return prepare_alias(ctx, bitcast); }, run_bitcast);

}  // namespace tw
