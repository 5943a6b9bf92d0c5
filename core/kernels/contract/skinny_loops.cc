#include "core/kernels/contract/skinny_loops.h"

#include <algorithm>
#include <array>

#include "core/kernels/prefetch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/skinny_loops.cc"
#include "core/kernels/simd.h"

#include "core/kernels/part-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using tw::HWY_NAMESPACE::load_first;

// The two halves of a vector added, down to 16 bytes.
template <class D>
HWY_INLINE auto fold(D d, hn::Vec<D> v) {
  if constexpr (sizeof(hn::TFromD<D>) * hn::MaxLanes(D()) == 16) {
    return v;
  } else {
    const hn::Half<D> half;
    return fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

// The sums of the lanes of kCount vectors, 16 bytes of them at a time: fewer steps than one after the other takes.
template <int kCount, class D, typename T = hn::TFromD<D>>
HWY_INLINE void sums_of_lanes(D d, const hn::Vec<D>* v, T* sums) {
  constexpr int kSide = 16 / sizeof(T);
  const auto pair = [&](int i) HWY_ATTR {
    const auto a = v[std::min(i, kCount - 1)], b = v[std::min(i + 1, kCount - 1)];
    return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  };
#pragma GCC unroll 16
  for (int i = 0; i < kCount; i += kSide) {
    auto sum = pair(i);
    if constexpr (sizeof(T) == 4) {
      const hn::Repartition<double, D> d2;
      const auto low = hn::BitCast(d2, sum), high = hn::BitCast(d2, pair(i + 2));
      sum = hn::Add(hn::BitCast(d, hn::InterleaveLower(d2, low, high)),
                    hn::BitCast(d, hn::InterleaveUpper(d2, low, high)));
    }
    hn::StoreU(fold(d, sum), hn::FixedTag<T, kSide>(), sums + i);
  }
}

// kR rows of a and kN vectors of x share each other's loads. Rows past the last repeat it; their sums are dropped.
template <typename T, int kR, int kN, bool kFar>
void dots_of(const Dots<T>& t) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), k = t.k;
  [[maybe_unused]] constexpr int64_t kAhead = kStreamAhead / static_cast<int64_t>(sizeof(T));
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
      // Near the end of these rows, the beginning of the next ones.
      [[maybe_unused]] const int64_t ahead = at + kAhead < k ? kAhead : kR * t.a_step + std::min(kAhead, k) - k;
#pragma GCC unroll 2
      for (int w = 0; w < kW; ++w) {
        V av[kR];
#pragma GCC unroll 4
        for (int i = 0; i < kR; ++i) {
          av[i] = hn::LoadU(d, a[i] + at + w * lanes);
          if constexpr (kFar) prefetch_second_level(a[i] + at + w * lanes + ahead);
        }
#pragma GCC unroll 8
        for (int j = 0; j < kN; ++j) {
          const V xv = hn::LoadU(d, t.x + j * t.x_step + at + w * lanes);
#pragma GCC unroll 4
          for (int i = 0; i < kR; ++i) acc[w][i][j] = hn::MulAdd(av[i], xv, acc[w][i][j]);
        }
      }
    }
    for (; at < k; at += lanes) {
      const int64_t some = std::min(k - at, lanes);
      V av[kR];
#pragma GCC unroll 4
      for (int i = 0; i < kR; ++i) av[i] = load_first(d, a[i] + at, static_cast<size_t>(some));
#pragma GCC unroll 8
      for (int j = 0; j < kN; ++j) {
        const V xv = load_first(d, t.x + j * t.x_step + at, static_cast<size_t>(some));
#pragma GCC unroll 4
        for (int i = 0; i < kR; ++i) acc[0][i][j] = hn::MulAdd(av[i], xv, acc[0][i][j]);
      }
    }
    if constexpr (kW == 2) {
#pragma GCC unroll 4
      for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < kN; ++j) acc[0][i][j] = hn::Add(acc[0][i][j], acc[1][i][j]);
      }
    }
    T sums[kR * kN + 16 / sizeof(T)];
    sums_of_lanes<kR * kN>(d, &acc[0][0][0], sums);
    for (int i = 0; i < kR && r + i < t.rows; ++i) {
      for (int j = 0; j < kN; ++j) {
        T& y = t.y[(r + i) * t.y_row + j * t.y_column];
        y = t.accumulate ? y + sums[i * kN + j] : sums[i * kN + j];
      }
    }
  }
}

