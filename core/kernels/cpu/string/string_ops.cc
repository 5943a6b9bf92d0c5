// Joining, measuring and converting strings.
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "core/framework/kernel.h"

namespace tw {
namespace {

struct StringState : KernelState {
  std::string separator;
  std::vector<int> axes;
  bool utf8 = false;
  std::string format;  // of AsString, for one number
};

Status prepare_join(PrepareContext& ctx) {
  ctx.emplace_state<StringState>().separator = ctx.attrs().string("separator");
  return {};
}

Status run_join(const RunContext& ctx) {
  const auto& state = ctx.state<StringState>();
  std::string* out = ctx.out<std::string>(0);
  const Shape& shape = *ctx.output(0).shape;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    const Shape& s = *ctx.input(i).shape;
    if (!s.is_scalar() && s != shape) {
      return invalid_argument("Input shapes do not match between inputs ", shape, " and ", i, ": ", s);
    }
  }
  const int64_t count = shape.num_elements();
  for (int64_t e = 0; e < count; ++e) {
    std::string text;
    for (int i = 0; i < ctx.num_inputs(); ++i) {
      if (i > 0) text += state.separator;
      text += ctx.in<std::string>(i)[ctx.input(i).shape->is_scalar() ? 0 : e];
    }
    out[e] = std::move(text);
  }
  return {};
}

Status prepare_reduce_join(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<StringState>();
  state.separator = ctx.attrs().string("separator");
  const Tensor& axes = *ctx.constant(1);
  const int rank = ctx.input_shape(0).rank();
  for (int64_t i = 0; i < axes.num_elements(); ++i) {
    const int64_t axis = index_value(axes, i);
    if (axis < -rank || axis >= rank) {
      return invalid_argument("Invalid reduction dimension ", axis, " for input with ", rank, " dimension(s)");
    }
    const int positive = static_cast<int>(axis < 0 ? axis + rank : axis);
    for (const int known : state.axes) {
      if (known == positive) return invalid_argument("Duplicate reduction dimension ", axis);
    }
    state.axes.push_back(positive);
  }
  return {};
}

Status run_reduce_join(const RunContext& ctx) {
  const auto& state = ctx.state<StringState>();
  const std::string* in = ctx.in<std::string>(0);
  std::string* out = ctx.out<std::string>(0);
  const Shape& shape = *ctx.input(0).shape;
  const auto strides = strides_of(shape);
  // Kept dimensions in order number the outputs; the first reduced dimension named runs fastest within one.
  std::array<bool, kMaxRank> reduced{};
  int64_t parts = 1;
  for (const int axis : state.axes) {
    reduced[static_cast<size_t>(axis)] = true;
    parts *= shape[axis];
  }
  int64_t outputs = 1;
  for (int d = 0; d < shape.rank(); ++d) outputs *= reduced[static_cast<size_t>(d)] ? 1 : shape[d];
  for (int64_t o = 0; o < outputs; ++o) {
    int64_t base = 0, rest = o;
    for (int d = shape.rank(); d-- > 0;) {
      if (reduced[static_cast<size_t>(d)]) continue;
      base += rest % shape[d] * strides[static_cast<size_t>(d)];
      rest /= shape[d];
    }
    std::string text;
    for (int64_t p = 0; p < parts; ++p) {
      int64_t offset = base;
      rest = p;
      for (const int axis : state.axes) {
        offset += rest % shape[axis] * strides[static_cast<size_t>(axis)];
        rest /= shape[axis];
      }
      if (p > 0) text += state.separator;
      text += in[offset];
    }
    out[o] = std::move(text);
  }
  return {};
}

Status prepare_length(PrepareContext& ctx) {
  ctx.emplace_state<StringState>().utf8 = ctx.attrs().string("unit") == "UTF8_CHAR";
  return {};
}

Status run_length(const RunContext& ctx) {
  const bool utf8 = ctx.state<StringState>().utf8;
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    const std::string& s = ctx.in<std::string>(0)[i];
    size_t length = s.size();
    // Bytes 10xxxxxx continue a character.
    if (utf8)
      for (const char c : s) length -= (static_cast<uint8_t>(c) & 0xc0) == 0x80;
    ctx.out<int32_t>(0)[i] = static_cast<int32_t>(length);
  }
  return {};
}

Status prepare_nothing(PrepareContext&) { return {}; }

