// StringLower, StringUpper, StringStrip, Substr and UnsortedSegmentJoin.
#include <vector>

#include "core/kernels/cpu/array/broadcast_index.h"
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/string/utf8.h"

namespace tw {
namespace {

struct TextState : KernelState {
  bool utf8 = false;
  std::string separator;
};

Status prepare_case(PrepareContext& ctx) {
  const std::string encoding = ctx.attrs().string("encoding");
  if (!encoding.empty() && encoding != "utf-8") {
    return invalid_argument("only utf-8 or '' (no encoding) is supported, received ", encoding);
  }
  ctx.emplace_state<TextState>().utf8 = !encoding.empty();
  return {};
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <char (*kByte)(char), std::string (*kText)(std::string_view)>
Status run_case(const RunContext& ctx) {
  const bool utf8 = ctx.state<TextState>().utf8;
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    std::string& out = ctx.out<std::string>(0)[i];
    out = utf8 ? kText(ctx.in<std::string>(0)[i]) : ctx.in<std::string>(0)[i];
    if (!utf8) {
      for (char& c : out) c = kByte(c);
    }
  }
  return {};
}

Status prepare_strip(PrepareContext&) { return {}; }

Status run_strip(const RunContext& ctx) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    const std::string_view text = ctx.in<std::string>(0)[i];
    const size_t first = text.find_first_not_of(kSpace);
    ctx.out<std::string>(0)[i] =
        first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
  }
  return {};
}

Status prepare_substr(PrepareContext& ctx) {
  ctx.emplace_state<TextState>().utf8 = ctx.attrs().string("unit") == "UTF8_CHAR";
  if (ctx.input_shape(1) != ctx.input_shape(2)) {
    return invalid_argument("pos and len should have the same shape, got: ", ctx.input_shape(1), " vs. ",
                            ctx.input_shape(2));
  }
  return {};
}

// Where `count` characters from character `pos` on lie; a negative pos counts from the end. False when pos is outside.
bool find_part(const std::string& text, int64_t pos, int64_t count, bool utf8, size_t* begin, size_t* end) {
  count = std::max<int64_t>(count, 0);
  if (!utf8) {
    const auto size = static_cast<int64_t>(text.size());
    if (pos < -size || pos > size) return false;
    const int64_t first = pos < 0 ? pos + size : pos;
    *begin = static_cast<size_t>(first);
    *end = static_cast<size_t>(first + std::min(count, size - first));
    return true;
  }
  std::vector<size_t> starts;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!continues_character(text[i])) starts.push_back(i);
  }
  const auto size = static_cast<int64_t>(starts.size());
  if (pos < -size || pos > size) return false;
  starts.push_back(text.size());
  const int64_t first = pos < 0 ? pos + size : pos;
  *begin = starts[static_cast<size_t>(first)];
  *end = starts[static_cast<size_t>(first + std::min(count, size - first))];
  return true;
}

Status run_substr(const RunContext& ctx) {
  const bool utf8 = ctx.state<TextState>().utf8;
  const Shape& shape = *ctx.output(0).shape;
  const BroadcastIndex text_index(*ctx.input(0).shape, shape), pos_index(*ctx.input(1).shape, shape);
  const int64_t count = shape.num_elements();
  for (int64_t i = 0; i < count; ++i) {
    const std::string& text = ctx.in<std::string>(0)[text_index(i)];
    const int64_t p = pos_index(i), pos = index_at(ctx.input(1), p);
    size_t begin = 0, end = 0;
    if (!find_part(text, pos, index_at(ctx.input(2), p), utf8, &begin, &end)) {
      return invalid_argument("pos ", pos, " out of range for string at index ", i, ": \"", text, "\"");
    }
    ctx.out<std::string>(0)[i] = text.substr(begin, end - begin);
  }
  return {};
}

Status prepare_segment_join(PrepareContext& ctx) {
  ctx.emplace_state<TextState>().separator = ctx.attrs().string("separator");
  return {};
}

// Row by row: strings of a segment in the order in which they come.
Status run_segment_join(const RunContext& ctx) {
  const std::string& separator = ctx.state<TextState>().separator;
  const Shape &in = *ctx.input(0).shape, &ids = *ctx.input(1).shape, &out = *ctx.output(0).shape;
  const int64_t segments = out[0], rows = ids.num_elements();
  const int64_t width = segments == 0 ? 0 : out.num_elements() / segments;
  if (rows * width != in.num_elements() && segments > 0) {
    return invalid_argument("segment_ids ", ids, " do not fit the strings ", in);
  }
  std::vector<bool> begun(static_cast<size_t>(segments));
  std::string* to = ctx.out<std::string>(0);
  for (int64_t i = 0; i < segments * width; ++i) to[i].clear();
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t id = index_at(ctx.input(1), r);
    if (id >= segments || id < 0) {
      return invalid_argument("segment_ids are not allowed to exceed num_segments or to have negative values, but ", id,
                              " is not in [0, ", segments, ")");
    }
    for (int64_t w = 0; w < width; ++w) {
      std::string& text = to[id * width + w];
      if (begun[static_cast<size_t>(id)]) text += separator;
      text += ctx.in<std::string>(0)[r * width + w];
    }
    begun[static_cast<size_t>(id)] = true;
  }
  return {};
}

}  // namespace

TW_KERNEL(StringLower, prepare_case, (run_case<ascii_lower, lower_utf8>));
TW_KERNEL(StringUpper, prepare_case, (run_case<ascii_upper, upper_utf8>));
TW_KERNEL(StringStrip, prepare_strip, run_strip);
TW_KERNEL(Substr, prepare_substr, run_substr);
TW_KERNEL(UnsortedSegmentJoin, prepare_segment_join, run_segment_join);

}  // namespace tw
