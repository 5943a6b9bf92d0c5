// Groups of nodes that are to become one node.
#include "core/passes/grouper.h"

#include <algorithm>

#include "core/framework/tape_map.h"

namespace tw::fusion {
namespace {

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

}  // namespace

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

Grouper::Grouper(Body& body) : body_(body), g_(*body.body), uses_(g_), rewriter_(body) {
  order_ = g_.topological_order();
  const size_t n = static_cast<size_t>(g_.num_nodes());
  position_.assign(n, 0);
  group_of_.assign(n, -1);
  seen_.assign(n, 0);
  for (size_t i = 0; i < order_.size(); ++i) position_[static_cast<size_t>(order_[i])] = static_cast<int>(i);
}

bool Grouper::member(NodeId id, const std::vector<NodeId>& set) {
  return std::find(set.begin(), set.end(), id) != set.end();
}

bool Grouper::used_only_by(NodeId id, const Group& group) const {
  const auto edges = uses_.of(id);
  return !edges.empty() && std::all_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
    return e.slot >= 0 && member(e.node, group.members);
  });
}

// Other groups count as single nodes here, for that is what they become. Nodes behind the last member are in no group
// yet, so nothing behind it leads back.
bool Grouper::convex(const std::vector<NodeId>& set) {
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
std::vector<NodeId> Grouper::wanted_members(const Group& group) {
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

Status Grouper::adopt_controls(const std::vector<NodeId>& sources, NodeId id) {
  for (NodeId m : sources) {
    const std::vector<NodeId> controls = g_.mutable_node(m).controls;
    for (NodeId c : controls) {
      if (m != id && !member(c, sources)) TW_RETURN_IF_ERROR(g_.add_control(id, c));
    }
  }
  return {};
}

Status Grouper::replace_by(NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs,
                           const Group& group, const std::vector<NodeId>& wanted) {
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

}  // namespace tw::fusion
