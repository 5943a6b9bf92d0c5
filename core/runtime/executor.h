// Runs programs: a frame, the lanes of a plan, and the results.
#pragma once

#include "core/plan/program.h"
#include "core/runtime/step.h"

namespace tw {

// Walks a plan in a frame whose arguments are bound.
Status run_plan(Plan& plan, Frame& frame, Step& step);

// Runs a program on arguments. `arguments` are consumed: the step holds the only references it needs, so that a loop's
// state can be updated in place. `results` get tensors that may share storage with variables and constants.
Status execute(Program& program, std::span<Tensor> arguments, std::span<Tensor> results, Step& step);

}  // namespace tw
