// Control flow of TensorFlow 1 becomes functions: loops (Enter, Exit, NextIteration, LoopCond) While nodes, then
// branches (Switch, Merge) If nodes. After this pass every node of a body runs.
#include "core/passes/lift/frames.h"
#include "core/passes/lift/region.h"

namespace tw {

namespace {

// A loop that was differentiated has a While beside it; the step needs one of the two.
void use_stand_ins(Body& body) {
  Graph& g = *body.body;
  Rewriter rewriter(body);
  for (NodeId id = 0; id < g.num_nodes(); ++id) {
    const Node& n = g.mutable_node(id);
    if (n.dead || !n.attr().has(lift::kExitsAttr)) continue;
    const auto exits = n.attr().must<std::vector<std::string>>(lift::kExitsAttr);
    const auto outputs = n.attr().ints(lift::kExitOutputsAttr);
    for (size_t i = 0; i < exits.size() && i < outputs.size(); ++i) {
      const std::optional<NodeId> exit = g.find(exits[i]);
      if (!exit || g.mutable_node(*exit).op->name != "Exit") continue;
      rewriter.replace(Output{*exit, 0}, Output{id, static_cast<int32_t>(outputs[i])});
      rewriter.remove(*exit, {id});
    }
  }
  rewriter.apply();
  remove_dead(body);
}

}  // namespace

Status functionalise(Body& body) {
  if (!lift::has_raw_control_flow(*body.body)) return {};
  use_stand_ins(body);
  TW_RETURN_IF_ERROR(lift::lift_loops(body));
  remove_dead(body);
  lift::Conditions logic;
  lift::Region region(body, logic);
  TW_RETURN_IF_ERROR(lift::find_conditions(region));
  return lift::lift_branches(region, 0);
}

}  // namespace tw
