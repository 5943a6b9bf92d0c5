// MaxPool, AvgPool and their gradients. NCHW is read as N * C images of one channel, pooling over channels as images
// whose width is the channels: both are windows over NHWC again.
#include <cstring>

#include "core/framework/kernel.h"
#include "core/framework/window.h"
#include "core/kernels/cpu/contract/contract_kernel.h"
#include "core/kernels/cpu/pool/pool_loops.h"

namespace tw {
namespace {

using pool::PoolGeometry;

struct PoolKernel : KernelState {
  PoolGeometry geometry;
  DType dtype = DType::kFloat;
  DType index_dtype = DType::kInt64;
  bool batch_in_index = false;
  int64_t in_size = 0, out_size = 0;
};

Result<std::vector<int64_t>> four(const PrepareContext& ctx, std::string_view name, int input) {
  std::vector<int64_t> v;
  if (ctx.attrs().has(name)) {
    v = ctx.attrs().ints(name);
  } else {
    // The second versions take the sizes as their last two inputs.
    const Tensor* t = ctx.constant(input);
    if (t == nullptr) return internal_error(ctx.op().name, ": the value of ", name, " is not known");
    for (int64_t i = 0; i < t->num_elements(); ++i) v.push_back(index_value(*t, i));
  }
  if (v.size() != 4)
    return invalid_argument("Sliding window ", name, " field must specify 4 dimensions, but has ", v.size());
  return v;
}

// Windows of `out` over `in`, both of the op's data format.
Status make_geometry(const PrepareContext& ctx, const Shape& in, const Shape& out, PoolKernel* k) {
  const std::string_view op = ctx.op().name;
  if (in.rank() != 4 || out.rank() != 4)
    return invalid_argument(op, ": tensors must be 4-dimensional, but are ", in, " and ", out);
  TW_ASSIGN_OR_RETURN(const ImageFormat f, image_format(ctx.attrs()));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> size, four(ctx, "ksize", ctx.num_inputs() - 2));
  TW_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, four(ctx, "strides", ctx.num_inputs() - 1));
  TW_ASSIGN_OR_RETURN(const Padding padding, padding_from_name(ctx.attrs().string("padding")));
  const auto at = [](const std::vector<int64_t>& v, int i) { return v[static_cast<size_t>(i)]; };
  if (at(size, f.n) != 1 || at(strides, f.n) != 1) {
    return unimplemented("Pooling is not yet supported on the batch dimension.");
  }
  for (int64_t s : size) {
    if (s <= 0) return invalid_argument("Sliding window ksize must be > 0, but got ", s);
  }
  const auto axis = [&](int d, int64_t* pad) -> Status {
    if (at(size, d) == 1 && at(strides, d) == 1 && in[d] == out[d]) return {};  // even of no elements
    TW_ASSIGN_OR_RETURN(const Window w, window_of(in[d], at(size, d), 1, at(strides, d), padding));
    *pad = w.pad_before;
    if (w.out == out[d]) return {};
    return invalid_argument(op, ": the pooled tensor has size ", out[d], " in dimension ", d, ", but windows of ",
                            at(size, d), " with stride ", at(strides, d), " over ", in[d], " give ", w.out);
  };
  PoolGeometry& g = k->geometry;
  int64_t pad = 0;
  if (out[f.n] != in[f.n]) return invalid_argument(op, ": batch sizes differ: ", in[f.n], " and ", out[f.n]);
  TW_RETURN_IF_ERROR(axis(f.h, &g.pad_top));
  TW_RETURN_IF_ERROR(axis(f.w, &g.pad_left));
  TW_RETURN_IF_ERROR(axis(f.c, &pad));
  k->in_size = in.num_elements();
  k->out_size = out.num_elements();
  if (at(size, f.c) != 1 || at(strides, f.c) != 1) {
    if (at(size, f.h) != 1 || at(size, f.w) != 1 || at(strides, f.h) != 1 || at(strides, f.w) != 1) {
      return unimplemented("MaxPooling supports exactly one of pooling across depth or pooling across width/height.");
    }
    if (f.nchw()) return unimplemented("Pooling across depth is only supported for NHWC.");
    g.batch = in[f.n] * in[f.h] * in[f.w];
    g.in_h = g.out_h = g.channels = 1;
    g.in_w = in[f.c], g.out_w = out[f.c];
    g.window_w = at(size, f.c), g.stride_w = at(strides, f.c);
    g.pad_top = 0, g.pad_left = pad;
    return {};
  }
  g.batch = f.nchw() ? in[f.n] * in[f.c] : in[f.n];
  g.channels = f.nchw() ? 1 : in[f.c];
  g.in_h = in[f.h], g.in_w = in[f.w], g.out_h = out[f.h], g.out_w = out[f.w];
  g.window_h = at(size, f.h), g.window_w = at(size, f.w), g.stride_h = at(strides, f.h), g.stride_w = at(strides, f.w);
  return {};
}

