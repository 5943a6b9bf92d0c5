// Fusion. Element-wise nodes over one index space become one tape; a tape behind a contraction becomes its epilogue,
// and tapes before and behind a reduction become part of it. Every group is convex: no path leaves it and comes back.
#include <algorithm>

#include "core/framework/tape_map.h"
#include "core/passes/fuser.h"

namespace tw {
namespace fusion {
namespace {

// Limits of one tape: beyond them the interpreter's blocks no longer fit in the first-level cache together.
constexpr size_t kMaxInputs = 12;
constexpr size_t kMaxInstructions = 40;
constexpr size_t kMaxOutputs = 6;
// How far a search for a path around a group may go before fusion is given up.
constexpr int kMaxSearch = 4096;

// Whether an operand does not broadcast to the result: of its elements the first are read.
bool reads_part(const Graph& g, const Node& n) {
  const Shape& out = n.output_shapes[0];
  if (!out.fully_known()) return false;
  return std::any_of(n.inputs.begin(), n.inputs.end(), [&](Output o) {
    const Shape& in = g.node(o.node).output_shapes[static_cast<size_t>(o.index)];
    const auto both = broadcast(in, out);
    return in.fully_known() && (!both.ok() || *both != out);
  });
}

// A sum of tensors of one known shape. More operands than the kernel takes at once stay with it.
std::optional<Tape> sum_tape(const Graph& g, const Node& n) {
  constexpr size_t kAtOnce = 8;
  const DType t = n.output_dtypes[0];
  if (n.inputs.size() < 2 || n.inputs.size() > kAtOnce || !is_plain(t) || !n.output_shapes[0].fully_known()) {
    return std::nullopt;
  }
  Tape tape;
  for (Output o : n.inputs) {
    if (g.node(o.node).output_shapes[static_cast<size_t>(o.index)] != n.output_shapes[0]) return std::nullopt;
    tape.add_input(t);
  }
  uint16_t sum = 0;
  for (size_t i = 1; i < n.inputs.size(); ++i) sum = tape.emit(MicroOp::k_add, t, sum, static_cast<uint16_t>(i));
  tape.outputs = {sum};
  return tape;
}

// The tape of a node that may join a group; nothing for other nodes.
std::optional<Tape> node_tape(const Graph& g, const Node& n) {
  if (n.dead || !is_pure(n) || n.output_dtypes.size() != 1) return std::nullopt;
  if (n.op->name == "BiasAdd") {
    // Channels last: the bias broadcasts like any operand.
    if (n.attr().string("data_format") == "NCHW") return std::nullopt;
    return tape_of(MicroOp::k_add, n.output_dtypes[0], n.output_dtypes[0]);
  }
  if (n.op->name == "AddN") return sum_tape(g, n);
  if (n.op->map.empty() || reads_part(g, n) || find_kernel(*n.op, n.attrs) == nullptr) return std::nullopt;
  auto tape = instantiate_map(*n.op, n.attr());
  if (!tape.ok()) return std::nullopt;
  return std::move(*tape);
}

}  // namespace

Status Fuser::run() {
  order_ = g_.topological_order();
  const size_t n = static_cast<size_t>(g_.num_nodes());
  position_.assign(n, 0);
  group_of_.assign(n, -1);
  seen_.assign(n, 0);
  space_.assign(n, -1);
  for (size_t i = 0; i < order_.size(); ++i) position_[static_cast<size_t>(order_[i])] = static_cast<int>(i);
  for (NodeId id : order_) form(id);
  for (Group& group : groups_) {
    if (!group.members.empty()) attach_contraction(group);
  }
  for (NodeId id : order_) attach_before(g_.mutable_node(id));
  for (Group& group : groups_) {
    if (!group.members.empty()) attach_behind(group);
  }
  for (const Group& group : groups_) {
    if (group.contraction >= 0) {
      TW_RETURN_IF_ERROR(emit_contraction(group));
    } else if (group.reduced >= 0) {
      TW_RETURN_IF_ERROR(emit_reduction(group.reduced));
    } else if (group.reduction >= 0) {
      if (behind_.count(group.reduction) == 0) TW_RETURN_IF_ERROR(emit_reduction(group.reduction));
    } else if (group.members.size() > 1) {
      TW_RETURN_IF_ERROR(emit_map(group));
    }
  }
  rewriter_.apply();
  return {};
}

bool Fuser::member(NodeId id, const std::vector<NodeId>& set) {
  return std::find(set.begin(), set.end(), id) != set.end();
}

bool Fuser::used_only_by(NodeId id, const Group& group) {
  const auto edges = uses_.of(id);
  return !edges.empty() && std::all_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
    return e.slot >= 0 && member(e.node, group.members);
  });
}

