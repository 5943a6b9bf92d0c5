// What the fuzz targets share. A broken rule ends the program, as a crash does, and libFuzzer keeps the input.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/graph/graph.h"

namespace tw {

inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken rule: %s\n", rule);
  std::abort();
}

inline int live_nodes(const Graph& g) {
  int count = 0;
  for (NodeId i = 0; i < g.num_nodes(); ++i) count += g.node(i).dead ? 0 : 1;
  return count;
}

}  // namespace tw
