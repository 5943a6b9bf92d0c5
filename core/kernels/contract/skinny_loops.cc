#include "core/kernels/contract/skinny_loops.h"

#include <algorithm>
#include <array>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/skinny_loops.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// kR rows of a and kN vectors of x share each other's loads. Rows past the last repeat it; their sums are dropped.
template <typename T, int kR, int kN>
void dots(const Dots<T>& t) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), k = t.k;
  for (int64_t r = 0; r < t.rows; r += kR) {
    const T* a[kR];
    for (int i = 0; i < kR; ++i) a[i] = t.a + std::min(r + i, t.rows - 1) * t.a_step;
    // Two sums each where that is few: an addition waits four cycles for the one before it.
    constexpr int kW = kR * kN >= 8 ? 1 : 2;
    V acc[kW][kR][kN];
#pragma GCC unroll 2
    for (int w = 0; w < kW; ++w) {
#pragma GCC unroll 4
      for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < kN; ++j) acc[w][i][j] = hn::Zero(d);
      }
    }
    int64_t at = 0;
    for (; at + kW * lanes <= k; at += kW * lanes) {
#pragma GCC unroll 2
      for (int w = 0; w < kW; ++w) {
        V av[kR];
#pragma GCC unroll 4
        for (int i = 0; i < kR; ++i) av[i] = hn::LoadU(d, a[i] + at + w * lanes);
#pragma GCC unroll 8
        for (int j = 0; j < kN; ++j) {
          const V xv = hn::LoadU(d, t.x + j * t.x_step + at + w * lanes);
#pragma GCC unroll 4
          for (int i = 0; i < kR; ++i) acc[w][i][j] = hn::MulAdd(av[i], xv, acc[w][i][j]);
        }
      }
    }
    for (; at < k; at += lanes) {
      const auto some = hn::FirstN(d, static_cast<size_t>(std::min(k - at, lanes)));
      V av[kR];
#pragma GCC unroll 4
      for (int i = 0; i < kR; ++i) av[i] = hn::MaskedLoad(some, d, a[i] + at);
#pragma GCC unroll 8
      for (int j = 0; j < kN; ++j) {
        const V xv = hn::MaskedLoad(some, d, t.x + j * t.x_step + at);
#pragma GCC unroll 4
        for (int i = 0; i < kR; ++i) acc[0][i][j] = hn::MulAdd(av[i], xv, acc[0][i][j]);
      }
    }
    for (int i = 0; i < kR && r + i < t.rows; ++i) {
      for (int j = 0; j < kN; ++j) {
        V v = acc[0][i][j];
        for (int w = 1; w < kW; ++w) v = hn::Add(v, acc[w][i][j]);
        const T sum = hn::GetLane(hn::SumOfLanes(d, v));
        T& y = t.y[(r + i) * t.y_row + j * t.y_column];
        y = t.accumulate ? y + sum : sum;
      }
    }
  }
}

// Sums that fit the registers beside what they are made of.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
constexpr int kFewRows = 4, kSomeRows = 4, kManyRows = 3;
#else
constexpr int kFewRows = 3, kSomeRows = 2, kManyRows = 1;
#endif

template <typename T>
void run_dots(const Dots<T>& t) {
  switch (t.count) {
    case 1: return dots<T, 4, 1>(t);
    case 2: return dots<T, 4, 2>(t);
    case 3: return dots<T, kFewRows, 3>(t);
    case 4: return dots<T, kFewRows, 4>(t);
    case 5: return dots<T, kSomeRows, 5>(t);
    case 6: return dots<T, kSomeRows, 6>(t);
    case 7: return dots<T, kManyRows, 7>(t);
    default: return dots<T, kManyRows, 8>(t);
  }
}

// kK rows of b at a time, each read in order.
template <typename T, int kM, int kK>
void add_rows(const RowSums<T>& t, int64_t i, bool first) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V x[kM][kK];
#pragma GCC unroll 2
  for (int j = 0; j < kM; ++j) {
#pragma GCC unroll 8
    for (int s = 0; s < kK; ++s) x[j][s] = hn::Set(d, t.x[j * t.x_row + (i + s) * t.x_column]);
  }
  const T* HWY_RESTRICT b = t.b + i * t.b_step;
  int64_t c = 0;
  for (; c + lanes <= t.columns; c += lanes) {
    V sum[kM];
#pragma GCC unroll 2
    for (int j = 0; j < kM; ++j) sum[j] = first ? hn::Zero(d) : hn::LoadU(d, t.y + j * t.y_step + c);
#pragma GCC unroll 8
    for (int s = 0; s < kK; ++s) {
      const V bv = hn::LoadU(d, b + s * t.b_step + c);
      hwy::Prefetch(b + (s + kK) * t.b_step + c);
#pragma GCC unroll 2
      for (int j = 0; j < kM; ++j) sum[j] = hn::MulAdd(x[j][s], bv, sum[j]);
    }
#pragma GCC unroll 2
    for (int j = 0; j < kM; ++j) hn::StoreU(sum[j], d, t.y + j * t.y_step + c);
  }
  for (; c < t.columns; ++c) {
    for (int j = 0; j < kM; ++j) {
      T sum = first ? T{} : t.y[j * t.y_step + c];
      for (int s = 0; s < kK; ++s) sum += t.x[j * t.x_row + (i + s) * t.x_column] * b[s * t.b_step + c];
      t.y[j * t.y_step + c] = sum;
    }
  }
}

template <typename T, int kM>
void sums(const RowSums<T>& t) {
  constexpr int kK = kM == 1 ? 8 : 4;
  int64_t i = 0;
  for (; i + kK <= t.k; i += kK) add_rows<T, kM, kK>(t, i, i == 0);
  for (; i < t.k; ++i) add_rows<T, kM, 1>(t, i, i == 0);
}

template <typename T>
void run_sums(const RowSums<T>& t) {
  if (t.count == 1) return sums<T, 1>(t);
  return sums<T, 2>(t);
}

void dots_float(const Dots<float>& t) { run_dots(t); }
void dots_double(const Dots<double>& t) { run_dots(t); }
void sums_float(const RowSums<float>& t) { run_sums(t); }
void sums_double(const RowSums<double>& t) { run_sums(t); }

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(dots_float);
HWY_EXPORT(dots_double);
HWY_EXPORT(sums_float);
HWY_EXPORT(sums_double);

void dot_rows(const Dots<float>& t) { HWY_DYNAMIC_DISPATCH(dots_float)(t); }
void dot_rows(const Dots<double>& t) { HWY_DYNAMIC_DISPATCH(dots_double)(t); }
void sum_rows(const RowSums<float>& t) { HWY_DYNAMIC_DISPATCH(sums_float)(t); }
void sum_rows(const RowSums<double>& t) { HWY_DYNAMIC_DISPATCH(sums_double)(t); }

}  // namespace tw::contract
#endif
