#include "core/runtime/trace.h"

#include <algorithm>
#include <sstream>

namespace tw {

std::string chrome_trace(const StepTrace& trace) {
  std::ostringstream out;
  out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  bool first = true;
  for (const StepTrace::Event& e : trace.events) {
    out << (first ? "" : ",") << "\n{\"ph\":\"X\",\"pid\":0,\"tid\":" << e.lane << ",\"name\":" << json_string(e.op)
        << ",\"ts\":" << static_cast<double>(e.start_ns) / 1000
        << ",\"dur\":" << static_cast<double>(e.end_ns - e.start_ns) / 1000
        << ",\"args\":{\"node\":" << json_string(e.node) << ",\"operands\":" << json_string(describe_operands(e))
        << ",\"flops\":" << e.cost.flops << ",\"bytes\":" << e.cost.bytes << "}}";
    first = false;
  }
  out << "\n]}\n";
  return out.str();
}

double least_seconds(const StepTrace::Event& e, const MachineLimits& limits) {
  const auto wide = [](const std::pair<DType, Shape>& v) {
    return v.first == DType::kDouble || v.first == DType::kComplex128;
  };
  const bool half_rate = std::any_of(e.outputs.begin(), e.outputs.end(), wide);
  const double compute = limits.flops > 0 ? e.cost.flops * (half_rate ? 2 : 1) / limits.flops : 0;
  const double move = limits.copy_bytes > 0 ? e.cost.bytes / limits.copy_bytes : 0;
  return std::max(compute, move);
}

std::string describe_operands(const StepTrace::Event& e) {
  std::string out;
  const auto add = [&out](const std::pair<DType, Shape>& v) {
    if (!out.empty()) out += ' ';
    out += dtype_name(v.first);
    out += ':';
    if (!v.second.rank_known()) {
      out += '?';
      return;
    }
    for (int i = 0; i < v.second.rank(); ++i) {
      if (i > 0) out += 'x';
      out += v.second[i] < 0 ? "?" : std::to_string(v.second[i]);
    }
  };
  for (const auto& v : e.inputs) add(v);
  out += out.empty() ? "->" : " ->";
  for (const auto& v : e.outputs) add(v);
  return out;
}

void tell_limits(TraceLog& log, const MachineLimits& limits) {
  const TraceField fields[] = {
      {"threads", static_cast<double>(limits.threads)},
      {"gflops", limits.flops * 1e-9},
      {"copy_gbytes", limits.copy_bytes * 1e-9},
      {"exec", std::string_view("op ms node operands algorithm bytes flops gflops gbytes limit_percent lane step")},
  };
  log.tell("limits", fields);
}

void write_event(TraceLog& log, const StepTrace::Event& e, int64_t step, TraceLog::Clock::time_point begin,
                 const MachineLimits& limits) {
  const double seconds = static_cast<double>(e.end_ns - e.start_ns) * 1e-9;
  const double per_giga = seconds > 0 ? 1e-9 / seconds : 0;
  const std::string operands = describe_operands(e);
  const double least = least_seconds(e, limits);
  const TraceField fields[] = {
      {"node", std::string_view(e.node)},
      {"operands", std::string_view(operands)},
      {"algorithm", std::string_view(e.algorithm)},
      {"bytes", e.cost.bytes},
      {"flops", e.cost.flops},
      {"gflops", e.cost.flops * per_giga},
      {"gbytes", e.cost.bytes * per_giga},
      {"limit_percent", seconds > 0 ? 100 * least / seconds : 0},
      {"lane", static_cast<double>(e.lane)},
      {"step", static_cast<double>(step)},
  };
  log.write("exec", e.op, begin + std::chrono::nanoseconds(e.start_ns), begin + std::chrono::nanoseconds(e.end_ns),
            fields);
}

}  // namespace tw
