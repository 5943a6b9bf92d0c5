// Branches and loops: instructions that run programs.
#pragma once

#include "core/runtime/executor.h"

namespace tw {

Status run_control(const ControlOp& op, const Plan& plan, const Instruction& inst, const RunContext& context,
                   Step& step);

// Runs the body of a While on `vars` as long as its condition holds. They become the last values.
Status run_loop(const ControlOp& op, std::span<Tensor> vars, Step& step);
Result<bool> truth(DType dtype, const Shape& shape, const void* data);

}  // namespace tw