// Index spaces that are surely equal have equal numbers, whether their sizes are known or not.
int Fuser::space_number(NodeId id) {
  const Node& n = g_.mutable_node(id);
  const Shape& s = n.output_shapes[0];
  if (s.fully_known()) return known_space(s);
  int common = -1;
  for (Output o : n.inputs) {
    const Shape& in = shape_of(o);
    if (in.rank() == 0) continue;
    const int number = o.index == 0 ? space_[static_cast<size_t>(o.node)] : -1;
    if (number < 0 || (common >= 0 && number != common)) return next_space_++;
    common = number;
  }
  return common >= 0 ? common : next_space_++;
}

int Fuser::known_space(const Shape& s) {
  for (const auto& [shape, number] : known_spaces_) {
    if (shape == s) return number;
  }
  known_spaces_.push_back({s, next_space_});
  return next_space_++;
}

// Puts a node into a group of its own, then merges it with the groups of its inputs where that is legal.
void Fuser::form(NodeId id) {
  const Node& n = g_.mutable_node(id);
  if (n.output_dtypes.empty()) return;
  std::optional<Tape> tape = node_tape(g_, n);
  if (!tape) {
    if (n.output_shapes[0].fully_known()) space_[static_cast<size_t>(id)] = known_space(n.output_shapes[0]);
    else space_[static_cast<size_t>(id)] = next_space_++;
    return;
  }
  space_[static_cast<size_t>(id)] = space_number(id);
  groups_.push_back({{id}, tape->insts.size()});
  group_of(id) = static_cast<int>(groups_.size()) - 1;
  tapes_[id] = std::move(*tape);
  for (Output o : n.inputs) {
    const int other = group_of(o.node), mine = group_of(id);
    if (other < 0 || other == mine) continue;
    if (space_[static_cast<size_t>(o.node)] != space_[static_cast<size_t>(id)]) continue;
    if (g_.mutable_node(o.node).device != n.device) continue;
    merge_groups(other, mine);
  }
}

void Fuser::merge_groups(int into, int from) {
  Group &a = groups_[static_cast<size_t>(into)], &b = groups_[static_cast<size_t>(from)];
  if (a.instructions + b.instructions > kMaxInstructions) return;
  std::vector<NodeId> all = a.members;
  all.insert(all.end(), b.members.begin(), b.members.end());
  std::sort(all.begin(), all.end(), [&](NodeId x, NodeId y) { return position(x) < position(y); });
  if (!within_limits(all) || !convex(all)) return;
  for (NodeId id : b.members) group_of(id) = into;
  a.members = std::move(all);
  a.instructions += b.instructions;
  b.members.clear();
}

bool Fuser::within_limits(const std::vector<NodeId>& set) {
  std::vector<Output> inputs;
  size_t outputs = 0;
  for (NodeId id : set) {
    for (Output o : g_.mutable_node(id).inputs) {
      if (!member(o.node, set) && std::find(inputs.begin(), inputs.end(), o) == inputs.end()) inputs.push_back(o);
    }
    const auto edges = uses_.of(id);
    outputs += std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return !member(e.node, set); });
  }
  return inputs.size() <= kMaxInputs && outputs <= kMaxOutputs;
}

