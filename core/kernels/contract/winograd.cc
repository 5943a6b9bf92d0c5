#include "core/kernels/contract/winograd.h"

#include <algorithm>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/winograd.cc"
#include "core/kernels/simd.h"

#include "core/kernels/part-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using tw::HWY_NAMESPACE::load_first;

// The points are +-kA and +-kB with kB = 2 kA, kA^2 = 1/2 and kB^2 = 2.
constexpr float kA = 0.70710678118654752f, kB = 1.41421356237309505f;

template <class D>
using Vec = hn::Vec<D>;

// y = B^T x: six values of the source to six factors.
template <class D, class V = Vec<D>>
HWY_INLINE void source_factors(D d, const V* x, V* y) {
  const V two_and_half = hn::Set(d, 2.5f), two = hn::Set(d, 2.0f), half = hn::Set(d, 0.5f);
  y[0] = hn::NegMulAdd(two_and_half, x[2], hn::Add(x[0], x[4]));
  const V even_a = hn::NegMulAdd(two, x[2], x[4]), odd_a = hn::NegMulAdd(two, x[1], x[3]);
  y[1] = hn::MulAdd(hn::Set(d, kA), odd_a, even_a);
  y[2] = hn::NegMulAdd(hn::Set(d, kA), odd_a, even_a);
  const V even_b = hn::NegMulAdd(half, x[2], x[4]), odd_b = hn::NegMulAdd(half, x[1], x[3]);
  y[3] = hn::MulAdd(hn::Set(d, kB), odd_b, even_b);
  y[4] = hn::NegMulAdd(hn::Set(d, kB), odd_b, even_b);
  y[5] = hn::NegMulAdd(two_and_half, x[3], hn::Add(x[1], x[5]));
}

// y = G x: kCount values that take the filter's place (taps, or pixels of dy) to six factors. Powers of a point that
// differ in sign only are summed once.
template <int kCount, class D, class V = Vec<D>>
HWY_INLINE void filter_factors(D d, const V* x, V* y) {
  V even_a = x[0], even_b = x[0], odd_a = x[1], odd_b = x[1];
  if constexpr (kCount > 2) {
    even_a = hn::MulAdd(hn::Set(d, 0.5f), x[2], even_a);
    even_b = hn::MulAdd(hn::Set(d, 2.0f), x[2], even_b);
  }
  if constexpr (kCount > 3) {
    odd_a = hn::MulAdd(hn::Set(d, 0.5f), x[3], odd_a);
    odd_b = hn::MulAdd(hn::Set(d, 2.0f), x[3], odd_b);
  }
  if constexpr (kCount > 4) {
    even_a = hn::MulAdd(hn::Set(d, 0.25f), x[4], even_a);
    even_b = hn::MulAdd(hn::Set(d, 4.0f), x[4], even_b);
  }
  constexpr float kScaleA = -1.0f / 1.5f, kScaleB = 1.0f / 6.0f;
  y[0] = x[0];
  even_a = hn::Mul(hn::Set(d, kScaleA), even_a);
  y[1] = hn::MulAdd(hn::Set(d, kScaleA * kA), odd_a, even_a);
  y[2] = hn::NegMulAdd(hn::Set(d, kScaleA * kA), odd_a, even_a);
  even_b = hn::Mul(hn::Set(d, kScaleB), even_b);
  y[3] = hn::MulAdd(hn::Set(d, kScaleB * kB), odd_b, even_b);
  y[4] = hn::NegMulAdd(hn::Set(d, kScaleB * kB), odd_b, even_b);
  y[5] = x[kCount - 1];
}

// y = A^T x: six products to kCount results (pixels, or taps of a gradient).
template <int kCount, class D, class V = Vec<D>>
HWY_INLINE void results(D d, const V* x, V* y) {
  const V sum_a = hn::Add(x[1], x[2]), difference_a = hn::Sub(x[1], x[2]);
  const V sum_b = hn::Add(x[3], x[4]), difference_b = hn::Sub(x[3], x[4]);
  // The point at infinity adds to the last result only.
  const V none = hn::Zero(d);
  y[0] = hn::Add(x[0], hn::Add(sum_a, sum_b));
  y[1] = hn::Mul(hn::Set(d, kB), hn::MulAdd(hn::Set(d, 0.5f), difference_a, difference_b));
  if constexpr (kCount == 2) y[1] = hn::Add(y[1], x[5]);
  if constexpr (kCount > 2) {
    y[2] = hn::MulAdd(hn::Set(d, 2.0f), sum_b, hn::MulAdd(hn::Set(d, 0.5f), sum_a, kCount == 3 ? x[5] : none));
  }
  if constexpr (kCount > 3) {
    const V low = hn::MulAdd(hn::Set(d, kA / 2), difference_a, kCount == 4 ? x[5] : none);
    y[3] = hn::MulAdd(hn::Set(d, 2 * kB), difference_b, low);
  }
  if constexpr (kCount > 4) {
    y[4] = hn::MulAdd(hn::Set(d, 4.0f), sum_b, hn::MulAdd(hn::Set(d, 0.25f), sum_a, x[5]));
  }
}

