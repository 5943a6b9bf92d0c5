// The obvious strided copy, the oracle of the move engine's tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace tw::ref {

inline void strided_copy(std::span<const int64_t> dims, std::span<const int64_t> from_strides,
                         std::span<const int64_t> to_strides, size_t element_size, const char* from, char* to) {
  if (dims.empty()) {
    std::memcpy(to, from, element_size);
    return;
  }
  const auto size = static_cast<int64_t>(element_size);
  for (int64_t i = 0; i < dims[0]; ++i) {
    strided_copy(dims.subspan(1), from_strides.subspan(1), to_strides.subspan(1), element_size,
                 from + i * from_strides[0] * size, to + i * to_strides[0] * size);
  }
}

}  // namespace tw::ref
