// Shapes of arrays and stacks of tensors. What is known of an array's elements travels like what is behind a variable's
// handle.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_stack_push(ShapeContext& c) {
  c.set_output(0, c.input(1));
  return {};
}

Status shape_tensor_array_new(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  all_outputs(c, Shape{});
  TW_ASSIGN_OR_RETURN(const Shape element, c.attrs().get<Shape>("element_shape"));
  if (element.fully_known() || c.attrs().boolean("identical_element_shapes")) {
    c.set_output_handle(0, {c.attrs().dtype("dtype"), element});
  }
  return {};
}

Status shape_tensor_array_grad(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  all_outputs(c, Shape{});
  c.set_output_handle(0, c.handle(0));
  return {};
}

Status shape_tensor_array_write(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  if (c.handle(0).dtype != DType::kInvalid) TW_RETURN_IF_ERROR(merge(c.handle(0).shape, c.input(2)).status());
  c.set_output(0, Shape{});
  return {};
}

Status shape_tensor_array_read(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  c.set_output(0, c.handle(0).shape);
  return {};
}

Status shape_tensor_array_gather(ShapeContext& c) {
  Shape indices;
  TW_RETURN_IF_ERROR(c.with_rank(1, 1, &indices));
  TW_RETURN_IF_ERROR(check_rank(c, 2, 0));
  TW_ASSIGN_OR_RETURN(const Shape out, join(indices, c.handle(0).shape));
  c.set_output(0, out);
  return {};
}

Status shape_tensor_array_scatter(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  Shape value;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(2, 1, &value));
  if (value.rank_known() && c.handle(0).dtype != DType::kInvalid) {
    TW_RETURN_IF_ERROR(merge(c.handle(0).shape, part(value, 1, value.rank())).status());
  }
  c.set_output(0, Shape{});
  return {};
}

Status shape_tensor_array_concat(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  c.set_output(1, Shape{kUnknownDim});
  return {};
}

Status shape_tensor_array_split(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 2, 1));
  TW_RETURN_IF_ERROR(check_rank(c, 3, 0));
  c.set_output(0, Shape{});
  return {};
}

}  // namespace tw