double window_work(const PoolGeometry& g) { return static_cast<double>(g.window_h * g.window_w); }

// Nanoseconds for one row of windows, roughly.
double row_ns(const PoolGeometry& g) {
  return static_cast<double>(g.out_w) * window_work(g) * (2 + 0.1 * static_cast<double>(g.channels));
}

PoolKernel& emplace(PrepareContext& ctx) {
  PoolKernel& k = ctx.emplace_state<PoolKernel>();
  k.dtype = ctx.attrs().dtype("T");
  if (k.dtype == DType::kQint8) k.dtype = DType::kInt8;
  return k;
}

void set_cost(PrepareContext& ctx, const PoolKernel& k) {
  Cost c;
  c.flops = static_cast<double>(k.out_size) * window_work(k.geometry);
  c.bytes = static_cast<double>(k.in_size + k.out_size) * static_cast<double>(dtype_size(k.dtype));
  ctx.set_cost(c);
}

// Calls fn(loops, tag) with the loops of the kernel's type.
template <typename Fn>
Status with_max_loops(const PoolKernel& k, const Fn& fn) {
  const bool known = visit_real(k.dtype, [&](auto tag) { fn(pool::max_loops<typename decltype(tag)::type>(), tag); });
  return known ? Status() : unimplemented("There is no pooling of ", dtype_name(k.dtype));
}

int64_t rows_of(const PoolGeometry& g) {
  return g.out_w * g.channels == 0 || g.in_h * g.in_w == 0 ? 0 : g.batch * g.out_h;
}

// Inputs: `in` has the image, `out` the pooled shape.
Status prepare_max(PrepareContext& ctx) {
  PoolKernel& k = emplace(ctx);
  TW_RETURN_IF_ERROR(make_geometry(ctx, ctx.input_shape(0), ctx.output_shape(0), &k));
  set_cost(ctx, k);
  return {};
}

Status run_max(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  const PoolGeometry& g = k.geometry;
  return with_max_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(rows_of(g), grain_for_ns(row_ns(g)),
                            [&](int64_t begin, int64_t end) { loops.max(g, ctx.in<T>(0), ctx.out<T>(0), begin, end); });
  });
}

// MaxPoolGrad(V2): orig_input, orig_output, grad.
Status prepare_max_grad(PrepareContext& ctx) {
  PoolKernel& k = emplace(ctx);
  if (ctx.input_shape(1) != ctx.input_shape(2)) {
    return invalid_argument("Expected grad shape to be ", ctx.input_shape(1), ", but got ", ctx.input_shape(2));
  }
  if (ctx.input_shape(0).num_elements() == 0) return {};  // of nothing, whatever was pooled
  TW_RETURN_IF_ERROR(make_geometry(ctx, ctx.input_shape(0), ctx.input_shape(2), &k));
  set_cost(ctx, k);
  return {};
}

Status run_max_grad(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  if (ctx.output(0).shape->num_elements() == 0) return {};
  const PoolGeometry& g = k.geometry;
  return with_max_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    T* dx = ctx.out<T>(0);
    if (rows_of(g) == 0) {
      std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(k.in_size) * sizeof(T));
      return;
    }
    // Images are independent; rows are not, since windows overlap.
    const int64_t image = g.in_h * g.in_w * g.channels;
    ctx.pool().parallel_for(g.batch, grain_for_ns(2 * row_ns(g) * static_cast<double>(g.out_h)),
                            [&](int64_t begin, int64_t end) {
                              std::memset(static_cast<void*>(dx + begin * image), 0,
                                          static_cast<size_t>((end - begin) * image) * sizeof(T));
                              loops.scatter(g, ctx.in<T>(0), ctx.in<T>(2), dx, begin * g.out_h, end * g.out_h);
                            });
  });
}

