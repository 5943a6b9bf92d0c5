#include "core/platform/trace_log.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tw {

namespace {

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", v);
  return text;
}

double microseconds(TraceLog::Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out += '"';
}

int trace_thread() {
  static std::atomic<int> threads{0};
  static thread_local const int mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

Result<std::unique_ptr<TraceLog>> TraceLog::open(std::string_view setting) {
  if (setting.empty() || setting == "0") return std::unique_ptr<TraceLog>();
  if (setting == "1") return std::unique_ptr<TraceLog>(new TraceLog(stderr, false, false));
  const std::string path(setting);
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return not_found("TW_TRACE names the file '", path, "': ", std::strerror(errno));
  return std::unique_ptr<TraceLog>(new TraceLog(file, setting.ends_with(".json"), true));
}

TraceLog* TraceLog::get() {
  // Never destroyed: threads may be at work while static objects go. The file is flushed after every step.
  static TraceLog* const log = [] {
    const char* const setting = std::getenv("TW_TRACE");
    auto opened = open(setting == nullptr ? "" : setting);
    if (opened.ok()) return opened->release();
    std::fprintf(stderr, "thalweg: %s\n", opened.status().to_string().c_str());
    return static_cast<TraceLog*>(nullptr);
  }();
  return log;
}

TraceLog::TraceLog(std::FILE* file, bool timeline, bool owned) : file_(file), timeline_(timeline), owned_(owned) {
  // What reads the timeline does without the bracket at the end, which a program that ends badly would not write.
  if (timeline_) std::fputs("[", file_);
}

TraceLog::~TraceLog() {
  if (timeline_) std::fputs("\n]\n", file_);
  if (owned_) std::fclose(file_);
}

void TraceLog::write(std::string_view kind, std::string_view name, Clock::time_point begin, Clock::time_point end,
                     std::span<const TraceField> fields) {
  if (timeline_) return write_json(kind, name, "X", microseconds(begin - begin_), microseconds(end - begin), fields);
  std::string line = internal::concat("tw,", kind, ",", name, ",", number(microseconds(end - begin) / 1000));
  for (const TraceField& f : fields) {
    line += ',';
    if (const double* v = std::get_if<double>(&f.value)) line += number(*v);
    else line += std::get<std::string_view>(f.value);
  }
  line += '\n';
  std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), file_);
}

void TraceLog::tell(std::string_view name, std::span<const TraceField> fields) {
  if (timeline_) return write_json("info", name, "M", 0, 0, fields);
  std::string line = internal::concat("tw,info,", name);
  for (const TraceField& f : fields) {
    line += internal::concat(",", f.name, "=");
    if (const double* v = std::get_if<double>(&f.value)) line += number(*v);
    else line += std::get<std::string_view>(f.value);
  }
  line += '\n';
  std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), file_);
}

void TraceLog::write_json(std::string_view kind, std::string_view name, std::string_view phase, double us,
                          double duration_us, std::span<const TraceField> fields) {
  char times[96];
  std::snprintf(times, sizeof times, "\"ts\":%.3f,\"dur\":%.3f", us, duration_us);
  std::string event =
      internal::concat("{\"ph\":\"", phase, "\",\"pid\":0,\"tid\":", trace_thread(), ",\"cat\":", json_string(kind),
                       ",\"name\":", json_string(name), ",", times, ",\"args\":{");
  for (size_t i = 0; i < fields.size(); ++i) {
    const double* v = std::get_if<double>(&fields[i].value);
    event += internal::concat(i == 0 ? "" : ",", json_string(fields[i].name), ":",
                              v != nullptr ? number(*v) : json_string(std::get<std::string_view>(fields[i].value)));
  }
  event += "}}";
  std::lock_guard lock(mutex_);
  std::fputs(first_ ? "\n" : ",\n", file_);
  first_ = false;
  std::fwrite(event.data(), 1, event.size(), file_);
}

void TraceLog::flush() {
  std::lock_guard lock(mutex_);
  std::fflush(file_);
}

}  // namespace tw
