// The fuse pass: what its files share. fuse.cc forms groups of element-wise nodes, fuse_contract.cc puts them behind
// contractions, fuse_reduce.cc around reductions, and fuse_tape.cc writes a group's tape.
#pragma once

#include <unordered_set>

#include "core/passes/grouper.h"

namespace tw::fusion {

class Fuser : Grouper {
 public:
  using Grouper::Grouper;
  Status run();

 private:
  // Groups (fuse.cc).
  int space_number(NodeId id);
  int known_space(const Shape& s);
  void form(NodeId id);
  void merge_groups(int into, int from);
  bool within_limits(const std::vector<NodeId>& set);
  Status emit_map(const Group& group);

  // The tape of a group, whose outputs are `wanted`; the source's result is input 0 (fuse_tape.cc).
  Tape assemble(const Group& group, const std::vector<NodeId>& wanted, std::vector<Output>* inputs);

  // fuse_contract.cc
  bool takes_tape(const Node& c, NodeId reader, const Group& group) const;
  void attach_contraction(Group& group);
  void split_contraction(int index);
  Status emit_contraction(const Group& group);

  // fuse_reduce.cc
  bool fusable_reduction(const Node& n);
  void attach_before(const Node& reduction);
  void attach_behind(Group& group);
  Status emit_reduction(NodeId reduction);

  std::vector<int> space_;
  std::unordered_set<NodeId> taken_;                 // contractions with an epilogue
  std::unordered_map<NodeId, int> before_, behind_;  // a reduction's groups
  std::vector<std::pair<Shape, int>> known_spaces_;
  int next_space_ = 0;
};

}  // namespace tw::fusion
