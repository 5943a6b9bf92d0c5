// The inner loops of pooling, over channels in vectors.
#pragma once

#include <cstdint>

#include "core/framework/float16.h"

namespace tw::pool {

// Windows over NHWC. A window that leaves the image counts only what lies in it.
struct PoolGeometry {
  int64_t batch = 0, in_h = 0, in_w = 0, channels = 0, out_h = 0, out_w = 0;
  int64_t window_h = 1, window_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
};

// Each works on rows [begin, end) out of batch * out_h (avg_grad: of batch * in_h). Of equal elements the first counts.
template <typename T>
struct MaxLoops {
  void (*max)(const PoolGeometry& g, const T* in, T* out, int64_t begin, int64_t end);
  // `index` gets the position (y * in_w + x) * channels + c of the largest element.
  void (*max_index)(const PoolGeometry& g, const T* in, T* out, int64_t* index, int64_t begin, int64_t end);
  // Adds each element of dy to dx where `in` is largest.
  void (*scatter)(const PoolGeometry& g, const T* in, const T* dy, T* dx, int64_t begin, int64_t end);
  // Picks the elements of `from` where `in` is largest.
  void (*gather)(const PoolGeometry& g, const T* in, const T* from, T* out, int64_t begin, int64_t end);
};
template <typename T>
struct AvgLoops {
  void (*avg)(const PoolGeometry& g, const T* in, T* out, int64_t begin, int64_t end);
  void (*avg_grad)(const PoolGeometry& g, const T* dy, T* dx, int64_t begin, int64_t end);
};

template <typename T>
const MaxLoops<T>& max_loops();
template <typename T>
const AvgLoops<T>& avg_loops();

// X(name, type)
// clang-format off
#define TW_POOL_COMMON(X) X(float, float) X(double, double)
#define TW_POOL_SHORT_FLOATS(X) X(half, half) X(bfloat16, bfloat16)
#define TW_POOL_RARE(X)                                                                                      \
  TW_POOL_SHORT_FLOATS(X)                                                                                    \
  X(int8, int8_t) X(int16, int16_t) X(int32, int32_t) X(int64, int64_t) X(uint8, uint8_t) X(uint16, uint16_t) \
  X(uint32, uint32_t) X(uint64, uint64_t)
#define TW_POOL_FLOATS(X) TW_POOL_COMMON(X) TW_POOL_SHORT_FLOATS(X)
#define TW_POOL_TYPES(X) TW_POOL_COMMON(X) TW_POOL_RARE(X)
// clang-format on

#define X(name, T) \
  template <>      \
  const MaxLoops<T>& max_loops<T>();
TW_POOL_TYPES(X)
#undef X
#define X(name, T) \
  template <>      \
  const AvgLoops<T>& avg_loops<T>();
TW_POOL_FLOATS(X)
#undef X

}  // namespace tw::pool
