// Summaries of tensors as serialised messages.
#include "core/formats/summary.h"

#include <algorithm>
#include <cmath>

#include "core/framework/kernel.h"

namespace tw {
namespace {

struct SummaryState : KernelState {
  int64_t max_outputs = 3;
  float sample_rate = 0;  // 0: an input tells
  Tensor bad_color;
  std::string metadata;
};

Status prepare_summary(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<SummaryState>();
  const AttrReader& attrs = ctx.attrs();
  if (attrs.has("max_images")) state.max_outputs = attrs.integer("max_images");
  if (attrs.has("max_outputs")) state.max_outputs = attrs.integer("max_outputs");
  if (attrs.has("sample_rate")) state.sample_rate = attrs.real("sample_rate");
  if (attrs.has("display_name"))
    state.metadata = summary_metadata(attrs.string("display_name"), attrs.string("description"));
  if (attrs.has("bad_color")) {
    TW_ASSIGN_OR_RETURN(state.bad_color, attrs.get<Tensor>("bad_color"));
    if (state.bad_color.dtype() != DType::kUint8) {
      return invalid_argument("bad_color must be uint8, got ", dtype_name(state.bad_color.dtype()));
    }
    if (state.bad_color.shape().rank() != 1) {
      return invalid_argument("bad_color must be a vector, got shape ", state.bad_color.shape());
    }
  }
  return {};
}

Status set_summary(const RunContext& ctx, std::span<const std::string> values) {
  *ctx.out<std::string>(0) = make_summary(values);
  return {};
}

Result<std::string> scalar_tag(const RunContext& ctx, std::string_view what) {
  if (ctx.input(0).shape->rank() != 0)
    return invalid_argument(what, " must be a scalar, but has shape ", *ctx.input(0).shape);
  return *ctx.in<std::string>(0);
}

Status run_scalar(const RunContext& ctx) {
  const Value& tags = ctx.input(0);
  const Value& values = ctx.input(1);
  // A single tag and a single value go together whatever their ranks.
  const int64_t count = tags.shape->num_elements();
  if (*tags.shape != *values.shape && !(count == 1 && values.shape->num_elements() == 1)) {
    return invalid_argument("tags and values are not the same shape: ", *tags.shape, " != ", *values.shape,
                            count == 1 ? " (tag '" + *ctx.in<std::string>(0) + "')" : "");
  }
  std::vector<std::string> out;
  visit_real(values.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < count; ++i) {
      out.push_back(scalar_summary(ctx.in<std::string>(0)[i], static_cast<float>(ctx.in<T>(1)[i])));
    }
  });
  return set_summary(ctx, out);
}

Status run_histogram(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string tag, scalar_tag(ctx, "tags"));
  const Value& values = ctx.input(1);
  Histogram histogram;
  Status status;
  visit_real(values.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t count = values.shape->num_elements();
    for (int64_t i = 0; i < count; ++i) {
      const auto v = static_cast<double>(ctx.in<T>(1)[i]);
      if (std::isnan(v)) {
        status = invalid_argument("Nan in summary histogram for: ", tag);
        return;
      }
      if (std::isinf(v)) {
        status = invalid_argument("Infinity in summary histogram for: ", tag);
        return;
      }
      histogram.add(v);
    }
  });
  TW_RETURN_IF_ERROR(status);
  const std::string value = histogram_summary(tag, histogram);
  return set_summary(ctx, {&value, 1});
}

// Maps an image to bytes: negative values put zero at 128, otherwise the largest value becomes 255. Pixels with a value
// that is not finite get the bad colour.
template <typename T>
void normalize(const T* image, int64_t pixels, int depth, const uint8_t* bad_color, uint8_t* out) {
  float low = INFINITY, high = -INFINITY;
  const auto finite = [&](int64_t p) {
    for (int c = 0; c < depth; ++c) {
      if (!std::isfinite(static_cast<float>(image[p * depth + c]))) return false;
    }
    return true;
  };
  for (int64_t p = 0; p < pixels; ++p) {
    if (!finite(p)) continue;
    for (int c = 0; c < depth; ++c) {
      low = std::min(low, static_cast<float>(image[p * depth + c]));
      high = std::max(high, static_cast<float>(image[p * depth + c]));
    }
  }
  constexpr float kZero = 1e-6f;
  float scale, offset = 0;
  if (low < 0) {
    const float largest = std::max(std::fabs(low), std::fabs(high));
    scale = largest < kZero ? 0 : 127.0f / largest;
    offset = 128;
  } else {
    scale = high < kZero ? 0 : 255.0f / high;
  }
  for (int64_t p = 0; p < pixels; ++p) {
    const bool good = finite(p);
    for (int c = 0; c < depth; ++c) {
      const int64_t i = p * depth + c;
      out[i] = good ? static_cast<uint8_t>(static_cast<float>(image[i]) * scale + offset) : bad_color[c];
    }
  }
}

// The tag depends on how many were asked for, not on how many there are.
std::string numbered(const std::string& tag, std::string_view kind, int64_t asked, int64_t i) {
  std::string name = internal::concat(tag, "/", kind);
  return asked > 1 ? internal::concat(name, "/", i) : name;
}

