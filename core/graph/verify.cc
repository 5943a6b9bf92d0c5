#include <set>

#include "core/graph/graph.h"

namespace tw {

Status verify(const Graph& g) {
  std::set<std::string_view> names;
  int live = 0;
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    const Node& n = g.node(i);
    if (n.dead) continue;
    ++live;
    const auto bad = [&](const auto&... parts) { return invalid_argument(parts...).at_node(n.name, n.where); };
    if (!names.insert(n.name).second) return bad("two nodes are named '", n.name, "'");
    DTypes wanted, outputs;
    Status s = expand_args(*n.op, n.op->inputs, n.attrs, &wanted);
    if (s.ok()) s = expand_args(*n.op, n.op->outputs, n.attrs, &outputs);
    if (!s.ok()) return s.at_node(n.name, n.where);
    if (wanted.size() != n.inputs.size()) {
      return bad("'", n.op->name, "' Op takes ", wanted.size(), " inputs, and has ", n.inputs.size());
    }
    if (outputs.size() != n.output_dtypes.size() || outputs.size() != n.output_shapes.size()) {
      return bad("'", n.op->name, "' Op gives ", outputs.size(), " outputs, and has ", n.output_dtypes.size());
    }
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      const Output o = n.inputs[k];
      if (o.node < 0 || o.node >= g.num_nodes() || g.node(o.node).dead) return bad("input ", k, " comes from no node");
      const Node& source = g.node(o.node);
      if (o.index < 0 || static_cast<size_t>(o.index) >= source.output_dtypes.size()) {
        return bad("input ", k, " is output ", o.index, " of '", source.name, "', which has ",
                   source.output_dtypes.size());
      }
      const DType got = source.output_dtypes[static_cast<size_t>(o.index)];
      if (base_dtype(got) != base_dtype(wanted[k])) {
        return bad("input ", k, " of '", n.op->name, "' Op has type ", dtype_name(got), ", not ",
                   dtype_name(wanted[k]));
      }
    }
    for (NodeId c : n.controls) {
      if (c < 0 || c >= g.num_nodes() || g.node(c).dead) return bad("a control input comes from no node");
    }
  }
  if (static_cast<int>(g.topological_order().size()) == live) return {};
  std::set<NodeId> ordered;
  for (NodeId id : g.topological_order()) ordered.insert(id);
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    const Node& n = g.node(i);
    if (!n.dead && ordered.count(i) == 0) {
      return invalid_argument("the graph has a cycle through '", n.name, "'").at_node(n.name, n.where);
    }
  }
  return {};
}

}  // namespace tw
