// How far a short description of a tensor may be trusted.
#pragma once

#include <cstddef>

namespace tw {

// The most bytes that a tensor takes of which only some elements are written out and the last stands for the rest: no
// graph holds more, and a few bytes of a file must not take all of the memory.
inline constexpr size_t kMaxExpanded = size_t{1} << 31;

}  // namespace tw
