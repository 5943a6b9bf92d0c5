// Elements moved as whatever has their size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

// 16 bytes.
struct Wide {
  uint64_t lo, hi;
};

// Calls fn with a value of a type of element_size bytes (1, 2, 4, 8 or 16), and returns what it returns.
template <typename Fn>
decltype(auto) visit_size(size_t element_size, const Fn& fn) {
  switch (element_size) {
    case 1: return fn(uint8_t{});
    case 2: return fn(uint16_t{});
    case 4: return fn(uint32_t{});
    case 8: return fn(uint64_t{});
    default: return fn(Wide{});
  }
}

}  // namespace tw
