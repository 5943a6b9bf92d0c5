// Shapes of simulated quantisation.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

// The shape of x; the bounds are scalars.
Status shape_fake_quant(ShapeContext& c) {
  for (int i = 1; i < c.num_inputs(); ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  c.set_output(0, c.input(0));
  return {};
}

static Status per_channel(ShapeContext& c, int x, Shape* shape, int64_t* channels) {
  TW_RETURN_IF_ERROR(c.with_rank_at_least(x, 1, shape));
  *channels = shape->rank_known() ? (*shape)[shape->rank() - 1] : kUnknownDim;
  for (int i = x + 1; i < x + 3; ++i) {
    Shape bound;
    TW_RETURN_IF_ERROR(c.with_rank(i, 1, &bound));
    TW_ASSIGN_OR_RETURN(*channels, merge_dim(*channels, bound[0]));
  }
  return {};
}

Status shape_fake_quant_per_channel(ShapeContext& c) {
  Shape x;
  int64_t channels;
  TW_RETURN_IF_ERROR(per_channel(c, 0, &x, &channels));
  c.set_output(0, x);
  return {};
}

// The derivatives of x and, where they are inputs, of the bounds.
Status shape_fake_quant_grad(ShapeContext& c) {
  TW_ASSIGN_OR_RETURN(const Shape x, merge(c.input(0), c.input(1)));
  c.set_output(0, x);
  for (int i = 1; i < c.num_outputs(); ++i) c.set_output(i, Shape{});
  return {};
}

Status shape_fake_quant_per_channel_grad(ShapeContext& c) {
  Shape x;
  int64_t channels;
  TW_RETURN_IF_ERROR(per_channel(c, 1, &x, &channels));
  TW_ASSIGN_OR_RETURN(const Shape both, merge(c.input(0), x));
  c.set_output(0, both);
  c.set_output(1, Shape{channels});
  c.set_output(2, Shape{channels});
  return {};
}

// Numbers of the input's shape, and two ends of a range.
Status shape_quantize(ShapeContext& c) {
  for (int i = 1; i < 3; ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  c.set_output(0, c.input(0));
  c.set_output(1, Shape{});
  c.set_output(2, Shape{});
  return {};
}

Status shape_dequantize(ShapeContext& c) {
  for (int i = 1; i < 3; ++i) TW_RETURN_IF_ERROR(check_rank(c, i, 0));
  c.set_output(0, c.input(0));
  return {};
}

}  // namespace tw
