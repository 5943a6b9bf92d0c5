// Ops that pick or place rows and elements by index.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

// The derivative of rows gathered along dimension 0 of a tensor of this shape: only those rows.
void give_gathered_rows(Vjp& v, Val params_shape) {
  const Val flat = as_vector(v.x(1));
  const Val values_shape = concat({as_vector(size_of(v.x(1))), part(params_shape, 1)}, 0);
  v.give_rows(0, reshape(v.dy(), values_shape), flat, params_shape);
}

Val variable_shape(Vjp& v, DType t = DType::kInt32) {
  const Shape s = v.b.graph().handle(v.op.inputs[0]).shape;
  if (s.fully_known()) {
    if (t == DType::kInt64) return {v.b, v.b.constant(Tensor::vector<int64_t>(s.dims()))};
    return ints(v.b, s.dims());
  }
  return call("VariableShape", {v.x(0)}, {{"out_type", t}});
}

// Adds to each index the start of its batch in params with batch and gathered dimensions flattened into one.
Val offset_by_batch(Val indices, Val params_shape, int batch_dims) {
  Builder& b = indices.builder();
  const DType t = indices.dtype();
  const Val zero = cast(integer(b, 0), t), one = cast(integer(b, 1), t);
  Val stride = one, result = indices;
  for (int d = batch_dims; d > 0; --d) {
    const Val size = cast(at(params_shape, d - 1), t);
    stride = stride * cast(at(params_shape, d), t);
    const Val starts = range(zero, size, one) * stride;
    Vals shape;
    const Val unit = integer(b, 1);
    for (int i = 0; i < d - 1; ++i) shape.push_back(unit);
    shape.push_back(cast(size, DType::kInt32));
    const Val rest = rank_of(indices) - static_cast<double>(d);
    result = result + reshape(starts, concat({stack(shape), fill(as_vector(rest), unit)}, 0));
  }
  return result;
}

// GatherV2 with any axis and batch dimensions: brings the gathered dimension behind the batch ones, adds the slices up
// there, and puts the dimension back.
Val gathered_along(Vjp& v, int64_t axis, int batch_dims) {
  Builder& b = v.b;
  const Val shape = shape_of(v.x(0)), unit = integer(b, 1);
  const Val rank = rank_of(v.x(0));
  const auto upto = [&](int64_t n) { return range(integer(b, 0), integer(b, n), unit); };
  // dy is [outer, indices, inner] with the indices' own non-batch dimensions flattened.
  const Val outer = part(shape, 0, axis), inner = part(shape, axis + 1);
  const Val along = call("Prod", {part(shape_of(v.x(1)), batch_dims), ints(b, {0})});
  const Val values = reshape(v.dy(), concat({outer, as_vector(along), inner}, 0));
  const Val behind = range(integer(b, axis + 1), rank, unit);
  const Val between = range(integer(b, batch_dims), integer(b, axis), unit);
  const Val front = concat({upto(batch_dims), ints(b, {axis}), between, behind}, 0);
  Val rows = call("Transpose", {values, front});

  Val indices = v.x(1), count = at(shape, axis);
  const Val row_shape = concat({part(shape, batch_dims, axis), inner}, 0);
  const Val batch = part(shape, 0, batch_dims);
  if (batch_dims > 0) {
    // Each batch has its own range of `count` rows.
    const Val sizes = concat({batch, as_vector(count)}, 0);
    indices = offset_by_batch(indices, sizes, batch_dims);
    const Val batches = call("Prod", {batch, ints(b, {0})});
    rows = reshape(rows, concat({as_vector(batches * along), row_shape}, 0));
    count = count * batches;
  }
  Val g = call("UnsortedSegmentSum", {rows, as_vector(indices), count});
  if (batch_dims > 0) g = reshape(g, concat({batch, as_vector(at(shape, axis)), row_shape}, 0));
  const Val back = concat(
      {upto(batch_dims), range(integer(b, batch_dims + 1), integer(b, axis + 1), unit), ints(b, {batch_dims}), behind},
      0);
  return call("Transpose", {g, back});
}

