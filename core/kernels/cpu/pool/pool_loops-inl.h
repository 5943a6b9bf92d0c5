// Pooling loops, once per vector target.
#if defined(CORE_KERNELS_CPU_POOL_POOL_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_CPU_POOL_POOL_LOOPS_INL_H_
#undef CORE_KERNELS_CPU_POOL_POOL_LOOPS_INL_H_
#else
#define CORE_KERNELS_CPU_POOL_POOL_LOOPS_INL_H_
#endif

#include <algorithm>
#include <type_traits>

#include "core/kernels/cpu/pool/pool_loops.h"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::pool::HWY_NAMESPACE {

// Channels worked on at a time: what one window finds stays in the first-level cache.
constexpr int64_t kBlock = 256;

struct Range {
  int64_t begin, end;
};
// Input positions of window `o` along one dimension.
HWY_INLINE Range window(int64_t o, int64_t stride, int64_t pad, int64_t size, int64_t in) {
  const int64_t at = o * stride - pad;
  return {std::max<int64_t>(at, 0), std::min(at + size, in)};
}
// Windows that hold input position `i`.
HWY_INLINE Range covering(int64_t i, int64_t stride, int64_t pad, int64_t size, int64_t out) {
  const int64_t first = i + pad - size + 1;
  return {first <= 0 ? 0 : (first + stride - 1) / stride, std::min((i + pad) / stride + 1, out)};
}

// The largest elements of one window and which of its elements they are.
template <typename T>
HWY_INLINE void find_max(const PoolGeometry& g, const T* image, Range y, Range x, int64_t c0, int64_t n,
                         T* HWY_RESTRICT best, int32_t* HWY_RESTRICT which) {
  const T* first = image + (y.begin * g.in_w + x.begin) * g.channels + c0;
  for (int64_t c = 0; c < n; ++c) best[c] = first[c];
  for (int64_t c = 0; c < n; ++c) which[c] = 0;
  int32_t k = 0;
  for (int64_t h = y.begin; h < y.end; ++h) {
    for (int64_t w = x.begin; w < x.end; ++w, ++k) {
      const T* HWY_RESTRICT at = image + (h * g.in_w + w) * g.channels + c0;
      for (int64_t c = 0; c < n; ++c) {
        const bool larger = at[c] > best[c];
        best[c] = larger ? at[c] : best[c];
        which[c] = larger ? k : which[c];
      }
    }
  }
}

// Calls fn(image number, y, x, first channel, channels, output offset) for the windows of rows [begin, end).
template <typename Fn>
HWY_INLINE void each_window(const PoolGeometry& g, int64_t begin, int64_t end, const Fn& fn) {
  for (int64_t r = begin; r < end; ++r) {
    const Range y = window(r % g.out_h, g.stride_h, g.pad_top, g.window_h, g.in_h);
    for (int64_t o = 0; o < g.out_w; ++o) {
      const Range x = window(o, g.stride_w, g.pad_left, g.window_w, g.in_w);
      for (int64_t c = 0; c < g.channels; c += kBlock) {
        fn(r / g.out_h, y, x, c, std::min(kBlock, g.channels - c), (r * g.out_w + o) * g.channels + c);
      }
    }
  }
}

template <typename T>
void max(const PoolGeometry& g, const T* in, T* out, int64_t begin, int64_t end) {
  const int64_t image = g.in_h * g.in_w * g.channels;
  each_window(g, begin, end, [&](int64_t b, Range y, Range x, int64_t c0, int64_t n, int64_t at) HWY_ATTR {
    T* HWY_RESTRICT to = out + at;
    const T* from = in + b * image + c0;
    const T* first = from + (y.begin * g.in_w + x.begin) * g.channels;
    for (int64_t c = 0; c < n; ++c) to[c] = first[c];
    for (int64_t h = y.begin; h < y.end; ++h) {
      for (int64_t w = x.begin; w < x.end; ++w) {
        const T* HWY_RESTRICT v = from + (h * g.in_w + w) * g.channels;
        for (int64_t c = 0; c < n; ++c) to[c] = v[c] > to[c] ? v[c] : to[c];
      }
    }
  });
}

template <typename T>
void max_index(const PoolGeometry& g, const T* in, T* out, int64_t* index, int64_t begin, int64_t end) {
  const int64_t image = g.in_h * g.in_w * g.channels;
  each_window(g, begin, end, [&](int64_t b, Range y, Range x, int64_t c0, int64_t n, int64_t at) HWY_ATTR {
    int32_t which[kBlock];
    find_max(g, in + b * image, y, x, c0, n, out + at, which);
    const int64_t wide = x.end - x.begin;
    for (int64_t c = 0; c < n; ++c) {
      index[at + c] = ((y.begin + which[c] / wide) * g.in_w + x.begin + which[c] % wide) * g.channels + c0 + c;
    }
  });
}

