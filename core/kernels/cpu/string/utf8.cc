#include "core/kernels/cpu/string/utf8.h"

#include <algorithm>
#include <iterator>

namespace tw {
namespace {

struct CaseRange {
  char32_t first, last;
  int step, distance;
};
struct SpecialUpper {
  char32_t letter;
  char32_t upper[3];  // ended by 0 when shorter
};
#include "core/kernels/cpu/string/case_tables.inc"

template <size_t N>
char32_t convert(const CaseRange (&table)[N], char32_t c) {
  const CaseRange* after = std::upper_bound(std::begin(table), std::end(table), c,
                                            [](char32_t v, const CaseRange& r) { return v < r.first; });
  if (after == std::begin(table)) return c;
  const CaseRange& run = after[-1];
  if (c > run.last || static_cast<int>(c - run.first) % run.step != 0) return c;
  return static_cast<char32_t>(static_cast<int64_t>(c) + run.distance);
}

bool is_cased(char32_t c) { return convert(kToLower, c) != c || convert(kToUpper, c) != c; }

constexpr char32_t kReplacement = 0xfffd, kSigma = 0x3a3, kFinalSigma = 0x3c2, kDottedI = 0x130;

}  // namespace

char32_t next_character(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte((*at)++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4) return kReplacement;
  char32_t c = lead & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    if (*at >= text.size() || !continues_character(text[*at])) return kReplacement;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if (i == 0) {
      const uint8_t second = byte(*at);
      if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
          (lead == 0xf4 && second > 0x8f)) {
        return kReplacement;
      }
    }
    c = c << 6 | (byte((*at)++) & 0x3f);
  }
  return c;
}

void append_character(char32_t c, std::string* out) {
  if (c < 0x80) {
    *out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr int kLead[] = {0, 0xc0, 0xe0, 0xf0};
  *out += static_cast<char>(kLead[more] | static_cast<int>(c >> 6 * more));
  for (int i = more; i-- > 0;) *out += static_cast<char>(0x80 | (c >> 6 * i & 0x3f));
}

std::string lower_utf8(std::string_view text) {
  std::string out;
  bool after_letter = false;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, &at);
    if (c == kSigma && after_letter) {
      // At the end of a word sigma has a form of its own.
      size_t ahead = at;
      const bool before_letter = ahead < text.size() && is_cased(next_character(text, &ahead));
      append_character(before_letter ? convert(kToLower, c) : kFinalSigma, &out);
    } else if (c == kDottedI) {
      out += "i\xcc\x87";
    } else {
      append_character(convert(kToLower, c), &out);
    }
    after_letter = is_cased(c);
  }
  return out;
}

std::string upper_utf8(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, &at);
    const SpecialUpper* special = std::lower_bound(std::begin(kSpecialUpper), std::end(kSpecialUpper), c,
                                                   [](const SpecialUpper& s, char32_t v) { return s.letter < v; });
    if (special == std::end(kSpecialUpper) || special->letter != c) {
      append_character(convert(kToUpper, c), &out);
      continue;
    }
    for (const char32_t u : special->upper) {
      if (u != 0) append_character(u, &out);
    }
  }
  return out;
}

}  // namespace tw
