// Ops on sparse tensors: derivatives flow through the values.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val int64(Val a) { return cast(a, DType::kInt64); }
Val column(Val indices, int64_t d) {
  return call("GatherV2", {indices, integer(indices.builder(), d), integer(indices.builder(), 1)});
}

// Where in a tensor of this shape, which broadcasts to the sparse one, each entry's partner lies.
Val broadcast_indices(Val indices, Val sparse_shape, Val dense_shape) {
  const Val lead = size_of(sparse_shape) - size_of(dense_shape);
  const Val own =
      call("Slice", {indices, stack({integer(indices.builder(), 0), lead}), ints(indices.builder(), {-1, -1})});
  // 0 along dimensions of size 1.
  return call("Minimum", {own, dense_shape - 1});
}

}  // namespace

TW_GRADIENT(SparseReorder) {
  if (!v.has_dy(1)) return;
  Builder& b = v.b;
  const Val positions = range(integer(b, 0), size_of(v.x(1)), integer(b, 1));
  const Val order = call_n("SparseReorder", 2, {v.x(0), positions, v.x(2)})[1];
  v.give(1, gather(v.dy(1), call("InvertPermutation", {order})));
}

TW_GRADIENT(SparseAdd) {
  if (!v.has_dy(1)) return;
  const Vals g = call_n("SparseAddGrad", 2, {v.dy(1), v.x(0), v.x(3), v.y(0)});
  v.give(1, g[0]);
  v.give(4, g[1]);
}

TW_GRADIENT(SparseTensorDenseAdd) {
  v.give(1, call("GatherNd", {v.dy(), v.x(0)}));
  v.give(3, v.dy());
}

TW_GRADIENT(SparseSlice) {
  if (v.has_dy(1)) v.give(1, call("SparseSliceGrad", {v.dy(1), v.x(0), v.x(3), v.y(0)}));
}

TW_GRADIENT(SparseFillEmptyRows) {
  if (!v.has_dy(1)) return;
  const Vals g = call_n("SparseFillEmptyRowsGrad", 2, {v.y(3), v.dy(1)});
  v.give(1, g[0]);
  v.give(3, g[1]);
}

// An entry gets the derivative of the group that it was summed into.
TW_GRADIENT(SparseReduceSum) {
  Builder& b = v.b;
  const Val shape = v.x(2), rank = size_of(shape);
  const Val axes = call("FloorMod", {as_vector(v.x(3)), rank});
  // The kept shape: 1 along the summed dimensions.
  const Val every = range(integer(b, 0), rank, integer(b, 1));
  const Val kept = call_n("DynamicStitch", 1,
                          {every, axes, shape, fill(as_vector(size_of(axes)), int64(integer(b, 1)))}, {{"N", 2}})[0];
  v.give(1, call("GatherNd", {reshape(v.dy(), kept), call("Minimum", {v.x(0), kept - 1})}));
}

TW_GRADIENT(SparseTensorDenseMatMul) {
  const bool ta = v.attr().boolean("adjoint_a"), tb = v.attr().boolean("adjoint_b");
  const Val g = v.dy();
  // d b = a^H dy; for an adjoint b its adjoint. The op transposes a and does not conjugate it.
  const Val db = call("SparseTensorDenseMatMul", {v.x(0), conj(v.x(1)), v.x(2), g}, {{"adjoint_a", !ta}});
  v.give(3, tb ? swap_last_two(db) : db);
  // d a[i, k] = dy[i, :] . conj(b[k, :]), for the entries of a only.
  const Val rows = column(v.x(0), ta ? 1 : 0), inner = column(v.x(0), ta ? 0 : 1);
  const Val b = tb ? swap_last_two(v.x(3)) : v.x(3);
  v.give(1, sum(gather(g, rows) * conj(gather(b, inner)), {1}));
}

TW_GRADIENT(SparseDenseCwiseAdd) {
  v.give(1, v.dy());
  const Val shape = shape_of(v.x(3), DType::kInt64);
  v.give(3, call("ScatterNd", {broadcast_indices(v.x(0), v.x(2), shape), v.dy(), shape}));
}
TW_GRADIENT(SparseDenseCwiseMul) {
  const Val shape = shape_of(v.x(3), DType::kInt64), at = broadcast_indices(v.x(0), v.x(2), shape);
  v.give(1, v.dy() * conj(call("GatherNd", {v.x(3), at})));
  v.give(3, call("ScatterNd", {at, v.dy() * conj(v.x(1)), shape}));
}
TW_GRADIENT(SparseDenseCwiseDiv) {
  const Val shape = shape_of(v.x(3), DType::kInt64), at = broadcast_indices(v.x(0), v.x(2), shape);
  const Val divisor = conj(call("GatherNd", {v.x(3), at})), dx = v.dy() / divisor;
  v.give(1, dx);
  v.give(3, call("ScatterNd", {at, -(dx * conj(v.y())), shape}));
}

// y (dy - sum of dy y over the row).
TW_GRADIENT(SparseSoftmax) {
  const Val product = v.dy() * v.y();
  const Val sums = call("SparseReduceSum", {v.x(0), product, v.x(2), ints(v.b, {-1})}, {{"keep_dims", true}});
  v.give(1,
         (v.dy() - call("GatherNd", {sums, broadcast_indices(v.x(0), v.x(2), shape_of(sums, DType::kInt64))})) * v.y());
}

}  // namespace tw
