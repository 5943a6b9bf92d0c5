// Shapes of gathers, scatters, partitions, sets and random draws.
#include <algorithm>

#include "core/ops/shape/index_shapes.h"

namespace tw {
using namespace shape_util;

Result<Shape> gathered_shape(const Shape& params, const Shape& indices, int axis, int64_t batch_dims) {
  if (!params.rank_known() || !indices.rank_known()) return Shape::unknown();
  if (batch_dims < 0) batch_dims += indices.rank();
  if (batch_dims < 0 || batch_dims > indices.rank() || batch_dims > axis) {
    return invalid_argument("batch_dims (", batch_dims, ") must be at most the rank of the indices (", indices.rank(),
                            ") and axis (", axis, ")");
  }
  const int batch = static_cast<int>(batch_dims);
  TW_RETURN_IF_ERROR(merge(part(params, 0, batch), part(indices, 0, batch)).status());
  TW_ASSIGN_OR_RETURN(const Shape front, join(part(params, 0, axis), part(indices, batch, indices.rank())));
  return join(front, part(params, axis + 1, params.rank()));
}

Result<Shape> gathered_nd_shape(const Shape& params, const Shape& indices) {
  if (!indices.rank_known() || !params.rank_known()) return Shape::unknown();
  if (indices.rank() < 1) return invalid_argument("Shape must be at least rank 1 but is rank 0: ", indices);
  const int64_t depth = indices[indices.rank() - 1];
  if (depth < 0) return Shape::unknown();
  if (depth > params.rank()) {
    return invalid_argument("indices.shape[-1] must be <= params.rank, but saw indices shape: ", indices,
                            " and params shape: ", params);
  }
  return join(part(indices, 0, indices.rank() - 1), part(params, static_cast<int>(depth), params.rank()));
}

Status check_row_updates(const Shape& ref, const Shape& indices, const Shape& updates) {
  if (!ref.rank_known() || !indices.rank_known() || updates.rank() == 0) return {};
  if (ref.rank() < 1) return invalid_argument("Shape must be at least rank 1 but is rank 0: ", ref);
  TW_ASSIGN_OR_RETURN(const Shape expected, join(indices, part(ref, 1, ref.rank())));
  return merge(expected, updates).status();
}

Status check_nd_updates(const Shape& ref, const Shape& indices, const Shape& updates) {
  TW_ASSIGN_OR_RETURN(const Shape expected, gathered_nd_shape(ref, indices));
  const Result<Shape> both = merge(expected, updates);
  if (both.ok()) return {};
  return invalid_argument(
      "The updates must have the shape of the indices without their last dimension and of the "
      "slices, ",
      expected, ", but have shape ", updates, " (indices ", indices, ", output ", ref, ")");
}

Status shape_gather(ShapeContext& c) {
  Shape params;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &params));
  TW_ASSIGN_OR_RETURN(const Shape s, gathered_shape(params, c.input(1), 0, 0));
  c.set_output(0, s);
  return {};
}

Status shape_gather_v2(ShapeContext& c) {
  Shape params;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &params));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  const auto axis = values_of(c, 2);
  const Shape& indices = c.input(1);
  if (!params.rank_known()) return {};
  const int64_t batch_dims = c.attrs().integer("batch_dims");
  if (!axis) {
    if (indices.rank_known()) {
      const int64_t shared = batch_dims < 0 ? batch_dims + indices.rank() : batch_dims;
      const int64_t rank = params.rank() + indices.rank() - 1 - shared;
      c.set_output(0, Shape::unknown_of_rank(static_cast<int>(std::clamp<int64_t>(rank, 0, kMaxRank))));
    }
    return {};
  }
  TW_ASSIGN_OR_RETURN(const int a, axis_in(axis->front(), params.rank()));
  TW_ASSIGN_OR_RETURN(const Shape s, gathered_shape(params, indices, a, batch_dims));
  c.set_output(0, s);
  return {};
}

Status shape_gather_nd(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, gathered_nd_shape(c.input(0), c.input(1)));
  c.set_output(0, s);
  return {};
}

Status shape_scatter_nd(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(2));
  TW_RETURN_IF_ERROR(check_nd_updates(s, c.input(0), c.input(1)));
  c.set_output(0, s);
  return {};
}

Status shape_scatter_nd_tensor(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_nd_updates(c.input(0), c.input(1), c.input(2)));
  c.set_output(0, c.input(0));
  return {};
}

Status shape_sparse_to_dense(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(1));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  c.set_output(0, s);
  return {};
}

Status shape_dynamic_partition(ShapeContext& c) {
  const Shape &data = c.input(0), &partitions = c.input(1);
  if (!data.rank_known() || !partitions.rank_known()) return {};
  if (partitions.rank() > data.rank()) {
    return invalid_argument("Shape must be at least rank ", partitions.rank(), " but is rank ", data.rank(), ": ",
                            data);
  }
  TW_RETURN_IF_ERROR(merge(part(data, 0, partitions.rank()), partitions).status());
  TW_ASSIGN_OR_RETURN(const Shape out, join(Shape{kUnknownDim}, part(data, partitions.rank(), data.rank())));
  all_outputs(c, out);
  return {};
}

