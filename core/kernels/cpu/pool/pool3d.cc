// MaxPool3D, AvgPool3D and their gradients. A box is a window over planes of windows over pixels, so that pooling
// volumes is pooling each plane and then, with the pooled planes as channels, pooling over depth: both are the loops of
// 2-D pooling.
#include <algorithm>
#include <cstring>

#include "core/kernels/cpu/contract/contract_kernel.h"
#include "core/kernels/cpu/pool/pool_loops.h"

namespace tw {
namespace {

using pool::PoolGeometry;

struct Pool3DState : KernelState {
  PoolGeometry planes, depth;  // the two passes
  DType dtype = DType::kFloat;
  int64_t in_size = 0, middle_size = 0, out_size = 0;
};

// Windows of `pooled` over `volume`, both of the op's data format.
Status prepare_pool3d(PrepareContext& ctx, const Shape& volume, const Shape& pooled, int middles) {
  const std::string_view op = ctx.op().name;
  for (const Shape* s : {&volume, &pooled}) {
    if (s->rank() != 5) return invalid_argument(op, ": tensors must be 5-dimensional, but one is ", *s);
  }
  TW_ASSIGN_OR_RETURN(const ImageFormat f, image_format(ctx.attrs(), 5));
  const std::vector<int64_t> size = ctx.attrs().ints("ksize"), strides = ctx.attrs().ints("strides");
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(ctx.attrs().string("padding")));
  if (size.size() != 5) return invalid_argument("Sliding window ksize field must specify 5 dimensions");
  if (strides.size() != 5) return invalid_argument("Sliding window stride field must specify 5 dimensions");
  for (const int d : {f.n, f.c}) {
    const size_t u = static_cast<size_t>(d);
    if (size[u] != 1 || strides[u] != 1) {
      return unimplemented("Pooling is not yet supported on the ", d == f.n ? "batch" : "depth", " dimension.");
    }
    if (volume[d] != pooled[d]) return invalid_argument(op, ": sizes differ: ", volume, " and ", pooled);
  }
  const auto axis = [&](int d, int64_t* in, int64_t* out, int64_t* window, int64_t* stride, int64_t* pad) -> Status {
    const size_t u = static_cast<size_t>(d);
    *in = volume[d], *out = pooled[d], *window = size[u], *stride = strides[u];
    if (*window <= 0) return invalid_argument("Sliding window ksize must be > 0, but got ", *window);
    TW_ASSIGN_OR_RETURN(const Window w, window_of(*in, *window, 1, *stride, padding));
    *pad = w.pad_before;
    if (w.out == *out) return {};
    return invalid_argument(op, ": the pooled tensor has size ", *out, " in dimension ", d, ", but windows of ",
                            *window, " with stride ", *stride, " over ", *in, " give ", w.out);
  };
  auto& k = ctx.emplace_state<Pool3DState>();
  k.dtype = ctx.attrs().dtype("T");
  PoolGeometry &a = k.planes, &b = k.depth;
  TW_RETURN_IF_ERROR(axis(f.h, &a.in_h, &a.out_h, &a.window_h, &a.stride_h, &a.pad_top));
  TW_RETURN_IF_ERROR(axis(f.w, &a.in_w, &a.out_w, &a.window_w, &a.stride_w, &a.pad_left));
  TW_RETURN_IF_ERROR(axis(f.d, &b.in_h, &b.out_h, &b.window_h, &b.stride_h, &b.pad_top));
  b.batch = f.nchw() ? volume[f.n] * volume[f.c] : volume[f.n];
  a.channels = f.nchw() ? 1 : volume[f.c];
  a.batch = b.batch * b.in_h;
  b.in_w = b.out_w = 1;
  b.channels = a.out_h * a.out_w * a.channels;
  k.in_size = volume.num_elements();
  k.middle_size = a.batch * b.channels;
  k.out_size = pooled.num_elements();
  ctx.set_workspace(static_cast<size_t>(middles * k.middle_size) * dtype_size(k.dtype));
  Cost c;
  c.flops = static_cast<double>(k.out_size) * static_cast<double>(a.window_h * a.window_w * b.window_h);
  c.bytes = static_cast<double>(k.in_size + k.out_size) * static_cast<double>(dtype_size(k.dtype));
  ctx.set_cost(c);
  return {};
}

// Calls fn(begin, end) over `rows` of windows on all threads.
template <typename Fn>
void each_row(const RunContext& ctx, const PoolGeometry& g, int64_t rows, const Fn& fn) {
  if (g.channels * g.in_h * g.in_w == 0) return;
  const double ns =
      static_cast<double>(g.out_w * g.window_h * g.window_w) * (2 + 0.1 * static_cast<double>(g.channels));
  ctx.pool().parallel_for(rows, grain_for_ns(ns), fn);
}
template <typename Fn>
void each_output_row(const RunContext& ctx, const PoolGeometry& g, const Fn& fn) {
  each_row(ctx, g, g.batch * g.out_h, fn);
}

template <typename T>
void max_pass(const RunContext& ctx, const PoolGeometry& g, const T* in, T* out) {
  each_output_row(ctx, g, [&](int64_t b, int64_t e) { pool::max_loops<T>().max(g, in, out, b, e); });
}
// Adds dy to all elements that are as large as their window's largest, `pooled`: unlike in images, equal ones all get
// it. Images are independent, rows are not.
template <typename T>
void scatter_pass(const RunContext& ctx, const PoolGeometry& g, const T* in, const T* pooled, const T* dy, T* dx) {
  using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const int64_t image = g.in_h * g.in_w * g.channels;
  std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(g.batch * image) * sizeof(T));
  each_row(ctx, g, g.batch, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * g.out_h; r < end * g.out_h; ++r) {
      const int64_t y0 = r % g.out_h * g.stride_h - g.pad_top, y1 = std::min(y0 + g.window_h, g.in_h);
      for (int64_t o = 0; o < g.out_w; ++o) {
        const int64_t x0 = o * g.stride_w - g.pad_left, x1 = std::min(x0 + g.window_w, g.in_w);
        const int64_t at = (r * g.out_w + o) * g.channels;
        for (int64_t y = std::max<int64_t>(y0, 0); y < y1; ++y) {
          for (int64_t x = std::max<int64_t>(x0, 0); x < x1; ++x) {
            const int64_t from = r / g.out_h * image + (y * g.in_w + x) * g.channels;
            for (int64_t c = 0; c < g.channels; ++c) {
              if (static_cast<F>(in[from + c]) == static_cast<F>(pooled[at + c]))
                dx[from + c] = static_cast<T>(dx[from + c] + dy[at + c]);
            }
          }
        }
      }
    }
  });
}

