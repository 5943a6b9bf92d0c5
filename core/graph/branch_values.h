// Values made in a branch and used around it. In TensorFlow 1 a branch's nodes are nodes of the graph, which are dead
// where the branch is not taken, and so is what uses them. Here the branch returns the value, and a Switch by its
// predicate makes the value dead outside. See docs/decisions/branch_values.md.
#pragma once

#include <span>

#include "core/graph/graph.h"

namespace tw {

// One branch of an If or StatelessIf.
struct BranchOfNode {
  NodeId node = -1;             // runs the branch; a removed node where it was itself made in the branch before
  int branch = 0;               // 0: then_branch, 1: else_branch
  std::vector<NodeId> members;  // the nodes that the branch was made from, removed since
};

enum class Leaving { kValues, kOperations };

// Lets `nodes`, members of the innermost branch of `path`, be used where the outermost one's node lies: the branches'
// functions come to return what is wanted. Gives a node for each that has its outputs, or with kOperations one without
// outputs that runs when the node does. They carry the names of the nodes as far as those are free. Where a branch is
// not taken they are dead, as a Switch's other output is. InvalidArgument when a path is none.
Result<std::vector<NodeId>> leave_branches(Graph* graph, std::span<const BranchOfNode> path,
                                           std::span<const NodeId> nodes, Leaving what);

}  // namespace tw