Status shape_dynamic_stitch(ShapeContext& c) {
  const int n = c.num_inputs() / 2;
  Shape rest = Shape::unknown();
  int64_t largest = -1;
  bool known = true;
  for (int i = 0; i < n; ++i) {
    const Shape &indices = c.input(i), &data = c.input(n + i);
    if (const auto values = values_of(c, i)) {
      for (const int64_t v : *values) largest = std::max(largest, v);
    } else {
      known = false;
    }
    if (!indices.rank_known() || !data.rank_known()) continue;
    if (indices.rank() > data.rank()) {
      return invalid_argument("Shape must be at least rank ", indices.rank(), " but is rank ", data.rank(), ": ", data);
    }
    TW_RETURN_IF_ERROR(merge(part(data, 0, indices.rank()), indices).status());
    TW_ASSIGN_OR_RETURN(rest, merge(rest, part(data, indices.rank(), data.rank())));
  }
  TW_ASSIGN_OR_RETURN(const Shape out, join(Shape{known ? largest + 1 : kUnknownDim}, rest));
  c.set_output(0, out);
  return {};
}

// y and count have one entry per distinct element, idx one per element.
Status shape_unique(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank(0, 1, &in));
  all_outputs(c, Shape{kUnknownDim});
  c.set_output(1, in);
  return {};
}

Status shape_unique_v2(ShapeContext& c) {
  Shape s = c.input(0);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  all_outputs(c, Shape{kUnknownDim});
  const auto axis = values_of(c, 1);
  if (!s.rank_known() || !axis || axis->size() > 1) {
    c.set_output(0, s.rank_known() ? Shape::unknown_of_rank(s.rank()) : s);
    return {};
  }
  TW_ASSIGN_OR_RETURN(const int d, axis_in(axis->empty() ? 0 : axis->front(), s.rank()));
  c.set_output(1, Shape{s[d]});
  s.set_dim(d, kUnknownDim);
  c.set_output(0, s);
  return {};
}

// Coordinates [dimensions, indices] of flat indices.
Status shape_unravel_index(ShapeContext& c) {
  Shape dims;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &dims));
  const Shape& indices = c.input(0);
  if (!indices.rank_known()) return {};
  c.set_output(
      0, indices.rank() == 0 ? dims : Shape{dims[0], indices.fully_known() ? indices.num_elements() : kUnknownDim});
  return {};
}

// One row of positions for each row of values.
Status shape_bound(ShapeContext& c) {
  Shape sorted, values;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &sorted));
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &values));
  TW_RETURN_IF_ERROR(merge_dim(sorted[0], values[0]).status());
  c.set_output(0, values);
  return {};
}

Status shape_list_diff(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  all_outputs(c, Shape{kUnknownDim});
  return {};
}

Status shape_where(ShapeContext& c) {
  c.set_output(0, Shape{kUnknownDim, c.input(0).rank()});
  return {};
}

Status shape_random(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  if (c.num_inputs() > 1 && c.op().inputs[1].name == "seed") {
    Shape seed;
    TW_RETURN_IF_ERROR(c.with_rank(1, 1, &seed));
    TW_RETURN_IF_ERROR(merge_dim(seed[0], 2).status());
  }
  c.set_output(0, s);
  return {};
}

Status shape_random_gamma(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape s, c.value_as_shape(0));
  TW_ASSIGN_OR_RETURN(const Shape out, join(s, c.input(1)));
  c.set_output(0, out);
  return {};
}

Status shape_multinomial(ShapeContext& c) {
  Shape logits;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &logits));
  TW_ASSIGN_OR_RETURN(const int64_t samples, scalar_value(c, 1));
  if (c.value(1) && samples < 0) return invalid_argument("num_samples should be nonnegative, got ", samples);
  c.set_output(0, Shape{logits[0], samples});
  return {};
}

Status shape_candidate_sampler(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 2));
  const Shape candidates{c.attrs().integer("num_sampled")};
  const Shape& classes = c.input(0);
  c.set_output(0, candidates);
  c.set_output(1, Shape{classes.rank_known() ? classes[0] : kUnknownDim, c.attrs().integer("num_true")});
  c.set_output(2, candidates);
  return {};
}

// One entry for each hit.
Status shape_accidental_hits(ShapeContext& c) {
  Shape classes;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &classes));
  TW_RETURN_IF_ERROR(merge_dim(classes[1], c.attrs().integer("num_true")).status());
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  all_outputs(c, Shape{kUnknownDim});
  return {};
}

}  // namespace tw
