// Conversions and transpositions behind packing, compiled for each vector target.
#include "core/kernels/contract/pack.h"

#include <algorithm>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/pack.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

// One block of four by four (two by two) elements in vectors of 16 bytes. `last` is the last row of `from` to read;
// rows past it repeat it.
template <typename T>
HWY_INLINE void transpose_block(const T* from, int64_t from_step, int64_t last, T* to, int64_t to_step) {
  const hn::FixedTag<T, 16 / sizeof(T)> d;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + std::min<int64_t>(1, last) * from_step);
  if constexpr (sizeof(T) == 8) {
    hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_step);
  } else {
    const hn::FixedTag<double, 2> d2;
    const auto c = hn::LoadU(d, from + std::min<int64_t>(2, last) * from_step),
               e = hn::LoadU(d, from + std::min<int64_t>(3, last) * from_step);
    const auto ab0 = hn::BitCast(d2, hn::InterleaveLower(d, a, b)), ab1 = hn::BitCast(d2, hn::InterleaveUpper(d, a, b));
    const auto ce0 = hn::BitCast(d2, hn::InterleaveLower(d, c, e)), ce1 = hn::BitCast(d2, hn::InterleaveUpper(d, c, e));
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab0, ce0)), d, to);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab0, ce0)), d, to + to_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab1, ce1)), d, to + 2 * to_step);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab1, ce1)), d, to + 3 * to_step);
  }
}

// A cache line of each row of `from` is used up before the next rows are read, which may share its cache set. A partial
// block of columns runs into the next row of `to`, which is written after it; so the last block comes first.
template <typename T>
void transpose_blocks(const T* from, int64_t from_step, T* to, int64_t to_step, int64_t rows, int64_t columns) {
  constexpr int64_t kBlock = 16 / sizeof(T), kLine = 64 / sizeof(T);
  const bool overrun = to_step == columns;
  const int64_t blocks = overrun ? (columns + kBlock - 1) / kBlock : columns / kBlock, whole = rows / kBlock * kBlock;
  for (int64_t k0 = 0; k0 < whole; k0 += kLine) {
    const int64_t end = std::min(k0 + kLine, whole);
    for (int64_t block = blocks - 1; block >= 0; --block) {
      const int64_t j = block * kBlock;
      for (int64_t k = k0; k < end; k += kBlock) {
        transpose_block(from + j * from_step + k, from_step, columns - j - 1, to + k * to_step + j, to_step);
      }
    }
    if (overrun) continue;
    for (int64_t j = blocks * kBlock; j < columns; ++j) {
      for (int64_t k = k0; k < end; ++k) to[k * to_step + j] = from[j * from_step + k];
    }
  }
  for (int64_t k = whole; k < rows; ++k) {
    for (int64_t j = 0; j < columns; ++j) to[k * to_step + j] = from[j * from_step + k];
  }
}

template <typename T>
void strip(const T* from, int64_t from_step, T* to, int64_t columns, int64_t steps) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t k = 0; k < steps; ++k, from += from_step, to += columns) {
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes) {
      hwy::Prefetch(from + steps * from_step + j);
      hn::StoreU(hn::LoadU(d, from + j), d, to + j);
    }
    if (j < columns)
      hn::StoreU(hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(columns - j)), d, from + j), d, to + j);
  }
}

void strip_float(const float* from, int64_t from_step, float* to, int64_t columns, int64_t steps) {
  strip(from, from_step, to, columns, steps);
}
void strip_double(const double* from, int64_t from_step, double* to, int64_t columns, int64_t steps) {
  strip(from, from_step, to, columns, steps);
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
HWY_EXPORT(transpose_float);
HWY_EXPORT(transpose_double);
HWY_EXPORT(strip_float);
HWY_EXPORT(strip_double);

void widen(const half* from, float* to, int64_t n) { HWY_DYNAMIC_DISPATCH(widen_half)(from, to, n); }
void widen(const bfloat16* from, float* to, int64_t n) { HWY_DYNAMIC_DISPATCH(widen_bfloat16)(from, to, n); }
void narrow(const float* from, half* to, int64_t n) { HWY_DYNAMIC_DISPATCH(narrow_half)(from, to, n); }
void narrow(const float* from, bfloat16* to, int64_t n) { HWY_DYNAMIC_DISPATCH(narrow_bfloat16)(from, to, n); }
void transpose(const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(transpose_float)(from, from_step, to, to_step, rows, columns);
}
void transpose(const double* from, int64_t from_step, double* to, int64_t to_step, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(transpose_double)(from, from_step, to, to_step, rows, columns);
}
void copy_strip(const float* from, int64_t from_step, float* to, int64_t columns, int64_t steps) {
  HWY_DYNAMIC_DISPATCH(strip_float)(from, from_step, to, columns, steps);
}
void copy_strip(const double* from, int64_t from_step, double* to, int64_t columns, int64_t steps) {
  HWY_DYNAMIC_DISPATCH(strip_double)(from, from_step, to, columns, steps);
}

}  // namespace tw::contract
#endif
