// Error values. Every fallible call in the core returns a Status or a Result<T>; nothing throws across a
// library boundary.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tw {

// Numbers equal TensorFlow's error::Code, so that they can cross the wire unchanged.
enum class Code : int32_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

std::string_view code_name(Code code);

// Success is a null pointer, so that returning and testing it costs one register.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const;
  // Name of the graph node at fault; empty when no single node is.
  const std::string& node() const;
  // Where the user created that node ("file.py:12"); empty when unknown.
  const std::string& where() const;

  // Names the node at fault, unless an inner call already did.
  Status& at_node(std::string_view node, std::string_view where = {});
  // Puts `context` and ": " before the message.
  Status& prefix(std::string_view context);
  std::string to_string() const;

 private:
  struct Rep {
    Code code;
    std::string message, node, where;
  };
  std::unique_ptr<Rep> rep_;
};

// append(&text, part) spells one part of a message, and is found by argument for types that have one of their own.
// Plain functions, because each error message would otherwise compile a stream formatter of its own.
void append(std::string* text, std::string_view part);
void append(std::string* text, char part);
void append(std::string* text, bool part);  // 0 or 1
void append(std::string* text, int64_t part);
void append(std::string* text, uint64_t part);
void append(std::string* text, double part);  // six significant digits
inline void append(std::string* text, const char* part) { append(text, std::string_view(part)); }
template <std::integral T>
void append(std::string* text, T part) {
  if constexpr (std::is_signed_v<T>) append(text, static_cast<int64_t>(part));
  else append(text, static_cast<uint64_t>(part));
}
inline void append(std::string* text, float part) { append(text, static_cast<double>(part)); }

namespace internal {
template <typename... Args>
std::string concat(const Args&... args) {
  std::string text;
  (append(&text, args), ...);
  return text;
}
}  // namespace internal

// error(Code, parts...) and the named forms below join their parts into one message.
template <typename... Args>
Status error(Code code, const Args&... args) {
  return Status(code, internal::concat(args...));
}
#define TW_ERROR_FORM(name, code)                   \
  template <typename... Args>                       \
  Status name(const Args&... args) {                \
    return Status(code, internal::concat(args...)); \
  }
TW_ERROR_FORM(invalid_argument, Code::kInvalidArgument)
TW_ERROR_FORM(not_found, Code::kNotFound)
TW_ERROR_FORM(already_exists, Code::kAlreadyExists)
TW_ERROR_FORM(failed_precondition, Code::kFailedPrecondition)
TW_ERROR_FORM(out_of_range, Code::kOutOfRange)
TW_ERROR_FORM(unimplemented, Code::kUnimplemented)
TW_ERROR_FORM(internal_error, Code::kInternal)
TW_ERROR_FORM(data_loss, Code::kDataLoss)
TW_ERROR_FORM(resource_exhausted, Code::kResourceExhausted)
TW_ERROR_FORM(cancelled, Code::kCancelled)
TW_ERROR_FORM(deadline_exceeded, Code::kDeadlineExceeded)
TW_ERROR_FORM(permission_denied, Code::kPermissionDenied)
TW_ERROR_FORM(aborted, Code::kAborted)
#undef TW_ERROR_FORM

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}

  bool ok() const { return status_.ok(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

#define TW_CONCAT_(a, b) a##b
#define TW_CONCAT(a, b) TW_CONCAT_(a, b)
#define TW_RETURN_IF_ERROR(expr)             \
  do {                                       \
    ::tw::Status tw_status_ = (expr);        \
    if (!tw_status_.ok()) return tw_status_; \
  } while (false)
#define TW_ASSIGN_OR_RETURN(lhs, expr) TW_ASSIGN_OR_RETURN_(TW_CONCAT(tw_result_, __LINE__), lhs, expr)
#define TW_ASSIGN_OR_RETURN_(tmp, lhs, expr)     \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(*tmp)

}  // namespace tw
