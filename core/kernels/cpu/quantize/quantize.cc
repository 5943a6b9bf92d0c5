// QuantizeV2 and Dequantize: floats as small integers over a range, and back.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/framework/kernel.h"

namespace tw {
namespace {

enum class Mode { kMinCombined, kMinFirst, kScaled };

struct QuantizeState : KernelState {
  Mode mode = Mode::kMinCombined;
  bool to_even = false;
};

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<QuantizeState>();
  const std::string mode = ctx.attrs().string("mode");
  s.mode = mode == "MIN_FIRST" ? Mode::kMinFirst : mode == "SCALED" ? Mode::kScaled : Mode::kMinCombined;
  if (!ctx.attrs().has("round_mode")) return {};
  s.to_even = ctx.attrs().string("round_mode") == "HALF_TO_EVEN";
  if (s.to_even && s.mode != Mode::kScaled) {
    return invalid_argument("Round mode 'HALF_TO_EVEN' only supported for mode 'SCALED', but mode is '", mode, "'.");
  }
  return {};
}

// Calls fn(TypeTag of the integers behind a quantised type).
template <typename Fn>
void visit_quantised(DType t, const Fn& fn) {
  switch (t) {
    case DType::kQint8: return fn(TypeTag<int8_t>{});
    case DType::kQuint8: return fn(TypeTag<uint8_t>{});
    case DType::kQint16: return fn(TypeTag<int16_t>{});
    case DType::kQuint16: return fn(TypeTag<uint16_t>{});
    default: return fn(TypeTag<int32_t>{});
  }
}

// What the integers of a type can be, as the floats that TensorFlow computes with.
template <typename T>
struct Integers {
  static constexpr double kLow = std::numeric_limits<T>::lowest(), kHigh = std::numeric_limits<T>::max();
  static constexpr double kSteps = kHigh - kLow;
  static constexpr float kHalf = std::is_signed_v<T> ? static_cast<float>((kSteps + 1) / 2) : 0.0f;
  // The largest float that is still an int32.
  static constexpr float kFloatHigh = sizeof(T) == 4 ? 2147483520.0f : static_cast<float>(kHigh);
};

template <typename T>
T to_integer(float v) {
  return static_cast<T>(
      static_cast<int64_t>(std::clamp(static_cast<double>(v), Integers<T>::kLow, Integers<T>::kHigh)));
}

Status check_range(const RunContext& ctx, float* low, float* high) {
  for (int i = 1; i < 3; ++i) {
    if (ctx.input(i).shape->num_elements() == 1) continue;
    return invalid_argument(i == 1 ? "min" : "max", "_range must have one element, but has shape ",
                            *ctx.input(i).shape);
  }
  *low = *ctx.in<float>(1);
  *high = *ctx.in<float>(2);
  return {};
}

template <typename T>
void quantize(const QuantizeState& s, const float* x, int64_t n, float* low, float* high, T* out) {
  using I = Integers<T>;
  if (s.mode == Mode::kScaled) {
    const float least = static_cast<float>(I::kLow), most = static_cast<float>(I::kHigh);
    const float from_low = least * *low > 0 ? least / *low : std::numeric_limits<float>::max();
    const float from_high = most * *high > 0 ? most / *high : std::numeric_limits<float>::max();
    const float scale = std::min(from_low, from_high);
    *low = least / scale;
    *high = most / scale;
    for (int64_t i = 0; i < n; ++i) {
      const float v = std::min(std::max(x[i], *low), *high) * scale;
      out[i] = to_integer<T>(s.to_even ? std::nearbyint(v) : std::round(v));
    }
  } else if (s.mode == Mode::kMinFirst) {
    const float scale = *low == *high ? 0.0f : static_cast<float>(I::kSteps / (*high - *low));
    const float offset = std::round(*low * scale) - static_cast<float>(I::kLow);
    for (int64_t i = 0; i < n; ++i) {
      const float v = std::round(x[i] * scale) - offset;
      out[i] = to_integer<T>(std::min(std::max(v, static_cast<float>(I::kLow)), I::kFloatHigh));
    }
  } else {
    const float scale = static_cast<float>(I::kSteps / (*high - *low));
    for (int64_t i = 0; i < n; ++i) {
      const float v = (std::max(std::min(x[i], *high), *low) - *low) * scale;
      out[i] = to_integer<T>(std::is_signed_v<T> ? std::round(v - I::kHalf) : std::floor(v + 0.5f));
    }
  }
}

Status run_quantize(const RunContext& ctx) {
  float given_low, given_high;
  TW_RETURN_IF_ERROR(check_range(ctx, &given_low, &given_high));
  if (!(given_low <= given_high)) {
    return invalid_argument("max_range must be larger than min_range, but they are ", given_high, " and ", given_low);
  }
  // The range holds 0, and is not too narrow for its own size.
  float low = std::min(0.0f, given_low);
  const float room = std::max({1.0f, std::fabs(given_low), std::fabs(given_high)}) / 100.0f;
  float high = std::max(0.0f, std::max(given_high, low + room));
  visit_quantised(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    quantize<T>(ctx.state<QuantizeState>(), ctx.in<float>(0), ctx.input(0).shape->num_elements(), &low, &high,
                ctx.out<T>(0));
  });
  *ctx.out<float>(1) = low;
  *ctx.out<float>(2) = high;
  return {};
}

Status run_dequantize(const RunContext& ctx) {
  const Mode mode = ctx.state<QuantizeState>().mode;
  float low, high;
  TW_RETURN_IF_ERROR(check_range(ctx, &low, &high));
  visit_quantised(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using I = Integers<T>;
    const T* x = ctx.in<T>(0);
    float* out = ctx.out<float>(0);
    const int64_t n = ctx.input(0).shape->num_elements();
    float scale = static_cast<float>((high - low) / I::kSteps), offset = low;
    if (mode == Mode::kScaled) {
      const float from_high = high / static_cast<float>(I::kHigh);
      scale = I::kLow == 0 ? from_high : std::max(low / static_cast<float>(I::kLow), from_high);
      for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(static_cast<int>(x[i])) * scale;
    } else if (mode == Mode::kMinFirst) {
      if (low != high) offset = std::round(low / scale) * scale;
      offset -= static_cast<float>(I::kLow) * scale;
      for (int64_t i = 0; i < n; ++i) out[i] = offset + static_cast<float>(x[i]) * scale;
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = (static_cast<float>(static_cast<int>(x[i])) + I::kHalf) * scale + offset;
    }
  });
  return {};
}

}  // namespace

TW_KERNEL(QuantizeV2, prepare, run_quantize);
TW_KERNEL(Dequantize, prepare, run_dequantize);

}  // namespace tw
