// The usual steps between sums and results, done while the sums are in registers. Other tapes run over results that are
// stored, which they read again.
#pragma once

#include <cstdint>
#include <limits>

namespace tw::contract {

// In this order, bit for bit what the tape does. Pointers are to the column of the first result at hand.
struct Finish {
  const float* scale = nullptr;  // a factor for each column
  const float* shift = nullptr;  // a summand for each column
  intptr_t addend = 0;           // bytes from a result to what is added to it; 0: nothing
  // NaN stays NaN.
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();

  Finish from_column(int64_t j) const {
    Finish f = *this;
    if (scale != nullptr) f.scale += j;
    if (shift != nullptr) f.shift += j;
    return f;
  }
  const float* addend_of(const float* result) const {
    return reinterpret_cast<const float*>(reinterpret_cast<intptr_t>(result) + addend);
  }
};

}  // namespace tw::contract
