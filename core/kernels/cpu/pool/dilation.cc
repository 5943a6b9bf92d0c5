// Greyscale dilation (Serra, "Image Analysis and Mathematical Morphology"): the largest sum of image and filter over
// each window, and its gradients, which go to the first pair that gives it.
#include <algorithm>
#include <cstring>
#include <limits>

#include "core/framework/kernel.h"
#include "core/framework/window.h"

namespace tw {
namespace {

struct DilationState : KernelState {
  int64_t batch = 0, in_h = 0, in_w = 0, channels = 0, out_h = 0, out_w = 0, filter_h = 0, filter_w = 0;
  int64_t stride_h = 1, stride_w = 1, rate_h = 1, rate_w = 1, pad_top = 0, pad_left = 0;
  int64_t result_size = 0;
};

Status prepare(PrepareContext& ctx, const Shape& pooled) {
  const std::string_view op = ctx.op().name;
  const Shape &in = ctx.input_shape(0), &filter = ctx.input_shape(1);
  if (in.rank() != 4 || pooled.rank() != 4) {
    return invalid_argument(op, ": input and out_backprop must be 4-dimensional, but are ", in, " and ", pooled);
  }
  if (filter.rank() != 3) return invalid_argument("filter must be 3-dimensional: ", filter);
  if (in[3] != filter[2]) {
    return invalid_argument("input and filter must have the same depth: ", in[3], " vs ", filter[2]);
  }
  const std::vector<int64_t> strides = ctx.attrs().ints("strides"), rates = ctx.attrs().ints("rates");
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(ctx.attrs().string("padding")));
  if (strides.size() != 4) return invalid_argument("Sliding window stride field must specify 4 dimensions");
  if (rates.size() != 4) return invalid_argument("Input stride (atrous rate) field must specify 4 dimensions");
  if (strides[0] != 1 || strides[3] != 1) {
    return unimplemented("Stride is only supported across spatial dimensions.");
  }
  if (rates[0] != 1 || rates[3] != 1) return unimplemented("Rate is only supported across spatial dimensions.");
  auto& s = ctx.emplace_state<DilationState>();
  s.batch = in[0], s.in_h = in[1], s.in_w = in[2], s.channels = in[3];
  s.filter_h = filter[0], s.filter_w = filter[1];
  s.stride_h = strides[1], s.stride_w = strides[2], s.rate_h = rates[1], s.rate_w = rates[2];
  TW_ASSIGN_OR_RETURN(const Window h, window_of(s.in_h, s.filter_h, s.rate_h, s.stride_h, padding));
  TW_ASSIGN_OR_RETURN(const Window w, window_of(s.in_w, s.filter_w, s.rate_w, s.stride_w, padding));
  s.out_h = h.out, s.out_w = w.out, s.pad_top = h.pad_before, s.pad_left = w.pad_before;
  if (pooled != Shape{s.batch, s.out_h, s.out_w, s.channels}) {
    return invalid_argument("out_backprop has incompatible size: expected ",
                            Shape{s.batch, s.out_h, s.out_w, s.channels}, ", got ", pooled);
  }
  s.result_size = ctx.output_shape(0).num_elements();
  ctx.set_cost({2.0 * static_cast<double>(pooled.num_elements() * s.filter_h * s.filter_w), 0});
  return {};
}
Status prepare_forward(PrepareContext& ctx) { return prepare(ctx, ctx.output_shape(0)); }
Status prepare_grad(PrepareContext& ctx) { return prepare(ctx, ctx.input_shape(2)); }

template <typename T>
T least() {
  if constexpr (std::is_same_v<T, half>) return static_cast<half>(-65504.0f);
  else if constexpr (std::is_same_v<T, bfloat16>) return static_cast<bfloat16>(-3.38953139e38f);
  else return std::numeric_limits<T>::lowest();
}

// Calls fn(element of the result, of the image, of the filter, the sum) with the largest sum of each window of rows
// [begin, end) of batch * out_h. For a window with no sum above the least number there is, that is the result, and it
// stands for the first of the filter and the element nearest to the window's corner, as in TensorFlow.
template <typename T, typename Fn>
void each_window(const DilationState& s, const T* in, const T* filter, int64_t begin, int64_t end, const Fn& fn) {
  for (int64_t r = begin; r < end; ++r) {
    const int64_t y0 = r % s.out_h * s.stride_h - s.pad_top;
    for (int64_t o = 0; o < s.out_w; ++o) {
      const int64_t x0 = o * s.stride_w - s.pad_left;
      for (int64_t c = 0; c < s.channels; ++c) {
        T best = least<T>();
        int64_t filter_at = c;
        int64_t image_at =
            ((r / s.out_h * s.in_h + std::max<int64_t>(y0, 0)) * s.in_w + std::max<int64_t>(x0, 0)) * s.channels + c;
        for (int64_t i = 0; i < s.filter_h; ++i) {
          const int64_t y = y0 + i * s.rate_h;
          if (y < 0 || y >= s.in_h) continue;
          for (int64_t j = 0; j < s.filter_w; ++j) {
            const int64_t x = x0 + j * s.rate_w;
            if (x < 0 || x >= s.in_w) continue;
            const int64_t at = ((r / s.out_h * s.in_h + y) * s.in_w + x) * s.channels + c;
            const int64_t f = (i * s.filter_w + j) * s.channels + c;
            const T sum = static_cast<T>(in[at] + filter[f]);
            if (sum > best) best = sum, image_at = at, filter_at = f;
          }
        }
        fn((r * s.out_w + o) * s.channels + c, image_at, filter_at, best);
      }
    }
  }
}

template <typename Fn>
Status visit_types(DType t, const Fn& fn) {
  return visit_real(t, [&](auto tag) { fn(tag); }) ? Status()
                                                   : unimplemented("There is no dilation of ", dtype_name(t));
}

Status run_forward(const RunContext& ctx) {
  const auto& s = ctx.state<DilationState>();
  return visit_types(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const double ns = 2.0 * static_cast<double>(s.out_w * s.channels * s.filter_h * s.filter_w);
    ctx.pool().parallel_for(s.batch * s.out_h, grain_for_ns(ns), [&](int64_t b, int64_t e) {
      each_window(s, ctx.in<T>(0), ctx.in<T>(1), b, e,
                  [&](int64_t out, int64_t, int64_t, T best) { ctx.out<T>(0)[out] = best; });
    });
  });
}

template <bool kFilter>
Status run_grad(const RunContext& ctx) {
  const auto& s = ctx.state<DilationState>();
  return visit_types(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* dx = ctx.out<T>(0);
    const T* dy = ctx.in<T>(2);
    std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(s.result_size) * sizeof(T));
    each_window(s, ctx.in<T>(0), ctx.in<T>(1), 0, s.batch * s.out_h,
                [&](int64_t out, int64_t image_at, int64_t filter_at, T) {
                  T& d = dx[kFilter ? filter_at : image_at];
                  d = static_cast<T>(d + dy[out]);
                });
  });
}

}  // namespace

TW_KERNEL(Dilation2D, prepare_forward, run_forward);
TW_KERNEL(Dilation2DBackpropInput, prepare_grad, run_grad<false>);
TW_KERNEL(Dilation2DBackpropFilter, prepare_grad, run_grad<true>);

}  // namespace tw
