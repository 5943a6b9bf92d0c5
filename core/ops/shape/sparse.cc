// Shapes of the ops on sparse tensors in coordinate form (indices, values, dense shape).
#include <algorithm>

#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// Rank of the sparse tensor whose dense shape is input i; -1 while it is not known.
int64_t sparse_rank(const ShapeContext& c, int i) {
  const Shape& s = c.input(i);
  return s.rank() == 1 ? s[0] : kUnknownDim;
}

Status check_sparse(const ShapeContext& c, int first) {
  TW_RETURN_IF_ERROR(check_rank(c, first, 2));
  TW_RETURN_IF_ERROR(check_rank(c, first + 1, 1));
  return check_rank(c, first + 2, 1);
}

// Outputs from `first` on: indices and values of `count` entries, and a dense shape.
void set_sparse(ShapeContext& c, int first, int64_t count, int64_t rank) {
  c.set_output(first, Shape{count, rank});
  c.set_output(first + 1, Shape{count});
  if (c.num_outputs() > first + 2) c.set_output(first + 2, Shape{rank});
}

int64_t entries(const ShapeContext& c, int values) {
  return c.input(values).rank() == 1 ? c.input(values)[0] : kUnknownDim;
}

}  // namespace

// As many entries as the input has.
Status shape_sparse_reorder(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  set_sparse(c, 0, entries(c, 1), sparse_rank(c, 2));
  return {};
}

Status shape_sparse_reshape(ShapeContext& c) {
  Shape indices;
  TW_RETURN_IF_ERROR(c.with_rank(0, 2, &indices));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 1));
  const int64_t rank = sparse_rank(c, 2);
  c.set_output(0, Shape{indices[0], rank});
  c.set_output(1, Shape{rank});
  return {};
}

// A sparse tensor with a number of entries that the values tell.
Status shape_sparse_result(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  set_sparse(c, 0, kUnknownDim, sparse_rank(c, 2));
  return {};
}

Status shape_sparse_concat(ShapeContext& c) {
  const int n = c.num_inputs() / 3;
  int64_t count = 0, rank = kUnknownDim;
  for (int i = 0; i < n; ++i) {
    TW_RETURN_IF_ERROR(check_rank(c, i, 2));
    count = add_dims(count, entries(c, n + i));
    TW_ASSIGN_OR_RETURN(rank, merge_dim(rank, sparse_rank(c, 2 * n + i)));
  }
  set_sparse(c, 0, count, rank);
  return {};
}

Status shape_sparse_split(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_one_element(c, 0));
  TW_RETURN_IF_ERROR(check_sparse(c, 1));
  const int parts = c.num_outputs() / 3;
  const int64_t rank = sparse_rank(c, 3);
  for (int i = 0; i < parts; ++i) {
    c.set_output(i, Shape{kUnknownDim, rank});
    c.set_output(parts + i, Shape{kUnknownDim});
    c.set_output(2 * parts + i, Shape{rank});
  }
  return {};
}

Status shape_sparse_slice_grad(ShapeContext& c) {
  Shape indices;
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &indices));
  c.set_output(0, Shape{indices[0]});
  return {};
}

Status shape_sparse_add(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  TW_RETURN_IF_ERROR(check_sparse(c, 3));
  TW_ASSIGN_OR_RETURN(const int64_t rank, merge_dim(sparse_rank(c, 2), sparse_rank(c, 5)));
  set_sparse(c, 0, kUnknownDim, rank);
  return {};
}

Status shape_sparse_add_grad(ShapeContext& c) {
  for (int i = 0; i < 2; ++i) {
    Shape indices;
    TW_RETURN_IF_ERROR(c.with_rank(1 + i, 2, &indices));
    c.set_output(i, Shape{indices[0]});
  }
  return {};
}

// The values of a sparse tensor, changed.
Status shape_sparse_values(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  Shape values;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &values));
  c.set_output(0, values);
  return {};
}

Status shape_sparse_tensor_dense_add(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  c.set_output(0, c.input(3));
  return {};
}

Status shape_sparse_matmul(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  Shape b;
  TW_RETURN_IF_ERROR(c.with_rank(3, 2, &b));
  TW_ASSIGN_OR_RETURN(Shape a, c.value_as_shape(2));
  TW_ASSIGN_OR_RETURN(a, merge(a, Shape::unknown_of_rank(2)));
  const int rows = c.attrs().boolean("adjoint_a") ? 1 : 0, columns = c.attrs().boolean("adjoint_b") ? 0 : 1;
  TW_RETURN_IF_ERROR(merge_dim(a[1 - rows], b[1 - columns]).status());
  c.set_output(0, Shape{a[rows], b[columns]});
  return {};
}

Status shape_sparse_reduce(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  TW_ASSIGN_OR_RETURN(const Shape in, c.value_as_shape(2));
  const auto axes = values_of(c, 3);
  if (!in.rank_known() || !axes) return {};
  TW_ASSIGN_OR_RETURN(const Shape out, reduced(in, *axes, c.attrs().boolean("keep_dims")));
  c.set_output(0, out);
  return {};
}

Status shape_sparse_reduce_sparse(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  set_sparse(c, 0, kUnknownDim, kUnknownDim);
  return {};
}

Status shape_sparse_fill_rows(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  TW_ASSIGN_OR_RETURN(const Shape dense, c.value_as_shape(2));
  c.set_output(0, Shape{kUnknownDim, sparse_rank(c, 2)});
  c.set_output(1, Shape{kUnknownDim});
  c.set_output(2, Shape{dense.rank() > 0 ? dense[0] : kUnknownDim});
  c.set_output(3, Shape{entries(c, 1)});
  return {};
}

Status shape_sparse_fill_rows_grad(ShapeContext& c) {
  Shape map;
  TW_RETURN_IF_ERROR(c.with_rank(0, 1, &map));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  c.set_output(0, map);
  c.set_output(1, Shape{});
  return {};
}

// The dense shape without its last dimension.
Status shape_edit_distance(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  TW_RETURN_IF_ERROR(check_sparse(c, 3));
  const auto h = values_of(c, 2), t = values_of(c, 5);
  if (!h || !t) {
    TW_ASSIGN_OR_RETURN(const int64_t rank, merge_dim(sparse_rank(c, 2), sparse_rank(c, 5)));
    if (rank > 0) c.set_output(0, Shape::unknown_of_rank(static_cast<int>(rank) - 1));
    return {};
  }
  if (h->size() != t->size() || t->empty()) {
    return invalid_argument("Expected hypothesis_shape and truth_shape of one length, but they have ", h->size(),
                            " and ", t->size(), " elements");
  }
  std::vector<int64_t> dims;
  for (size_t d = 0; d + 1 < t->size(); ++d) dims.push_back(std::max((*h)[d], (*t)[d]));
  TW_ASSIGN_OR_RETURN(const Shape s, Shape::make(dims));
  c.set_output(0, s);
  return {};
}

Status shape_serialize_sparse(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  c.set_output(0, Shape{3});
  return {};
}

Status shape_serialize_many_sparse(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_sparse(c, 0));
  c.set_output(0, Shape{kUnknownDim, 3});
  return {};
}

Status shape_deserialize_sparse(ShapeContext& c) {
  const Shape& s = c.input(0);
  if (s.rank_known() && s.rank() > 0) TW_RETURN_IF_ERROR(merge_dim(s[s.rank() - 1], 3).status());
  set_sparse(c, 0, kUnknownDim, kUnknownDim);
  return {};
}

}  // namespace tw