// Other groups count as single nodes here, for that is what they become. Nodes behind the last member are in no group
// yet, so nothing behind it leads back.
bool Fuser::convex(const std::vector<NodeId>& set) {
  const int last = position(set.back());
  ++stamp_;
  std::vector<NodeId> stack;
  for (NodeId id : set) {
    for (const Uses::Edge& e : uses_.of(id)) {
      if (!member(e.node, set) && position(e.node) < last) stack.push_back(e.node);
    }
  }
  for (int steps = 0; !stack.empty(); ++steps) {
    if (steps > kMaxSearch) return false;
    const NodeId id = stack.back();
    stack.pop_back();
    if (seen_[static_cast<size_t>(id)] == stamp_) continue;
    const std::vector<NodeId> alone{id};
    const int group = group_of(id);
    for (NodeId m : group >= 0 ? groups_[static_cast<size_t>(group)].members : alone) {
      seen_[static_cast<size_t>(m)] = stamp_;
      for (const Uses::Edge& e : uses_.of(m)) {
        if (position(e.node) > last) continue;
        if (member(e.node, set)) return false;
        stack.push_back(e.node);
      }
    }
  }
  return true;
}

// Members whose value somebody outside wants, the last member first.
std::vector<NodeId> Fuser::wanted_members(const Group& group) {
  std::vector<NodeId> wanted{group.members.back()};
  for (NodeId id : group.members) {
    if (id == group.members.back()) continue;
    const auto edges = uses_.of(id);
    if (std::any_of(edges.begin(), edges.end(),
                    [&](const Uses::Edge& e) { return e.slot >= 0 && !member(e.node, group.members); })) {
      wanted.push_back(id);
    }
  }
  return wanted;
}

Status Fuser::adopt_controls(const std::vector<NodeId>& sources, NodeId id) {
  for (NodeId m : sources) {
    const std::vector<NodeId> controls = g_.mutable_node(m).controls;
    for (NodeId c : controls) {
      if (m != id && !member(c, sources)) TW_RETURN_IF_ERROR(g_.add_control(id, c));
    }
  }
  return {};
}

Status Fuser::replace_by(NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs, const Group& group,
                         const std::vector<NodeId>& wanted) {
  std::vector<Shape> shapes;
  for (NodeId w : wanted) shapes.push_back(g_.mutable_node(w).output_shapes[0]);
  TW_RETURN_IF_ERROR(become(body_, id, op, std::move(inputs), std::move(attrs)));
  g_.mutable_node(id).output_shapes = std::move(shapes);
  for (size_t k = 1; k < wanted.size(); ++k) {
    rewriter_.replace(Output{wanted[k], 0}, Output{id, static_cast<int32_t>(k)});
  }
  for (NodeId m : group.members) {
    if (m != id) rewriter_.remove(m, {id});
  }
  if (group.source() >= 0) rewriter_.remove(group.source(), {id});
  return {};
}

Status Fuser::emit_map(const Group& group) {
  const std::vector<NodeId> wanted = wanted_members(group);
  std::vector<Output> inputs;
  const Tape tape = assemble(group, wanted, &inputs);
  // Of constants alone, which folding left because it failed on them, as a division by zero does: the op itself says
  // so.
  if (inputs.empty()) return {};
  std::vector<DType> out_types;
  for (NodeId id : wanted) out_types.push_back(g_.mutable_node(id).output_dtypes[0]);
  const NodeId last = group.members.back();
  TW_RETURN_IF_ERROR(adopt_controls(group.members, last));
  AttrMap attrs{{"tape", tape.to_string()}, {"Tin", tape.inputs}, {"Tout", out_types}};
  return replace_by(last, "_FusedMap", std::move(inputs), std::move(attrs), group, wanted);
}

}  // namespace fusion

Status fuse(Body& body) { return fusion::Fuser(body).run(); }

}  // namespace tw
