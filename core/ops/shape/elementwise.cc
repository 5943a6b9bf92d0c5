// Shapes of element-wise ops.
#include "core/framework/shape_context.h"

namespace tw {

// Every output has the shape of input 0.
Status shape_same(ShapeContext& c) {
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, c.input(0));
  return {};
}

// All inputs and the outputs have one shape.
Status shape_merge(ShapeContext& c) {
  Shape s = Shape::unknown();
  for (int i = 0; i < c.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(s, merge(s, c.input(i)));
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
  return {};
}

// The inputs broadcast against each other.
Status shape_broadcast(ShapeContext& c) {
  Shape s = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(s, broadcast(s, c.input(i)));
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, s);
  return {};
}

}  // namespace tw