template <typename T>
void scatter(const PoolGeometry& g, const T* in, const T* dy, T* dx, int64_t begin, int64_t end) {
  const int64_t image = g.in_h * g.in_w * g.channels;
  each_window(g, begin, end, [&](int64_t b, Range y, Range x, int64_t c0, int64_t n, int64_t at) HWY_ATTR {
    T best[kBlock];
    int32_t which[kBlock];
    find_max(g, in + b * image, y, x, c0, n, best, which);
    const T* HWY_RESTRICT grad = dy + at;
    int32_t k = 0;
    for (int64_t h = y.begin; h < y.end; ++h) {
      for (int64_t w = x.begin; w < x.end; ++w, ++k) {
        T* HWY_RESTRICT to = dx + b * image + (h * g.in_w + w) * g.channels + c0;
        for (int64_t c = 0; c < n; ++c) to[c] = which[c] == k ? static_cast<T>(to[c] + grad[c]) : to[c];
      }
    }
  });
}

template <typename T>
void gather(const PoolGeometry& g, const T* in, const T* from, T* out, int64_t begin, int64_t end) {
  const int64_t image = g.in_h * g.in_w * g.channels;
  each_window(g, begin, end, [&](int64_t b, Range y, Range x, int64_t c0, int64_t n, int64_t at) HWY_ATTR {
    T best[kBlock];
    int32_t which[kBlock];
    find_max(g, in + b * image, y, x, c0, n, best, which);
    T* HWY_RESTRICT to = out + at;
    int32_t k = 0;
    for (int64_t h = y.begin; h < y.end; ++h) {
      for (int64_t w = x.begin; w < x.end; ++w, ++k) {
        const T* HWY_RESTRICT v = from + b * image + (h * g.in_w + w) * g.channels + c0;
        for (int64_t c = 0; c < n; ++c) to[c] = which[c] == k ? v[c] : to[c];
      }
    }
  });
}

// Sums of the 16-bit floats gather in float.
template <typename T>
using Sum = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T>
void avg(const PoolGeometry& g, const T* in, T* out, int64_t begin, int64_t end) {
  const int64_t image = g.in_h * g.in_w * g.channels;
  each_window(g, begin, end, [&](int64_t b, Range y, Range x, int64_t c0, int64_t n, int64_t at) HWY_ATTR {
    Sum<T> sum[kBlock];
    for (int64_t c = 0; c < n; ++c) sum[c] = 0;
    for (int64_t h = y.begin; h < y.end; ++h) {
      for (int64_t w = x.begin; w < x.end; ++w) {
        const T* HWY_RESTRICT v = in + b * image + (h * g.in_w + w) * g.channels + c0;
        for (int64_t c = 0; c < n; ++c) sum[c] += v[c];
      }
    }
    const Sum<T> count = static_cast<Sum<T>>((y.end - y.begin) * (x.end - x.begin));
    T* HWY_RESTRICT to = out + at;
    for (int64_t c = 0; c < n; ++c) to[c] = static_cast<T>(sum[c] / count);
  });
}

// Each input element gathers from the windows that hold it, so rows do not disturb each other.
template <typename T>
void avg_grad(const PoolGeometry& g, const T* dy, T* dx, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const int64_t b = r / g.in_h;
    const Range rows = covering(r % g.in_h, g.stride_h, g.pad_top, g.window_h, g.out_h);
    for (int64_t i = 0; i < g.in_w; ++i) {
      const Range columns = covering(i, g.stride_w, g.pad_left, g.window_w, g.out_w);
      for (int64_t c0 = 0; c0 < g.channels; c0 += kBlock) {
        const int64_t n = std::min(kBlock, g.channels - c0);
        Sum<T> sum[kBlock];
        for (int64_t c = 0; c < n; ++c) sum[c] = 0;
        for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
          const Range y = window(oh, g.stride_h, g.pad_top, g.window_h, g.in_h);
          for (int64_t ow = columns.begin; ow < columns.end; ++ow) {
            const Range x = window(ow, g.stride_w, g.pad_left, g.window_w, g.in_w);
            const Sum<T> share = 1 / static_cast<Sum<T>>((y.end - y.begin) * (x.end - x.begin));
            const T* HWY_RESTRICT v = dy + ((b * g.out_h + oh) * g.out_w + ow) * g.channels + c0;
            for (int64_t c = 0; c < n; ++c) sum[c] += v[c] * share;
          }
        }
        T* HWY_RESTRICT to = dx + (r * g.in_w + i) * g.channels + c0;
        for (int64_t c = 0; c < n; ++c) to[c] = static_cast<T>(sum[c]);
      }
    }
  }
}

}  // namespace tw::pool::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// For the lists of types: the loops of one target, and the functions that choose among the targets.
#ifndef TW_POOL_MAX
#define TW_POOL_MAX(name, T) \
  MaxLoops<T> max_##name() { return {max<T>, max_index<T>, scatter<T>, gather<T>}; }
#define TW_POOL_AVG(name, T) \
  AvgLoops<T> avg_##name() { return {avg<T>, avg_grad<T>}; }
#define TW_POOL_EXPORT_MAX(name, T)                                      \
  HWY_EXPORT(max_##name);                                                \
  template <>                                                            \
  const MaxLoops<T>& max_loops<T>() {                                    \
    static const MaxLoops<T> loops = HWY_DYNAMIC_DISPATCH(max_##name)(); \
    return loops;                                                        \
  }
#define TW_POOL_EXPORT_AVG(name, T)                                      \
  HWY_EXPORT(avg_##name);                                                \
  template <>                                                            \
  const AvgLoops<T>& avg_loops<T>() {                                    \
    static const AvgLoops<T> loops = HWY_DYNAMIC_DISPATCH(avg_##name)(); \
    return loops;                                                        \
  }
#endif

#endif
