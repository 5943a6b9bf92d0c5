// Text that copies share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/platform/status.h"

namespace tw {

// Never changes; what it says stays where it is as long as any copy lives.
class SharedString {
 public:
  SharedString() = default;
  SharedString(std::string text) {
    if (!text.empty()) text_ = std::make_shared<const std::string>(std::move(text));
  }
  SharedString(std::string_view text) : SharedString(std::string(text)) {}
  SharedString(const char* text) : SharedString(std::string(text)) {}

  const std::string& str() const {
    static const std::string none;
    return text_ != nullptr ? *text_ : none;
  }
  operator const std::string&() const { return str(); }
  operator std::string_view() const { return str(); }
  bool empty() const { return text_ == nullptr; }
  size_t size() const { return str().size(); }

  friend bool operator==(const SharedString& a, const SharedString& b) {
    return a.text_ == b.text_ || a.str() == b.str();
  }
  friend bool operator==(const SharedString& a, std::string_view b) { return a.str() == b; }
  friend bool operator==(const SharedString& a, const char* b) { return a.str() == b; }
  friend std::string operator+(const SharedString& a, std::string_view b) { return a.str() + std::string(b); }
  friend std::string operator+(const std::string& a, const SharedString& b) { return a + b.str(); }

 private:
  std::shared_ptr<const std::string> text_;  // null for no text
};

inline void append(std::string* text, const SharedString& part) { append(text, std::string_view(part)); }

}  // namespace tw
