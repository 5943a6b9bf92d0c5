// Split, SplitV and Unpack.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Result<int> split_axis(const Tensor& value, int rank) {
  if (value.num_elements() != 1) {
    return invalid_argument("split_dim must be a scalar but has rank ", value.shape().rank());
  }
  const int64_t given = index_value(value, 0);
  const int axis = canonical_axis(given, rank);
  if (axis < 0)
    return invalid_argument("-input rank(-", rank, ") <= split_dim < input rank (", rank, "), but got ", given);
  return axis;
}

// Output i gets `sizes[i]` of the axis, one after another.
void split_pieces(const MoveArgs& args, MovePlan* plan, int in, int axis, std::span<const int64_t> sizes,
                  bool keep_axis) {
  const Shape& shape = args.shape(in);
  const int64_t outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
  int64_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape out;
    for (int d = 0; d < shape.rank(); ++d) {
      if (d != axis) out.add_dim(shape[d]);
      if (d == axis && keep_axis) out.add_dim(sizes[i]);
    }
    plan->shapes.push_back(out);
    const int64_t run = sizes[i] * inner;
    const int64_t dims[] = {outer, run}, from[] = {shape[axis] * inner, 1}, to[] = {run, 1};
    add_piece(args, plan, in, at, from, static_cast<int>(i), 0, to, dims);
    at += run;
  }
}

Status plan_split(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(axis_value, args, plan, 0);
  const Shape& shape = args.shape(1);
  TW_ASSIGN_OR_RETURN(const int axis, split_axis(*axis_value, shape.rank()));
  const int64_t n = args.num_outputs();
  if (shape[axis] % n != 0) {
    return invalid_argument("Number of ways to split should evenly divide the split dimension, but got split_dim ",
                            axis, " (size = ", shape[axis], ") and num_split ", n);
  }
  const std::vector<int64_t> sizes(static_cast<size_t>(n), shape[axis] / n);
  split_pieces(args, plan, 1, axis, sizes, true);
  return {};
}

Status plan_split_v(const MoveArgs& args, MovePlan* plan) {
  TW_MOVE_VALUE(size_splits, args, plan, 1);
  TW_MOVE_VALUE(axis_value, args, plan, 2);
  const Shape& shape = args.shape(0);
  TW_ASSIGN_OR_RETURN(const int axis, split_axis(*axis_value, shape.rank()));
  const int64_t n = args.num_outputs();
  if (size_splits->shape().rank() != 1 || size_splits->num_elements() != n) {
    return invalid_argument("size of the split_tensor must be 1-D and have the same elements as outputs got ",
                            size_splits->num_elements(), " elements but there are ", n, " outputs");
  }
  std::vector<int64_t> sizes(static_cast<size_t>(n));
  int64_t sum = 0, open = -1;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t size = sizes[static_cast<size_t>(i)] = index_value(*size_splits, i);
    if (size == -1) {
      if (open >= 0) return invalid_argument("There can only be one -1 in the input.");
      open = i;
    } else if (size < 0) {
      return invalid_argument("Split size at index ", i, " must be >= 0. Got: ", size);
    } else {
      sum += size;
    }
  }
  if (open < 0 ? sum != shape[axis] : sum > shape[axis]) {
    return invalid_argument(
        "Determined shape must either match input shape along split_dim exactly if fully specified, or "
        "be less than the size of the input along split_dim if not fully specified.  Got: ",
        sum);
  }
  if (open >= 0) sizes[static_cast<size_t>(open)] = shape[axis] - sum;
  split_pieces(args, plan, 0, axis, sizes, true);
  return {};
}

Status plan_unpack(const MoveArgs& args, MovePlan* plan) {
  const Shape& shape = args.shape(0);
  const int64_t given = args.attrs().integer("axis"), n = args.num_outputs();
  const int axis = canonical_axis(given, shape.rank());
  if (axis < 0) return invalid_argument("axis = ", given, " not in [", -shape.rank(), ", ", shape.rank(), ")");
  if (shape[axis] != n) {
    return invalid_argument("Input shape axis ", axis, " must equal ", n, ", got shape ", shape);
  }
  const std::vector<int64_t> sizes(static_cast<size_t>(n), 1);
  split_pieces(args, plan, 0, axis, sizes, false);
  return {};
}

}  // namespace

TW_MOVE_KERNEL(Split, plan_split);
TW_MOVE_KERNEL(SplitV, plan_split_v);
TW_MOVE_KERNEL(Unpack, plan_unpack);

}  // namespace tw