struct SourceTransform {
  static constexpr int kSide = kWinogradSource;
  template <class D>
  HWY_INLINE void operator()(D d, const Vec<D>* x, Vec<D>* y) const {
    source_factors(d, x, y);
  }
};
template <int kTile>
struct GradientTransform {
  static constexpr int kSide = kTile;
  template <class D>
  HWY_INLINE void operator()(D d, const Vec<D>* x, Vec<D>* y) const {
    filter_factors<kTile>(d, x, y);
  }
};

// A vector of channels of one tile of kSide x kSide pixels, which load(y, x) gives.
template <class Transform, class D, class Load>
HWY_INLINE void tile_factors(D d, const Transform& transform, const Load& load, float* HWY_RESTRICT to,
                             int64_t product) {
  using V = Vec<D>;
  constexpr int kSide = Transform::kSide;
  V rows[kWinogradSource][kSide];
  for (int x = 0; x < kSide; ++x) {
    V column[kSide], factors[kWinogradSource];
#pragma GCC unroll 6
    for (int y = 0; y < kSide; ++y) column[y] = load(y, x);
    transform(d, column, factors);
#pragma GCC unroll 6
    for (int y = 0; y < kWinogradSource; ++y) rows[y][x] = factors[y];
  }
  for (int y = 0; y < kWinogradSource; ++y) {
    V factors[kWinogradSource];
    transform(d, rows[y], factors);
#pragma GCC unroll 6
    for (int x = 0; x < kWinogradSource; ++x) hn::StoreU(factors[x], d, to + (y * kWinogradSource + x) * product);
  }
}

// Tiles of images of height x width pixels of c channels; the first pixel of a tile is (step ty - up, step tx - back).
template <class Transform>
void transform_tiles(const WinogradRun& run, int64_t step, int64_t tiles_w, const float* images, int64_t height,
                     int64_t width, int64_t c, int64_t up, int64_t back, const float* zeros, float* to,
                     const WinogradLayout& layout) {
  constexpr int64_t kSide = Transform::kSide;
  const Transform transform;
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), pitch = width * c, product = layout.product;
  for (int64_t n = run.image; n < run.image + run.images; ++n) {
    const float* image = images + n * height * pitch;
    for (int64_t ty = run.row; ty < run.row + run.rows; ++ty) {
      const int64_t top = ty * step - up;
      for (int64_t tx = 0; tx < tiles_w; ++tx, to += layout.tile) {
        const int64_t left = tx * step - back;
        const float* pixels[kSide][kSide];
        const float* base = image + top * pitch + left * c;
        const bool inside = top >= 0 && left >= 0 && top + kSide <= height && left + kSide <= width;
        if (!inside) {
          for (int64_t y = 0; y < kSide; ++y) {
            for (int64_t x = 0; x < kSide; ++x) {
              const bool there = top + y >= 0 && top + y < height && left + x >= 0 && left + x < width;
              pixels[y][x] = there ? base + y * pitch + x * c : zeros;
            }
          }
        }
        int64_t i = 0;
        for (; i + lanes <= c; i += lanes) {
          if (inside) {
            tile_factors(
                d, transform, [&](int y, int x) { return hn::LoadU(d, base + y * pitch + x * c + i); }, to + i,
                product);
          } else {
            tile_factors(d, transform, [&](int y, int x) { return hn::LoadU(d, pixels[y][x] + i); }, to + i, product);
          }
        }
        if (i == c) continue;
        const auto at = [&](int y, int x) { return inside ? base + y * pitch + x * c : pixels[y][x]; };
        tile_factors(
            d, transform, [&](int y, int x) { return load_first(d, at(y, x) + i, static_cast<size_t>(c - i)); }, to + i,
            product);
      }
    }
  }
}

