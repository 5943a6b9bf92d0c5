// Slice, StridedSlice and StridedSliceGrad.
#include "core/framework/strided_slice.h"
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Status plan_slice(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(begin, args, plan, 1);
  TW_MOVE_VALUE(size, args, plan, 2);
  const Shape& in = args.shape(0);
  const int rank = in.rank();
  if (begin->shape() != Shape{rank} || size->shape() != Shape{rank}) {
    return invalid_argument("Expected begin and size arguments to be 1-D tensors of size ", rank, ", but got shapes ",
                            begin->shape(), " and ", size->shape(), " instead.");
  }
  const Strides strides = strides_of(in);
  Shape out;
  int64_t at = 0;
  for (int d = 0; d < rank; ++d) {
    const int64_t b = index_value(*begin, d), s = index_value(*size, d);
    if (b < 0 || b > in[d]) return invalid_argument("Expected begin[", d, "] in [0, ", in[d], "], but got ", b);
    const int64_t n = s == -1 ? in[d] - b : s;
    if (n < 0 || n > in[d] - b) {
      return invalid_argument("Expected size[", d, "] in [0, ", in[d] - b, "], but got ", s);
    }
    out.add_dim(n);
    at += b * strides[static_cast<size_t>(d)];
  }
  plan->shapes = {out};
  add_piece(args, plan, 0, at, strides, 0, 0, strides_of(out), out.dims());
  return {};
}

struct SliceInputs {
  int begin, end, strides;
};

Result<StridedSlice> resolve(const MoveArgs& args, const Shape& in, SliceInputs at) {
  const Shape& b = args.shape(at.begin);
  const Shape& e = args.shape(at.end);
  const Shape& s = args.shape(at.strides);
  if (b.rank() != 1 || b != e || b != s) {
    return invalid_argument("Expected begin, end, and strides to be 1D equal size tensors, but got shapes ", b, ", ", e,
                            ", and ", s, " instead.");
  }
  return resolve_strided_slice(in, b[0], args.value(at.begin), args.value(at.end), args.value(at.strides),
                               StridedSliceMasks::from_attrs(args.attrs()));
}

// Offset and strides, in elements, of the part of a tensor that a slice reads.
int64_t walk(const StridedSlice& slice, const Shape& in, Strides* strides) {
  *strides = strides_of(in);
  int64_t at = 0;
  for (size_t d = 0; d < static_cast<size_t>(slice.rank); ++d) {
    at += slice.begin[d] * (*strides)[d];
    (*strides)[d] *= slice.stride[d];
  }
  return at;
}

Status plan_strided_slice(const MoveArgs& args, MovePlan* plan) {
  if (!args.value(1) || !args.value(2) || !args.value(3)) return plan->defer();
  TW_ASSIGN_OR_RETURN(const StridedSlice slice, resolve(args, args.shape(0), {1, 2, 3}));
  Strides from;
  const int64_t at = walk(slice, args.shape(0), &from);
  plan->shapes = {slice.shape};
  add_piece(args, plan, 0, at, from, 0, 0, strides_of(slice.slice), slice.slice.dims());
  return {};
}

Status plan_strided_slice_grad(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(shape_value, args, plan, 0);
  if (!args.value(1) || !args.value(2) || !args.value(3)) return plan->defer();
  TW_ASSIGN_OR_RETURN(const Shape shape, shape_from_tensor(*shape_value));
  TW_ASSIGN_OR_RETURN(const StridedSlice slice, resolve(args, shape, {1, 2, 3}));
  if (args.shape(4) != slice.shape) {
    return invalid_argument("shape of dy was ", args.shape(4), " instead of ", slice.shape);
  }
  Strides to;
  const int64_t at = walk(slice, shape, &to);
  plan->shapes = {shape};
  plan->fill = true;
  add_piece(args, plan, 4, 0, strides_of(slice.slice), 0, at, to, slice.slice.dims());
  return {};
}

}  // namespace

TW_MOVE_KERNEL(Slice, plan_slice);
TW_MOVE_KERNEL(StridedSlice, plan_strided_slice);
TW_MOVE_KERNEL(StridedSliceGrad, plan_strided_slice_grad);

}  // namespace tw