// Sums that fit the registers beside what they are made of.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
constexpr int kFewRows = 4, kSomeRows = 4, kManyRows = 3;
constexpr int kNarrowSums = 16, kNarrowVectors = 8;
#else
constexpr int kFewRows = 3, kSomeRows = 2, kManyRows = 1;
constexpr int kNarrowSums = 8, kNarrowVectors = 4;
#endif

// More of the large matrix than the second-level cache may hold from the last time.
constexpr int64_t kFarBytes = 512 << 10;

template <typename T, int kR, int kN>
void dots(const Dots<T>& t) {
  if (t.rows * t.k * static_cast<int64_t>(sizeof(T)) > kFarBytes) dots_of<T, kR, kN, true>(t);
  else dots_of<T, kR, kN, false>(t);
}

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
template <typename T, int kM, int kK, bool kFar>
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
  // Fetched that far ahead: near the end of these rows, the beginning of the next ones.
  [[maybe_unused]] constexpr int64_t kAhead = kStreamAhead / static_cast<int64_t>(sizeof(T));
  [[maybe_unused]] const int64_t next = std::min(kAhead, t.columns) + kK * t.b_step - t.columns;
  int64_t c = 0;
  for (; c + lanes <= t.columns; c += lanes) {
    [[maybe_unused]] const T* ahead = b + c + (c + kAhead < t.columns ? kAhead : next);
    V sum[kM];
#pragma GCC unroll 2
    for (int j = 0; j < kM; ++j) sum[j] = first ? hn::Zero(d) : hn::LoadU(d, t.y + j * t.y_step + c);
#pragma GCC unroll 8
    for (int s = 0; s < kK; ++s) {
      const V bv = hn::LoadU(d, b + s * t.b_step + c);
      if constexpr (kFar) prefetch_second_level(ahead + s * t.b_step);
      else hwy::Prefetch(b + (s + kK) * t.b_step + c);
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

template <typename T, int kM, bool kFar>
void sums(const RowSums<T>& t) {
  constexpr int kK = kM == 1 ? 8 : 4;
  int64_t i = 0;
  for (; i + kK <= t.k; i += kK) add_rows<T, kM, kK, kFar>(t, i, i == 0);
  for (; i < t.k; ++i) add_rows<T, kM, 1, kFar>(t, i, i == 0);
}

// Sums of kV vectors of columns stay in registers, several of each: an addition waits for the one before it. The
// processor foresees what it reads, and requests would only take its time.
template <typename T, int kV>
void narrow_sums(const RowSums<T>& t) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int kW = kNarrowSums / kV;
  V acc[kW][kV];
#pragma GCC unroll 16
  for (int w = 0; w < kW; ++w) {
#pragma GCC unroll 8
    for (int v = 0; v < kV; ++v) acc[w][v] = hn::Zero(d);
  }
  const T* HWY_RESTRICT b = t.b;
  int64_t i = 0;
  for (; i + kW <= t.k; i += kW) {
#pragma GCC unroll 16
    for (int w = 0; w < kW; ++w, b += t.b_step) {
      const V x = hn::Set(d, t.x[(i + w) * t.x_column]);
#pragma GCC unroll 8
      for (int v = 0; v < kV; ++v) acc[w][v] = hn::MulAdd(x, hn::LoadU(d, b + v * lanes), acc[w][v]);
    }
  }
  for (; i < t.k; ++i, b += t.b_step) {
    const V x = hn::Set(d, t.x[i * t.x_column]);
#pragma GCC unroll 8
    for (int v = 0; v < kV; ++v) acc[0][v] = hn::MulAdd(x, hn::LoadU(d, b + v * lanes), acc[0][v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < kV; ++v) {
#pragma GCC unroll 16
    for (int w = 1; w < kW; ++w) acc[0][v] = hn::Add(acc[0][v], acc[w][v]);
    hn::StoreU(acc[0][v], d, t.y + v * lanes);
  }
}

// Whether the columns are 1 to kV whole vectors, whose sums then are there.
template <typename T, int kV>
bool run_narrow(const RowSums<T>& t) {
  if constexpr (kV == 0) {
    return false;
  } else {
    if (t.columns != kV * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()))) return run_narrow<T, kV - 1>(t);
    narrow_sums<T, kV>(t);
    return true;
  }
}

template <typename T>
void run_sums(const RowSums<T>& t) {
  if (t.count == 1 && run_narrow<T, kNarrowVectors>(t)) return;
  const bool far = t.k * t.columns * static_cast<int64_t>(sizeof(T)) > kFarBytes;
  if (t.count == 1) return far ? sums<T, 1, true>(t) : sums<T, 1, false>(t);
  return far ? sums<T, 2, true>(t) : sums<T, 2, false>(t);
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
