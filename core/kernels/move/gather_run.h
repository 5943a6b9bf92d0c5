// Elements that lie at a constant distance, put side by side.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

// to[i] = from[i * step] for i < count, in elements of element_size bytes (1, 2, 4, 8 or 16).
void gather_run(const void* from, int64_t step, void* to, int64_t count, size_t element_size);

}  // namespace tw
