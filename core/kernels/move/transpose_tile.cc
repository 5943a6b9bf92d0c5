#include "core/kernels/move/transpose_tile.h"

#include <algorithm>

#include "core/kernels/element_size.h"
#include "core/kernels/prefetch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/move/transpose_tile.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Transposes a block of kSize x kSize elements, a row of which fills 16 bytes.
template <typename T>
struct SmallBlock {
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
struct Block : SmallBlock<T> {};

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

// Asks for the lines of rows that lie apart, a few of them at a time.
class Ahead {
 public:
  explicit Ahead(const ComingRows& rows) : at_(static_cast<const char*>(rows.at)), rows_(rows) {}
  int64_t lines() const { return rows_.count * (rows_.bytes / 64 + 1); }
  HWY_INLINE void next(int64_t lines) {
    for (; lines > 0 && rows_.count > 0; --lines) {
      prefetch_second_level(at_ + offset_);
      offset_ += 64;
      if (offset_ >= rows_.bytes + 63) {
        offset_ = 0;
        at_ += rows_.stride;
        --rows_.count;
      }
    }
  }

 private:
  const char* at_;
  ComingRows rows_;
  int64_t offset_ = 0;
};

// Few rows that lie together, such as the channels of images: vectors of each row at a time.
template <int kRows, typename T>
int64_t split(const T* from, T* to, int64_t to_stride, int64_t cols) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + lanes <= cols; j += lanes) {
    hn::Vec<decltype(d)> a, b, c, e;
    const T* at = from + j * kRows;
    if constexpr (kRows == 2) hn::LoadInterleaved2(d, at, a, b);
    if constexpr (kRows == 3) hn::LoadInterleaved3(d, at, a, b, c);
    if constexpr (kRows == 4) hn::LoadInterleaved4(d, at, a, b, c, e);
    hn::StoreU(a, d, to + j);
    hn::StoreU(b, d, to + to_stride + j);
    if constexpr (kRows >= 3) hn::StoreU(c, d, to + 2 * to_stride + j);
    if constexpr (kRows >= 4) hn::StoreU(e, d, to + 3 * to_stride + j);
  }
  return j;
}

// The way back: few columns that lie together.
template <int kCols, typename T>
int64_t join(const T* from, int64_t from_stride, T* to, int64_t rows) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= rows; i += lanes) {
    const auto a = hn::LoadU(d, from + i), b = hn::LoadU(d, from + from_stride + i);
    T* at = to + i * kCols;
    if constexpr (kCols == 2) hn::StoreInterleaved2(a, b, d, at);
    if constexpr (kCols == 3) hn::StoreInterleaved3(a, b, hn::LoadU(d, from + 2 * from_stride + i), d, at);
    if constexpr (kCols == 4)
      hn::StoreInterleaved4(a, b, hn::LoadU(d, from + 2 * from_stride + i), hn::LoadU(d, from + 3 * from_stride + i), d,
                            at);
  }
  return i;
}

// Less than a block in one direction. The processor foresees so few streams.
template <typename T>
void transpose_narrow(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols) {
  int64_t i0 = 0, j0 = 0;  // where what is left begins
  if constexpr (std::is_integral_v<T>) {
    if (from_stride == rows) {
      if (rows == 2) j0 = split<2>(from, to, to_stride, cols);
      if (rows == 3) j0 = split<3>(from, to, to_stride, cols);
      if (rows == 4) j0 = split<4>(from, to, to_stride, cols);
    } else if (to_stride == cols) {
      if (cols == 2) i0 = join<2>(from, from_stride, to, rows);
      if (cols == 3) i0 = join<3>(from, from_stride, to, rows);
      if (cols == 4) i0 = join<4>(from, from_stride, to, rows);
    }
  }
  if (rows < cols) {
    for (int64_t j = j0; j < cols; ++j) {
      for (int64_t i = 0; i < rows; ++i) to[i * to_stride + j] = from[j * from_stride + i];
    }
  } else {
    for (int64_t i = i0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) to[i * to_stride + j] = from[j * from_stride + i];
    }
  }
}

template <typename B, typename T>
void transpose_blocks(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols,
                      Ahead source, Ahead dest) {
  constexpr int64_t kBlock = B::kSize;
  // A tile reads and writes whole cache lines and stays in L1 even when the strides are powers of two.
  constexpr int64_t kTile = sizeof(T) >= 4 ? 16 : static_cast<int64_t>(64 / sizeof(T));
  const int64_t tiles = ((rows + kTile - 1) / kTile) * ((cols + kTile - 1) / kTile);
  const int64_t source_lines = source.lines() / tiles + 1, dest_lines = dest.lines() / tiles + 1;
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const int64_t i1 = std::min(rows, i0 + kTile);
    for (int64_t j0 = 0; j0 < cols; j0 += kTile) {
      const int64_t j1 = std::min(cols, j0 + kTile);
      source.next(source_lines);
      dest.next(dest_lines);
      // The last blocks reach back over some elements again.
      for (int64_t i = i0; i < i1; i += kBlock) {
        const int64_t ib = kBlock == 1 ? i : std::min(i, rows - kBlock);
        for (int64_t j = j0; j < j1; j += kBlock) {
          const int64_t jb = kBlock == 1 ? j : std::min(j, cols - kBlock);
          B::run(from + jb * from_stride + ib, from_stride, to + ib * to_stride + jb, to_stride);
        }
      }
    }
  }
}

template <typename T>
void transpose(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t cols, Ahead source,
               Ahead dest) {
  const int64_t least = std::min(rows, cols);
  if (least >= Block<T>::kSize)
    return transpose_blocks<Block<T>>(from, from_stride, to, to_stride, rows, cols, source, dest);
  const bool few_together = (rows <= 4 && from_stride == rows) || (cols <= 4 && to_stride == cols);
  if (least >= SmallBlock<T>::kSize && !few_together)
    return transpose_blocks<SmallBlock<T>>(from, from_stride, to, to_stride, rows, cols, source, dest);
  transpose_narrow(from, from_stride, to, to_stride, rows, cols);
}

void transpose_bytes(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                     size_t element_size, const ComingRows& source, const ComingRows& dest) {
  visit_size(element_size, [&]<typename T>(T) HWY_ATTR {
    transpose(static_cast<const T*>(from), from_stride, static_cast<T*>(to), to_stride, rows, cols, Ahead(source),
              Ahead(dest));
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(transpose_bytes);

void transpose_2d(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t rows, int64_t cols,
                  size_t element_size, const ComingRows& source, const ComingRows& dest) {
  HWY_DYNAMIC_DISPATCH(transpose_bytes)(from, from_stride, to, to_stride, rows, cols, element_size, source, dest);
}

}  // namespace tw
#endif
