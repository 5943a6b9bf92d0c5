// Tensors and numbers as text, the way TF's printing ops write them.
#pragma once

#include <string>

#include "core/framework/tensor.h"

namespace tw {

// The shortest of 6 or 9 (double: 15 or 17) digits that reads back as the same number.
std::string printed_number(float v);
std::string printed_number(double v);

// The style of Print and Assert: the first `limit` elements (-1: all), "[1 2 3...]" per row, without outer brackets.
std::string summarize_flat(const Tensor& t, int64_t limit);
// The style of print and string formatting: the first and last `ends` (-1: all) of each dimension, rows on lines.
std::string summarize_nested(const Tensor& t, int64_t ends);

}  // namespace tw
