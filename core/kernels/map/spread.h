// Numbers per row stretched along short rows.
#pragma once

#include <cstdint>

namespace tw {

// to[r * n + j] = from[r * stride] for r < rows, j < n; 4-byte elements.
void spread_rows(const void* from, int64_t stride, int64_t rows, int64_t n, void* to);

}  // namespace tw
