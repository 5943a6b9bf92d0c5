// ResourceStridedSliceAssign: writes a strided slice of a variable.
#include "core/framework/strided_slice.h"
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/state/variable_access.h"
#include "core/kernels/move.h"

namespace tw {
namespace {

struct State : KernelState {
  StridedSliceMasks masks;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<State>().masks = StridedSliceMasks::from_attrs(ctx.attrs());
  return {};
}

Status run(const RunContext& ctx) {
  const Value& value = ctx.input(4);
  TW_ASSIGN_OR_RETURN(Variable * variable, variable_input(ctx, 0));
  if (variable->dtype() != value.dtype) {
    return invalid_argument("l-value dtype ", dtype_name(variable->dtype()), " does not match r-value dtype ",
                            dtype_name(value.dtype));
  }
  const Shape& spec = *ctx.input(1).shape;
  if (spec.rank() != 1 || spec != *ctx.input(2).shape || spec != *ctx.input(3).shape) {
    return invalid_argument("Expected begin, end, and strides to be 1D equal size tensors, but got shapes ", spec, ", ",
                            *ctx.input(2).shape, ", and ", *ctx.input(3).shape, " instead.");
  }
  const Tensor begin = value_view(ctx.input(1)), end = value_view(ctx.input(2)), strides = value_view(ctx.input(3));
  std::lock_guard lock(variable->mutex());
  if (!variable->value_locked().valid()) return uninitialized(*variable);
  TW_ASSIGN_OR_RETURN(const StridedSlice slice, resolve_strided_slice(variable->value_locked().shape(), spec[0], &begin,
                                                                      &end, &strides, ctx.state<State>().masks));
  if (slice.shape.num_elements() == 0) return {};  // whatever the value's shape
  if (*value.shape != slice.shape) {
    return unimplemented("sliced l-value shape ", slice.shape, " does not match r-value shape ", *value.shape,
                         ". Automatic broadcasting not yet implemented.");
  }
  TW_ASSIGN_OR_RETURN(Tensor * target, variable->writable_locked());
  auto to = strides_of(target->shape());
  int64_t at = 0;
  for (size_t d = 0; d < static_cast<size_t>(slice.rank); ++d) {
    at += slice.begin[d] * to[d];
    to[d] *= slice.stride[d];
  }
  const auto from = strides_of(slice.slice);
  const DType dtype = value.dtype;
  char* dest = target->data<char>() + at * static_cast<int64_t>(dtype_size(dtype));
  if (is_plain(dtype)) {
    StridedCopy(slice.slice.dims(), from, to, dtype_size(dtype)).run(value.data, dest, ctx.pool());
  } else {
    strided_assign(dtype, slice.slice.dims(), from, to, value.data, dest);
  }
  return {};
}

}  // namespace

TW_KERNEL(ResourceStridedSliceAssign, prepare, run);

}  // namespace tw
