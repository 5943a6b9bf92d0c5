// One branch of an If that takes the place of a group of nodes.
#pragma once

#include "core/passes/lift/region.h"

namespace tw::lift {

// Nodes that all run only once it is known what a predicate is.
struct Group {
  Predicate predicate = kNoPredicate;
  std::vector<NodeId> members;  // in order of their numbers
};

class Branch {
 public:
  // Copies the members that run where the predicate has that value. What they read from outside the group becomes an
  // argument: its place in `captures`, which both branches share.
  Branch(const Region& outer, const Group& group, bool value, std::vector<Output>* captures);
  // States what the branch returns: these outputs of members. One that has no value here returns an empty stand-in.
  void add_results(const std::vector<Output>& outputs);
  // Adds the arguments that only the other branch reads, lifts the branches inside, and makes a function.
  Result<FuncRef> finish(std::string_view name, int depth);

 private:
  bool is_member(NodeId id) const { return copies_.contains(id); }
  Condition here(Condition c) { return outer_.logic.given(c, group_.predicate, value_); }
  void copy_members();
  void connect();
  void find_predicates();
  Output translate(Output o);
  Output capture(Output o);
  Output argument(size_t index);
  Output nothing(const Node& like, DType dtype, Condition when);

  const Region& outer_;
  const Group& group_;
  const bool value_;
  std::vector<Output>& captures_;
  std::unique_ptr<Body> body_;
  Region inner_;
  std::map<NodeId, NodeId> copies_;  // of all members; -1 for those that do not run here
  std::map<Output, Output> outside_;
};

}  // namespace tw::lift
