// Branches and loops: instructions that run programs.
#pragma once

#include "core/runtime/executor.h"

namespace tw {

Status run_control(const ControlOp& op, const Plan& plan, const Instruction& inst, const RunContext& context,
                   Step& step);

}  // namespace tw
