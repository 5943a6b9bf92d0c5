// Shapes of parsed examples, lines and tables.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// `count` sparse outputs from `first` on: indices, values and dense shapes. Returns the number of the next output.
int sparse_outputs(ShapeContext& c, int first, size_t count, int64_t rank) {
  const auto n = static_cast<int>(count);
  for (int i = first; i < first + n; ++i) {
    c.set_output(i, Shape{kUnknownDim, rank});
    c.set_output(i + n, Shape{kUnknownDim});
    c.set_output(i + 2 * n, Shape{rank});
  }
  return first + 3 * n;
}

// Dense outputs from `first` on, behind a first dimension when there is `batch`.
Result<int> dense_outputs(ShapeContext& c, int first, std::string_view attr, std::optional<int64_t> batch) {
  for (const Shape& shape : c.attrs().must<std::vector<Shape>>(attr)) {
    TW_ASSIGN_OR_RETURN(const Shape s, batch ? join(Shape{*batch}, shape) : Result<Shape>(shape));
    if (first >= c.num_outputs()) return invalid_argument(attr, " has more shapes than there are dense features");
    c.set_output(first++, s);
  }
  return first;
}

size_t types(const ShapeContext& c, std::string_view attr) { return c.attrs().must<std::vector<DType>>(attr).size(); }

}  // namespace

Status shape_parse_example(ShapeContext& c) {
  Shape serialized;
  TW_RETURN_IF_ERROR(c.with_rank(0, 1, &serialized));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  const int dense = sparse_outputs(c, 0, types(c, "sparse_types"), 2);
  return dense_outputs(c, dense, "dense_shapes", serialized[0]).status();
}

Status shape_parse_single_example(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  const int dense = sparse_outputs(c, 0, types(c, "sparse_types"), 1);
  return dense_outputs(c, dense, "dense_shapes", {}).status();
}

Status shape_parse_sequence_example(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  const int dense = sparse_outputs(c, 0, types(c, "context_sparse_types"), 1);
  TW_ASSIGN_OR_RETURN(const int lists, dense_outputs(c, dense, "context_dense_shapes", {}));
  const int list_dense = sparse_outputs(c, lists, types(c, "feature_list_sparse_types"), 2);
  return dense_outputs(c, list_dense, "feature_list_dense_shapes", kUnknownDim).status();
}

// A default is a scalar, or a vector of at most one element.
Status shape_decode_csv(ShapeContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) {
    const Shape& s = c.input(i);
    if (s.rank() > 1) return invalid_argument("Shape must be at most rank 1 but is rank ", s.rank(), ": ", s);
    if (s.rank() == 1 && s[0] > 1) {
      return invalid_argument("Shape of a default must be a length-0 or length-1 vector, or a scalar, but is ", s);
    }
  }
  all_outputs(c, c.input(0));
  return {};
}

// Keys, and values of which only the number is known to be theirs.
Status shape_table_export(ShapeContext& c) {
  c.set_output(0, Shape{kUnknownDim});
  c.set_output(1, Shape::unknown());
  return {};
}

Status shape_sparse_accumulator_take(ShapeContext& c) {
  c.set_output(0, Shape{kUnknownDim});
  c.set_output(1, Shape::unknown());
  c.set_output(2, Shape{kUnknownDim});
  return {};
}

}  // namespace tw