template <typename Fn>
Status visit_floats(const RunContext& ctx, const Fn& fn) {
  const DType t = ctx.state<Pool3DState>().dtype;
  const bool known = visit_floating(t, [&](auto tag) { fn(tag); });
  return known ? Status() : unimplemented("There is no pooling of ", dtype_name(t));
}

template <typename Fn>
Status visit_types(const RunContext& ctx, const Fn& fn) {
  const DType t = ctx.state<Pool3DState>().dtype;
  const bool known = visit_real(t, [&](auto tag) { fn(tag); });
  return known ? Status() : unimplemented("There is no pooling of ", dtype_name(t));
}

Status prepare_forward(PrepareContext& ctx) { return prepare_pool3d(ctx, ctx.input_shape(0), ctx.output_shape(0), 1); }

Status run_max(const RunContext& ctx) {
  const auto& k = ctx.state<Pool3DState>();
  return visit_floats(ctx, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* middle = static_cast<T*>(ctx.workspace());
    max_pass(ctx, k.planes, ctx.in<T>(0), middle);
    max_pass(ctx, k.depth, middle, ctx.out<T>(0));
  });
}

// orig_input, orig_output, grad.
Status prepare_max_grad(PrepareContext& ctx) {
  if (ctx.input_dtype(0) != ctx.input_dtype(2)) {
    return invalid_argument(ctx.op().name, ": TInput and T must be one type, but are ", dtype_name(ctx.input_dtype(0)),
                            " and ", dtype_name(ctx.input_dtype(2)));
  }
  if (ctx.input_shape(1) != ctx.input_shape(2)) {
    return invalid_argument("Expected grad shape to be ", ctx.input_shape(1), ", but got ", ctx.input_shape(2));
  }
  return prepare_pool3d(ctx, ctx.input_shape(0), ctx.input_shape(2), 2);
}

