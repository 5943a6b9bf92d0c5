#include "core/kernels/contract/depthwise_loops.h"

#include "core/kernels/prefetch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/depthwise_loops.cc"
#include "core/kernels/simd.h"

#include <type_traits>

#include "core/kernels/contract/finish-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector that stays in its register: GCC loads what is used several times anew for each use, and the loops are bound
// by their loads.
template <class V>
HWY_INLINE void keep(V& v) {
#if HWY_ARCH_X86 && defined(__GNUC__)
  asm("" : "+v"(v.raw));
#else
  (void)v;
#endif
}

// The next address, computed when it is needed: GCC would keep those of all pixels, in vector registers.
template <typename T>
HWY_INLINE void step(const T*& at, int64_t elements) {
  at += elements;
#if HWY_ARCH_X86 && defined(__GNUC__)
  asm("" : "+r"(at));
#endif
}

// Any taps: pixels share each load of the filter.
struct AnyTaps {
  static constexpr int kRows = 1;
  template <int kPixels, typename T, class Load, class V>
  HWY_INLINE void add(const DepthwisePixels<T>& p, int64_t x, int64_t c, const Load& load, V* sums) const {
    for (int64_t r = 0; r < p.num_rows; ++r) {
      const T* image = p.rows[r].image + p.start + x * p.image_step + c;
      for (int64_t t = 0; t < p.num_taps; ++t) {
        const V f = load(p.rows[r].filter + p.taps[t].filter + c);
        const T* at = image + p.taps[t].image;
#pragma GCC unroll 8
        for (int i = 0; i < kPixels; ++i) sums[i] = hn::MulAdd(load(at + i * p.image_step), f, sums[i]);
      }
    }
  }
};

// Taps side by side, of pixels kStride apart: pixels share the loads of the image too.
template <int kTaps, int kStride>
struct AdjacentTaps {
  static constexpr int kRows = 1;
  template <int kPixels, typename T, class V, class Load>
  HWY_INLINE void add(const DepthwisePixels<T>& p, int64_t x, int64_t c, const Load& load, V* sums) const {
    for (int64_t r = 0; r < p.num_rows; ++r) {
      const T* at = p.rows[r].image + p.start + x * p.image_step + p.taps[0].image + c;
      V f[kTaps];
#pragma GCC unroll 8
      for (int t = 0; t < kTaps; ++t) f[t] = load(p.rows[r].filter + p.taps[t].filter + c);
#pragma GCC unroll 32
      for (int i = 0; i < (kPixels - 1) * kStride + kTaps; ++i, step(at, p.channels)) {
        V v = load(at);
        keep(v);
#pragma GCC unroll 8
        for (int j = 0; j < kPixels; ++j) {
          const int t = i - j * kStride;
          if (t >= 0 && t < kTaps) sums[j] = hn::MulAdd(v, f[t], sums[j]);
        }
      }
    }
  }
};

// kTaps rows of as many taps side by side, for two rows of results, one below the other: but for the first and the
// last, both read the same rows of the image.
template <int kTaps>
struct PairedTaps {
  static constexpr int kRows = 2;
  template <int kPixels, typename T, class V, class Load>
  HWY_INLINE void add(const DepthwisePixels<T>& p, int64_t x, int64_t c, const Load& load, V* sums) const {
    const bool first_outside = p.first_outside && x == 0, last_outside = p.last_outside && x + kPixels == p.count;
    V above[kTaps], f[kTaps];
#pragma GCC unroll 8
    for (int r = 0; r <= kTaps; ++r) {
#pragma GCC unroll 8
      for (int t = 0; t < kTaps; ++t) {
        if (r > 0) above[t] = f[t];
        if (r < kTaps) f[t] = load(p.rows[r].filter + p.taps[t].filter + c);
      }
      if (p.rows[r].image == nullptr) continue;
      const T* at = p.rows[r].image + p.start + x * p.image_step + p.taps[0].image + c;
#pragma GCC unroll 32
      for (int i = 0; i < kPixels - 1 + kTaps; ++i) {
        if ((i == 0 && first_outside) || (i == kPixels + kTaps - 2 && last_outside)) continue;
        V v = load(at + i * p.channels);
        keep(v);
#pragma GCC unroll 8
        for (int j = 0; j < kPixels; ++j) {
          const int t = i - j;
          if (t < 0 || t >= kTaps) continue;
          if (r < kTaps) sums[j] = hn::MulAdd(v, f[t], sums[j]);
          if (r > 0) sums[kPixels + j] = hn::MulAdd(v, above[t], sums[kPixels + j]);
        }
      }
    }
  }
};