template <typename T>
bool parse_number(const std::string& text, T* value) {
  const char* const begin = text.c_str();
  char* end = nullptr;
  errno = 0;
  if constexpr (std::is_same_v<T, float>) {
    *value = std::strtof(begin, &end);
  } else if constexpr (std::is_same_v<T, double>) {
    *value = std::strtod(begin, &end);
  } else {
    const long long v = std::strtoll(begin, &end, 10);
    if (errno == ERANGE || v < std::numeric_limits<T>::min() || v > std::numeric_limits<T>::max()) return false;
    *value = static_cast<T>(v);
  }
  if (end == begin) return false;
  while (std::isspace(static_cast<unsigned char>(*end))) ++end;
  return end == begin + text.size();
}

template <typename T>
Status numbers_of(const RunContext& ctx) {
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    const std::string& text = ctx.in<std::string>(0)[i];
    if (!parse_number(text, ctx.out<T>(0) + i)) {
      return invalid_argument("StringToNumberOp could not correctly convert string: ", text);
    }
  }
  return {};
}

Status run_to_number(const RunContext& ctx) {
  switch (ctx.output(0).dtype) {
    case DType::kFloat: return numbers_of<float>(ctx);
    case DType::kDouble: return numbers_of<double>(ctx);
    case DType::kInt32: return numbers_of<int32_t>(ctx);
    default: return numbers_of<int64_t>(ctx);
  }
}

Status prepare_as_string(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<StringState>();
  const AttrReader& attrs = ctx.attrs();
  const DType dtype = attrs.dtype("T");
  const int64_t precision = attrs.integer("precision"), width = attrs.integer("width");
  const bool scientific = attrs.boolean("scientific"), shortest = attrs.boolean("shortest");
  const std::string fill = attrs.string("fill");
  const bool real = is_floating(dtype) || is_complex(dtype);
  if (!real && precision >= 0) return invalid_argument("precision not supported for datatype ", dtype_name(dtype));
  if (!real && (scientific || shortest)) {
    return invalid_argument("scientific and shortest format not supported for datatype ", dtype_name(dtype));
  }
  if (scientific && shortest) return invalid_argument("Cannot select both scientific and shortest notation");
  if (fill.size() > 1) return invalid_argument("Fill string must be one or fewer characters");
  if (!fill.empty() && std::string_view(" +-0#").find(fill[0]) == std::string_view::npos) {
    return invalid_argument("Fill argument not supported: \"", fill, "\"");
  }
  if (precision > 1000 || width > 1000) return invalid_argument("precision and width must be at most 1000");
  state.format = "%" + fill;
  if (width >= 0) state.format += std::to_string(width);
  if (precision >= 0) state.format += "." + std::to_string(precision);
  state.format += real ? (scientific ? "e" : shortest ? "g" : "f") : "lld";
  return {};
}

template <typename T>
std::string formatted(const std::string& format, T value) {
  char text[1500];
  const int size = std::snprintf(text, sizeof text, format.c_str(), value);
  return std::string(text, static_cast<size_t>(std::min<int>(size, sizeof text - 1)));
}

Status run_as_string(const RunContext& ctx) {
  const std::string& format = ctx.state<StringState>().format;
  const Value& in = ctx.input(0);
  std::string* out = ctx.out<std::string>(0);
  const int64_t count = in.shape->num_elements();
  if (in.dtype == DType::kBool) {
    for (int64_t i = 0; i < count; ++i) out[i] = ctx.in<bool>(0)[i] ? "true" : "false";
    return {};
  }
  const bool known = visit_number(in.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = ctx.in<T>(0);
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
        out[i] = "(" + formatted(format, static_cast<double>(values[i].real())) + "," +
                 formatted(format, static_cast<double>(values[i].imag())) + ")";
      } else if constexpr (std::is_integral_v<T>) {
        out[i] = formatted(format, static_cast<long long>(values[i]));
      } else {
        out[i] = formatted(format, static_cast<double>(values[i]));
      }
    }
  });
  return known ? Status() : invalid_argument("AsString does not take dtype ", dtype_name(in.dtype));
}

}  // namespace

TW_KERNEL(StringJoin, prepare_join, run_join);
TW_KERNEL(ReduceJoin, prepare_reduce_join, run_reduce_join);
TW_KERNEL(StringLength, prepare_length, run_length);
TW_KERNEL(StringToNumber, prepare_nothing, run_to_number);
TW_KERNEL(AsString, prepare_as_string, run_as_string);

}  // namespace tw
