#include "core/kernels/contract/depthwise_loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/depthwise_loops.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four pixels share each load of the filter.
template <typename T>
void pixels(const T* HWY_RESTRICT image, int64_t image_step, const T* HWY_RESTRICT filter, const DepthwiseTap* taps,
            int64_t num_taps, int64_t count, int64_t channels, T* HWY_RESTRICT to, int64_t to_step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t x = 0;
  for (; x < count; x += 4) {
    const int64_t n = count - x < 4 ? count - x : 4;
    const T* at = image + x * image_step;
    T* out = to + x * to_step;
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      // Missing pixels repeat the last one, and are not stored.
      const int64_t s1 = (n > 1 ? 1 : 0) * image_step, s2 = (n > 2 ? 2 : n - 1) * image_step,
                    s3 = (n > 3 ? 3 : n - 1) * image_step;
      auto a0 = hn::Zero(d), a1 = hn::Zero(d), a2 = hn::Zero(d), a3 = hn::Zero(d);
      for (int64_t t = 0; t < num_taps; ++t) {
        const auto f = hn::LoadU(d, filter + taps[t].filter + c);
        const T* p = at + taps[t].image + c;
        a0 = hn::MulAdd(hn::LoadU(d, p), f, a0);
        a1 = hn::MulAdd(hn::LoadU(d, p + s1), f, a1);
        a2 = hn::MulAdd(hn::LoadU(d, p + s2), f, a2);
        a3 = hn::MulAdd(hn::LoadU(d, p + s3), f, a3);
      }
      hn::StoreU(a0, d, out + c);
      if (n > 1) hn::StoreU(a1, d, out + to_step + c);
      if (n > 2) hn::StoreU(a2, d, out + 2 * to_step + c);
      if (n > 3) hn::StoreU(a3, d, out + 3 * to_step + c);
    }
    for (; c < channels; ++c) {
      for (int64_t i = 0; i < n; ++i) {
        T sum{};
        for (int64_t t = 0; t < num_taps; ++t)
          sum += at[i * image_step + taps[t].image + c] * filter[taps[t].filter + c];
        out[i * to_step + c] = sum;
      }
    }
  }
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

DepthwiseLoops<float> float_loops() { return {pixels<float>, filter<float>}; }
DepthwiseLoops<double> double_loops() { return {pixels<double>, filter<double>}; }

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
