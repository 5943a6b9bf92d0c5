#include "core/platform/status.h"

#include <charconv>

namespace tw {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kOk: return "OK";
    case Code::kCancelled: return "CANCELLED";
    case Code::kUnknown: return "UNKNOWN";
    case Code::kInvalidArgument: return "INVALID_ARGUMENT";
    case Code::kDeadlineExceeded: return "DEADLINE_EXCEEDED";
    case Code::kNotFound: return "NOT_FOUND";
    case Code::kAlreadyExists: return "ALREADY_EXISTS";
    case Code::kPermissionDenied: return "PERMISSION_DENIED";
    case Code::kResourceExhausted: return "RESOURCE_EXHAUSTED";
    case Code::kFailedPrecondition: return "FAILED_PRECONDITION";
    case Code::kAborted: return "ABORTED";
    case Code::kOutOfRange: return "OUT_OF_RANGE";
    case Code::kUnimplemented: return "UNIMPLEMENTED";
    case Code::kInternal: return "INTERNAL";
    case Code::kUnavailable: return "UNAVAILABLE";
    case Code::kDataLoss: return "DATA_LOSS";
    case Code::kUnauthenticated: return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

namespace {
const std::string& empty_string() {
  static const std::string empty;
  return empty;
}
}  // namespace

void append(std::string* text, std::string_view part) { text->append(part); }
void append(std::string* text, char part) { text->push_back(part); }
void append(std::string* text, bool part) { text->push_back(part ? '1' : '0'); }

namespace {
template <typename... Args>
void append_number(std::string* text, Args... args) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), args...).ptr;
  text->append(buffer, static_cast<size_t>(end - buffer));
}
}  // namespace
void append(std::string* text, int64_t part) { append_number(text, part); }
void append(std::string* text, uint64_t part) { append_number(text, part); }
void append(std::string* text, double part) { append_number(text, part, std::chars_format::general, 6); }

Status::Status(Code code, std::string message) {
  if (code != Code::kOk) rep_ = std::make_unique<Rep>(Rep{code, std::move(message), {}, {}});
}
Status::Status(const Status& other) : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}
Status& Status::operator=(const Status& other) {
  if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
  return *this;
}

const std::string& Status::message() const { return rep_ ? rep_->message : empty_string(); }
const std::string& Status::node() const { return rep_ ? rep_->node : empty_string(); }
const std::string& Status::where() const { return rep_ ? rep_->where : empty_string(); }

Status& Status::at_node(std::string_view node, std::string_view where) {
  if (rep_ && rep_->node.empty()) {
    rep_->node = node;
    rep_->where = where;
  }
  return *this;
}

Status& Status::prefix(std::string_view context) {
  if (rep_) rep_->message = internal::concat(context, ": ", rep_->message);
  return *this;
}

std::string Status::to_string() const {
  if (ok()) return "OK";
  std::string text = internal::concat(code_name(code()), ": ", message());
  if (!node().empty()) text += internal::concat(" [node ", node(), where().empty() ? "" : " created at ", where(), "]");
  return text;
}

}  // namespace tw
