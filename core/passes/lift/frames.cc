#include "core/passes/lift/frames.h"

#include <algorithm>
#include <array>
#include <map>

namespace tw::lift {

namespace {

// The op's name without the mark of its form on refs.
std::string_view plain_op(const Node& n) {
  const std::string_view op = n.op->name;
  return op.starts_with("Ref") ? op.substr(3) : op;
}

class FrameFinder {
 public:
  explicit FrameFinder(const Graph& g) : g_(g) {
    found_.list.push_back({});
    found_.of.assign(static_cast<size_t>(g.num_nodes()), -1);
  }

  Result<Frames> run() {
    for (const NodeId id : g_.topological_order()) {
      const Node& n = g_.node(id);
      Status s = place(n);
      if (!s.ok()) return s.at_node(n.name, n.where);
    }
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      const Node& n = g_.node(id);
      if (n.dead) continue;
      Status s = check(n);
      if (!s.ok()) return s.at_node(n.name, n.where);
    }
    return std::move(found_);
  }

 private:
  std::string describe(int frame) const {
    return frame == 0 ? std::string("outside all loops")
                      : internal::concat("in frame '", found_.list[static_cast<size_t>(frame)].name, "'");
  }

  Status place(const Node& n) {
    int frame = -1;
    const Node* first = nullptr;
    const auto meet = [&](NodeId id) -> Status {
      const Node& source = g_.node(id);
      if (found_.of[static_cast<size_t>(id)] < 0) return {};  // a back edge, checked at the end
      const int of_source = found_.of_outputs(source);
      if (first != nullptr && of_source != frame) {
        return invalid_argument("node '", n.name, "' has inputs from different frames: '", first->name, "' is ",
                                describe(frame), ", and '", source.name, "' is ", describe(of_source));
      }
      first = &source;
      frame = of_source;
      return {};
    };
    for (const Output o : n.inputs) TW_RETURN_IF_ERROR(meet(o.node));
    for (const NodeId c : n.controls) TW_RETURN_IF_ERROR(meet(c));
    if (first == nullptr) frame = 0;
    if (plain_op(n) == "Enter") {
      TW_ASSIGN_OR_RETURN(frame, enter(n, frame));
    }
    if (plain_op(n) == "Exit" && frame == 0) return invalid_argument("Exit '", n.name, "' is outside all loops");
    found_.of[static_cast<size_t>(n.id)] = frame;
    return {};
  }

  Result<int> enter(const Node& n, int parent) {
    const std::string name = n.attr().string("frame_name");
    const auto [it, is_new] = by_name_.emplace(name, static_cast<int>(found_.list.size()));
    if (is_new) {
      found_.list.push_back({name, parent, found_.list[static_cast<size_t>(parent)].depth + 1});
    } else if (found_.list[static_cast<size_t>(it->second)].parent != parent) {
      return invalid_argument("Enter '", n.name, "' comes to frame '", name, "' from a node ", describe(parent),
                              ", and others from one ", describe(found_.list[static_cast<size_t>(it->second)].parent));
    }
    return it->second;
  }

  Status check(const Node& n) const {
    const int frame = found_.of[static_cast<size_t>(n.id)];
    if (frame < 0) return invalid_argument("the graph has a cycle without NextIteration through '", n.name, "'");
    if (frame == 0 && (plain_op(n) == "NextIteration" || n.op->name == "LoopCond")) {
      return invalid_argument(n.op->name, " '", n.name, "' is outside all loops");
    }
    for (const Output o : n.inputs) {
      const Node& source = g_.node(o.node);
      if (plain_op(source) == "NextIteration" && plain_op(n) != "Merge") {
        return invalid_argument("NextIteration '", source.name, "' may lead to Merge only, and leads to '", n.name,
                                "'");
      }
      const int of_source = found_.of_outputs(source);
      if (plain_op(n) == "Merge" && of_source != frame) {
        return invalid_argument("node '", n.name, "' has inputs from different frames: it is ", describe(frame),
                                ", and '", source.name, "' is ", describe(of_source));
      }
    }
    return {};
  }

  const Graph& g_;
  Frames found_;
  std::map<std::string, int> by_name_;
};

}  // namespace

Result<Frames> find_frames(const Graph& g) { return FrameFinder(g).run(); }

bool has_raw_control_flow(const Graph& g) {
  constexpr std::array kOps{"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond", "ControlTrigger"};
  for (NodeId id = 0; id < g.num_nodes(); ++id) {
    const Node& n = g.node(id);
    if (!n.dead && std::find(kOps.begin(), kOps.end(), n.op->name) != kOps.end()) return true;
  }
  return false;
}

bool is_loop_merge(const Graph& g, const Node& n) {
  return n.op->name == "Merge" && std::any_of(n.inputs.begin(), n.inputs.end(),
                                              [&](Output o) { return g.node(o.node).op->name == "NextIteration"; });
}

}  // namespace tw::lift
