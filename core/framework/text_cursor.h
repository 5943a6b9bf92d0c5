// Reading the core's text forms (attributes, tapes, graphs) token by token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/platform/status.h"

namespace tw {

class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  size_t position() const { return pos_; }
  int line() const { return line_of(pos_); }  // of the position, from 1
  int line_of(size_t position) const;
  bool at_end() {
    skip_space();
    return pos_ == text_.size();
  }
  // The next character after space, without taking it; 0 at the end.
  char peek() {
    skip_space();
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }
  // The next character, space or not.
  char peek_raw() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  // Takes `token` if it comes next.
  bool accept(std::string_view token);
  Status expect(std::string_view token);
  // The longest run of characters for which is_part holds; may be empty.
  template <typename Fn>
  std::string_view take_while(Fn&& is_part) {
    skip_space();
    const size_t begin = pos_;
    while (pos_ < text_.size() && is_part(text_[pos_])) ++pos_;
    return text_.substr(begin, pos_ - begin);
  }
  // Letters, digits and underscores.
  Result<std::string_view> identifier();
  Result<int64_t> integer();
  Result<double> number();  // takes nan, inf and -inf too
  Result<std::string> quoted();
  Status error(std::string_view expected);

 private:
  void skip_space() {
    while (pos_ < text_.size() &&
           (text_[pos_] == ' ' || text_[pos_] == '\n' || text_[pos_] == '\t' || text_[pos_] == '\r')) {
      ++pos_;
    }
  }
  std::string_view text_;
  size_t pos_ = 0;
};

// In double quotes, with \n, \t, \", \\ and \xHH for what does not print.
std::string quote(std::string_view text);
// The shortest text that reads back as the same number.
std::string number_text(float value);
std::string number_text(double value);

}  // namespace tw
