// The inner loops of depthwise convolution, over channels in vectors.
#pragma once

#include <cstdint>

#include "core/kernels/contract/finish.h"

namespace tw::contract {

inline constexpr int kPairedTaps = 3;

struct DepthwiseTap {
  int64_t image, filter;  // element offsets of the tap's first channel
};

// A row of taps: where its taps' offsets count from, in the image for the first pixel.
template <typename T>
struct DepthwiseRow {
  const T* image;
  const T* filter;
};

// What a row of results is computed from.
template <typename T>
struct DepthwisePixels {
  const DepthwiseRow<T>* rows = nullptr;
  int64_t num_rows = 0;
  const DepthwiseTap* taps = nullptr;
  int64_t num_taps = 0, start = 0, count = 0, channels = 0;
  int64_t image_step = 0;
  T* to = nullptr;
  int64_t to_step = 0;
  // Elements from a result to the one in the row below, where that is computed too; else 0. Of the first and of the
  // last pixel, a column of taps may lie outside the image.
  int64_t below = 0;
  bool first_outside = false, last_outside = false;
  const Finish* finish = nullptr;  // of floats, from channel 0 on
  // Where memory is far: what the next results are computed from, fetched meanwhile, `next_rows` rows of the image from
  // its pixel next_image + x * image_step for result x on, `pitch` elements apart; and these results, next_to elements
  // behind the ones at hand.
  const T* next_image = nullptr;
  int64_t next_rows = 0, pitch = 0, next_to = 0;
};

template <typename T>
struct DepthwiseLoops {
  bool whole_lines;  // a vector fills a line of the cache
  // to[x * to_step + c] = sum over rows and taps of row.image[start + x * image_step + tap.image + c] *
  // row.filter[tap.filter + c], for x < count. An element may be written twice.
  // Two rows of results take kPairedTaps rows of as many taps, which lie side by side as the pixels do, and the image's
  // next row; rows outside the image are null.
  void (*pixels)(const DepthwisePixels<T>& p);
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
