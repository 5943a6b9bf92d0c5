// Conversions and transpositions behind packing, compiled for each vector target.
#include "core/kernels/contract/pack.h"

#include <algorithm>

#include "core/kernels/prefetch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/pack.cc"
#include "core/kernels/simd.h"

#include "core/kernels/part-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using tw::HWY_NAMESPACE::load_first;

void widen_half(const half* from, float* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto* bits = reinterpret_cast<const hwy::float16_t*>(from);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::PromoteTo(d, hn::LoadU(d16, bits + i)), d, to + i);
  for (; i < n; ++i) to[i] = from[i];
}

void widen_bfloat16(const bfloat16* from, float* to, int64_t n) {
  TW_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) to[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i].bits) << 16);
}

void narrow_half(const float* from, half* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto* bits = reinterpret_cast<hwy::float16_t*>(to);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d, from + i)), d16, bits + i);
  for (; i < n; ++i) to[i] = half(from[i]);
}

void narrow_bfloat16(const float* from, bfloat16* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = bfloat16(from[i]);
}

void interleave_rows(const bfloat16* from, int64_t from_step, Bfloat16Pair* to, int64_t to_step, int64_t columns,
                     int64_t steps) {
  for (int64_t k = 0; k < steps; ++k, from += 2 * from_step, to += to_step) {
    TW_INDEPENDENT
    for (int64_t j = 0; j < columns; ++j) to[j] = {from[j], from[j + from_step]};
  }
}

// Vectors of blocks of 16 bytes, each transposed by itself.
#if HWY_HAVE_SCALABLE || HWY_MAX_BYTES < 32
constexpr int kBlocks = 1;
#else
constexpr int kBlocks = HWY_MAX_BYTES / 16;
#endif

// 16 bytes of every kStep-th row side by side.
template <int kBlocks_, int kStep, typename T>
HWY_INLINE auto side_by_side(const T* const* rows, int64_t k) {
  if constexpr (kBlocks_ == 1) {
    return hn::LoadU(hn::FixedTag<T, 16 / sizeof(T)>(), rows[0] + k);
  } else {
    const hn::FixedTag<T, kBlocks_ * 16 / sizeof(T)> d;
    return hn::Combine(d, side_by_side<kBlocks_ / 2, kStep>(rows + kBlocks_ / 2 * kStep, k),
                       side_by_side<kBlocks_ / 2, kStep>(rows, k));
  }
}

// Four (two) steps of a vector of columns, one of which lies in each of `rows`.
template <typename T>
HWY_INLINE void transpose_block(const T* const* rows, int64_t k, T* to, int64_t to_step) {
  constexpr int kSide = 16 / sizeof(T);
  const hn::FixedTag<T, kBlocks * kSide> d;
  const auto a = side_by_side<kBlocks, kSide>(rows, k), b = side_by_side<kBlocks, kSide>(rows + 1, k);
  if constexpr (sizeof(T) == 8) {
    hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_step);
  } else {
    const hn::FixedTag<double, kBlocks * 2> d2;
    const auto c = side_by_side<kBlocks, kSide>(rows + 2, k), e = side_by_side<kBlocks, kSide>(rows + 3, k);
    const auto ab0 = hn::BitCast(d2, hn::InterleaveLower(d, a, b)), ab1 = hn::BitCast(d2, hn::InterleaveUpper(d, a, b));
    const auto ce0 = hn::BitCast(d2, hn::InterleaveLower(d, c, e)), ce1 = hn::BitCast(d2, hn::InterleaveUpper(d, c, e));
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab0, ce0)), d, to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab0, ce0)), d, to + to_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab1, ce1)), d, to + 2 * to_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab1, ce1)), d, to + 3 * to_step);
  }
}

