// Register tiles for float and double, compiled for each vector target.
#include "core/kernels/contract/tile.h"

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/tile.cc"
#include "core/kernels/simd.h"

#include "core/kernels/contract/finish-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_HAVE_SCALABLE
// Vectors of unknown length cannot be held in arrays.
#include "core/kernels/contract/tile_loops-inl.h"

TileSet<float> float_tiles() { return make_loop_set<float, 16>(); }
TileSet<double> double_tiles() { return make_loop_set<double, 8>(); }
#else

// Rows that fit the registers beside the vectors of B and one broadcast of A.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
constexpr int kRows = 14, kSkinnyRows = 6;
#else
constexpr int kRows = 6, kSkinnyRows = 2;
#endif
// With mask registers a part of a vector is read and written as quickly as all of it.
constexpr bool kMasks = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3;

// Doubles would pay for a second end of each tile with library size.
template <typename T>
constexpr bool kFinishes = std::is_same_v<T, float>;

// Writes the columns that are wanted of `rows` rows of sums, of `width` elements each.
template <typename T>
HWY_NOINLINE void store_part(const Tile<T>& t, const T* HWY_RESTRICT sums, int rows, int64_t width) {
  for (int i = 0; i < rows; ++i, sums += width) {
    T* HWY_RESTRICT c = t.c[i];
    for (int64_t x = 0; x < t.columns; ++x) c[x] = t.accumulate ? c[x] + sums[x] : sums[x];
    if constexpr (kFinishes<T>) {
      if (t.finish == nullptr) continue;
      const hn::CappedTag<float, 1> one;
      const auto load = [&](const float* p) { return hn::LoadU(one, p); };
      for (int64_t x = 0; x < t.columns; ++x) {
        auto v = load(c + x);
        finish_sums<1, 1>(t.finish->from_column(x), one, load, [&](int) { return c + x; }, &v);
        hn::StoreU(v, one, c + x);
      }
    }
  }
}

// Vector j of a tile's row at p, of kV vectors; kPart: `wanted` elements of the last one.
template <int kV, bool kPart, class D, class M, typename T>
HWY_INLINE hn::Vec<D> load_part(D d, M wanted, const T* p, int j) {
  p += j * static_cast<int64_t>(hn::Lanes(d));
  return kPart && j + 1 == kV ? hn::MaskedLoad(wanted, d, p) : hn::LoadU(d, p);
}

// kPart: the last vector is read and written in part.
template <typename T, int kR, int kV, bool kColumns, bool kPart>
void multiply_tile(const Tile<T>& t) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V acc[kR][kV];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) acc[i][j] = hn::Zero(d);
  }
  const T* rows[kR];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) rows[i] = kColumns ? t.a[0] : t.a[i];
  // The lines of the results come while k runs.
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) hwy::Prefetch(t.c[i] + j * lanes);
  }
  [[maybe_unused]] const auto wanted = hn::FirstN(d, static_cast<size_t>(t.columns - (kV - 1) * lanes));
  const T* HWY_RESTRICT b = t.b;
  const int64_t b_step = t.b_step, a_step = kColumns ? t.a_step : 1, length = t.length, ahead = t.ahead;
  for (int64_t s = 0; s < t.segments; ++s) {
    int64_t at = t.offsets[s];
    for (int64_t k = 0; k < length; ++k, at += a_step, b += b_step) {
      V bv[kV];
#pragma GCC unroll 4
      for (int j = 0; j < kV; ++j) {
        bv[j] = load_part<kV, kPart>(d, wanted, b, j);
        hwy::Prefetch(b + ahead + j * lanes);
      }
      if constexpr (!kColumns) keep_in_memory(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kR; ++i) {
        const V av = hn::Set(d, kColumns ? rows[0][at + i] : rows[i][at]);
#pragma GCC unroll 4
        for (int j = 0; j < kV; ++j) acc[i][j] = hn::MulAdd(av, bv[j], acc[i][j]);
      }
    }
  }
  if (kPart || t.columns == kV * lanes) {
    if (t.accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < kV; ++j) acc[i][j] = hn::Add(acc[i][j], load_part<kV, kPart>(d, wanted, t.c[i], j));
      }
    }
    if constexpr (kFinishes<T>) {
      if (t.finish != nullptr) {
#pragma GCC unroll 4
        for (int j = 0; j < kV; ++j) {
          const auto load = [&](const T* p) { return load_part<kV, kPart>(d, wanted, p, j); };
          finish_sums<kR, kV>(*t.finish, d, load, [&](int i) { return t.c[i]; }, &acc[0][j]);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
      T* HWY_RESTRICT c = t.c[i];
#pragma GCC unroll 4
      for (int j = 0; j < kV - kPart; ++j) hn::StoreU(acc[i][j], d, c + j * lanes);
      if constexpr (kPart) hn::BlendedStore(acc[i][kV - 1], wanted, d, c + (kV - 1) * lanes);
    }
  } else if constexpr (!kMasks) {
    HWY_ALIGN T sums[kR * kV * HWY_MAX_BYTES / sizeof(T)];
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kV; ++j) hn::Store(acc[i][j], d, sums + (i * kV + j) * lanes);
    }
    store_part(t, sums, kR, kV * lanes);
  }
}

template <typename T, int kR, int kV, bool kColumns>
void run_tile(const Tile<T>& t) {
  if constexpr (kMasks) {
    if (t.columns < kV * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())))
      return multiply_tile<T, kR, kV, kColumns, true>(t);
  }
  multiply_tile<T, kR, kV, kColumns, false>(t);
}

template <typename T, int kR, int kV>
void add_rows(TileSet<T>* set) {
  if constexpr (kR >= 1) {
    set->fn[0][kR - 1][kV - 1] = run_tile<T, kR, kV, false>;
    set->fn[1][kR - 1][kV - 1] = run_tile<T, kR, kV, true>;
    add_rows<T, kR - 1, kV>(set);
  }
}

template <typename T>
TileSet<T> make_set() {
  TileSet<T> set{};
  set.lanes = static_cast<int>(hn::Lanes(hn::ScalableTag<T>()));
  set.max_rows = kRows;
  set.skinny_rows = kSkinnyRows;
  set.reads_part = kMasks;
  set.finishes = kFinishes<T>;
  add_rows<T, kRows, 1>(&set);
  add_rows<T, kRows, 2>(&set);
  add_rows<T, kSkinnyRows, 3>(&set);
  add_rows<T, kSkinnyRows, 4>(&set);
  return set;
}

TileSet<float> float_tiles() { return make_set<float>(); }
TileSet<double> double_tiles() { return make_set<double>(); }
#endif

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(float_tiles);
HWY_EXPORT(double_tiles);

template <>
const TileSet<float>& tile_set<float>() {
  static const TileSet<float> set = HWY_DYNAMIC_DISPATCH(float_tiles)();
  return set;
}
template <>
const TileSet<double>& tile_set<double>() {
  static const TileSet<double> set = HWY_DYNAMIC_DISPATCH(double_tiles)();
  return set;
}

}  // namespace tw::contract
#endif
