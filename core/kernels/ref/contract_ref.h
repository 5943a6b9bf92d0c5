// Matrix products, convolutions and pooling as their definitions read: slow, obvious, the oracle of the tests.
#pragma once

#include <cstdint>
#include <functional>

#include "core/kernels/contract.h"
#include "core/kernels/cpu/pool/pool_loops.h"

namespace tw::ref {

// c[m, n] = op(a) * op(b), accumulated in Acc.
template <typename T, typename Acc>
void matmul(const T* a, const T* b, T* c, int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Acc sum{};
      for (int64_t x = 0; x < k; ++x) {
        sum += static_cast<Acc>(transpose_a ? a[x * m + i] : a[i * k + x]) *
               static_cast<Acc>(transpose_b ? b[j * k + x] : b[x * n + j]);
      }
      c[i * n + j] = static_cast<T>(sum);
    }
  }
}

// Calls visit(input index, filter index, output index) for every product of a convolution. Each of the three results
// (output, input gradient, filter gradient) is a sum over these.
inline void visit_conv(const ConvSpec& s, const std::function<void(int64_t, int64_t, int64_t)>& visit) {
  const int64_t multiplier = s.depthwise ? s.out_c / s.in_c : 1;
  const int64_t taps = s.filter_d * s.filter_h * s.filter_w;
  for (int64_t p = 0; p < s.batch * s.out_d; ++p) {
    for (int64_t oh = 0; oh < s.out_h; ++oh) {
      for (int64_t ow = 0; ow < s.out_w; ++ow) {
        for (int64_t tap = 0; tap < taps; ++tap) {
          const int64_t fd = tap / (s.filter_h * s.filter_w), fh = tap / s.filter_w % s.filter_h;
          const int64_t d = p % s.out_d * s.stride_d + fd * s.dilation_d - s.pad_front;
          const int64_t h = oh * s.stride_h + fh * s.dilation_h - s.pad_top;
          const int64_t w = ow * s.stride_w + tap % s.filter_w * s.dilation_w - s.pad_left;
          if (d < 0 || d >= s.in_d || h < 0 || h >= s.in_h || w < 0 || w >= s.in_w) continue;
          const int64_t in = (((p / s.out_d * s.in_d + d) * s.in_h + h) * s.in_w + w) * s.in_c;
          const int64_t out = ((p * s.out_h + oh) * s.out_w + ow) * s.out_c;
          if (s.depthwise) {
            for (int64_t oc = 0; oc < s.out_c; ++oc) visit(in + oc / multiplier, tap * s.out_c + oc, out + oc);
            continue;
          }
          const int64_t in_c = s.in_c / s.groups, out_c = s.out_c / s.groups;  // of a group
          for (int64_t c = 0; c < in_c; ++c) {
            for (int64_t oc = 0; oc < s.out_c; ++oc) {
              visit(in + oc / out_c * in_c + c, (tap * in_c + c) * s.out_c + oc, out + oc);
            }
          }
        }
      }
    }
  }
}

using pool::PoolGeometry;

// Pooling over NHWC, one window at a time: calls visit(output index, input index) for each element of each window, row
// by row.
inline void visit_pool(const PoolGeometry& g, const std::function<void(int64_t, int64_t)>& visit) {
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t oh = 0; oh < g.out_h; ++oh) {
      for (int64_t ow = 0; ow < g.out_w; ++ow) {
        for (int64_t c = 0; c < g.channels; ++c) {
          for (int64_t fh = 0; fh < g.window_h; ++fh) {
            for (int64_t fw = 0; fw < g.window_w; ++fw) {
              const int64_t h = oh * g.stride_h + fh - g.pad_top, w = ow * g.stride_w + fw - g.pad_left;
              if (h < 0 || h >= g.in_h || w < 0 || w >= g.in_w) continue;
              visit(((n * g.out_h + oh) * g.out_w + ow) * g.channels + c,
                    ((n * g.in_h + h) * g.in_w + w) * g.channels + c);
            }
          }
        }
      }
    }
  }
}

}  // namespace tw::ref
