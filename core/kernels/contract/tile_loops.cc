// Register tiles of the integer and complex types, compiled for each vector target.
#include "core/kernels/contract/tile.h"

#ifndef TW_RARE_TYPES
#define TW_RARE_TYPES
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/tile_loops.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#include "core/kernels/contract/tile_loops-inl.h"

// Integers wrap around, as everywhere in the library, so their products are formed on the unsigned types.
TileSet<uint32_t> uint32_tiles() { return make_loop_set<uint32_t, 16>(); }
TileSet<uint64_t> uint64_tiles() { return make_loop_set<uint64_t, 8>(); }

#if HWY_HAVE_SCALABLE
TileSet<std::complex<float>> complex64_tiles() { return make_loop_set<std::complex<float>, 4>(); }
TileSet<std::complex<double>> complex128_tiles() { return make_loop_set<std::complex<double>, 2>(); }
#else

// Complex products without shuffles: real and imaginary part of A each multiply the interleaved B, and the two sums are
// put together at the end.
template <typename R, int kR, int kV, bool kColumns>
void run_complex_tile(const Tile<std::complex<R>>& t) {
  const hn::ScalableTag<R> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t kLanes = HWY_MAX_BYTES / sizeof(R);
  V by_re[kR][kV], by_im[kR][kV];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) by_re[i][j] = by_im[i][j] = hn::Zero(d);
  }
  const R* b = reinterpret_cast<const R*>(t.b);
  const int64_t a_step = kColumns ? t.a_step : 1;
  for (int64_t s = 0; s < t.segments; ++s) {
    int64_t at = t.offsets[s];
    for (int64_t k = 0; k < t.length; ++k, at += a_step, b += 2 * t.b_step) {
      V bv[kV];
#pragma GCC unroll 4
      for (int j = 0; j < kV; ++j) bv[j] = hn::LoadU(d, b + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kR; ++i) {
        const R* a = reinterpret_cast<const R*>(kColumns ? t.a[0] + at + i : t.a[i] + at);
        const V re = hn::Set(d, a[0]), im = hn::Set(d, a[1]);
#pragma GCC unroll 4
        for (int j = 0; j < kV; ++j) {
          by_re[i][j] = hn::MulAdd(re, bv[j], by_re[i][j]);
          by_im[i][j] = hn::MulAdd(im, bv[j], by_im[i][j]);
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
    HWY_ALIGN R p[kV * kLanes], q[kV * kLanes];
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) {
      hn::Store(by_re[i][j], d, p + j * kLanes);
      hn::Store(by_im[i][j], d, q + j * kLanes);
    }
    for (int64_t j = 0; j < t.columns; ++j) {
      const std::complex<R> v(p[2 * j] - q[2 * j + 1], p[2 * j + 1] + q[2 * j]);
      t.c[i][j] = t.accumulate ? t.c[i][j] + v : v;
    }
  }
}

template <typename R, int kR, int kV>
void add_complex_rows(TileSet<std::complex<R>>* set) {
  if constexpr (kR >= 1) {
    set->fn[0][kR - 1][kV - 1] = run_complex_tile<R, kR, kV, false>;
    set->fn[1][kR - 1][kV - 1] = run_complex_tile<R, kR, kV, true>;
    add_complex_rows<R, kR - 1, kV>(set);
  }
}

template <typename R>
TileSet<std::complex<R>> complex_set() {
  TileSet<std::complex<R>> set{};
  set.lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<R>())) / 2;
  set.max_rows = 3;
  add_complex_rows<R, 3, 1>(&set);
  add_complex_rows<R, 3, 2>(&set);
  return set;
}

TileSet<std::complex<float>> complex64_tiles() { return complex_set<float>(); }
TileSet<std::complex<double>> complex128_tiles() { return complex_set<double>(); }
#endif

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(uint32_tiles);
HWY_EXPORT(uint64_tiles);
HWY_EXPORT(complex64_tiles);
HWY_EXPORT(complex128_tiles);

template <>
const TileSet<uint32_t>& tile_set<uint32_t>() {
  static const TileSet<uint32_t> set = HWY_DYNAMIC_DISPATCH(uint32_tiles)();
  return set;
}
template <>
const TileSet<uint64_t>& tile_set<uint64_t>() {
  static const TileSet<uint64_t> set = HWY_DYNAMIC_DISPATCH(uint64_tiles)();
  return set;
}
template <>
const TileSet<std::complex<float>>& tile_set<std::complex<float>>() {
  static const TileSet<std::complex<float>> set = HWY_DYNAMIC_DISPATCH(complex64_tiles)();
  return set;
}
template <>
const TileSet<std::complex<double>>& tile_set<std::complex<double>>() {
  static const TileSet<std::complex<double>> set = HWY_DYNAMIC_DISPATCH(complex128_tiles)();
  return set;
}

}  // namespace tw::contract
#endif
