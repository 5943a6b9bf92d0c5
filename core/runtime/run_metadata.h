// RunMetadata: the wire form of what a traced step did.
#pragma once

#include <string>

#include "core/runtime/trace.h"

namespace tw {

// The serialised message: one DeviceStepStats for the CPU, a NodeExecStats per event, threads named by lane.
std::string encode_run_metadata(const StepTrace& trace);

}  // namespace tw
