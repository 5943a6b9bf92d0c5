// Index arithmetic written out plainly, the oracle of the array kernels' tests.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/framework/shape.h"

namespace tw::ref {

using Index = std::vector<int64_t>;

inline Index unflatten(int64_t flat, const Shape& s) {
  Index index(static_cast<size_t>(s.rank()));
  for (int d = s.rank() - 1; d >= 0; --d) {
    index[static_cast<size_t>(d)] = flat % s[d];
    flat /= s[d];
  }
  return index;
}

inline int64_t flatten(const Index& index, const Shape& s) {
  int64_t flat = 0;
  for (int d = 0; d < s.rank(); ++d) flat = flat * s[d] + index[static_cast<size_t>(d)];
  return flat;
}

// Where each element of a tensor of shape `out` comes from.
inline std::vector<int64_t> sources(const Shape& out, const std::function<int64_t(const Index&)>& source) {
  std::vector<int64_t> flat(static_cast<size_t>(out.num_elements()));
  for (size_t i = 0; i < flat.size(); ++i) flat[i] = source(unflatten(static_cast<int64_t>(i), out));
  return flat;
}

}  // namespace tw::ref
