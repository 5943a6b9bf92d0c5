// Adding nodes that name their inputs, in any order: what the readers of GraphDefs and of the text form share.
#pragma once

#include "core/graph/graph.h"

namespace tw {

struct PendingInput {
  std::string node;  // name of a node of the same batch
  int index = 0;
  Output direct;  // when valid, an output that the graph has already; `node` is not looked at
};

struct PendingNode {
  NodeSpec spec;  // inputs empty; controls may hold nodes that the graph has already
  std::vector<PendingInput> inputs;
  std::vector<std::string> controls;  // names of nodes of the same batch
};

// Adds all nodes, each after those it needs and otherwise in the order given; only edges from NextIteration to Merge
// may close a cycle. Returns the ids, in the order given. After an error the graph has none of the nodes.
Result<std::vector<NodeId>> assemble(Graph* graph, std::vector<PendingNode> nodes);

}  // namespace tw
