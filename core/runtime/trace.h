// What a traced step did, instruction by instruction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/framework/dtype.h"
#include "core/framework/shape.h"

namespace tw {

struct StepTrace {
  struct Event {
    std::string node;  // the graph node (for a fused group: its last)
    std::string op;    // op name, "_Fused{Add,Relu}" for a group
    int lane = 0;
    int64_t start_ns = 0;  // since the step began
    int64_t end_ns = 0;
    double flops = 0, bytes = 0;  // as the kernel stated at prepare
    std::vector<std::pair<DType, Shape>> outputs;
  };
  int64_t start_unix_us = 0;
  int64_t arena_bytes = 0;
  std::vector<Event> events;
};

// The trace as Chrome's trace-event JSON ("traceEvents": complete events, microseconds, a thread per lane).
std::string chrome_trace(const StepTrace& trace);

}  // namespace tw