// What lies behind pixels [x, x + kPixels) of the next results, of the line that holds channel c.
template <int kPixels, class Taps, typename T>
HWY_INLINE void fetch_next(const DepthwisePixels<T>& p, int64_t x, int64_t c) {
  const int64_t columns = kPixels * (p.image_step / p.channels);
  for (int64_t r = 0; r < p.next_rows; ++r) {
    const T* at = p.next_image + r * p.pitch + x * p.image_step + c;
    for (int64_t i = 0; i < columns; ++i, at += p.channels) prefetch_second_level(at);
  }
  const T* to = p.to + p.next_to + x * p.to_step + c;
  for (int r = 0; r < Taps::kRows; ++r, to += p.below) {
    for (int i = 0; i < kPixels; ++i) prefetch_second_level(to + i * p.to_step);
  }
}

// Pixels [x, x + kPixels), a vector of channels from c on.
template <int kPixels, typename T, class Taps, class D, class Load, class Store>
HWY_INLINE void run_vector(const DepthwisePixels<T>& p, const Taps& taps, int64_t x, int64_t c, D d, const Load& load,
                           const Store& store) {
  if (p.next_image != nullptr) fetch_next<kPixels, Taps>(p, x, c);
  hn::Vec<D> sums[Taps::kRows * kPixels];
#pragma GCC unroll 16
  for (int i = 0; i < Taps::kRows * kPixels; ++i) sums[i] = hn::Zero(d);
  taps.template add<kPixels>(p, x, c, load, sums);
  T* to = p.to + x * p.to_step + c;
  if constexpr (std::is_same_v<T, float>) {
    if (p.finish != nullptr) {
      const auto result = [&](int i) {
        return i < kPixels ? to + i * p.to_step : to + p.below + (i - kPixels) * p.to_step;
      };
      finish_sums<Taps::kRows * kPixels, 1>(p.finish->from_column(c), d, load, result, sums);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    store(sums[i], to + i * p.to_step);
    if constexpr (Taps::kRows == 2) store(sums[kPixels + i], to + p.below + i * p.to_step);
  }
}

// The same, channels [first, last).
template <int kPixels, typename T, class Taps>
HWY_INLINE void run_block(const DepthwisePixels<T>& p, const Taps& taps, int64_t x, int64_t first, int64_t last) {
  const auto run = [&](int64_t c, auto d) {
    run_vector<kPixels>(
        p, taps, x, c, d, [=](const T* at) { return hn::LoadU(d, at); }, [=](auto v, T* at) { hn::StoreU(v, d, at); });
  };
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t c = first;
  for (; c + lanes <= last; c += lanes) run(c, d);
  if (c == last) return;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const auto some = hn::FirstN(d, static_cast<size_t>(last - c));
  run_vector<kPixels>(
      p, taps, x, c, d, [=](const T* at) { return hn::MaskedLoad(some, d, at); },
      [=](auto v, T* at) { hn::BlendedStore(v, some, d, at); });
#else
  // Elsewhere masked lanes are read and written too.
  for (; c < last; ++c) run(c, hn::FixedTag<T, 1>());
#endif
}

template <typename T, class Taps>
void run_pixels(const DepthwisePixels<T>& p, const Taps& taps) {
  // A piece of a pixel's channels at a time, so that the filter's part stays in the first-level cache.
  const int64_t block = 1024 / static_cast<int64_t>(sizeof(T));
  // Pixels a multiple of 2 KiB apart fall into so few sets of that cache that eight of them drive each other out.
  [[maybe_unused]] const bool collide = p.channels * static_cast<int64_t>(sizeof(T)) % 2048 == 0;
  for (int64_t c = 0; c < p.channels; c += block) {
    const int64_t last = c + block < p.channels ? c + block : p.channels;
    int64_t x = 0;
    // The last pixels are computed along with some before them.
#if HWY_TARGET <= HWY_AVX3
    if (!collide) {
      for (; x + 8 <= p.count; x += 8) run_block<8>(p, taps, x, c, last);
      if (p.count - x > 4 && x > 0) run_block<8>(p, taps, p.count - 8, c, last), x = p.count;
    }
#endif
    for (; x + 4 <= p.count; x += 4) run_block<4>(p, taps, x, c, last);
    if (p.count - x > 1 && p.count >= 4) run_block<4>(p, taps, p.count - 4, c, last), x = p.count;
    for (; x < p.count; ++x) run_block<1>(p, taps, x, c, last);
  }
}

template <typename T>
void pixels(const DepthwisePixels<T>& p) {
  if (p.below != 0) return run_pixels(p, PairedTaps<kPairedTaps>());
  const int64_t num_taps = p.num_taps;
  bool adjacent = true;
  for (int64_t t = 1; t < num_taps; ++t) adjacent &= p.taps[t].image == p.taps[0].image + t * p.channels;
  const int64_t stride = !adjacent ? 0 : p.image_step == p.channels ? 1 : p.image_step == 2 * p.channels ? 2 : 0;
  if (num_taps == 2 && stride == 1) return run_pixels(p, AdjacentTaps<2, 1>());
  if (num_taps == 3 && stride == 1) return run_pixels(p, AdjacentTaps<3, 1>());
  if (num_taps == 3 && stride == 2) return run_pixels(p, AdjacentTaps<3, 2>());
  if (num_taps == 5 && stride == 1) return run_pixels(p, AdjacentTaps<5, 1>());
  if (num_taps == 5 && stride == 2) return run_pixels(p, AdjacentTaps<5, 2>());
  run_pixels(p, AnyTaps());
}

// Three taps share each load of the gradient.
template <typename T>
void filter(const T* HWY_RESTRICT image, int64_t image_step, const T* HWY_RESTRICT dy, const DepthwiseTap* taps,
            int64_t num_taps, int64_t count, int64_t channels, T* HWY_RESTRICT sums) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t t = 0; t < num_taps; t += 3) {
    const int64_t n = num_taps - t < 3 ? num_taps - t : 3;
    const DepthwiseTap t0 = taps[t], t1 = taps[t + (n > 1 ? 1 : 0)], t2 = taps[t + n - 1];
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      auto a0 = hn::Zero(d), a1 = hn::Zero(d), a2 = hn::Zero(d);
      const T* p = image + c;
      const T* g = dy + c;
      for (int64_t x = 0; x < count; ++x, p += image_step, g += channels) {
        const auto v = hn::LoadU(d, g);
        a0 = hn::MulAdd(hn::LoadU(d, p + t0.image), v, a0);
        a1 = hn::MulAdd(hn::LoadU(d, p + t1.image), v, a1);
        a2 = hn::MulAdd(hn::LoadU(d, p + t2.image), v, a2);
      }
      T* s0 = sums + t0.filter + c;
      hn::StoreU(hn::Add(a0, hn::LoadU(d, s0)), d, s0);
      if (n > 1) {
        T* s1 = sums + t1.filter + c;
        hn::StoreU(hn::Add(a1, hn::LoadU(d, s1)), d, s1);
      }
      if (n > 2) {
        T* s2 = sums + t2.filter + c;
        hn::StoreU(hn::Add(a2, hn::LoadU(d, s2)), d, s2);
      }
    }
    for (; c < channels; ++c) {
      for (int64_t i = 0; i < n; ++i) {
        T sum{};
        for (int64_t x = 0; x < count; ++x) sum += image[x * image_step + taps[t + i].image + c] * dy[x * channels + c];
        sums[taps[t + i].filter + c] += sum;
      }
    }
  }
}

template <typename T>
DepthwiseLoops<T> loops() {
  return {hn::Lanes(hn::ScalableTag<T>()) * sizeof(T) >= 64, pixels<T>, filter<T>};
}
DepthwiseLoops<float> float_loops() { return loops<float>(); }
DepthwiseLoops<double> double_loops() { return loops<double>(); }

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(float_loops);
HWY_EXPORT(double_loops);

template <>
const DepthwiseLoops<float>& depthwise_loops<float>() {
  static const DepthwiseLoops<float> loops = HWY_DYNAMIC_DISPATCH(float_loops)();
  return loops;
}
template <>
const DepthwiseLoops<double>& depthwise_loops<double>() {
  static const DepthwiseLoops<double> loops = HWY_DYNAMIC_DISPATCH(double_loops)();
  return loops;
}

}  // namespace tw::contract
#endif
