// Fusion. Element-wise nodes over one index space become one tape; a tape behind a contraction becomes its epilogue,
// and tapes before and behind a reduction become part of it. Every group is convex: no path leaves it and comes back.
#include <algorithm>

#include "core/passes/assembler.h"
#include "core/passes/fuser.h"

namespace tw {
namespace fusion {
namespace {

// Limits of one tape: beyond them the interpreter's blocks no longer fit in the first-level cache together.
constexpr size_t kMaxInputs = 12;
constexpr size_t kMaxOperands = 24;  // known scalars among them, which links read from a single cache line each
constexpr size_t kMaxInstructions = 40;
constexpr size_t kMaxOutputs = 6;

}  // namespace

Status Fuser::run() {
  space_.assign(static_cast<size_t>(g_.num_nodes()), -1);
  for (NodeId id : order_) form(id);
  for (Group& group : groups_) {
    if (!group.members.empty()) attach_contraction(group);
  }
  for (size_t i = 0, end = groups_.size(); i < end; ++i) {
    if (groups_[i].contraction >= 0) split_contraction(static_cast<int>(i));
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
  std::vector<Output> operands;
  size_t inputs = 0, outputs = 0;
  for (NodeId id : set) {
    for (Output o : g_.mutable_node(id).inputs) {
      if (member(o.node, set) || std::find(operands.begin(), operands.end(), o) != operands.end()) continue;
      operands.push_back(o);
      inputs += !known_scalar(g_, o);
    }
    const auto edges = uses_.of(id);
    outputs += std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return !member(e.node, set); });
  }
  return inputs <= kMaxInputs && operands.size() <= kMaxOperands && outputs <= kMaxOutputs;
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
