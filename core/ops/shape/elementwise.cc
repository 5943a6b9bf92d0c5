// Shapes that follow from the inputs' shapes element by element.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

// Every output has the shape of input 0.
Status shape_same(ShapeContext& c) {
  all_outputs(c, c.input(0));
  return {};
}

// The same tensor: shape and, for handles, what lies behind it.
Status shape_identity(ShapeContext& c) {
  c.set_output(0, c.input(0));
  c.set_output_handle(0, c.handle(0));
  return {};
}

Status shape_identity_n(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) {
    c.set_output(i, c.input(i));
    c.set_output_handle(i, c.handle(i));
  }
  return {};
}

Status shape_zeros_like(ShapeContext& c) { return shape_identity(c); }

// All inputs and the outputs have one shape.
Status shape_merge(ShapeContext& c) {
  Shape s = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(s, merge(s, c.input(i)));
  }
  all_outputs(c, s);
  return {};
}

// A derivative from the function's result y and the gradient dy has y's shape. As in TensorFlow, dy may have another
// one and more elements, of which the first are read.
Status shape_from_result(ShapeContext& c) {
  const Shape &y = c.input(0), &dy = c.input(1);
  if (y.fully_known() && dy.fully_known() && dy.num_elements() < y.num_elements()) {
    return invalid_argument("The gradient of shape ", dy, " has fewer elements than the result of shape ", y);
  }
  c.set_output(0, y);
  return {};
}

Status shape_accumulate_n(ShapeContext& c) {
  TW_RETURN_IF_ERROR(shape_merge(c));
  TW_ASSIGN_OR_RETURN(const Shape stated, c.attrs().get<Shape>("shape"));
  TW_ASSIGN_OR_RETURN(const Shape s, merge(c.outputs()[0], stated));
  c.set_output(0, s);
  return {};
}

// The inputs broadcast against each other.
Status shape_broadcast(ShapeContext& c) {
  Shape s = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(s, broadcast(s, c.input(i)));
  }
  all_outputs(c, s);
  return {};
}

// Bounds are scalars or have the shape of the clipped tensor.
Status shape_clip(ShapeContext& c) {
  Shape s = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (c.input(i).rank() == 0) continue;
    TW_ASSIGN_OR_RETURN(s, merge(s, c.input(i)));
  }
  c.set_output(0, s);
  return {};
}

// The condition is a scalar, a vector that chooses rows, or has the shape of both branches.
Status shape_select(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(Shape s, merge(c.input(1), c.input(2)));
  const Shape& cond = c.input(0);
  if (cond.rank_known() && s.rank_known()) {
    if (cond.rank() == 1 && s.rank() > 1) {
      TW_ASSIGN_OR_RETURN(const int64_t rows, merge_dim(cond[0], s[0]));
      s.set_dim(0, rows);
    } else if (cond.rank() > 0) {
      TW_ASSIGN_OR_RETURN(s, merge(cond, s));
    }
  }
  c.set_output(0, s);
  return {};
}

// Elements that grow take the last dimension in, elements that shrink give one out.
Status shape_bitcast(ShapeContext& c) {
  const Shape& in = c.input(0);
  const int64_t from = static_cast<int64_t>(dtype_size(c.attrs().dtype("T")));
  const int64_t to = static_cast<int64_t>(dtype_size(c.attrs().dtype("type")));
  if (!in.rank_known() || from == to) {
    c.set_output(0, in);
    return {};
  }
  if (from > to) {
    TW_ASSIGN_OR_RETURN(const Shape out, join(in, Shape{from / to}));
    c.set_output(0, out);
    return {};
  }
  if (in.rank() == 0 || (in[in.rank() - 1] >= 0 && in[in.rank() - 1] != to / from)) {
    return invalid_argument("Cannot bitcast due to shape. The last dimension of ", in, " must be ", to / from,
                            " to go from elements of ", from, " bytes to elements of ", to);
  }
  c.set_output(0, part(in, 0, in.rank() - 1));
  return {};
}

Status shape_ensure_shape(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape stated, c.attrs().get<Shape>("shape"));
  TW_ASSIGN_OR_RETURN(const Shape s, merge(c.input(0), stated));
  c.set_output(0, s);
  return {};
}

Status shape_none(ShapeContext&) { return {}; }

Status shape_unknown(ShapeContext& c) {
  all_outputs(c, Shape::unknown());
  return {};
}

Status shape_unknown_vector(ShapeContext& c) {
  all_outputs(c, Shape{kUnknownDim});
  return {};
}

Status shape_scalar(ShapeContext& c) {
  all_outputs(c, Shape{});
  return {};
}

Status shape_vector_same(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(0, 1, &s));
  c.set_output(0, s);
  return {};
}

Status shape_at_least_vector(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank_at_least(0, 1, &s));
  c.set_output(0, s);
  return {};
}

Status shape_rank4(ShapeContext& c) {
  Shape s;
  TW_RETURN_IF_ERROR(c.with_rank(0, 4, &s));
  c.set_output(0, s);
  return {};
}

}  // namespace tw
