// Tile, BroadcastTo, ReverseV2 and Reverse.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Status plan_tile(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(multiples, args, plan, 1);
  const Shape& in = args.shape(0);
  const auto rank = static_cast<size_t>(in.rank());
  if (multiples->shape() != Shape{in.rank()}) {
    return invalid_argument("Expected multiples argument to be a vector of length ", rank, " but got length ",
                            multiples->num_elements());
  }
  Strides sizes;
  // Each dimension becomes (repeat, element); a repeat reads the same elements again.
  std::array<int64_t, 2 * kMaxRank> dims, from, to;
  const Strides in_strides = strides_of(in);
  for (size_t d = 0; d < rank; ++d) {
    const int64_t m = index_value(*multiples, static_cast<int64_t>(d));
    if (m < 0) return invalid_argument("Expected multiples[", d, "] >= 0, but got ", m);
    if (m > 0 && in[static_cast<int>(d)] > (int64_t{1} << 62) / m) {
      return invalid_argument("multiples[", d, "] = ", m, " makes the result too large: ", in);
    }
    sizes[d] = in[static_cast<int>(d)] * m;
    dims[2 * d] = m;
    dims[2 * d + 1] = in[static_cast<int>(d)];
    from[2 * d] = 0;
    from[2 * d + 1] = in_strides[d];
  }
  TW_ASSIGN_OR_RETURN(const Shape out, Shape::make({sizes.data(), rank}));
  plan->shapes = {out};
  const Strides out_strides = strides_of(out);
  for (size_t d = 0; d < rank; ++d) {
    to[2 * d] = out_strides[d] * dims[2 * d + 1];
    to[2 * d + 1] = out_strides[d];
  }
  add_piece(args, plan, 0, 0, from, 0, 0, to, {dims.data(), 2 * rank});
  return {};
}

Status plan_broadcast_to(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(shape_value, args, plan, 1);
  const Shape& in = args.shape(0);
  TW_ASSIGN_OR_RETURN(const Shape out, shape_from_tensor(*shape_value));
  if (in.rank() > out.rank()) {
    return invalid_argument("Rank of input (", in.rank(), ") must be no greater than rank of output shape (",
                            out.rank(), ").");
  }
  Strides from{};
  const Strides in_strides = strides_of(in);
  const int added = out.rank() - in.rank();
  for (int d = added; d < out.rank(); ++d) {
    const int64_t size = in[d - added];
    if (size != 1 && size != out[d]) {
      return invalid_argument("Incompatible shapes: ", in, " vs. ", out);
    }
    from[static_cast<size_t>(d)] = size == 1 ? 0 : in_strides[static_cast<size_t>(d - added)];
  }
  plan->shapes = {out};
  add_piece(args, plan, 0, 0, from, 0, 0, strides_of(out), out.dims());
  return {};
}

void reverse(const MoveArgs& args, MovePlan* plan, uint32_t axes) {
  const Shape& in = args.shape(0);
  const Strides to = strides_of(in);
  Strides from = to;
  int64_t at = 0;
  for (int d = 0; d < in.rank(); ++d) {
    if (((axes >> d) & 1) == 0) continue;
    at += (in[d] - 1) * from[static_cast<size_t>(d)];
    from[static_cast<size_t>(d)] *= -1;
  }
  plan->shapes = {in};
  add_piece(args, plan, 0, at, from, 0, 0, to, in.dims());
}

Status plan_reverse_v2(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(axis_value, args, plan, 1);
  const int rank = args.shape(0).rank();
  if (axis_value->shape().rank() > 1) return invalid_argument("'axis' must be a vector, not ", axis_value->shape());
  uint32_t axes = 0;
  for (int64_t i = 0; i < axis_value->num_elements(); ++i) {
    const int64_t given = index_value(*axis_value, i);
    const int axis = canonical_axis(given, rank);
    if (axis < 0) {
      return invalid_argument("'axis'[", i, "] = ", given, " is out of valid range [", -rank, ", ", rank - 1, "]");
    }
    if ((axes >> axis) & 1) return invalid_argument("axis ", axis, " specified more than once.");
    axes |= uint32_t{1} << axis;
  }
  reverse(args, plan, axes);
  return {};
}

Status plan_reverse(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(dims, args, plan, 1);
  const int rank = args.shape(0).rank();
  if (dims->shape() != Shape{rank}) {
    return invalid_argument("'dims' must have the same number of values as 'input' has dimensions. 'input' has ", rank,
                            "'dims' has ", dims->num_elements(), " values");
  }
  uint32_t axes = 0;
  for (int d = 0; d < rank; ++d) axes |= dims->data<bool>()[d] ? uint32_t{1} << d : 0;
  reverse(args, plan, axes);
  return {};
}

}  // namespace

TW_MOVE_KERNEL(Tile, plan_tile);
TW_MOVE_KERNEL(BroadcastTo, plan_broadcast_to);
TW_MOVE_KERNEL(ReverseV2, plan_reverse_v2);
TW_MOVE_KERNEL(Reverse, plan_reverse);

}  // namespace tw
