// The inner loops of depthwise convolution, over channels in vectors.
#pragma once

#include <cstdint>

namespace tw::contract {

struct DepthwiseTap {
  int64_t image, filter;  // element offsets of the tap's first channel
};

// A row of taps: where its taps' offsets count from, in the image for the first pixel.
template <typename T>
struct DepthwiseRow {
  const T* image;
  const T* filter;
};

template <typename T>
struct DepthwiseLoops {
  // to[x * to_step + c] = sum over rows and taps of row.image[start + x * image_step + tap.image + c] *
  // row.filter[tap.filter + c]. An element may be written twice.
  void (*pixels)(const DepthwiseRow<T>* rows, int64_t num_rows, const DepthwiseTap* taps, int64_t num_taps,
                 int64_t start, int64_t image_step, int64_t count, int64_t channels, T* to, int64_t to_step);
  // sums[tap.filter + c] += sum over x of image[x * image_step + tap.image + c] * dy[x * channels + c].
  void (*filter)(const T* image, int64_t image_step, const T* dy, const DepthwiseTap* taps, int64_t num_taps,
                 int64_t count, int64_t channels, T* sums);
};

template <typename T>
const DepthwiseLoops<T>& depthwise_loops();
template <>
const DepthwiseLoops<float>& depthwise_loops<float>();
template <>
const DepthwiseLoops<double>& depthwise_loops<double>();

}  // namespace tw::contract