// A cache line of each row of `from` is used up before the next rows are read, which may share its cache set. The last
// columns' vector runs into the next row of `to`, whose first columns are written after it.
template <typename T>
void transpose_blocks(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t rows, int64_t columns) {
  constexpr int64_t kSide = 16 / sizeof(T), kLine = 64 / sizeof(T), kWide = kBlocks * kSide;
  const auto steps = [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t j = (columns - 1) / kWide * kWide; j >= 0; j -= kWide) {
      const T* row[kWide];  // past the last one it is repeated
      for (int64_t i = 0; i < kWide; ++i) row[i] = from + std::min(j + i, columns - 1) * from_step;
      // The next columns are likely to be the next tile or panel, and to come from far.
      for (int64_t i = 0; i < std::min(kWide, columns - j); ++i)
        prefetch_second_level(row[i] + columns * from_step + begin);
      for (int64_t k = begin; k < end; k += kSide) transpose_block(row, k, to + k * to_step + j, to_step);
    }
  };
  if (columns < 1) return;
  if (rows < kSide) {
    for (int64_t k = 0; k < rows; ++k) {
      for (int64_t j = 0; j < columns; ++j) to[k * to_step + j] = from[j * from_step + k];
    }
    return;
  }
  const int64_t whole = rows / kSide * kSide;
  for (int64_t k = 0; k < whole; k += kLine) steps(k, std::min(k + kLine, whole));
  if (whole < rows) steps(rows - kSide, rows);  // some of them again
}

template <typename T>
void strip(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t columns, int64_t steps) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k = 0; k < steps; ++k, from += from_step, to += to_step) {
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
      prefetch_second_level(from + steps * from_step + j);
      hn::StoreU(hn::LoadU(d, from + j), d, to + j);
    }
    if (j == columns) continue;
    prefetch_second_level(from + steps * from_step + j);
    hn::StoreU(load_first(d, from + j, static_cast<size_t>(columns - j)), d, to + j);
  }
}

void strip_float(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t columns, int64_t steps) {
  strip(from, from_step, to, to_step, columns, steps);
}
void strip_double(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t columns, int64_t steps) {
  strip(from, from_step, to, to_step, columns, steps);
}

void transpose_float(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t columns) {
  transpose_blocks(from, from_step, to, to_step, rows, columns);
}
void transpose_double(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t rows,
                      int64_t columns) {
  transpose_blocks(from, from_step, to, to_step, rows, columns);
}

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(widen_half);
HWY_EXPORT(widen_bfloat16);
HWY_EXPORT(narrow_half);
HWY_EXPORT(narrow_bfloat16);
HWY_EXPORT(interleave_rows);
HWY_EXPORT(transpose_float);
HWY_EXPORT(transpose_double);
HWY_EXPORT(strip_float);
HWY_EXPORT(strip_double);

void widen(const half* from, float* to, int64_t n) { HWY_DYNAMIC_DISPATCH(widen_half)(from, to, n); }
void widen(const bfloat16* from, float* to, int64_t n) { HWY_DYNAMIC_DISPATCH(widen_bfloat16)(from, to, n); }
void narrow(const float* from, half* to, int64_t n) { HWY_DYNAMIC_DISPATCH(narrow_half)(from, to, n); }
void narrow(const float* from, bfloat16* to, int64_t n) { HWY_DYNAMIC_DISPATCH(narrow_bfloat16)(from, to, n); }
void copy_pairs(const bfloat16* from, int64_t from_step, Bfloat16Pair* to, int64_t to_step, int64_t columns,
                int64_t steps) {
  HWY_DYNAMIC_DISPATCH(interleave_rows)(from, from_step, to, to_step, columns, steps);
}
void transpose(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(transpose_float)(from, from_step, to, to_step, rows, columns);
}
void transpose(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(transpose_double)(from, from_step, to, to_step, rows, columns);
}
void copy_strip(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t columns, int64_t steps) {
  HWY_DYNAMIC_DISPATCH(strip_float)(from, from_step, to, to_step, columns, steps);
}
void copy_strip(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t columns, int64_t steps) {
  HWY_DYNAMIC_DISPATCH(strip_double)(from, from_step, to, to_step, columns, steps);
}

}  // namespace tw::contract
#endif
