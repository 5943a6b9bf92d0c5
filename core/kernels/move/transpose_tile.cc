#include "core/kernels/move/transpose_tile.h"

#include <algorithm>

#include "hwy/cache_control.h"

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

#if HWY_MAX_BYTES >= 32 && !HWY_HAVE_SCALABLE
// Eight rows of 32-bit elements: each half of a vector as above, then the halves of two vectors side by side.
template <>
struct Block<uint32_t> {
  static constexpr int64_t kSize = 8;
  static HWY_INLINE void run(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
    const hn::FixedTag<uint32_t, 8> d;
    using V = hn::Vec<decltype(d)>;
    const auto four = [&](const uint32_t* p, V* c) HWY_ATTR {
      const V a0 = hn::LoadU(d, p), a1 = hn::LoadU(d, p + from_stride), a2 = hn::LoadU(d, p + 2 * from_stride),
              a3 = hn::LoadU(d, p + 3 * from_stride);
      const V b0 = hn::InterleaveLower(d, a0, a2), b1 = hn::InterleaveUpper(d, a0, a2),
              b2 = hn::InterleaveLower(d, a1, a3), b3 = hn::InterleaveUpper(d, a1, a3);
      c[0] = hn::InterleaveLower(d, b0, b2);
      c[1] = hn::InterleaveUpper(d, b0, b2);
      c[2] = hn::InterleaveLower(d, b1, b3);
      c[3] = hn::InterleaveUpper(d, b1, b3);
    };
    V low[4], high[4];
    four(from, low);
    four(from + 4 * from_stride, high);
    for (int i = 0; i < 4; ++i) {
      hn::StoreU(hn::ConcatLowerLower(d, high[i], low[i]), d, to + i * to_stride);
      hn::StoreU(hn::ConcatUpperUpper(d, high[i], low[i]), d, to + (i + 4) * to_stride);
    }
  }
};
#endif

// Asks for the lines of `rows` rows of `bytes` bytes, a few of them at a time.
class Ahead {
 public:
  Ahead(const void* from, int64_t stride, int64_t rows, int64_t bytes)
      : at_(static_cast<const char*>(from)), stride_(stride), rows_(from == nullptr ? 0 : rows), bytes_(bytes) {}
  HWY_INLINE void next(int lines) {
    for (; lines > 0 && rows_ > 0; --lines) {
      hwy::Prefetch(at_ + line_);
      line_ += 64;
      if (line_ >= bytes_ + 63) {
        line_ = 0;
        at_ += stride_;
        --rows_;
      }
    }
  }

 private:
  const char* at_;
  int64_t stride_, rows_, bytes_, line_ = 0;
};

template <typename T>
void transpose(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols, Ahead ahead) {
  constexpr int64_t kBlock = Block<T>::kSize;
  // A tile reads and writes whole cache lines and stays in L1 even when the strides are powers of two.
  constexpr int64_t kTile = sizeof(T) >= 4 ? 16 : static_cast<int64_t>(64 / sizeof(T));
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const int64_t i1 = std::min(rows, i0 + kTile), ib = i0 + (i1 - i0) / kBlock * kBlock;
    for (int64_t j0 = 0; j0 < cols; j0 += kTile) {
      const int64_t j1 = std::min(cols, j0 + kTile), jb = j0 + (j1 - j0) / kBlock * kBlock;
      ahead.next(static_cast<int>(kTile * kTile * static_cast<int64_t>(sizeof(T)) / 64) + 4);
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
                     size_t element_size, const void* next) {
  const auto as = [&]<typename T>(T) HWY_ATTR {
    const auto size = static_cast<int64_t>(sizeof(T));
    transpose(static_cast<const T*>(from), from_stride, static_cast<T*>(to), to_stride, rows, cols,
              Ahead(next, from_stride * size, cols, rows * size));
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
                  size_t element_size, const void* next) {
  HWY_DYNAMIC_DISPATCH(transpose_bytes)(from, from_stride, to, to_stride, rows, cols, element_size, next);
}

}  // namespace tw
#endif
