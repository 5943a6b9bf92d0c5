#include "core/passes/lift/loop.h"

#include <algorithm>

namespace tw::lift {

namespace {

class LoopFinder {
 public:
  LoopFinder(const Graph& g, const Frames& frames, int frame) : g_(g), frames_(frames), frame_(frame) {
    loop_.frame = frames.list[static_cast<size_t>(frame)].name;
  }

  Result<Loop> run() {
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      if (!g_.node(id).dead && frames_.of[static_cast<size_t>(id)] == frame_) loop_.nodes.push_back(id);
    }
    for (const NodeId id : loop_.nodes) {
      const Node& n = g_.node(id);
      Status s = sort(n);
      if (!s.ok()) return s.at_node(n.name, n.where);
    }
    if (loop_.condition < 0) {
      const Node& n = g_.node(loop_.nodes.front());
      return invalid_argument("frame '", loop_.frame, "' has no LoopCond").at_node(n.name, n.where);
    }
    TW_RETURN_IF_ERROR(check_enters());
    find_after_condition();
    return std::move(loop_);
  }

 private:
  Status sort(const Node& n) {
    const std::string_view op = n.op->name;
    if (op == "Enter" && n.attr().boolean("is_constant")) loop_.invariants.push_back(n.id);
    if (op == "Exit") loop_.exits.push_back(n.id);
    if (op == "LoopCond") {
      if (loop_.condition >= 0) {
        return invalid_argument("frame '", loop_.frame, "' has two LoopConds: '", g_.node(loop_.condition).name,
                                "' and '", n.name, "'");
      }
      loop_.condition = n.id;
    }
    if (is_loop_merge(g_, n)) return add_variable(n);
    return {};
  }

  Status add_variable(const Node& merge) {
    Loop::Variable v{merge.id, -1, -1};
    for (const Output o : merge.inputs) {
      const Node& n = g_.node(o.node);
      if (n.op->name == "NextIteration" && v.next < 0) v.next = n.id;
      else if (n.op->name == "Enter" && v.enter < 0 && !n.attr().boolean("is_constant")) v.enter = n.id;
      else
        return invalid_argument("a loop's Merge must have one Enter and one NextIteration; '", n.name, "' (",
                                n.op->name, ") is neither, or the second");
    }
    if (v.enter < 0) return invalid_argument("loop variable '", merge.name, "' has no Enter");
    loop_.variables.push_back(v);
    return {};
  }

  // A value that enters once is there in the first turn only, so nothing but its Merge may read it.
  Status check_enters() const {
    std::set<NodeId> of_variables;
    for (const auto& v : loop_.variables) of_variables.insert(v.enter);
    for (const NodeId id : loop_.nodes) {
      const Node& n = g_.node(id);
      for (const Output o : n.inputs) {
        const Node& source = g_.node(o.node);
        if (source.op->name != "Enter" || frames_.of[static_cast<size_t>(o.node)] != frame_) continue;
        if (source.attr().boolean("is_constant") || is_loop_merge(g_, n)) continue;
        return invalid_argument("Enter '", source.name,
                                "' is not constant and must lead to a loop's Merge, but leads "
                                "to '",
                                n.name, "' (", n.op->name, ")")
            .at_node(source.name, source.where);
      }
    }
    for (const auto& v : loop_.variables) {
      for (const Uses::Edge& e : uses_.of(v.merge)) {
        if (e.output != 1) continue;
        const Node& n = g_.node(v.merge);
        return unimplemented("the value_index of loop variable '", n.name, "' is read").at_node(n.name, n.where);
      }
    }
    return {};
  }

  void find_after_condition() {
    std::vector<NodeId> stack;
    for (const NodeId id : loop_.nodes) {
      const Node& n = g_.node(id);
      if (n.op->name == "Switch" && origin(g_, n.inputs[1]).node == loop_.condition) stack.push_back(id);
    }
    while (!stack.empty()) {
      const NodeId id = stack.back();
      stack.pop_back();
      const Node& n = g_.node(id);
      if (n.op->name == "Exit" || n.op->name == "NextIteration") continue;
      if (!loop_.after_condition.insert(id).second) continue;
      for (const Uses::Edge& e : uses_.of(id)) {
        if (frames_.of[static_cast<size_t>(e.node)] == frame_) stack.push_back(e.node);
      }
    }
  }

  const Graph& g_;
  const Frames& frames_;
  const int frame_;
  const Uses uses_{g_};
  Loop loop_;
};

}  // namespace

Result<Loop> find_loop(const Graph& g, const Frames& frames, int frame) { return LoopFinder(g, frames, frame).run(); }

int Loop::variable_of(const Graph& g, NodeId exit) const {
  const Output from = g.node(exit).inputs[0];
  const Node& n = g.node(from.node);
  if (n.op->name != "Switch" || from.index != 0 || origin(g, n.inputs[1]).node != condition) return -1;
  for (size_t i = 0; i < variables.size(); ++i) {
    if (n.inputs[0] == Output{variables[i].merge, 0}) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace tw::lift