// MaxPoolGradGrad(V2): orig_input, orig_output, grad of the input's shape.
Status prepare_max_grad_grad(PrepareContext& ctx) {
  PoolKernel& k = emplace(ctx);
  if (ctx.input_shape(0) != ctx.input_shape(2)) {
    return invalid_argument("Expected grad shape to be ", ctx.input_shape(0), ", but got ", ctx.input_shape(2));
  }
  TW_RETURN_IF_ERROR(make_geometry(ctx, ctx.input_shape(0), ctx.output_shape(0), &k));
  set_cost(ctx, k);
  return {};
}

Status run_max_grad_grad(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  const PoolGeometry& g = k.geometry;
  return with_max_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(rows_of(g), grain_for_ns(2 * row_ns(g)), [&](int64_t begin, int64_t end) {
      loops.gather(g, ctx.in<T>(0), ctx.in<T>(2), ctx.out<T>(0), begin, end);
    });
  });
}

// Averages.

template <typename Fn>
Status with_avg_loops(const PoolKernel& k, const Fn& fn) {
  const bool known =
      visit_floating(k.dtype, [&](auto tag) { fn(pool::avg_loops<typename decltype(tag)::type>(), tag); });
  return known ? Status() : unimplemented("There is no average pooling of ", dtype_name(k.dtype));
}

Status run_avg(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  const PoolGeometry& g = k.geometry;
  return with_avg_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(rows_of(g), grain_for_ns(row_ns(g)),
                            [&](int64_t begin, int64_t end) { loops.avg(g, ctx.in<T>(0), ctx.out<T>(0), begin, end); });
  });
}

Status prepare_avg_grad(PrepareContext& ctx) {
  PoolKernel& k = emplace(ctx);
  if (ctx.input_shape(1).num_elements() == 0) return {};  // an empty gradient adds to nothing, whatever its sizes
  TW_RETURN_IF_ERROR(make_geometry(ctx, ctx.output_shape(0), ctx.input_shape(1), &k));
  set_cost(ctx, k);
  return {};
}

Status run_avg_grad(const RunContext& ctx) {
  const Value& dx = ctx.output(0);
  if (ctx.input(1).shape->num_elements() == 0) {
    std::memset(dx.data, 0, static_cast<size_t>(dx.shape->num_elements()) * dtype_size(dx.dtype));
    return {};
  }
  const PoolKernel& k = ctx.state<PoolKernel>();
  const PoolGeometry& g = k.geometry;
  const int64_t rows = k.in_size == 0 ? 0 : g.batch * g.in_h;
  return with_avg_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(rows, grain_for_ns(row_ns(g)), [&](int64_t begin, int64_t end) {
      loops.avg_grad(g, ctx.in<T>(1), ctx.out<T>(0), begin, end);
    });
  });
}

// With positions.

Status prepare_argmax(PrepareContext& ctx) {
  PoolKernel& k = emplace(ctx);
  k.index_dtype = ctx.attrs().dtype("Targmax");
  k.batch_in_index = ctx.attrs().boolean("include_batch_in_index");
  TW_RETURN_IF_ERROR(make_geometry(ctx, ctx.input_shape(0), ctx.output_shape(0), &k));
  // Positions are found as int64; an int32 output gets them from the workspace.
  if (k.index_dtype != DType::kInt64) ctx.set_workspace(static_cast<size_t>(k.out_size) * sizeof(int64_t));
  set_cost(ctx, k);
  return {};
}

Status run_argmax(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  const PoolGeometry& g = k.geometry;
  const bool wide = k.index_dtype == DType::kInt64;
  int64_t* index = wide ? ctx.out<int64_t>(1) : static_cast<int64_t*>(ctx.workspace());
  const int64_t row = g.out_w * g.channels, image = g.in_h * g.in_w * g.channels;
  return with_max_loops(k, [&](const auto& loops, auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(rows_of(g), grain_for_ns(2 * row_ns(g)), [&](int64_t begin, int64_t end) {
      loops.max_index(g, ctx.in<T>(0), ctx.out<T>(0), index, begin, end);
      for (int64_t r = begin; r < end; ++r) {
        const int64_t base = k.batch_in_index ? r / g.out_h * image : 0;
        for (int64_t i = r * row; i < (r + 1) * row; ++i) {
          index[i] += base;
          if (!wide) ctx.out<int32_t>(1)[i] = static_cast<int32_t>(index[i]);
        }
      }
    });
  });
}

