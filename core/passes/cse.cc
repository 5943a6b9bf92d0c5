// Common subexpressions: pure nodes with the same op, attributes, inputs and control inputs are one.
#include <algorithm>
#include <cstring>

#include "core/passes/pass.h"

namespace tw {

namespace {

// Comparing large constants costs more than keeping both, unless they share storage.
constexpr size_t kMaxComparedBytes = 4096;

bool mergeable(const Node& n) {
  if (n.dead || n.op->name == "_Retval" || n.op->name == "_Arg") return false;
  // Arrays of which each element may be read once, and what reads them: two reads are an error, and one is none.
  if (n.attrs.contains("_clear_after_read")) return false;
  if (const Tensor* value = constant_of(n)) return value->bytes() <= kMaxComparedBytes;
  return (is_pure(n) || n.op->name == "VarHandleOp") && !n.output_dtypes.empty();
}

uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * 0x9e3779b97f4a7c15u + (h >> 29); }

uint64_t digest(const Node& n) {
  uint64_t h = static_cast<uint64_t>(n.op->id);
  for (Output o : n.inputs) h = mix(mix(h, static_cast<uint64_t>(o.node)), static_cast<uint64_t>(o.index));
  for (NodeId c : n.controls) h = mix(h, static_cast<uint64_t>(c) + 0x10000);
  return mix(h, n.attrs.digest());
}

bool same(const Node& a, const Node& b) {
  return a.op == b.op && a.inputs == b.inputs && a.controls == b.controls && a.device == b.device && a.attrs == b.attrs;
}

}  // namespace

Status cse(Body& body) {
  Graph& g = *body.body;
  Rewriter rewriter(body);
  std::unordered_multimap<uint64_t, NodeId> seen;
  seen.reserve(static_cast<size_t>(g.num_nodes()));
  for (NodeId id : g.topological_order()) {
    Node& n = g.mutable_node(id);
    // Inputs are resolved at once, so that equal trees merge from the leaves up in one sweep.
    for (Output& o : n.inputs) o = rewriter.resolve(o);
    if (!mergeable(n)) continue;
    if (n.op->has(kCommutative) && n.inputs.size() == 2 && n.inputs[1] < n.inputs[0])
      std::swap(n.inputs[0], n.inputs[1]);
    const uint64_t h = digest(n);
    NodeId twin = -1;
    for (auto [it, end] = seen.equal_range(h); it != end; ++it) {
      if (same(g.mutable_node(it->second), n)) {
        twin = it->second;
        break;
      }
    }
    if (twin < 0) {
      seen.emplace(h, id);
      continue;
    }
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
      rewriter.replace(Output{id, static_cast<int32_t>(i)}, Output{twin, static_cast<int32_t>(i)});
    }
    rewriter.remove(id, {twin});
  }
  rewriter.apply();
  return {};
}

}  // namespace tw