void input_tiles(const WinogradGrid& g, const WinogradRun& run, const float* source, const float* zeros, float* to,
                 const WinogradLayout& layout) {
  transform_tiles<SourceTransform>(run, g.tile(), g.tiles_w(), source, g.source_h, g.source_w, g.source_c, g.pad_top,
                                   g.pad_left, zeros, to, layout);
}

void gradient_tiles(const WinogradGrid& g, const WinogradRun& run, const float* dy, const float* zeros, float* to,
                    const WinogradLayout& layout) {
  const auto run_tiles = [&](auto transform) {
    transform_tiles<decltype(transform)>(run, g.tile(), g.tiles_w(), dy, g.result_h, g.result_w, g.result_c, 0, 0,
                                         zeros, to, layout);
  };
  if (g.taps == 3) run_tiles(GradientTransform<4>());
  else run_tiles(GradientTransform<2>());
}

template <int kTile>
void store_tiles(const WinogradGrid& g, const WinogradRun& run, const float* from, const WinogradLayout& layout,
                 float* result) {
  const hn::ScalableTag<float> d;
  using V = Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), k = g.result_c, pitch = g.result_w * k;
  const int64_t last_row = std::min((run.row + run.rows) * kTile, g.result_h);
  for (int64_t n = 0; n < run.images; ++n) {
    for (int64_t top = run.row * kTile; top < last_row; top += kTile) {
      const int64_t high = std::min<int64_t>(kTile, last_row - top);
      for (int64_t left = 0; left < g.result_w; left += kTile, from += layout.tile) {
        const int64_t wide = std::min<int64_t>(kTile, g.result_w - left);
        for (int64_t i = 0; i < k; i += lanes) {
          V rows[kTile][kWinogradSource];
          for (int x = 0; x < kWinogradSource; ++x) {
            V column[kWinogradSource], sums[kTile];
#pragma GCC unroll 6
            for (int y = 0; y < kWinogradSource; ++y) {
              column[y] = hn::LoadU(d, from + (y * kWinogradSource + x) * layout.product + i);
            }
            results<kTile>(d, column, sums);
#pragma GCC unroll 4
            for (int y = 0; y < kTile; ++y) rows[y][x] = sums[y];
          }
          float* to = result + left * k + i;
          const bool whole = i + lanes <= k;
          for (int64_t y = 0; y < high; ++y, to += pitch) {
            V sums[kTile];
            results<kTile>(d, rows[y], sums);
            if (whole && wide == kTile) {
#pragma GCC unroll 4
              for (int x = 0; x < kTile; ++x) hn::StoreU(sums[x], d, to + x * k);
            } else {
              const auto some = hn::FirstN(d, static_cast<size_t>(std::min(lanes, k - i)));
              for (int64_t x = 0; x < wide; ++x) hn::BlendedStore(sums[x], some, d, to + x * k);
            }
          }
        }
      }
      result += high * pitch;
    }
  }
}

void output_tiles(const WinogradGrid& g, const WinogradRun& run, const float* from, const WinogradLayout& layout,
                  float* result) {
  if (g.taps == 3) store_tiles<4>(g, run, from, layout, result);
  else store_tiles<2>(g, run, from, layout, result);
}

constexpr int64_t kAhead = 8;  // channels

template <int kTaps>
void transform_panel(const float* filter, int64_t tap, int64_t result_c, int64_t first, int64_t last, int64_t columns,
                     float* to, int64_t product, int64_t step) {
  const hn::ScalableTag<float> d;
  using V = Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = first; c < last; ++c) {
    for (int64_t j = 0; j < step; j += lanes) {
      const int64_t some = std::clamp<int64_t>(columns - j, 0, lanes);
      const float* from = filter + c * result_c + j;
      V rows[kWinogradSource][kTaps];
#pragma GCC unroll 5
      for (int x = 0; x < kTaps; ++x) {
        V taps[kTaps], factors[kWinogradSource];
#pragma GCC unroll 5
        for (int y = 0; y < kTaps; ++y) {
          const float* at = from + (y * kTaps + x) * tap;
          taps[y] = load_first(d, at, static_cast<size_t>(some));
          // A panel's part of a channel is far from the next channel's, so that the processor does not foresee it.
          hwy::Prefetch(at + kAhead * result_c);
        }
        filter_factors<kTaps>(d, taps, factors);
#pragma GCC unroll 6
        for (int y = 0; y < kWinogradSource; ++y) rows[y][x] = factors[y];
      }
      float* at = to + c * step + j;
#pragma GCC unroll 6
      for (int y = 0; y < kWinogradSource; ++y) {
        V factors[kWinogradSource];
        filter_factors<kTaps>(d, rows[y], factors);
#pragma GCC unroll 6
        for (int x = 0; x < kWinogradSource; ++x) hn::StoreU(factors[x], d, at + (y * kWinogradSource + x) * product);
      }
    }
  }
}

