// Shapes of reductions, running sums, segments and products of matrices.
#include <algorithm>

#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_reduce(ShapeContext& c) {
  const Shape& in = c.input(0);
  const bool keep = c.attrs().boolean("keep_dims");
  const Shape& axes_shape = c.input(1);
  if (axes_shape.rank() > 1) {
    return invalid_argument("Shape must be at most rank 1 but is rank ", axes_shape.rank(), ": ", axes_shape);
  }
  const auto axes = values_of(c, 1);
  if (!in.rank_known() || !axes) {
    if (keep && in.rank_known()) {
      c.set_output(0, Shape::unknown_of_rank(in.rank()));
    } else if (in.rank_known() && axes_shape.rank() == 0 && in.rank() > 0) {
      c.set_output(0, Shape::unknown_of_rank(in.rank() - 1));
    } else {
      c.set_output(0, Shape::unknown());
    }
    return {};
  }
  TW_ASSIGN_OR_RETURN(const Shape out, reduced(in, *axes, keep));
  c.set_output(0, out);
  return {};
}

// Inputs broadcast to the space that is reduced over; operands, to the result.
Status shape_fused_reduce(ShapeContext& c) {
  Shape space = c.input(0);
  TW_ASSIGN_OR_RETURN(const auto inputs, c.input_range("inputs"));
  for (int i = 1; i < inputs.second; ++i) {
    TW_ASSIGN_OR_RETURN(space, broadcast(space, c.input(i)));
  }
  if (!space.rank_known()) return {};
  TW_ASSIGN_OR_RETURN(const Shape out, reduced(space, c.attrs().ints("axes"), c.attrs().boolean("keep_dims")));
  all_outputs(c, out);
  return {};
}

Status shape_fused_rows(ShapeContext& c) {
  const auto& shapes = c.attrs().must<std::vector<Shape>>("shapes");
  for (size_t i = 0; i < shapes.size(); ++i) c.set_output(static_cast<int>(i), shapes[i]);
  return {};
}

Status shape_arg_reduce(ShapeContext& c) {
  const Shape& in = c.input(0);
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  if (!in.rank_known()) return {};
  if (in.rank() == 0) {
    return invalid_argument("Shape must be at least rank 1 but is rank 0: ", in);
  }
  const auto axis = values_of(c, 1);
  if (!axis) {
    c.set_output(0, Shape::unknown_of_rank(in.rank() - 1));
    return {};
  }
  const int64_t a = axis->front();
  if (a < -in.rank() || a >= in.rank()) {
    return invalid_argument("Dimension (", a, ") must be in the range [", -in.rank(), ", ", in.rank(), "), where ",
                            in.rank(), " is the number of dimensions in the input.");
  }
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (i != (a < 0 ? a + in.rank() : a)) out.add_dim(in[i]);
  }
  c.set_output(0, out);
  return {};
}

Status shape_scan(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  const auto axis = values_of(c, 1);
  if (axis && c.input(0).rank_known()) {
    const int rank = c.input(0).rank();
    if (axis->front() < -rank || axis->front() >= rank) {
      return invalid_argument("ScanOp: Expected scan axis in the range [", -rank, ", ", rank, "), but got ",
                              axis->front());
    }
  }
  c.set_output(0, c.input(0));
  return {};
}

Status shape_bincount(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const int64_t size, scalar_value(c, 1));
  if (c.value(1) && size < 0) return invalid_argument("size must be non-negative, but got ", size);
  c.set_output(0, Shape{size});
  return {};
}

Status shape_histogram(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  TW_ASSIGN_OR_RETURN(const int64_t bins, scalar_value(c, 2));
  if (c.value(2) && bins <= 0) return invalid_argument("Requires nbins > 0: ", bins);
  c.set_output(0, Shape{bins});
  return {};
}

// The last dimension gives one of its elements.
Status shape_nth_element(ShapeContext& c) {
  Shape in;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &in));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  if (in.rank_known()) c.set_output(0, part(in, 0, in.rank() - 1));
  return {};
}

