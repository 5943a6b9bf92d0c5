#include "core/kernels/move/transpose_tile.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/move/transpose_tile.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Wide {
  uint64_t lo, hi;
};

// Transposes a block of kSize x kSize elements.
template <typename T>
struct Block {
  static constexpr int64_t kSize = static_cast<int64_t>(16 / sizeof(T));
  static HWY_INLINE void run(const T* from, int64_t from_stride, T* to, int64_t to_stride) {
    if constexpr (kSize == 1) {
      *to = *from;
    } else {
      // log2(kSize) rounds, each interleaving the two halves of the block.
      const hn::FixedTag<T, kSize> d;
      hn::Vec<decltype(d)> a[kSize], b[kSize];
      for (int64_t i = 0; i < kSize; ++i) a[i] = hn::LoadU(d, from + i * from_stride);
      for (int64_t width = kSize; width > 1; width /= 2) {
        for (int64_t i = 0; i < kSize / 2; ++i) {
          b[2 * i] = hn::InterleaveLower(d, a[i], a[i + kSize / 2]);
          b[2 * i + 1] = hn::InterleaveUpper(d, a[i], a[i + kSize / 2]);
        }
        for (int64_t i = 0; i < kSize; ++i) a[i] = b[i];
      }
      for (int64_t i = 0; i < kSize; ++i) hn::StoreU(a[i], d, to + i * to_stride);
    }
  }
};

template <typename T>
void transpose(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols) {
  constexpr int64_t kBlock = Block<T>::kSize;
  // A tile reads and writes whole cache lines and stays in L1 even when the strides are powers of two.
  constexpr int64_t kTile = sizeof(T) >= 4 ? 16 : static_cast<int64_t>(64 / sizeof(T));
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const int64_t i1 = std::min(rows, i0 + kTile), ib = i0 + (i1 - i0) / kBlock * kBlock;
    for (int64_t j0 = 0; j0 < cols; j0 += kTile) {
      const int64_t j1 = std::min(cols, j0 + kTile), jb = j0 + (j1 - j0) / kBlock * kBlock;
      for (int64_t i = i0; i < ib; i += kBlock) {
        for (int64_t j = j0; j < jb; j += kBlock) {
          Block<T>::run(from + j * from_stride + i, from_stride, to + i * to_stride + j, to_stride);
        }
        for (int64_t j = jb; j < j1; ++j) {
          for (int64_t k = i; k < i + kBlock; ++k) to[k * to_stride + j] = from[j * from_stride + k];
        }
      }
      for (int64_t i = ib; i < i1; ++i) {
        for (int64_t j = j0; j < j1; ++j) to[i * to_stride + j] = from[j * from_stride + i];
      }
    }
  }
}

void transpose_bytes(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                     size_t element_size) {
  const auto as = [&]<typename T>(T) HWY_ATTR {
    transpose(static_cast<const T*>(from), from_stride, static_cast<T*>(to), to_stride, rows, cols);
  };
  switch (element_size) {
    case 1: return as(uint8_t{});
    case 2: return as(uint16_t{});
    case 4: return as(uint32_t{});
    case 8: return as(uint64_t{});
    default: return as(Wide{});
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(transpose_bytes);

void transpose_2d(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                  size_t element_size) {
  HWY_DYNAMIC_DISPATCH(transpose_bytes)(from, from_stride, to, to_stride, rows, cols, element_size);
}

}  // namespace tw
#endif