void give_gather_nd(Vjp& v, Val params_shape) {
  const Shape s = v.x(1).shape();
  if (s.rank() == 2 && s[1] == 1) {
    v.give_rows(0, v.dy(), call("Squeeze", {v.x(1)}, {{"squeeze_dims", std::vector<int64_t>{1}}}), params_shape);
  } else {
    v.give(0, call("ScatterNd", {v.x(1), v.dy(), params_shape}));
  }
}

}  // namespace

TW_GRADIENT(Gather) { give_gathered_rows(v, shape_of(v.x(0))); }
TW_GRADIENT(GatherV2) {
  const auto axis = v.constant(2);
  int64_t batch_dims = v.attr().has("batch_dims") ? v.attr().integer("batch_dims") : 0;
  if (batch_dims < 0) batch_dims += v.x(1).shape().rank();
  if (!axis) {
    return v.fail(
        invalid_argument("The gradient of '", v.op.name, "' (GatherV2) needs an axis that is known in the graph"));
  }
  int64_t a = index_value(*axis, 0);
  if (a == 0 && batch_dims == 0) return give_gathered_rows(v, shape_of(v.x(0)));
  if (a < 0) {
    if (!v.x(0).shape().rank_known()) {
      return v.fail(invalid_argument("The gradient of '", v.op.name, "' (GatherV2) with axis ", a,
                                     " needs params of known rank"));
    }
    a += v.x(0).shape().rank();
  }
  v.give(0, gathered_along(v, a, static_cast<int>(batch_dims)));
}
TW_GRADIENT(ResourceGather) { give_gathered_rows(v, variable_shape(v)); }
TW_GRADIENT(GatherNd) { give_gather_nd(v, shape_of(v.x(0), v.x(1).dtype())); }
TW_GRADIENT(ResourceGatherNd) { give_gather_nd(v, variable_shape(v, v.x(1).dtype())); }

TW_GRADIENT(ScatterNd) { v.give(1, call("GatherNd", {v.dy(), v.x(0)})); }
TW_GRADIENT(ScatterNdNonAliasingAdd) {
  v.give(0, v.dy());
  v.give(2, call("GatherNd", {v.dy(), v.x(1)}));
}
TW_GRADIENT(TensorScatterUpdate) {
  v.give(0, call("TensorScatterUpdate", {v.dy(), v.x(1), zeros_like(v.x(2))}));
  v.give(2, call("GatherNd", {v.dy(), v.x(1)}));
}
TW_GRADIENT(TensorScatterAdd) {
  v.give(0, v.dy());
  v.give(2, call("GatherNd", {v.dy(), v.x(1)}));
}
TW_GRADIENT(TensorScatterSub) {
  v.give(0, v.dy());
  v.give(2, -call("GatherNd", {v.dy(), v.x(1)}));
}

TW_GRADIENT(SparseToDense) {
  const Val rank = size_of(v.x(1));
  const Val places = reshape(v.x(0), stack({integer(v.b, -1), rank}));
  const Val picked = call("GatherNd", {v.dy(), places});
  v.give(2, v.x(2).shape().rank() == 0 ? sum_all(picked) : reshape_like(picked, v.x(2)));
  v.give(3, sum_all(v.dy()) - sum_all(picked));
}

// To the elements that are the one chosen, in equal parts.
TW_GRADIENT(NthElement) {
  const Val chosen = cast(call("Equal", {expand_dims(v.y(), -1), v.x(0)}), v.dy().dtype());
  v.give(0, chosen / sum(chosen, {-1}, true) * expand_dims(v.dy(), -1));
}

TW_GRADIENT(DynamicPartition) {
  Builder& b = v.b;
  const Val partitions = v.x(1);
  const Val positions = reshape_like(range(integer(b, 0), size_of(partitions), integer(b, 1)), partitions);
  const size_t n = static_cast<size_t>(v.num_outputs());
  Vals in = call_n("DynamicPartition", n, {positions, partitions}, {{"num_partitions", v.num_outputs()}});
  for (int i = 0; i < v.num_outputs(); ++i) in.push_back(v.dy_or_zeros(i));
  v.give(0, reshape_like(call_n("DynamicStitch", 1, in, {{"N", v.num_outputs()}})[0], v.x(0)));
}
TW_GRADIENT(DynamicStitch) {
  const int n = v.num_inputs() / 2;
  for (int i = 0; i < n; ++i) v.give(n + i, gather(v.dy(), v.x(i)));
}

}  // namespace tw