// `pooled` is the input of the pooled shape beside argmax (input 2), `image` that of the image's.
Status prepare_with_argmax(PrepareContext& ctx, const Shape& image, const Shape& pooled) {
  PoolKernel& k = emplace(ctx);
  k.index_dtype = ctx.input_dtype(2);
  k.batch_in_index = ctx.attrs().boolean("include_batch_in_index");
  if (ctx.input_shape(2) != pooled) {
    return invalid_argument("Expected argmax shape to be ", pooled, ", but got ", ctx.input_shape(2));
  }
  TW_RETURN_IF_ERROR(make_geometry(ctx, image, pooled, &k));
  set_cost(ctx, k);
  return {};
}
Status prepare_grad_argmax(PrepareContext& ctx) {
  return prepare_with_argmax(ctx, ctx.input_shape(0), ctx.input_shape(1));
}
Status prepare_grad_grad_argmax(PrepareContext& ctx) {
  if (ctx.input_shape(0) != ctx.input_shape(1)) {
    return invalid_argument("Expected grad shape to be ", ctx.input_shape(0), ", but got ", ctx.input_shape(1));
  }
  return prepare_with_argmax(ctx, ctx.input_shape(1), ctx.input_shape(2));
}

// Calls fn(element of the pooled tensor, element of the image) in order.
template <typename Fn>
Status each_position(const RunContext& ctx, const PoolKernel& k, const Fn& fn) {
  const int64_t images = std::max<int64_t>(k.geometry.batch, 1);
  const int64_t pooled = k.out_size / images, image = k.in_size / images;
  const int64_t limit = k.batch_in_index ? k.in_size : image;
  const void* positions = ctx.input(2).data;
  for (int64_t i = 0; i < k.out_size; ++i) {
    const int64_t at = k.index_dtype == DType::kInt32 ? static_cast<const int32_t*>(positions)[i]
                                                      : static_cast<const int64_t*>(positions)[i];
    if (at < 0 || at >= limit) return invalid_argument("argmax[", i, "] = ", at, " is not in [0, ", limit, ")");
    fn(i, k.batch_in_index ? at : i / pooled * image + at);
  }
  return {};
}

Status run_grad_argmax(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  Status status;
  const bool known = visit_real(k.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* dx = ctx.out<T>(0);
    const T* dy = ctx.in<T>(1);
    std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(k.in_size) * sizeof(T));
    status = each_position(ctx, k, [&](int64_t i, int64_t at) { dx[at] = static_cast<T>(dx[at] + dy[i]); });
  });
  return known ? status : unimplemented("There is no pooling of ", dtype_name(k.dtype));
}

Status run_grad_grad_argmax(const RunContext& ctx) {
  const PoolKernel& k = ctx.state<PoolKernel>();
  Status status;
  const bool known = visit_real(k.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = ctx.out<T>(0);
    const T* from = ctx.in<T>(1);
    status = each_position(ctx, k, [&](int64_t i, int64_t at) { out[i] = from[at]; });
  });
  return known ? status : unimplemented("There is no pooling of ", dtype_name(k.dtype));
}

}  // namespace

TW_KERNEL(MaxPool, prepare_max, run_max);
TW_KERNEL(MaxPoolGrad, prepare_max_grad, run_max_grad);
TW_KERNEL(MaxPoolGradGrad, prepare_max_grad_grad, run_max_grad_grad);
TW_KERNEL(AvgPool, prepare_max, run_avg);
TW_KERNEL(AvgPoolGrad, prepare_avg_grad, run_avg_grad);
TW_KERNEL(MaxPoolWithArgmax, prepare_argmax, run_argmax);
TW_KERNEL(MaxPoolGradWithArgmax, prepare_grad_argmax, run_grad_argmax);
TW_KERNEL(MaxPoolGradGradWithArgmax, prepare_grad_grad_argmax, run_grad_grad_argmax);

}  // namespace tw
