// UnicodeTranscode, UnicodeDecode(WithOffsets) and UnicodeEncode, for UTF-8, UTF-16, UTF-32, Latin-1 and ASCII.
#include <algorithm>
#include <vector>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/string/utf8.h"

namespace tw {
namespace {

enum class Encoding { kUtf8, kUtf16Be, kUtf16Le, kUtf32Be, kUtf32Le, kLatin1, kAscii };

// Names as programs spell them: in either case, with or without dashes.
Result<Encoding> encoding_of(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_') plain += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  if (plain == "UTF8") return Encoding::kUtf8;
  if (plain == "UTF16BE" || plain == "UTF16") return Encoding::kUtf16Be;
  if (plain == "UTF16LE") return Encoding::kUtf16Le;
  if (plain == "UTF32BE" || plain == "UTF32") return Encoding::kUtf32Be;
  if (plain == "UTF32LE") return Encoding::kUtf32Le;
  if (plain == "LATIN1" || plain == "ISO88591") return Encoding::kLatin1;
  if (plain == "ASCII" || plain == "USASCII") return Encoding::kAscii;
  return invalid_argument("Could not create converter for input encoding: ", name);
}

constexpr char32_t kMalformed = 0xffffffff;

// As far as TensorFlow is concerned; a lone surrogate is written as it is, in UTF-8 as U+FFFD.
bool is_code_point(char32_t c) { return c <= 0x10ffff; }

// The code point at `*at`, which moves behind it; kMalformed for bytes that are none.
char32_t next_code_point(Encoding e, std::string_view text, size_t* at) {
  const auto unit = [&](size_t bytes, bool big) {
    char32_t v = 0;
    for (size_t i = 0; i < bytes; ++i) {
      const auto byte = static_cast<char32_t>(static_cast<uint8_t>(text[*at + (big ? i : bytes - 1 - i)]));
      v = v << 8 | byte;
    }
    *at += bytes;
    return v;
  };
  const auto cut = [&](size_t bytes) {
    if (text.size() - *at >= bytes) return false;
    *at = text.size();
    return true;
  };
  switch (e) {
    case Encoding::kUtf8: {
      const size_t begin = *at;
      const char32_t c = next_character(text, at);
      return c == 0xfffd && text.substr(begin, *at - begin) != "\xef\xbf\xbd" ? kMalformed : c;
    }
    case Encoding::kLatin1: return unit(1, true);
    case Encoding::kAscii: {
      const char32_t c = unit(1, true);
      return c < 0x80 ? c : kMalformed;
    }
    case Encoding::kUtf32Be:
    case Encoding::kUtf32Le: {
      if (cut(4)) return kMalformed;
      const char32_t c = unit(4, e == Encoding::kUtf32Be);
      return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? c : kMalformed;
    }
    default: {
      const bool big = e == Encoding::kUtf16Be;
      if (cut(2)) return kMalformed;
      const char32_t high = unit(2, big);
      if (high < 0xd800 || high > 0xdfff) return high;
      if (high > 0xdbff || text.size() - *at < 2) return kMalformed;
      const size_t behind = *at;
      const char32_t low = unit(2, big);
      if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
      *at = behind;  // it begins a character of its own
      return kMalformed;
    }
  }
}

void append(Encoding e, char32_t c, std::string* out) {
  const auto unit = [&](char32_t v, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) *out += static_cast<char>(v >> (8 * i));
  };
  if (e == Encoding::kUtf8) return append_character(c >= 0xd800 && c <= 0xdfff ? 0xfffd : c, out);
  if (e == Encoding::kUtf32Be) return unit(c, 4);
  if (c < 0x10000) return unit(c, 2);
  unit(0xd800 + ((c - 0x10000) >> 10), 2);
  unit(0xdc00 + ((c - 0x10000) & 0x3ff), 2);
}

struct UnicodeState : KernelState {
  Encoding from = Encoding::kUtf8, to = Encoding::kUtf8;
  bool strict = false, ignore = false, replace_control = false;
  char32_t replacement = 0xfffd;
};

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<UnicodeState>();
  const AttrReader& attrs = ctx.attrs();
  if (attrs.has("input_encoding")) {
    TW_ASSIGN_OR_RETURN(s.from, encoding_of(attrs.string("input_encoding")));
  }
  if (attrs.has("output_encoding")) {
    TW_ASSIGN_OR_RETURN(s.to, encoding_of(attrs.string("output_encoding")));
  }
  const std::string errors = attrs.string("errors");
  s.strict = errors == "strict";
  s.ignore = errors == "ignore";
  if (attrs.has("replace_control_characters")) s.replace_control = attrs.boolean("replace_control_characters");
  const int64_t replacement = attrs.integer("replacement_char");
  if (replacement < 0 || replacement > 0x10ffff) {
    return invalid_argument("replacement_char out of unicode codepoint range: ", replacement);
  }
  s.replacement = static_cast<char32_t>(replacement);
  return {};
}