Status run_image(const RunContext& ctx) {
  const auto& state = ctx.state<SummaryState>();
  TW_ASSIGN_OR_RETURN(const std::string tag, scalar_tag(ctx, "Tags"));
  const Value& images = ctx.input(1);
  const Shape& shape = *images.shape;
  if (shape.rank() != 4 || (shape[3] != 1 && shape[3] != 3 && shape[3] != 4)) {
    return invalid_argument("Tensor must be 4-D with last dim 1, 3, or 4, not ", shape);
  }
  if (shape[1] > INT32_MAX || shape[2] > INT32_MAX || shape[1] * shape[2] > INT32_MAX) {
    return invalid_argument("Tensor too large for summary ", shape);
  }
  const int height = static_cast<int>(shape[1]), width = static_cast<int>(shape[2]), depth = static_cast<int>(shape[3]);
  if (state.bad_color.num_elements() < depth) {
    return invalid_argument("expected depth ", depth, " bad_color, got ", state.bad_color.num_elements());
  }
  const int64_t pixels = int64_t{height} * width;
  std::vector<uint8_t> bytes(static_cast<size_t>(pixels * depth));
  std::vector<std::string> values;
  for (int64_t n = 0; n < std::min(state.max_outputs, shape[0]); ++n) {
    const uint8_t* image = bytes.data();
    if (images.dtype == DType::kUint8) {
      image = ctx.in<uint8_t>(1) + n * pixels * depth;
    } else {
      visit_floating(images.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        normalize(ctx.in<T>(1) + n * pixels * depth, pixels, depth, state.bad_color.data<uint8_t>(), bytes.data());
      });
    }
    TW_ASSIGN_OR_RETURN(std::string value,
                        image_summary(numbered(tag, "image", state.max_outputs, n), image, height, width, depth));
    values.push_back(std::move(value));
  }
  return set_summary(ctx, values);
}

Status run_audio(const RunContext& ctx) {
  const auto& state = ctx.state<SummaryState>();
  TW_ASSIGN_OR_RETURN(const std::string tag, scalar_tag(ctx, "Tag"));
  const Shape& shape = *ctx.input(1).shape;
  if (shape.rank() != 2 && shape.rank() != 3) return invalid_argument("Tensor must be 3-D or 2-D, got: ", shape);
  float rate = state.sample_rate;
  if (ctx.num_inputs() > 2) {
    if (ctx.input(2).shape->num_elements() != 1)
      return invalid_argument("sample_rate must have one element, but has shape ", *ctx.input(2).shape);
    rate = *ctx.in<float>(2);
  }
  const int64_t frames = shape[1], channels = shape.rank() == 2 ? 1 : shape[2];
  if (frames == 0 || channels == 0) return invalid_argument("audio without frames or channels: ", shape);
  std::vector<std::string> values;
  for (int64_t n = 0; n < std::min(state.max_outputs, shape[0]); ++n) {
    TW_ASSIGN_OR_RETURN(std::string value,
                        audio_summary(numbered(tag, "audio", state.max_outputs, n),
                                      ctx.in<float>(1) + n * frames * channels, frames, channels, rate));
    values.push_back(std::move(value));
  }
  return set_summary(ctx, values);
}

Status run_tensor(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Tensor tensor, ctx.input_tensor(0, false));
  TW_ASSIGN_OR_RETURN(const std::string value, tensor_summary("", tensor, ctx.state<SummaryState>().metadata));
  return set_summary(ctx, {&value, 1});
}

Status run_tensor_v2(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string tag, scalar_tag(ctx, "tag"));
  if (ctx.input(2).shape->num_elements() != 1) return invalid_argument("serialized_summary_metadata must be a scalar");
  TW_ASSIGN_OR_RETURN(const Tensor tensor, ctx.input_tensor(1, false));
  TW_ASSIGN_OR_RETURN(const std::string value, tensor_summary(tag, tensor, *ctx.in<std::string>(2)));
  return set_summary(ctx, {&value, 1});
}

Status run_merge(const RunContext& ctx) {
  std::vector<std::string> all;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const std::string* strings = ctx.in<std::string>(i);
    all.insert(all.end(), strings, strings + ctx.input(i).shape->num_elements());
  }
  TW_ASSIGN_OR_RETURN(*ctx.out<std::string>(0), merge_summaries(all));
  return {};
}

}  // namespace

TW_KERNEL(ScalarSummary, prepare_summary, run_scalar);
TW_KERNEL(HistogramSummary, prepare_summary, run_histogram);
TW_KERNEL(ImageSummary, prepare_summary, run_image);
TW_KERNEL(AudioSummary, prepare_summary, run_audio);
TW_KERNEL(TensorSummary, prepare_summary, run_tensor);
TW_KERNEL(TensorSummaryV2, prepare_summary, run_tensor_v2);
TW_KERNEL(MergeSummary, prepare_summary, run_merge);

}  // namespace tw
