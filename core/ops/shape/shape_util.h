// What several shape functions need.
#pragma once

#include "core/framework/shape_context.h"

namespace tw::shape_util {

// A dimension that both may be; an error when they differ.
Result<int64_t> merge_dim(int64_t a, int64_t b);
// Sum and product, unknown when an operand is.
int64_t add_dims(int64_t a, int64_t b);
int64_t multiply_dims(int64_t a, int64_t b);
// Axis counted from the front; negative ones count from the end.
Result<int> axis_in(int64_t axis, int rank);
// Dimensions [begin, end) of a shape of known rank.
Shape part(const Shape& s, int begin, int end);
// The dimensions of both; unknown when a rank is.
Result<Shape> join(const Shape& a, const Shape& b);
// `in`, whose rank is known, without the dimensions `axes`, or with size 1 in them.
Result<Shape> reduced(const Shape& in, std::span<const int64_t> axes, bool keep_dims);
// The integers of an input's value; empty optional while it is not known.
std::optional<std::vector<int64_t>> values_of(const ShapeContext& c, int i);
// The value of a scalar integer input; kUnknownDim while it is not known.
Result<int64_t> scalar_value(const ShapeContext& c, int i);
// Input i must have rank `rank`, or an unknown one.
Status check_rank(const ShapeContext& c, int i, int rank);
// Input i is a scalar, or has one element in a shape of ones, which TensorFlow's kernels take for a scalar.
Status check_one_element(const ShapeContext& c, int i);
// Gives every output the shape.
void all_outputs(ShapeContext& c, const Shape& s);

}  // namespace tw::shape_util
