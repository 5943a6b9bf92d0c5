// Numbers rounded to what a quantised model will see: FakeQuantWithMinMax* (Jacob et al., "Quantization and training of
// neural networks for efficient integer-arithmetic-only inference") and QuantizeAndDequantize.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct FakeQuantState : KernelState {
  float lowest = 0, highest = 255;  // quantised
  float min = -6, max = 6;          // where they are attributes
  bool given = false;               // they are
  int first = 0;                    // input that holds x
  int64_t channels = 1, rows = 0;
};

// The range moved a little, so that zero is one of its steps.
struct Steps {
  float min = 0, max = 0, scale = 0;
  bool empty = false;  // a range of nothing but zero
};

Steps steps_of(float min, float max, float lowest, float highest) {
  Steps s;
  s.empty = min == 0 && max == 0;
  if (s.empty) return s;
  s.scale = (max - min) / (highest - lowest);
  const float zero = std::clamp(std::round(lowest - min / s.scale), lowest, highest);
  s.min = (lowest - zero) * s.scale;
  s.max = (highest - zero) * s.scale;
  return s;
}

Status prepare_fake(PrepareContext& ctx, int first) {
  auto& s = ctx.emplace_state<FakeQuantState>();
  const int64_t bits = ctx.attrs().integer("num_bits");
  if (bits < 2 || bits > 16) return invalid_argument("num_bits must be between 2 and 16, inclusive, but is ", bits);
  s.lowest = ctx.attrs().boolean("narrow_range") ? 1 : 0;
  s.highest = static_cast<float>((int64_t{1} << bits) - 1);
  s.first = first;
  s.given = ctx.attrs().has("min");
  const Shape& x = ctx.input_shape(first);
  s.rows = x.num_elements();
  for (int i = 0; i < first; ++i) {
    if (ctx.input_shape(i) == x) continue;
    return invalid_argument("gradient and input must be the same size, but have shapes ", ctx.input_shape(i), " and ",
                            x);
  }
  if (s.given) {
    s.min = ctx.attrs().real("min"), s.max = ctx.attrs().real("max");
    if (!(s.min < s.max)) return invalid_argument("min has to be smaller than max, was: ", s.min, " >= ", s.max);
    return {};
  }
  const bool per_channel = ctx.op().name.find("PerChannel") != std::string_view::npos;
  if (per_channel && x.rank() < 1) return invalid_argument("inputs must have at least one dimension");
  const Shape want = per_channel ? Shape{x[x.rank() - 1]} : Shape{};
  for (int i = first + 1; i < first + 3; ++i) {
    if (ctx.input_shape(i) == want) continue;
    return invalid_argument(ctx.op().inputs[static_cast<size_t>(i)].name, " must have shape ", want, ", but has ",
                            ctx.input_shape(i));
  }
  if (per_channel) {
    s.channels = want[0];
    s.rows = x.product(0, x.rank() - 1);
  }
  return {};
}
Status prepare_forward(PrepareContext& ctx) { return prepare_fake(ctx, 0); }
Status prepare_gradient(PrepareContext& ctx) { return prepare_fake(ctx, 1); }

// Calls fn(channel, its steps); a range must not be turned round.
template <typename Fn>
Status each_channel(const RunContext& ctx, const Fn& fn) {
  const auto& s = ctx.state<FakeQuantState>();
  for (int64_t c = 0; c < s.channels; ++c) {
    const float min = s.given ? s.min : ctx.in<float>(s.first + 1)[c];
    const float max = s.given ? s.max : ctx.in<float>(s.first + 2)[c];
    if (!(min <= max)) return invalid_argument("min ", min, " must not exceed max ", max);
    fn(c, steps_of(min, max, s.lowest, s.highest));
  }
  return {};
}

Status run_forward(const RunContext& ctx) {
  const auto& s = ctx.state<FakeQuantState>();
  const float* x = ctx.in<float>(0);
  float* y = ctx.out<float>(0);
  return each_channel(ctx, [&](int64_t c, const Steps& q) {
    const float inverse = q.empty ? 0 : 1 / q.scale;
    ctx.pool().parallel_for(s.rows, grain_for_ns(2), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t i = r * s.channels + c;
        const float above = std::max(std::min(x[i], q.max), q.min) - q.min;
        // TensorFlow divides by ranges that are tensors, and multiplies by those that are attributes.
        const float steps = s.given ? above * inverse : above / q.scale;
        y[i] = q.empty ? 0 : std::floor(steps + 0.5f) * q.scale + q.min;
      }
    });
  });
}

