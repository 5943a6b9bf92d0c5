// The tape of a group of nodes.
#include "core/passes/assembler.h"
#include "core/passes/fuser.h"

namespace tw::fusion {

std::optional<Tape::Constant> known_scalar(const Graph& g, Output o) {
  const Node& n = g.node(o.node);
  const Tensor* value = constant_of(n);
  if (value == nullptr || value->shape().rank() != 0 || !n.controls.empty()) return std::nullopt;
  Tape::Constant c{value->dtype(), 0, 0};
  const bool numeric = visit_real(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    c.value = static_cast<double>(value->data<T>()[0]);
    if constexpr (std::is_integral_v<T>) c.integer = static_cast<int64_t>(value->data<T>()[0]);
  });
  return numeric ? std::optional(c) : std::nullopt;
}

Assembler::Ref external(const Graph& g, Assembler& assembler, Output o) {
  if (const auto scalar = known_scalar(g, o)) return assembler.constant(*scalar);
  return assembler.input(o, g.node(o.node).output_dtypes[static_cast<size_t>(o.index)]);
}

Tape Fuser::assemble(const Group& group, const std::vector<NodeId>& wanted, std::vector<Output>* inputs) {
  Assembler assembler;
  std::unordered_map<NodeId, Assembler::Ref> results;
  if (const NodeId source = group.source(); source >= 0) {
    results[source] = assembler.input(Output{source, 0}, g_.mutable_node(source).output_dtypes[0]);
  }
  for (NodeId id : group.members) {
    const Node& n = g_.mutable_node(id);
    std::vector<Assembler::Ref> bound;
    for (Output o : n.inputs) {
      const auto it = o.index == 0 ? results.find(o.node) : results.end();
      bound.push_back(it != results.end() ? it->second : external(g_, assembler, rewriter_.resolve(o)));
    }
    results[id] = assembler.append(tapes_.at(id), bound);
  }
  std::vector<Assembler::Ref> outputs;
  for (NodeId id : wanted) outputs.push_back(results.at(id));
  *inputs = assembler.inputs();
  return assembler.finish(outputs);
}

}  // namespace tw::fusion
