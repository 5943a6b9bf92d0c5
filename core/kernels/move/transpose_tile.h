// The 2-D transpose under StridedCopy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tw {

// to[i * to_stride + j] = from[j * from_stride + i] for i < rows, j < cols; strides in elements of element_size bytes
// (1, 2, 4, 8 or 16). Where the elements of the next call begin, with the same strides and sizes, they are brought into
// the cache meanwhile; null for none.
void transpose_2d(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                  size_t element_size, const void* next);

}  // namespace tw
