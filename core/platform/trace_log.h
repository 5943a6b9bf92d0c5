// What TW_TRACE asks for: a line, or an event of a timeline, for everything that was traced. TW_TRACE=1 writes lines to
// the standard error stream; any other value is the path of a file, which gets lines as well, or Chrome's trace-event
// JSON when it ends in ".json" (an array of events; chrome://tracing, Perfetto). Unset, empty or 0: there is no log.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/platform/status.h"

namespace tw {

// Something known of an event. Lines give values in order, separated by commas; the timeline names them.
struct TraceField {
  std::string_view name;
  std::variant<double, std::string_view> value;
};

class TraceLog {
 public:
  using Clock = std::chrono::steady_clock;

  // `setting` as for TW_TRACE. The system's error when the file cannot be written.
  static Result<std::unique_ptr<TraceLog>> open(std::string_view setting);
  // The process's log, made when first asked for; null without one. A file that cannot be written is told of on the
  // standard error stream.
  static TraceLog* get();

  ~TraceLog();
  TraceLog(const TraceLog&) = delete;

  // An event on this thread. `kind` is what lines begin with, after "tw": "exec", "step", "compile". Thread-safe.
  void write(std::string_view kind, std::string_view name, Clock::time_point begin, Clock::time_point end,
             std::span<const TraceField> fields);
  // A fact about the process: a line, or metadata of the timeline.
  void tell(std::string_view name, std::span<const TraceField> fields);
  // Brings the file up to date, for readers in the same process and for programs that end badly.
  void flush();

 private:
  TraceLog(std::FILE* file, bool timeline, bool owned);
  void write_json(std::string_view kind, std::string_view name, std::string_view phase, double us, double duration_us,
                  std::span<const TraceField> fields);

  std::FILE* const file_;
  const bool timeline_, owned_;
  const Clock::time_point begin_ = Clock::now();
  std::mutex mutex_;
  bool first_ = true;
};

// Writes an event from its making to its end, where there is a log. What it names outlives it.
class TraceSpan {
 public:
  TraceSpan(TraceLog* log, std::string_view kind, std::string_view name, std::string_view of)
      : log_(log), kind_(kind), name_(name), of_(of) {
    if (log_ != nullptr) begin_ = TraceLog::Clock::now();
  }
  ~TraceSpan() {
    if (log_ == nullptr) return;
    const TraceField fields[] = {{"of", of_}};
    log_->write(kind_, name_, begin_, TraceLog::Clock::now(), fields);
  }
  TraceSpan(const TraceSpan&) = delete;

 private:
  TraceLog* const log_;
  const std::string_view kind_, name_, of_;
  TraceLog::Clock::time_point begin_;
};

// Numbers the threads that are traced, in the order in which they were first seen.
int trace_thread();

// As a string of JSON, with its quotes.
std::string json_string(std::string_view text);

}  // namespace tw
