// Shapes of sums of products that loops carry.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

Status shape_product_sum_new(ShapeContext& c) {
  c.set_output(0, Shape{});
  return {};
}

Status shape_product_sum_add(ShapeContext& c) {
  Shape a, b;
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &a));
  TW_RETURN_IF_ERROR(c.with_rank(2, 2, &b));
  TW_RETURN_IF_ERROR(merge_dim(a[0], b[0]).status());
  c.set_output(0, Shape{});
  return {};
}

Status shape_product_sum_total(ShapeContext& c) {
  Shape start;
  TW_RETURN_IF_ERROR(check_rank(c, 0, 0));
  TW_RETURN_IF_ERROR(c.with_rank(1, 2, &start));
  c.set_output(0, start);
  return {};
}

}  // namespace tw
