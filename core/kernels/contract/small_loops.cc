#include "core/kernels/contract/small_loops.h"

#include <algorithm>
#include <type_traits>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/small_loops.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// kV - 1 whole vectors of columns and a part of the last one, for which half a vector does half the work where it is
// wide enough.
template <typename T, int kR, int kV, bool kHalf>
void multiply_small(const T* a, const T* b, T* c, int64_t columns, const SmallSteps& s) {
  constexpr int kWhole = kV - 1;
  const hn::ScalableTag<T> d;
  const std::conditional_t<kHalf, hn::Half<decltype(d)>, decltype(d)> d_last;
  using V = hn::Vec<decltype(d)>;
  using Last = hn::Vec<decltype(d_last)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V acc[kR][std::max(kWhole, 1)];
  Last last[kR];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kWhole; ++j) acc[i][j] = hn::Zero(d);
    last[i] = hn::Zero(d_last);
  }
  const T* rows[kR];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) rows[i] = a + i * s.a_row;
  const auto wanted = hn::FirstN(d_last, static_cast<size_t>(columns - kWhole * lanes));
  // Rows of a wide B lie far apart, so that the processor does not foresee them: the next columns of the same row are
  // fetched, which are the next tiles'.
  const int64_t b_step = s.b_step, a_step = s.a_step, ahead = kV * lanes;
  int64_t at = 0;
  for (int64_t k = s.k; k > 0; --k, at += a_step, b += b_step) {
    V bv[std::max(kWhole, 1)];
#pragma GCC unroll 4
    for (int j = 0; j < kWhole; ++j) {
      bv[j] = hn::LoadU(d, b + j * lanes);
      hwy::Prefetch(b + ahead + j * lanes);
    }
    hwy::Prefetch(b + ahead + kWhole * lanes);
    const Last b_last = hn::MaskedLoad(wanted, d_last, b + kWhole * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      if constexpr (kWhole == 0) {
        last[i] = hn::MulAdd(hn::Set(d_last, rows[i][at]), b_last, last[i]);
      } else {
        const V av = hn::Set(d, rows[i][at]);
#pragma GCC unroll 4
        for (int j = 0; j < kWhole; ++j) acc[i][j] = hn::MulAdd(av, bv[j], acc[i][j]);
        if constexpr (kHalf) last[i] = hn::MulAdd(hn::LowerHalf(d_last, av), b_last, last[i]);
        else last[i] = hn::MulAdd(av, b_last, last[i]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i, c += s.c_row) {
#pragma GCC unroll 4
    for (int j = 0; j < kWhole; ++j) hn::StoreU(acc[i][j], d, c + j * lanes);
    hn::BlendedStore(last[i], wanted, d_last, c + kWhole * lanes);
  }
}

template <typename T, int kR, int kV>
void add_small_rows(SmallTileSet<T>* set) {
  if constexpr (kR >= 1) {
    set->fn[0][kV - 1][kR - 1] = multiply_small<T, kR, kV, false>;
    set->fn[1][kV - 1][kR - 1] = multiply_small<T, kR, kV, true>;
    add_small_rows<T, kR - 1, kV>(set);
  }
}

template <typename T>
const SmallTileSet<T>* small_tiles_here() {
  static const SmallTileSet<T> set = [] {
    SmallTileSet<T> s{};
    s.lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<T>()));
    add_small_rows<T, kMaxSmallRows, 1>(&s);
    add_small_rows<T, kMaxSmallRows, 2>(&s);
    add_small_rows<T, kMaxSmallRows, 3>(&s);
    add_small_rows<T, kMaxSmallRows - 2, 4>(&s);
    return s;
  }();
  return &set;
}
#else
template <typename T>
const SmallTileSet<T>* small_tiles_here() {
  return nullptr;
}
#endif

const SmallTileSet<float>* small_float_tiles() { return small_tiles_here<float>(); }
const SmallTileSet<double>* small_double_tiles() { return small_tiles_here<double>(); }

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(small_float_tiles);
HWY_EXPORT(small_double_tiles);

template <>
const SmallTileSet<float>* small_tiles<float>() {
  return HWY_DYNAMIC_DISPATCH(small_float_tiles)();
}
template <>
const SmallTileSet<double>* small_tiles<double>() {
  return HWY_DYNAMIC_DISPATCH(small_double_tiles)();
}

}  // namespace tw::contract
#endif
