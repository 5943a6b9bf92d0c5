// Groups of nodes that are to become one node: what the passes that form them share.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/framework/tape.h"
#include "core/passes/pass.h"

namespace tw::fusion {

// Nodes that become one.
struct Group {
  std::vector<NodeId> members;  // in order of position; none once the group has merged into another
  size_t instructions = 0;
  NodeId contraction = -1;  // whose result the group consumes as an epilogue
  NodeId reduced = -1;      // the reduction whose result the group consumes as its post-tape
  NodeId reduction = -1;    // that consumes the group as its pre-tape

  // The node whose result is input 0 of the tape; -1 for a tape on its own.
  NodeId source() const { return contraction >= 0 ? contraction : reduced; }
};

// The tape of a node that may be part of one; nothing for other nodes.
std::optional<Tape> node_tape(const Graph& g, const Node& n);

class Grouper {
 public:
  explicit Grouper(Body& body);

 protected:
  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  int& position(NodeId id) { return position_[static_cast<size_t>(id)]; }
  int& group_of(NodeId id) { return group_of_[static_cast<size_t>(id)]; }
  static bool member(NodeId id, const std::vector<NodeId>& set);
  // Every use of the node is a data edge into the group.
  bool used_only_by(NodeId id, const Group& group) const;
  bool convex(const std::vector<NodeId>& set);
  std::vector<NodeId> wanted_members(const Group& group);
  Status adopt_controls(const std::vector<NodeId>& sources, NodeId id);
  // The group, and what it swallows, lives on in node `id` as another op; its outputs are `wanted`.
  Status replace_by(NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs, const Group& group,
                    const std::vector<NodeId>& wanted);

  Body& body_;
  Graph& g_;
  Uses uses_;
  Rewriter rewriter_;
  std::vector<NodeId> order_;
  std::vector<int> position_, group_of_, seen_;
  std::vector<Group> groups_;
  std::unordered_map<NodeId, Tape> tapes_;
  int stamp_ = 0;
};

}  // namespace tw::fusion