// Inside the range the derivative passes; outside it belongs to the end that was met.
Status run_gradient(const RunContext& ctx) {
  const auto& s = ctx.state<FakeQuantState>();
  const float *dy = ctx.in<float>(0), *x = ctx.in<float>(1);
  float* dx = ctx.out<float>(0);
  return each_channel(ctx, [&](int64_t c, const Steps& q) {
    double below = 0, above = 0;
    for (int64_t r = 0; r < s.rows; ++r) {
      const int64_t i = r * s.channels + c;
      const bool inside = q.empty || (x[i] >= q.min && x[i] <= q.max);
      dx[i] = inside ? dy[i] : 0;
      if (!q.empty && x[i] < q.min) below += dy[i];
      if (!q.empty && x[i] > q.max) above += dy[i];
    }
    if (s.given) return;
    ctx.out<float>(1)[c] = static_cast<float>(below);
    ctx.out<float>(2)[c] = static_cast<float>(above);
  });
}

struct RoundTripState : KernelState {
  bool is_signed = true, given = false, narrow = false, half_up = false;
  int64_t bits = 8;  // -1: input 3 tells
};

Status prepare_round_trip(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<RoundTripState>();
  s.is_signed = ctx.attrs().boolean("signed_input");
  s.given = ctx.attrs().boolean("range_given");
  s.narrow = ctx.attrs().boolean("narrow_range");
  if (ctx.attrs().has("round_mode")) s.half_up = ctx.attrs().string("round_mode") == "HALF_UP";
  s.bits = ctx.attrs().has("num_bits") ? ctx.attrs().integer("num_bits") : -1;
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    if (!ctx.input_shape(i).is_scalar()) {
      return invalid_argument(ctx.op().inputs[static_cast<size_t>(i)].name, " must be a scalar, but has shape ",
                              ctx.input_shape(i));
    }
  }
  return {};
}

Status run_round_trip(const RunContext& ctx) {
  const auto& s = ctx.state<RoundTripState>();
  const int64_t bits = s.bits < 0 ? index_at(ctx.input(3)) : s.bits;
  if (bits < 1 || bits > 62)
    return invalid_argument("num_bits is out of range: ", bits, " with signed_input ", s.is_signed);
  const int64_t count = ctx.input(0).shape->num_elements();
  Status status;
  visit_floating(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const T* x = ctx.in<T>(0);
    T* y = ctx.out<T>(0);
    F min = 0, max = 0;
    if (s.given) {
      min = static_cast<F>(*ctx.in<T>(1)), max = static_cast<F>(*ctx.in<T>(2));
      if (!(min <= max)) {
        status = invalid_argument("Invalid range: input_min ", static_cast<double>(min), " > input_max ",
                                  static_cast<double>(max));
        return;
      }
    } else if (count > 0) {
      min = max = static_cast<F>(x[0]);
      for (int64_t i = 1; i < count; ++i) {
        min = std::min(min, static_cast<F>(x[i]));
        max = std::max(max, static_cast<F>(x[i]));
      }
    }
    // The largest scale at which neither end leaves the integers; zero stays zero.
    const int64_t half = int64_t{1} << (bits - 1);
    const auto lowest = static_cast<F>(s.is_signed ? (s.narrow ? 1 - half : -half) : 0);
    const auto highest = static_cast<F>(s.is_signed ? half - 1 : 2 * half - 1);
    const F none = std::numeric_limits<F>::max();
    const F by_min = lowest * min > 0 ? lowest / min : none, by_max = highest * max > 0 ? highest / max : none;
    F scale, step;
    if (by_min < by_max) {
      scale = by_min, step = min / lowest;
      max = highest * step;
    } else {
      scale = by_max, step = max / highest;
      min = lowest * step;
    }
    for (int64_t i = 0; i < count; ++i) {
      F v = static_cast<F>(x[i]);
      if (s.given) v = std::max(std::min(v, max), min);
      v *= scale;
      y[i] = static_cast<T>((s.half_up ? std::floor(v + F(0.5)) : std::nearbyint(v)) * step);
    }
  });
  return status;
}

}  // namespace

TW_KERNEL(FakeQuant, prepare_forward, run_forward);
TW_KERNEL(FakeQuantGradient, prepare_gradient, run_gradient);
TW_KERNEL(QuantizeAndDequantize, prepare_round_trip, run_round_trip);

}  // namespace tw
