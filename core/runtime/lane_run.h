// Runs the lanes of a plan beside each other.
#pragma once

#include "core/runtime/frame.h"
#include "core/runtime/step.h"

namespace tw {

// Returns when every lane has ended; the first error of any. The calling thread runs lanes too, and so do the compute
// threads; a lane that waits for an event leaves its thread, and a blocking instruction runs on the io pool. After an
// error the step is cancelled, and the other lanes end as soon as they notice.
Status run_lanes(Plan& plan, Frame& frame, Step& step);

}  // namespace tw
