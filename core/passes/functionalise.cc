// Control flow of TensorFlow 1 becomes functions: loops (Enter, Exit, NextIteration, LoopCond) While nodes, then
// branches (Switch, Merge) If nodes. After this pass every node of a body runs.
#include "core/passes/lift/frames.h"
#include "core/passes/lift/region.h"

namespace tw {

Status functionalise(Body& body) {
  if (!lift::has_raw_control_flow(*body.body)) return {};
  TW_RETURN_IF_ERROR(lift::lift_loops(body));
  remove_dead(body);
  lift::Conditions logic;
  lift::Region region(body, logic);
  TW_RETURN_IF_ERROR(lift::find_conditions(region));
  return lift::lift_branches(region, 0);
}

}  // namespace tw
