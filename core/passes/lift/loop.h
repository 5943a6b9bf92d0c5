// One frame of a graph, and the While that takes its place.
#pragma once

#include <set>

#include "core/passes/lift/frames.h"
#include "core/passes/lift/region.h"

namespace tw::lift {

// The parts of a frame, checked. Loops inside it are While nodes already.
struct Loop {
  struct Variable {
    NodeId merge, enter, next;
  };
  std::string frame;
  std::vector<NodeId> nodes;  // in order of their numbers
  std::vector<Variable> variables;
  std::vector<NodeId> invariants;  // the Enters of values that all turns share
  std::vector<NodeId> exits;
  NodeId condition = -1;  // LoopCond
  // Nodes that run after it is known whether there is another turn; the others run once more than the body does.
  std::set<NodeId> after_condition;

  // The variable whose last value an Exit hands out, or -1 where it is something else.
  int variable_of(const Graph& g, NodeId exit) const;
};

// InvalidArgument, with the node named, for a frame that is no loop.
Result<Loop> find_loop(const Graph& g, const Frames& frames, int frame);

// A function made of a loop's nodes.
class LoopFunction {
 public:
  LoopFunction(const Body& outer, const Loop& loop);
  // The next argument, which is `stands_for` in the copies; `like` gives its dtype and handle.
  Output add_argument(Output stands_for, Output like);
  // In the copies, `from` is `to`.
  void map(Output from, Output to) { known_[from] = to; }
  void unmap(Output from) { known_.erase(from); }
  Output constant(const Node& like, Tensor value);
  // Copies the loop's nodes; or only those before the condition that these outputs need or that must run.
  Status copy_all();
  Status copy_before_condition(const std::vector<Output>& roots);
  // What an output of the loop's nodes is here; not valid when it is nothing.
  Output translate(Output o) const;
  // The value, or a stand-in in a turn that does not make it.
  Output or_nothing(Output value);
  void add_result(Output value);
  // The copies after the condition must run if they must at all; those before it only when asked for.
  void require(bool before_condition);
  // Lifts the branches inside and makes the function.
  Result<FuncRef> finish(std::string_view name);

 private:
  Graph& graph() { return *body_->body; }
  Status copy(const std::set<NodeId>& which);

  const Graph& g_;
  const Loop& loop_;
  std::unique_ptr<Body> body_;
  std::map<Output, Output> known_;
  std::map<NodeId, NodeId> copies_;
};

}  // namespace tw::lift
