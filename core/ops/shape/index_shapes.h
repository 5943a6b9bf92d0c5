// Shapes that gathers and scatters on tensors share with those on variables.
#pragma once

#include "core/ops/shape/shape_util.h"

namespace tw {

// The result of gathering along `axis` (counted from the front) with leading batch dimensions.
Result<Shape> gathered_shape(const Shape& params, const Shape& indices, int axis, int64_t batch_dims);
Result<Shape> gathered_nd_shape(const Shape& params, const Shape& indices);
// Whether updates fit the rows, or the slices at coordinates, that the indices name. Scalar row updates fit all.
Status check_row_updates(const Shape& ref, const Shape& indices, const Shape& updates);
Status check_nd_updates(const Shape& ref, const Shape& indices, const Shape& updates);

}  // namespace tw
