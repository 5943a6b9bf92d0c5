// Concat, ConcatV2 and Pack.
#include "core/kernels/cpu/array/move_kernel.h"

namespace tw {
namespace {

Status concat(const MoveArgs& args, MovePlan* plan, int axis_input, int first, int count) {
  TW_MOVE_VALUE(axis_value, args, plan, axis_input);
  if (axis_value->num_elements() != 1) {
    return invalid_argument("Concat dim tensor should be a scalar integer, but got shape ", axis_value->shape());
  }
  const int64_t given = index_value(*axis_value, 0);
  const Shape& model = args.shape(first);
  const int rank = model.rank(), axis = canonical_axis(given, rank);
  if (axis < 0) {
    return invalid_argument("ConcatOp : Expected concatenating dimensions in the range [", -rank, ", ", rank,
                            "), but got ", given);
  }
  int64_t total = 0;
  for (int i = 0; i < count; ++i) {
    const Shape& s = args.shape(first + i);
    if (s.rank() != rank) {
      return invalid_argument("ConcatOp : Ranks of all input tensors should match: shape[0] = ", model, " vs. shape[",
                              i, "] = ", s);
    }
    for (int d = 0; d < rank; ++d) {
      if (d == axis || s[d] == model[d]) continue;
      return invalid_argument("ConcatOp : Dimensions of inputs should match: shape[0] = ", model, " vs. shape[", i,
                              "] = ", s);
    }
    total += s[axis];
  }
  Shape out = model;
  out.set_dim(axis, total);
  plan->shapes = {out};
  // Each input is a block of [outer, its size along the axis and all within].
  const int64_t outer = model.product(0, axis), inner = model.product(axis + 1, rank);
  int64_t at = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t run = args.shape(first + i)[axis] * inner;
    const int64_t dims[] = {outer, run}, from[] = {run, 1}, to[] = {total * inner, 1};
    add_piece(args, plan, first + i, 0, from, 0, at, to, dims);
    at += run;
  }
  return {};
}

Status plan_concat(const MoveArgs& args, MovePlan* plan) { return concat(args, plan, 0, 1, args.num_inputs() - 1); }
Status plan_concat_v2(const MoveArgs& args, MovePlan* plan) {
  return concat(args, plan, args.num_inputs() - 1, 0, args.num_inputs() - 1);
}

Status plan_pack(const MoveArgs& args, MovePlan* plan) {
  const Shape& model = args.shape(0);
  const int n = args.num_inputs(), rank = model.rank();
  const int64_t given = args.attrs().integer("axis");
  const int axis = canonical_axis(given, rank + 1);
  if (axis < 0) return invalid_argument("axis = ", given, " not in [", -(rank + 1), ", ", rank + 1, ")");
  if (rank == kMaxRank) return invalid_argument("Pack would give a rank above ", kMaxRank, ": ", model);
  Shape out;
  for (int d = 0; d <= rank; ++d) out.add_dim(d == axis ? n : model[d < axis ? d : d - 1]);
  plan->shapes = {out};
  const int64_t outer = model.product(0, axis), inner = model.product(axis, rank);
  for (int i = 0; i < n; ++i) {
    if (args.shape(i) != model) {
      return invalid_argument("Shapes of all inputs must match: values[0].shape = ", model, " != values[", i,
                              "].shape = ", args.shape(i));
    }
    const int64_t dims[] = {outer, inner}, from[] = {inner, 1}, to[] = {n * inner, 1};
    add_piece(args, plan, i, 0, from, 0, i * inner, to, dims);
  }
  return {};
}

}  // namespace

TW_MOVE_KERNEL(Concat, plan_concat);
TW_MOVE_KERNEL(ConcatV2, plan_concat_v2);
TW_MOVE_KERNEL(Pack, plan_pack);

}  // namespace tw
