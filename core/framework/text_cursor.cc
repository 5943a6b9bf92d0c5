#include "core/framework/text_cursor.h"

#include <charconv>

namespace tw {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

int TextCursor::line_of(size_t position) const {
  int line = 1;
  for (const char c : text_.substr(0, position)) line += c == '\n';
  return line;
}

bool TextCursor::accept(std::string_view token) {
  skip_space();
  if (text_.substr(pos_, token.size()) != token) return false;
  pos_ += token.size();
  return true;
}

Status TextCursor::expect(std::string_view token) {
  if (accept(token)) return {};
  return error(internal::concat("'", token, "'"));
}

Status TextCursor::error(std::string_view expected) {
  skip_space();
  const std::string_view rest = text_.substr(pos_, 20);
  return invalid_argument("line ", line(), ": expected ", expected, " but found ",
                          rest.empty() ? "the end" : quote(rest));
}

Result<std::string_view> TextCursor::identifier() {
  const std::string_view word = take_while(is_word);
  if (word.empty()) return error("a name");
  return word;
}

Result<int64_t> TextCursor::integer() {
  skip_space();
  int64_t value = 0;
  const char* const begin = text_.data() + pos_;
  const auto [end, ec] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (ec != std::errc()) return error("an integer");
  pos_ += static_cast<size_t>(end - begin);
  return value;
}

Result<double> TextCursor::number() {
  skip_space();
  double value = 0;
  const char* const begin = text_.data() + pos_;
  const auto [end, ec] = std::from_chars(begin, text_.data() + text_.size(), value);
  // Out of range is no error: the text is too small or too large for a double, and reads as 0 or infinity.
  if (ec == std::errc::invalid_argument) return error("a number");
  pos_ += static_cast<size_t>(end - begin);
  return value;
}

Result<std::string> TextCursor::quoted() {
  TW_RETURN_IF_ERROR(expect("\""));
  std::string out;
  for (;;) {
    if (pos_ >= text_.size()) return error("a closing quote");
    char c = text_[pos_++];
    if (c == '"') return out;
    if (c == '\\') {
      if (pos_ >= text_.size()) return error("a closing quote");
      c = text_[pos_++];
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c == 'x') {
        const int high = pos_ < text_.size() ? hex_digit(text_[pos_]) : -1;
        const int low = pos_ + 1 < text_.size() ? hex_digit(text_[pos_ + 1]) : -1;
        if (high < 0 || low < 0) return error("two hexadecimal digits");
        c = static_cast<char>(high * 16 + low);
        pos_ += 2;
      }
    }
    out += c;
  }
}

std::string quote(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 32 || byte >= 127) {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string number_text(float value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string number_text(double value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

}  // namespace tw