Status run_max_grad(const RunContext& ctx) {
  const auto& k = ctx.state<Pool3DState>();
  return visit_floats(ctx, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *middle = static_cast<T*>(ctx.workspace()), *dmiddle = middle + k.middle_size;
    max_pass(ctx, k.planes, ctx.in<T>(0), middle);
    scatter_pass(ctx, k.depth, middle, ctx.in<T>(1), ctx.in<T>(2), dmiddle);
    scatter_pass(ctx, k.planes, ctx.in<T>(0), middle, dmiddle, ctx.out<T>(0));
  });
}

// orig_input, orig_output, grad of the input's shape.
Status prepare_max_grad_grad(PrepareContext& ctx) {
  if (ctx.input_shape(0) != ctx.input_shape(2)) {
    return invalid_argument("Expected grad shape to be ", ctx.input_shape(0), ", but got ", ctx.input_shape(2));
  }
  return prepare_pool3d(ctx, ctx.input_shape(0), ctx.output_shape(0), 2);
}

Status run_max_grad_grad(const RunContext& ctx) {
  const auto& k = ctx.state<Pool3DState>();
  return visit_types(ctx, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto& loops = pool::max_loops<T>();
    T *middle = static_cast<T*>(ctx.workspace()), *picked = middle + k.middle_size;
    max_pass(ctx, k.planes, ctx.in<T>(0), middle);
    each_output_row(ctx, k.planes,
                    [&](int64_t b, int64_t e) { loops.gather(k.planes, ctx.in<T>(0), ctx.in<T>(2), picked, b, e); });
    each_output_row(ctx, k.depth,
                    [&](int64_t b, int64_t e) { loops.gather(k.depth, middle, picked, ctx.out<T>(0), b, e); });
  });
}

Status run_avg(const RunContext& ctx) {
  const auto& k = ctx.state<Pool3DState>();
  return visit_floats(ctx, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto& loops = pool::avg_loops<T>();
    T* middle = static_cast<T*>(ctx.workspace());
    each_output_row(ctx, k.planes, [&](int64_t b, int64_t e) { loops.avg(k.planes, ctx.in<T>(0), middle, b, e); });
    each_output_row(ctx, k.depth, [&](int64_t b, int64_t e) { loops.avg(k.depth, middle, ctx.out<T>(0), b, e); });
  });
}

Status prepare_avg_grad(PrepareContext& ctx) {
  if (ctx.input_shape(1).num_elements() > 0) return prepare_pool3d(ctx, ctx.output_shape(0), ctx.input_shape(1), 1);
  ctx.emplace_state<Pool3DState>();  // an empty gradient adds to nothing, whatever its sizes
  return {};
}

Status run_avg_grad(const RunContext& ctx) {
  const Value& dx = ctx.output(0);
  if (ctx.input(1).shape->num_elements() == 0) {
    std::memset(dx.data, 0, static_cast<size_t>(dx.shape->num_elements()) * dtype_size(dx.dtype));
    return {};
  }
  const auto& k = ctx.state<Pool3DState>();
  return visit_floats(ctx, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto& loops = pool::avg_loops<T>();
    T* middle = static_cast<T*>(ctx.workspace());
    each_row(ctx, k.depth, k.depth.batch * k.depth.in_h,
             [&](int64_t b, int64_t e) { loops.avg_grad(k.depth, ctx.in<T>(1), middle, b, e); });
    each_row(ctx, k.planes, k.planes.batch * k.planes.in_h,
             [&](int64_t b, int64_t e) { loops.avg_grad(k.planes, middle, ctx.out<T>(0), b, e); });
  });
}

}  // namespace

TW_KERNEL(MaxPool3D, prepare_forward, run_max);
TW_KERNEL(MaxPool3DGrad, prepare_max_grad, run_max_grad);
TW_KERNEL(MaxPool3DGradGrad, prepare_max_grad_grad, run_max_grad_grad);
TW_KERNEL(AvgPool3D, prepare_forward, run_avg);
TW_KERNEL(AvgPool3DGrad, prepare_avg_grad, run_avg_grad);

}  // namespace tw
