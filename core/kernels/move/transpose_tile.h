// The 2-D transpose under StridedCopy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

// Rows of `bytes` bytes, `stride` bytes apart, that are used next.
struct ComingRows {
  const void* at = nullptr;
  int64_t stride = 0, count = 0, bytes = 0;
};

// to[i * to_stride + j] = from[j * from_stride + i] for i < rows, j < cols; strides in elements of element_size bytes
// (1, 2, 4, 8 or 16). What the next call reads and writes is brought into the second-level cache meanwhile.
void transpose_2d(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                  size_t element_size, const ComingRows& source, const ComingRows& dest);

}  // namespace tw