// Calls fn(code point, where it begins) for each character of `text`, with what is malformed dealt with.
template <typename Fn>
Status each_code_point(const UnicodeState& s, std::string_view text, const Fn& fn) {
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next_code_point(s.from, text, &at);
    if (c == kMalformed && s.strict) return invalid_argument("Invalid formatting on input string");
    if (c == kMalformed || (s.replace_control && c <= 0x1f)) {
      if (!s.ignore) fn(s.replacement, begin);
    } else {
      fn(c, begin);
    }
  }
  return {};
}

Status run_transcode(const RunContext& ctx) {
  const auto& s = ctx.state<UnicodeState>();
  for (int64_t i = 0; i < ctx.input(0).shape->num_elements(); ++i) {
    std::string out;
    TW_RETURN_IF_ERROR(
        each_code_point(s, ctx.in<std::string>(0)[i], [&](char32_t c, size_t) { append(s.to, c, &out); }));
    ctx.out<std::string>(0)[i] = std::move(out);
  }
  return {};
}

Status run_decode(const RunContext& ctx) {
  const auto& s = ctx.state<UnicodeState>();
  const int64_t n = ctx.input(0).shape->num_elements();
  std::vector<int32_t> values;
  std::vector<int64_t> offsets, splits{0};
  for (int64_t i = 0; i < n; ++i) {
    TW_RETURN_IF_ERROR(each_code_point(s, ctx.in<std::string>(0)[i], [&](char32_t c, size_t begin) {
      values.push_back(static_cast<int32_t>(c));
      offsets.push_back(static_cast<int64_t>(begin));
    }));
    splits.push_back(static_cast<int64_t>(values.size()));
  }
  if (ctx.output(0).dtype == DType::kInt32) {
    ctx.set_output(0, Tensor::vector<int32_t>(std::vector<int32_t>(splits.begin(), splits.end())));
  } else {
    ctx.set_output(0, Tensor::vector<int64_t>(splits));
  }
  ctx.set_output(1, Tensor::vector<int32_t>(values));
  if (ctx.num_outputs() > 2) ctx.set_output(2, Tensor::vector<int64_t>(offsets));
  return {};
}

Status run_encode(const RunContext& ctx) {
  const auto& s = ctx.state<UnicodeState>();
  const Value &values = ctx.input(0), &splits = ctx.input(1);
  const int64_t n = values.shape->num_elements(), rows = splits.shape->num_elements() - 1;
  if (splits.shape->rank() != 1 || rows < 0) {
    return invalid_argument("Splits must be a vector of at least one element, got shape ", *splits.shape);
  }
  if (index_at(splits, 0) != 0 || index_at(splits, rows) != n) {
    return invalid_argument("Splits must run from 0 to the number of values, ", n, ", but run from ",
                            index_at(splits, 0), " to ", index_at(splits, rows));
  }
  std::vector<std::string> out(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = index_at(splits, r), end = index_at(splits, r + 1);
    if (begin > end || begin < 0 || end > n) {
      return invalid_argument("Values in input_splits must be equal or in ascending order, but ", end, " follows ",
                              begin);
    }
    for (int64_t i = begin; i < end; ++i) {
      const auto c = static_cast<char32_t>(ctx.in<int32_t>(0)[i]);
      const bool good = is_code_point(c);
      if (!good && s.strict) {
        return invalid_argument("Code point value out of valid Unicode range: ", ctx.in<int32_t>(0)[i]);
      }
      if (good || !s.ignore) append(s.to, good ? c : s.replacement, &out[static_cast<size_t>(r)]);
    }
  }
  ctx.set_output(0, Tensor::vector<std::string>(out));
  return {};
}

}  // namespace

TW_KERNEL(UnicodeTranscode, prepare, run_transcode);
TW_KERNEL(UnicodeDecode, prepare, run_decode);
TW_KERNEL(UnicodeEncode, prepare, run_encode);

}  // namespace tw
