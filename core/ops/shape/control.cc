// Shapes of constants, arguments, calls, branches and loops.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_const(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Tensor value, c.attrs().get<Tensor>("value"));
  if (value.dtype() != c.attrs().dtype("dtype")) {
    return invalid_argument("The value of Const is of dtype ", dtype_name(value.dtype()), ", not ",
                            dtype_name(c.attrs().dtype("dtype")));
  }
  c.set_output(0, value.shape());
  return {};
}

Status shape_placeholder(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape shape, c.attrs().get<Shape>("shape"));
  c.set_output(0, shape);
  return {};
}

Status shape_placeholder_with_default(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape shape, c.attrs().get<Shape>("shape"));
  TW_RETURN_IF_ERROR(merge(c.input(0), shape).status());
  c.set_output(0, shape);
  return {};
}

// An argument's shape travels in an attribute outside the row, as in TensorFlow's function definitions.
Status shape_arg(ShapeContext& c) {
  if (const auto shapes = c.attrs().get<std::vector<Shape>>("_output_shapes"); shapes.ok() && shapes->size() == 1) {
    c.set_output(0, shapes->front());
  }
  HandleShape handle;
  if (const auto dtypes = c.attrs().get<std::vector<DType>>("_handle_dtypes"); dtypes.ok() && dtypes->size() == 1) {
    handle.dtype = dtypes->front();
  }
  if (const auto shapes = c.attrs().get<std::vector<Shape>>("_handle_shapes"); shapes.ok() && shapes->size() == 1) {
    handle.shape = shapes->front();
  }
  c.set_output_handle(0, handle);
  return {};
}

namespace {

// The shapes that the attribute states; unknown where it does not.
void stated_shapes(ShapeContext& c) {
  const auto shapes = c.attrs().get<std::vector<Shape>>("output_shapes");
  if (!shapes.ok() || static_cast<int>(shapes->size()) != c.num_outputs()) return;
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, (*shapes)[static_cast<size_t>(i)]);
}

}  // namespace

Status shape_if(ShapeContext& c) {
  stated_shapes(c);
  return {};
}

Status shape_case(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  stated_shapes(c);
  return {};
}

// A loop's handles stay what they are from turn to turn.
Status shape_while(ShapeContext& c) {
  stated_shapes(c);
  for (int i = 0; i < c.num_outputs(); ++i) {
    if (c.input_dtype(i) != DType::kResource) continue;
    c.set_output(i, c.input(i));
    c.set_output_handle(i, c.handle(i));
  }
  return {};
}

Status shape_call(ShapeContext& c) {
  if (const auto shapes = c.attrs().get<std::vector<Shape>>("_output_shapes");
      shapes.ok() && static_cast<int>(shapes->size()) == c.num_outputs()) {
    for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, (*shapes)[static_cast<size_t>(i)]);
  }
  return {};
}

Status shape_switch(ShapeContext& c) {
  TW_RETURN_IF_ERROR(check_rank(c, 1, 0));
  for (int i = 0; i < 2; ++i) {
    c.set_output(i, c.input(0));
    c.set_output_handle(i, c.handle(0));
  }
  return {};
}

// What is common to all inputs.
Status shape_merge_op(ShapeContext& c) {
  Shape s = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    const Shape& other = c.input(i);
    if (!s.rank_known() || s.rank() != other.rank()) {
      s = Shape::unknown();
      break;
    }
    for (int d = 0; d < s.rank(); ++d) {
      if (s[d] != other[d]) s.set_dim(d, kUnknownDim);
    }
  }
  c.set_output(0, s);
  c.set_output(1, Shape{});
  HandleShape handle = c.handle(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (c.handle(i).dtype != handle.dtype) handle.dtype = DType::kInvalid;
    if (!(c.handle(i).shape == handle.shape)) handle.shape = Shape::unknown();
  }
  c.set_output_handle(0, handle);
  return {};
}

// A value that the loop changes may change its shape as well.
Status shape_enter(ShapeContext& c) {
  if (c.attrs().boolean("is_constant") || c.input_dtype(0) == DType::kResource) c.set_output(0, c.input(0));
  c.set_output_handle(0, c.handle(0));
  return {};
}

}  // namespace tw
