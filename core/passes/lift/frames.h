// Which loop each node of a graph with Enter and Exit belongs to.
#pragma once

#include <string>
#include <vector>

#include "core/passes/pass.h"

namespace tw::lift {

struct Frame {
  std::string name;  // empty for the graph outside all loops
  int parent = -1, depth = 0;
};

// Frame 0 is the graph outside all loops. An Enter belongs to the frame it enters, an Exit to the one it leaves.
struct Frames {
  std::vector<Frame> list;
  std::vector<int> of;  // by node

  // The frame around `f` that is in no other.
  int outermost(int f) const {
    while (list[static_cast<size_t>(f)].parent > 0) f = list[static_cast<size_t>(f)].parent;
    return f;
  }
  // The frame in which a node's outputs are.
  int of_outputs(const Node& n) const {
    const int f = of[static_cast<size_t>(n.id)];
    return n.op->name == "Exit" || n.op->name == "RefExit" ? list[static_cast<size_t>(f)].parent : f;
  }
};

// InvalidArgument, with the node named, for cycles without NextIteration, inputs from two frames, an Exit outside any
// loop, one frame entered from two others.
Result<Frames> find_frames(const Graph& g);

// Whether the graph has any op that only frames and dead tensors give a meaning to.
bool has_raw_control_flow(const Graph& g);

// A Merge that a NextIteration leads to: where a loop variable begins its turn.
bool is_loop_merge(const Graph& g, const Node& n);

}  // namespace tw::lift
