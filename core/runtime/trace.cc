#include "core/runtime/trace.h"

#include <cstdio>
#include <sstream>

namespace tw {

namespace {

// Node names come from users and may hold anything.
void write_json_string(std::ostream& out, const std::string& s) {
  out << '"';
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out << '\\' << c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out << escape;
    } else {
      out << c;
    }
  }
  out << '"';
}

}  // namespace

std::string chrome_trace(const StepTrace& trace) {
  std::ostringstream out;
  out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  bool first = true;
  for (const StepTrace::Event& e : trace.events) {
    out << (first ? "" : ",") << "\n{\"ph\":\"X\",\"pid\":0,\"tid\":" << e.lane << ",\"name\":";
    write_json_string(out, e.op);
    out << ",\"ts\":" << static_cast<double>(e.start_ns) / 1000
        << ",\"dur\":" << static_cast<double>(e.end_ns - e.start_ns) / 1000 << ",\"args\":{\"node\":";
    write_json_string(out, e.node);
    out << ",\"flops\":" << e.flops << ",\"bytes\":" << e.bytes << "}}";
    first = false;
  }
  out << "\n]}\n";
  return out.str();
}

}  // namespace tw
