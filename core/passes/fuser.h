// The fuse pass: what its files share. fuse.cc forms groups of element-wise nodes, fuse_contract.cc puts them behind
// contractions, fuse_reduce.cc around reductions, and fuse_tape.cc writes a group's tape.
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/framework/tape.h"
#include "core/passes/pass.h"

namespace tw::fusion {

// Element-wise nodes over one index space that become one tape.
struct Group {
  std::vector<NodeId> members;  // in order of position; none once the group has merged into another
  size_t instructions = 0;
  NodeId contraction = -1;  // whose result the group consumes as an epilogue
  NodeId reduced = -1;      // the reduction whose result the group consumes as its post-tape
  NodeId reduction = -1;    // that consumes the group as its pre-tape

  // The node whose result is input 0 of the tape; -1 for a tape on its own.
  NodeId source() const { return contraction >= 0 ? contraction : reduced; }
};

class Fuser {
 public:
  explicit Fuser(Body& body) : body_(body), g_(*body.body), uses_(g_), rewriter_(body) {}
  Status run();

 private:
  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  int& position(NodeId id) { return position_[static_cast<size_t>(id)]; }
  int& group_of(NodeId id) { return group_of_[static_cast<size_t>(id)]; }
  static bool member(NodeId id, const std::vector<NodeId>& set);
  // Every use of the node is a data edge into the group.
  bool used_only_by(NodeId id, const Group& group);

  // Groups (fuse.cc).
  int space_number(NodeId id);
  int known_space(const Shape& s);
  void form(NodeId id);
  void merge_groups(int into, int from);
  bool within_limits(const std::vector<NodeId>& set);
  bool convex(const std::vector<NodeId>& set);
  std::vector<NodeId> wanted_members(const Group& group);
  Status adopt_controls(const std::vector<NodeId>& sources, NodeId id);
  // The group, and what it swallows, lives on in node `id` as another op; its outputs are `wanted`.
  Status replace_by(NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs, const Group& group,
                    const std::vector<NodeId>& wanted);
  Status emit_map(const Group& group);

  // The tape of a group, whose outputs are `wanted`; the source's result is input 0 (fuse_tape.cc).
  Tape assemble(const Group& group, const std::vector<NodeId>& wanted, std::vector<Output>* inputs);

  // fuse_contract.cc
  void attach_contraction(Group& group);
  Status emit_contraction(const Group& group);

  // fuse_reduce.cc
  bool fusable_reduction(const Node& n);
  void attach_before(const Node& reduction);
  void attach_behind(Group& group);
  Status emit_reduction(NodeId reduction);

  Body& body_;
  Graph& g_;
  Uses uses_;
  Rewriter rewriter_;
  std::vector<NodeId> order_;
  std::vector<int> position_, group_of_, space_, seen_;
  std::vector<Group> groups_;
  std::unordered_map<NodeId, Tape> tapes_;
  std::unordered_set<NodeId> taken_;                 // contractions with an epilogue
  std::unordered_map<NodeId, int> before_, behind_;  // a reduction's groups
  std::vector<std::pair<Shape, int>> known_spaces_;
  int next_space_ = 0, stamp_ = 0;
};

}  // namespace tw::fusion