void filter_panel(int64_t taps, const float* filter, int64_t tap, int64_t result_c, int64_t first, int64_t last,
                  int64_t columns, float* to, int64_t product, int64_t step) {
  if (taps == 3) transform_panel<3>(filter, tap, result_c, first, last, columns, to, product, step);
  else transform_panel<5>(filter, tap, result_c, first, last, columns, to, product, step);
}

template <int kTaps>
void store_taps(const float* sums, int64_t product, int64_t step, int64_t source_c, int64_t result_c, int64_t first,
                int64_t last, float* filter) {
  const hn::ScalableTag<float> d;
  using V = Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), tap = source_c * result_c;
  for (int64_t c = first; c < last; ++c) {
    for (int64_t i = 0; i < result_c; i += lanes) {
      V rows[kTaps][kWinogradSource];
      for (int x = 0; x < kWinogradSource; ++x) {
        V column[kWinogradSource], found[kTaps];
#pragma GCC unroll 6
        for (int y = 0; y < kWinogradSource; ++y) {
          column[y] = hn::LoadU(d, sums + (y * kWinogradSource + x) * product + c * step + i);
        }
        results<kTaps>(d, column, found);
#pragma GCC unroll 5
        for (int y = 0; y < kTaps; ++y) rows[y][x] = found[y];
      }
      const auto some = hn::FirstN(d, static_cast<size_t>(std::min(lanes, result_c - i)));
      float* to = filter + c * result_c + i;
#pragma GCC unroll 5
      for (int y = 0; y < kTaps; ++y) {
        V found[kTaps];
        results<kTaps>(d, rows[y], found);
#pragma GCC unroll 5
        for (int x = 0; x < kTaps; ++x) {
          hn::BlendedStore(found[x], some, d, to + (y * kTaps + x) * tap);
        }
      }
    }
  }
}

void sums_to_taps(int64_t taps, const float* sums, int64_t product, int64_t step, int64_t source_c, int64_t result_c,
                  int64_t first, int64_t last, float* filter) {
  if (taps == 3) store_taps<3>(sums, product, step, source_c, result_c, first, last, filter);
  else store_taps<5>(sums, product, step, source_c, result_c, first, last, filter);
}

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(input_tiles);
HWY_EXPORT(output_tiles);
HWY_EXPORT(filter_panel);
HWY_EXPORT(gradient_tiles);
HWY_EXPORT(sums_to_taps);

void winograd_input(const WinogradGrid& grid, const WinogradRun& run, const float* source, const float* zeros,
                    float* to, const WinogradLayout& layout) {
  HWY_DYNAMIC_DISPATCH(input_tiles)(grid, run, source, zeros, to, layout);
}
void winograd_output(const WinogradGrid& grid, const WinogradRun& run, const float* from, const WinogradLayout& layout,
                     float* result) {
  HWY_DYNAMIC_DISPATCH(output_tiles)(grid, run, from, layout, result);
}
void winograd_filter(int64_t taps, const float* filter, int64_t tap, int64_t result_c, int64_t first, int64_t last,
                     int64_t columns, float* to, int64_t product, int64_t step) {
  HWY_DYNAMIC_DISPATCH(filter_panel)(taps, filter, tap, result_c, first, last, columns, to, product, step);
}
void winograd_gradient(const WinogradGrid& grid, const WinogradRun& run, const float* dy, const float* zeros, float* to,
                       const WinogradLayout& layout) {
  HWY_DYNAMIC_DISPATCH(gradient_tiles)(grid, run, dy, zeros, to, layout);
}
void winograd_taps(int64_t taps, const float* sums, int64_t product, int64_t step, int64_t source_c, int64_t result_c,
                   int64_t first, int64_t last, float* filter) {
  HWY_DYNAMIC_DISPATCH(sums_to_taps)(taps, sums, product, step, source_c, result_c, first, last, filter);
}

}  // namespace tw::contract
#endif