namespace {

// `rows` in place of the first dimension.
Status with_rows(ShapeContext& c, int64_t rows, int dropped) {
  const Shape& data = c.input(0);
  if (!data.rank_known()) {
    c.set_output(0, Shape::unknown());
    return {};
  }
  TW_ASSIGN_OR_RETURN(const Shape out, join(Shape{rows}, part(data, dropped, data.rank())));
  c.set_output(0, out);
  return {};
}

}  // namespace

Status shape_segment(ShapeContext& c) {
  Shape data, ids;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &data));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &ids));
  if (data.rank_known()) TW_RETURN_IF_ERROR(merge_dim(data[0], ids[0]).status());
  return with_rows(c, kUnknownDim, 1);
}

Status shape_unsorted_segment(ShapeContext& c) {
  const Shape &data = c.input(0), &ids = c.input(1);
  TW_ASSIGN_OR_RETURN(const int64_t rows, scalar_value(c, 2));
  if (c.value(2) && rows < 0) return invalid_argument("num_segments must be non-negative, but got ", rows);
  if (!data.rank_known() || !ids.rank_known()) return {};
  if (ids.rank() > data.rank()) {
    return invalid_argument("Shape must be at least rank ", ids.rank(), " but is rank ", data.rank(), ": ", data);
  }
  TW_RETURN_IF_ERROR(merge(part(data, 0, ids.rank()), ids).status());
  return with_rows(c, rows, ids.rank());
}

Status shape_sparse_segment(ShapeContext& c) {
  Shape data, indices, ids;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &data));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &indices));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &ids));
  TW_RETURN_IF_ERROR(merge(indices, ids).status());
  int64_t rows = kUnknownDim;
  if (c.num_inputs() > 3) {
    TW_ASSIGN_OR_RETURN(rows, scalar_value(c, 3));
    if (c.value(3) && rows < 0) return invalid_argument("num_segments must be non-negative, but got ", rows);
  }
  return with_rows(c, rows, 1);
}

Status shape_sparse_segment_grad(ShapeContext& c) {
  Shape data, indices, ids;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &data));
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &indices));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &ids));
  TW_RETURN_IF_ERROR(merge(indices, ids).status());
  TW_ASSIGN_OR_RETURN(const int64_t rows, scalar_value(c, 3));
  return with_rows(c, rows, 1);
}

Status shape_matmul(ShapeContext& c) {
  Shape a, b;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &a));
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &b));
  const bool ta = c.attrs().boolean("transpose_a"), tb = c.attrs().boolean("transpose_b");
  TW_RETURN_IF_ERROR(merge_dim(a[ta ? 0 : 1], b[tb ? 1 : 0]).status());
  c.set_output(0, Shape{a[ta ? 1 : 0], b[tb ? 0 : 1]});
  return {};
}

namespace {

Status batch_matmul(ShapeContext& c, bool broadcasts) {
  Shape a, b;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 2, &a));
  TW_RETURN_IF_ERROR(c.with_rank_at_least(1, 2, &b));
  if (!a.rank_known() || !b.rank_known()) return {};
  const bool ta = c.attrs().boolean("adj_x"), tb = c.attrs().boolean("adj_y");
  const int ra = a.rank(), rb = b.rank();
  const Shape batch_a = part(a, 0, ra - 2), batch_b = part(b, 0, rb - 2);
  TW_ASSIGN_OR_RETURN(const Shape batch, broadcasts ? broadcast(batch_a, batch_b) : merge(batch_a, batch_b));
  TW_RETURN_IF_ERROR(merge_dim(a[ra - (ta ? 2 : 1)], b[rb - (tb ? 1 : 2)]).status());
  TW_ASSIGN_OR_RETURN(const Shape out, join(batch, Shape{a[ra - (ta ? 1 : 2)], b[rb - (tb ? 2 : 1)]}));
  c.set_output(0, out);
  return {};
}

}  // namespace

Status shape_batch_matmul(ShapeContext& c) { return batch_matmul(c, false); }
Status shape_batch_matmul_v2(ShapeContext& c) { return batch_matmul(c, true); }

}  // namespace tw
