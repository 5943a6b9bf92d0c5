// FusedBatchNorm V1 to V3 and their gradients, NHWC and NCHW: statistics by the reduce engine, the normalisation as one
// map over the tensor with the per-channel numbers broadcast. With the channels last, one pass gives both statistics;
// floats then have loops of their own, two passes over memory forward and two backward.
#include <algorithm>
#include <limits>

#include "core/kernels/channels.h"
#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/cpu/map/tape_writer.h"
#include "core/kernels/moments.h"
#include "core/kernels/reduce.h"
#include "core/kernels/rows.h"

namespace tw {
namespace {

constexpr DType kF = DType::kFloat;

struct BatchNormState : KernelState {
  bool one_pass = false;
  bool plain = false;  // floats with the channels last, which core/kernels/channels.h computes
  // Forward: mean, variance; gradient: sum of dy, sum of dy * (x - mean). Not where one pass gives both.
  std::unique_ptr<ReducePlan> first, second;
  std::unique_ptr<RowsPlan> sums;           // the gradient's sums in one pass
  std::shared_ptr<const MapPlan> channels;  // numbers per channel
  std::shared_ptr<const MapPlan> apply;     // over the whole tensor
  size_t reduce_offset = 0;
  int64_t num_channels = 0, count = 0;  // count: elements per channel
  bool training = true;
  ChannelSpec channel_spec() const { return {count, num_channels}; }
};

struct Layout {
  Shape x, channel;       // channel: the shape in which numbers per channel broadcast to x
  bool last = false;      // the channels are the last axis
  std::vector<int> axes;  // all but the channels
  int64_t channels = 0, count = 0;
};

Status layout_of(const PrepareContext& ctx, const Shape& x, Layout* out) {
  if (x.rank() != 4) return invalid_argument("input must be 4-dimensional", x);
  const int axis = ctx.attrs().string("data_format") == "NCHW" ? 1 : 3;
  out->x = x;
  out->channels = x[axis];
  out->count = out->channels == 0 ? 0 : x.num_elements() / out->channels;
  out->channel = axis == 1 ? Shape{x[1], 1, 1} : Shape{x[3]};
  out->last = axis == 3;
  for (int i = 0; i < 4; ++i) {
    if (i != axis) out->axes.push_back(i);
  }
  return {};
}

Status check_channels(const PrepareContext& ctx, int i, const char* name, int64_t channels) {
  const Shape& s = ctx.input_shape(i);
  if (s.rank() != 1) return invalid_argument(name, " must be 1-dimensional", s);
  if (s[0] != channels) {
    return invalid_argument(name, " must have the same number of elements as the channels of x, got ", s[0], " and ",
                            channels);
  }
  return {};
}

Result<std::unique_ptr<ReducePlan>> plan_sum(const Layout& l, const Tape& pre, std::vector<Shape> shapes, double scale,
                                             int threads) {
  ReduceSpec spec;
  spec.pre = pre;
  spec.shapes = std::move(shapes);
  spec.space = l.x;
  spec.axes = l.axes;
  spec.scale = scale;
  return plan_reduce(spec, threads);
}

size_t padded(int64_t floats) { return (static_cast<size_t>(floats) * sizeof(float) + 63) / 64 * 64; }

void set_workspace(PrepareContext& ctx, BatchNormState& s, size_t vectors) {
  s.reduce_offset = vectors * padded(s.num_channels);
  size_t reduce = 0;
  for (const auto* plan : {s.first.get(), s.second.get()}) {
    if (plan != nullptr) reduce = std::max(reduce, plan->workspace_bytes());
  }
  if (s.sums != nullptr) {
    reduce = s.sums->workspace_bytes();
  } else if (s.one_pass) {
    reduce = moments_workspace(s.count, s.num_channels, ctx.threads());
  }
  if (s.plain) reduce = std::max(reduce, channel_workspace(s.channel_spec(), ctx.threads()));
  ctx.set_workspace(s.reduce_offset + reduce);
}

float* vector_of(const RunContext& ctx, const BatchNormState& s, size_t i) {
  return reinterpret_cast<float*>(static_cast<char*>(ctx.workspace()) + i * padded(s.num_channels));
}
void* reduce_workspace(const RunContext& ctx, const BatchNormState& s) {
  return static_cast<char*>(ctx.workspace()) + s.reduce_offset;
}

Status prepare_forward(PrepareContext& ctx) {
  Layout l;
  TW_RETURN_IF_ERROR(layout_of(ctx, ctx.input_shape(0), &l));
  TW_RETURN_IF_ERROR(check_channels(ctx, 1, "scale", l.channels));
  TW_RETURN_IF_ERROR(check_channels(ctx, 2, "offset", l.channels));
  auto& s = ctx.emplace_state<BatchNormState>();
  s.training = ctx.attrs().boolean("is_training");
  s.num_channels = l.channels;
  s.count = l.count;
  const DType t = ctx.input_dtype(0);
  s.plain = l.last && t == kF && l.x.num_elements() > 0;
  // Nothing has no mean.
  const double scale = l.count == 0 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / static_cast<double>(l.count);
  if (s.training) {
    for (int i : {3, 4}) {
      if (ctx.input_shape(i) != Shape{0}) {
        return invalid_argument(i == 3 ? "estimated_mean" : "estimated_variance",
                                " must be an empty vector for training: ", ctx.input_shape(i));
      }
    }
    s.one_pass = s.plain;
    if (!s.one_pass) {
      TapeWriter mean({t});
      TW_ASSIGN_OR_RETURN(s.first, plan_sum(l, mean.finish({mean.in(0).cast(kF)}), {l.x}, scale, ctx.threads()));
      TapeWriter var({t, kF});
      const auto d = var.in(0).cast(kF) - var.in(1);
      TW_ASSIGN_OR_RETURN(s.second, plan_sum(l, var.finish({d * d}), {l.x, l.channel}, scale, ctx.threads()));
    }
  } else {
    TW_RETURN_IF_ERROR(check_channels(ctx, 3, "estimated_mean", l.channels));
    TW_RETURN_IF_ERROR(check_channels(ctx, 4, "estimated_variance", l.channels));
  }
  // Per channel: factor = scale / sqrt(variance + epsilon).
  const Shape c{l.channels};
  const Shape two[] = {c, c};
  TapeWriter factor({kF, kF}, {ctx.attrs().real("epsilon")});
  TW_ASSIGN_OR_RETURN(
      s.channels,
      plan_map(factor.finish({factor.in(0) * (factor.in(1) + factor.constant(0)).apply(MicroOp::k_rsqrt)}), two, c));
  if (!s.plain) {
    TapeWriter apply({t, kF, kF, kF});  // x, mean, factor, offset
    const auto y = (apply.in(0).cast(kF) - apply.in(1)) * apply.in(2) + apply.in(3);
    const Shape shapes[] = {l.x, l.channel, l.channel, l.channel};
    TW_ASSIGN_OR_RETURN(s.apply, plan_map(apply.finish({y.cast(t)}), shapes, l.x));
  }
  set_workspace(ctx, s, 1);
  ctx.allow_in_place(0, 0);
  ctx.set_cost({8.0 * static_cast<double>(l.x.num_elements()), operand_bytes(ctx)});
  return {};
}

Status run_forward(const RunContext& ctx) {
  const auto& s = ctx.state<BatchNormState>();
  float *mean = ctx.out<float>(1), *variance = ctx.out<float>(2), *saved_mean = ctx.out<float>(3),
        *saved_variance = ctx.out<float>(4);
  const void* x = ctx.input(0).data;
  if (s.one_pass) {
    column_moments(static_cast<const float*>(x), s.count, s.num_channels, saved_mean, saved_variance,
                   reduce_workspace(ctx, s), ctx.pool());
  } else if (s.training) {
    void* out[] = {saved_mean};
    TW_RETURN_IF_ERROR(s.first->run(&x, out, reduce_workspace(ctx, s), ctx.pool()));
    const void* in[] = {x, saved_mean};
    out[0] = saved_variance;
    TW_RETURN_IF_ERROR(s.second->run(in, out, reduce_workspace(ctx, s), ctx.pool()));
  } else {
    std::copy_n(ctx.in<float>(3), s.num_channels, saved_mean);
    std::copy_n(ctx.in<float>(4), s.num_channels, saved_variance);
  }
  float* factor = vector_of(ctx, s, 0);
  const void* in[] = {ctx.input(1).data, saved_variance};
  void* out[] = {factor};
  TW_RETURN_IF_ERROR(s.channels->run(in, out, ctx.pool()));
  if (s.plain) {
    normalize_channels(s.channel_spec(), ctx.in<float>(0), saved_mean, factor, ctx.in<float>(2), ctx.out<float>(0),
                       reduce_workspace(ctx, s), ctx.pool());
  } else {
    const void* operands[] = {x, saved_mean, factor, ctx.input(2).data};
    out[0] = ctx.output(0).data;
    TW_RETURN_IF_ERROR(s.apply->run(operands, out, ctx.pool()));
  }
  std::copy_n(saved_mean, s.num_channels, mean);
  // The running variance is estimated without bias.
  const float unbiased =
      s.training && s.count > 1 ? static_cast<float>(s.count) / static_cast<float>(s.count - 1) : 1.0f;
  for (int64_t i = 0; i < s.num_channels; ++i) variance[i] = saved_variance[i] * unbiased;
  // V3's last output has nothing to carry here.
  if (ctx.num_outputs() > 5) std::fill_n(ctx.out<float>(5), ctx.output(5).shape->num_elements(), 0.0f);
  return {};
}

Status prepare_grad(PrepareContext& ctx) {
  Layout l;
  TW_RETURN_IF_ERROR(layout_of(ctx, ctx.input_shape(1), &l));
  // As in TensorFlow the gradient may be larger than x: its first elements are read.
  const Shape& dy = ctx.input_shape(0);
  if (dy.rank() != 4 || dy.num_elements() < l.x.num_elements()) {
    return invalid_argument("y_backprop must have the shape of x, got ", dy, " and ", l.x);
  }
  TW_RETURN_IF_ERROR(check_channels(ctx, 2, "scale", l.channels));
  TW_RETURN_IF_ERROR(check_channels(ctx, 3, "saved mean", l.channels));
  TW_RETURN_IF_ERROR(check_channels(ctx, 4, "saved variance", l.channels));
  auto& s = ctx.emplace_state<BatchNormState>();
  s.training = ctx.attrs().boolean("is_training");
  s.num_channels = l.channels;
  s.count = l.count;
  const DType t = ctx.input_dtype(0);
  s.one_pass = l.last && l.x.num_elements() > 0;
  s.plain = s.one_pass && t == kF;
  TapeWriter product({t, t, kF});  // dy, x, mean
  const auto wide_dy = product.in(0).cast(kF), around_mean = wide_dy * (product.in(1).cast(kF) - product.in(2));
  if (s.one_pass && !s.plain) {
    RowsSpec sums;
    sums.space = l.x;
    sums.first_axis = 3;
    sums.shapes = {l.x, l.x, l.channel};
    sums.dtypes = {t, t, kF};
    sums.stages.resize(3);
    sums.stages[0].tape = product.finish({around_mean, wide_dy});
    sums.stages[0].operands = {0, 1, 2};
    for (size_t i : {1, 2}) sums.stages[i].kind = RowsStage::Kind::kColumnSum;
    sums.stages[1].operands = {4};
    sums.stages[2].operands = {3};
    sums.outputs = {5, 6};
    TW_ASSIGN_OR_RETURN(s.sums, plan_rows(sums, ctx.threads()));
  } else if (!s.one_pass) {
    TapeWriter sum({t});
    TW_ASSIGN_OR_RETURN(s.first, plan_sum(l, sum.finish({sum.in(0).cast(kF)}), {l.x}, 1, ctx.threads()));
    TW_ASSIGN_OR_RETURN(s.second, plan_sum(l, product.finish({around_mean}), {l.x, l.x, l.channel}, 1, ctx.threads()));
  }
  // Per channel, of (scale, variance, sum dy, sum dy (x - mean)): the scale's gradient, the factor of dx, the mean of
  // dy, and what multiplies x - mean.
  const double per = l.count == 0 ? 0 : 1.0 / static_cast<double>(l.count);
  TapeWriter numbers({kF, kF, kF, kF}, {ctx.attrs().real("epsilon"), s.training ? per : 0.0});
  const auto inverse = (numbers.in(1) + numbers.constant(0)).apply(MicroOp::k_rsqrt);
  const auto dscale = numbers.in(3) * inverse;
  const auto factor = numbers.in(0) * inverse;
  const auto mean_dy = numbers.in(2) * numbers.constant(1);
  const auto slope = dscale * inverse * numbers.constant(1);
  const Shape c{l.channels};
  const Shape four[] = {c, c, c, c};
  TW_ASSIGN_OR_RETURN(s.channels, plan_map(numbers.finish({dscale, factor, mean_dy, slope}), four, c));
  // dx = factor (dy - mean(dy) - (x - mean) slope), the subtracted terms being 0 outside of training.
  if (!s.plain) {
    TapeWriter apply({t, t, kF, kF, kF, kF});
    const auto dx =
        ((apply.in(0).cast(kF) - apply.in(4)) - (apply.in(1).cast(kF) - apply.in(2)) * apply.in(5)) * apply.in(3);
    const Shape shapes[] = {l.x, l.x, l.channel, l.channel, l.channel, l.channel};
    TW_ASSIGN_OR_RETURN(s.apply, plan_map(apply.finish({dx.cast(t)}), shapes, l.x));
  }
  set_workspace(ctx, s, 4);
  if (dy == l.x) ctx.allow_in_place(0, 0);
  ctx.allow_in_place(1, 0);
  ctx.set_cost({12.0 * static_cast<double>(l.x.num_elements()), operand_bytes(ctx)});
  return {};
}

Status run_grad(const RunContext& ctx) {
  const auto& s = ctx.state<BatchNormState>();
  const void *dy = ctx.input(0).data, *x = ctx.input(1).data, *mean = ctx.input(3).data;
  float *dscale = ctx.out<float>(1), *doffset = ctx.out<float>(2);
  float *factor = vector_of(ctx, s, 0), *mean_dy = vector_of(ctx, s, 1), *slope = vector_of(ctx, s, 2),
        *products = vector_of(ctx, s, 3);
  void* out[] = {doffset, products};
  const void* pair[] = {dy, x, mean};
  if (s.plain) {
    channel_sums(s.channel_spec(), ctx.in<float>(0), ctx.in<float>(1), ctx.in<float>(3), doffset, products,
                 reduce_workspace(ctx, s), ctx.pool());
  } else if (s.one_pass) {
    TW_RETURN_IF_ERROR(s.sums->run(pair, out, reduce_workspace(ctx, s), ctx.pool()));
  } else {
    TW_RETURN_IF_ERROR(s.first->run(&dy, out, reduce_workspace(ctx, s), ctx.pool()));
    TW_RETURN_IF_ERROR(s.second->run(pair, out + 1, reduce_workspace(ctx, s), ctx.pool()));
  }
  const void* numbers[] = {ctx.input(2).data, ctx.input(4).data, doffset, products};
  void* vectors[] = {dscale, factor, mean_dy, slope};
  TW_RETURN_IF_ERROR(s.channels->run(numbers, vectors, ctx.pool()));
  if (s.plain) {
    normalize_channels_grad(s.channel_spec(), ctx.in<float>(0), ctx.in<float>(1), ctx.in<float>(3), factor, mean_dy,
                            slope, ctx.out<float>(0), reduce_workspace(ctx, s), ctx.pool());
  } else {
    const void* operands[] = {dy, x, mean, factor, mean_dy, slope};
    out[0] = ctx.output(0).data;
    TW_RETURN_IF_ERROR(s.apply->run(operands, out, ctx.pool()));
  }
  for (int i = 3; i < ctx.num_outputs(); ++i) std::fill_n(ctx.out<float>(i), ctx.output(i).shape->num_elements(), 0.0f);
  return {};
}

}  // namespace

TW_KERNEL(FusedBatchNorm, prepare_forward, run_forward);
TW_KERNEL(FusedBatchNormGrad, prepare_grad, run_grad);

}  // namespace tw
