// What a traced step did, instruction by instruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/framework/kernel.h"
#include "core/platform/limits.h"
#include "core/platform/trace_log.h"

namespace tw {

struct StepTrace {
  struct Event {
    std::string node;       // the graph node (for a fused group: its last)
    std::string op;         // op name, with what was fused into it: "_FusedMap{mul+add}"
    std::string algorithm;  // as the kernel names it; often empty
    int lane = 0;
    int64_t start_ns = 0;  // since the step began
    int64_t end_ns = 0;
    Cost cost;  // as the kernel stated at prepare
    std::vector<std::pair<DType, Shape>> inputs, outputs;
  };
  int64_t start_unix_us = 0;
  std::vector<Event> events;
};

// The trace as Chrome's trace-event JSON ("traceEvents": complete events, microseconds, a thread per lane).
std::string chrome_trace(const StepTrace& trace);

// The least time, in seconds, in which the machine could do what an instruction has to: compute or move, whichever
// takes longer. Operations on float64 go at half the rate of float32.
double least_seconds(const StepTrace::Event& e, const MachineLimits& limits);

// "float:64x784 float:784x512 -> float:64x512"
std::string describe_operands(const StepTrace::Event& e);

// Tells a log what the machine's limits are, and what the lines of events hold.
void tell_limits(TraceLog& log, const MachineLimits& limits);

// Writes an event of the step that began at `begin` to a log: time, operands, algorithm, bytes, operations, their
// rates, and the least time as a share of the time it took.
void write_event(TraceLog& log, const StepTrace::Event& e, int64_t step, TraceLog::Clock::time_point begin,
                 const MachineLimits& limits);

}  // namespace tw
