// Shapes of tensor lists. A list's element dtype and shape travel like those behind a resource handle.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

namespace {

// The element shape an input states, narrowed by what is known of the list.
Result<Shape> element_shape(const ShapeContext& c, int input) {
  TW_ASSIGN_OR_RETURN(const Shape stated, c.value_as_shape(input));
  return merge(stated, c.handle(0).shape);
}

Status check_element_dtype(const ShapeContext& c) {
  const DType have = c.handle(0).dtype, want = c.attrs().dtype("element_dtype");
  if (have == DType::kInvalid || have == want) return {};
  return invalid_argument("Expected list with element dtype ", dtype_name(want), " but got list with element dtype ",
                          dtype_name(have));
}

}  // namespace

Status shape_list_new(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape element, c.value_as_shape(0));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  c.set_output(0, Shape{});
  c.set_output_handle(0, {c.attrs().dtype("element_dtype"), element});
  return {};
}

Status shape_list_push(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  TW_RETURN_IF_ERROR(merge(c.handle(0).shape, c.input(1)).status());
  c.set_output(0, Shape{});
  c.set_output_handle(0, {c.attrs().dtype("element_dtype"), c.handle(0).shape});
  return {};
}

Status shape_list_pop(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  TW_ASSIGN_OR_RETURN(const Shape element, element_shape(c, 1));
  c.set_output(0, Shape{});
  c.set_output_handle(0, {c.attrs().dtype("element_dtype"), c.handle(0).shape});
  c.set_output(1, element);
  return {};
}

Status shape_list_get(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_ASSIGN_OR_RETURN(const Shape element, element_shape(c, 2));
  c.set_output(0, element);
  return {};
}

Status shape_list_set(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  c.set_output(0, Shape{});
  c.set_output_handle(0, c.handle(0));
  return {};
}

// Each index gets a row of the tensor.
Status shape_list_scatter_into(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  Shape tensor, indices;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(1, 1, &tensor));
  TW_RETURN_IF_ERROR(c.with_rank(2, 1, &indices));
  if (tensor.rank_known() && tensor[0] != kUnknownDim && indices[0] != kUnknownDim && tensor[0] != indices[0]) {
    return invalid_argument("Dimensions must be equal, but are ", tensor[0], " and ", indices[0]);
  }
  c.set_output(0, Shape{});
  c.set_output_handle(0, c.handle(0));
  return {};
}

Status shape_list_stack(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  TW_ASSIGN_OR_RETURN(const Shape element, element_shape(c, 1));
  const int64_t n = c.attrs().integer("num_elements");
  TW_ASSIGN_OR_RETURN(const Shape out, join(Shape{n < 0 ? kUnknownDim : n}, element));
  c.set_output(0, out);
  return {};
}

Status shape_list_gather(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  Shape indices;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &indices));
  TW_ASSIGN_OR_RETURN(const Shape element, element_shape(c, 2));
  TW_ASSIGN_OR_RETURN(const Shape out, join(indices, element));
  c.set_output(0, out);
  return {};
}

// Rows of the tensor become elements (TensorListSplit: pieces of its first dimension).
Status shape_list_from(ShapeContext& c) {
  Shape tensor;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &tensor));
  int stated = 1;
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (c.op().inputs[static_cast<size_t>(i)].name == "element_shape") stated = i;
  }
  TW_ASSIGN_OR_RETURN(Shape element, c.value_as_shape(stated));
  const bool pieces = c.op().find_attr("shape_type") && c.op().name == "TensorListSplit";
  if (!pieces && tensor.rank_known()) {
    TW_ASSIGN_OR_RETURN(element, merge(part(tensor, 1, tensor.rank()), element));
  }
  c.set_output(0, Shape{});
  c.set_output_handle(0, {c.attrs().dtype("element_dtype"), element});
  return {};
}

Status shape_list_element_shape(ShapeContext& c) {
  const Shape& element = c.handle(0).shape;
  // A list without a known rank answers with the scalar -1.
  c.set_output(0, element.rank_known() ? Shape{element.rank()} : Shape::unknown());
  return {};
}

Status shape_list_concat(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_element_dtype(c));
  TW_ASSIGN_OR_RETURN(const Shape stated, c.attrs().get<Shape>("element_shape"));
  TW_ASSIGN_OR_RETURN(const Shape element, merge(stated, c.handle(0).shape));
  if (element.rank() > 0) {
    TW_ASSIGN_OR_RETURN(const Shape out, join(Shape{kUnknownDim}, part(element, 1, element.rank())));
    c.set_output(0, out);
  }
  c.set_output(1, Shape{kUnknownDim});
  return {};
}

}  // namespace tw
