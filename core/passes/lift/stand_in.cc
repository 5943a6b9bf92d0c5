// While nodes beside the loops of a graph that is to be differentiated. The graph keeps its loops as they were made.
#include <algorithm>

#include "core/passes/lift/frames.h"
#include "core/passes/lift/region.h"

namespace tw {

namespace {

// Marks what lies behind or before some outputs, along data edges.
std::vector<char> behind(const Graph& g, std::span<const Output> from) {
  std::vector<char> marks(static_cast<size_t>(g.num_nodes()), 0);
  std::vector<NodeId> stack;
  for (const Output o : from) stack.push_back(o.node);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (std::exchange(marks[static_cast<size_t>(id)], 1)) continue;
    for (const Output o : g.node(id).inputs) stack.push_back(o.node);
  }
  return marks;
}

std::vector<char> reached_from(const Graph& g, std::span<const Output> from) {
  const Uses uses(g);
  std::vector<char> marks(static_cast<size_t>(g.num_nodes()), 0);
  std::vector<NodeId> stack;
  for (const Output o : from) stack.push_back(o.node);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (std::exchange(marks[static_cast<size_t>(id)], 1)) continue;
    for (const Uses::Edge& e : uses.of(id)) {
      if (e.slot >= 0) stack.push_back(e.node);
    }
  }
  return marks;
}

void collect(const Graph& g, const Node& loop, std::map<Output, Output>* stand_ins) {
  const auto exits = loop.attr().must<std::vector<std::string>>(lift::kExitsAttr);
  const auto outputs = loop.attr().ints(lift::kExitOutputsAttr);
  for (size_t i = 0; i < exits.size() && i < outputs.size(); ++i) {
    const std::optional<NodeId> exit = g.find(exits[i]);
    if (exit) (*stand_ins)[Output{*exit, 0}] = Output{loop.id, static_cast<int32_t>(outputs[i])};
  }
}

// Lets references enter these loops as handles, which functions can take.
Status enter_handles(Graph& g, const lift::Frames& frames, const std::set<std::string>& wanted) {
  std::map<Output, Output> handles;  // of references inside of loops
  for (const NodeId id : g.topological_order()) {
    const Node& n = g.node(id);
    if (n.op->name != "RefEnter" || !n.attr().boolean("is_constant")) continue;
    const int frame = frames.outermost(frames.of_outputs(n));
    if (!wanted.contains(frames.list[static_cast<size_t>(frame)].name)) continue;
    const auto add = [&](const char* op, Output input, AttrMap attrs) -> Result<Output> {
      NodeSpec spec{op, g.unique_name(n.name + "/handle"), {input}, {}, std::move(attrs), n.device, n.where};
      TW_ASSIGN_OR_RETURN(const NodeId made, g.add(std::move(spec)));
      return Output{made, 0};
    };
    Output handle;
    if (const auto known = handles.find(n.inputs[0]); known != handles.end()) {
      handle = known->second;
    } else {
      TW_ASSIGN_OR_RETURN(handle, add("_RefHandle", n.inputs[0], {}));
    }
    AttrMap attrs = n.attrs;
    attrs["T"] = DType::kResource;
    TW_ASSIGN_OR_RETURN(const Output inside, add("Enter", handle, std::move(attrs)));
    const HandleShape to = g.handle(handle);
    TW_ASSIGN_OR_RETURN(const Output ref, add("_HandleRef", inside, {{"T", to.dtype}, {"shape", to.shape}}));
    handles[ref] = inside;
    g.replace_uses(Output{id, 0}, ref);
    g.remove(id);
  }
  return {};
}

bool is_stand_in(const Node& n) { return !n.dead && n.attr().has(lift::kExitsAttr); }

}  // namespace

Result<std::map<Output, Output>> add_loop_stand_ins(Graph* g, std::span<const Output> ys, std::span<const Output> xs) {
  std::map<Output, Output> stand_ins;
  const int count = g->num_nodes();
  std::vector<NodeId> exits;
  for (NodeId id = 0; id < count; ++id) {
    const Node& n = g->node(id);
    if (is_stand_in(n)) collect(*g, n, &stand_ins);
    if (!n.dead && n.op->name == "Exit") exits.push_back(id);
  }
  if (exits.empty()) return stand_ins;
  const std::vector<char> before_y = behind(*g, ys), after_x = reached_from(*g, xs);
  std::erase_if(exits, [&](NodeId id) {
    return !before_y[static_cast<size_t>(id)] || !after_x[static_cast<size_t>(id)] || stand_ins.contains(Output{id, 0});
  });
  if (exits.empty()) return stand_ins;

  Body body;
  body.body = g->copy();
  TW_ASSIGN_OR_RETURN(const lift::Frames frames, lift::find_frames(*body.body));
  std::set<std::string> wanted;
  for (const NodeId id : exits) {
    const int frame = frames.outermost(frames.of[static_cast<size_t>(id)]);
    wanted.insert(frames.list[static_cast<size_t>(frame)].name);
  }
  TW_RETURN_IF_ERROR(enter_handles(*body.body, frames, wanted));
  TW_RETURN_IF_ERROR(lift::lift_loops(body, &wanted));
  // Nodes of the copy that the graph has too have the same number.
  std::map<NodeId, NodeId> added;
  for (NodeId id = count; id < body.body->num_nodes(); ++id) {
    const Node& n = body.body->node(id);
    if (n.dead) continue;
    NodeSpec spec{std::string(n.op->name), g->unique_name(n.name), n.inputs, n.controls, n.attrs, n.device, n.where};
    for (Output& o : spec.inputs) o.node = o.node < count ? o.node : added.at(o.node);
    for (NodeId& c : spec.controls) c = c < count ? c : added.at(c);
    TW_ASSIGN_OR_RETURN(added[id], g->add(std::move(spec)));
    if (is_stand_in(n)) collect(*g, g->node(added[id]), &stand_ins);
  }
  return stand_ins;
}

}  // namespace tw
