// Tapes behind contractions.
#include <algorithm>

#include "core/passes/fuser.h"

namespace tw::fusion {
namespace {

bool is_contraction(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "MatMul" || op == "BatchMatMul" || op == "BatchMatMulV2" || op == "Conv2D" ||
         op == "DepthwiseConv2dNative";
}

}  // namespace

// Whether the contraction's result, which a member of the group reads, may be the first input of a tape.
bool Fuser::takes_tape(const Node& c, NodeId reader, const Group& group) const {
  if (!is_contraction(c) || taken_.count(c.id) != 0 || !is_floating(c.output_dtypes[0])) return false;
  if (c.attr().has("data_format") && c.attr().string("data_format") != "NHWC") return false;
  return space_[static_cast<size_t>(c.id)] == space_[static_cast<size_t>(reader)] && used_only_by(c.id, group);
}

void Fuser::attach_contraction(Group& group) {
  for (NodeId id : group.members) {
    for (Output o : g_.mutable_node(id).inputs) {
      const Node& c = g_.mutable_node(o.node);
      if (!takes_tape(c, id, group)) continue;
      group.contraction = c.id;
      taken_.insert(c.id);
      return;
    }
  }
}

// The first of the group's members that hang on another contraction's result alone (a shortcut's batch norm, before it
// is added) become that one's tape: what is left may then be done in the first one's tiles.
void Fuser::split_contraction(int index) {
  const std::vector<NodeId> members = groups_[static_cast<size_t>(index)].members;
  for (NodeId id : members) {
    for (Output o : g_.mutable_node(id).inputs) {
      if (group_of(id) != index) break;  // it went to another contraction just now
      Group& rest = groups_[static_cast<size_t>(index)];
      const Node& c = g_.mutable_node(o.node);
      if (!takes_tape(c, id, rest)) continue;
      const auto depends = [&](Output in) { return group_of(in.node) == index || in.node == rest.contraction; };
      Group chain;
      for (NodeId at = c.id;;) {
        const auto edges = uses_.of(at);
        if (edges.size() != 1 || edges[0].slot < 0 || group_of(edges[0].node) != index) break;
        const NodeId next = edges[0].node;
        const auto& inputs = g_.mutable_node(next).inputs;
        if (std::ranges::any_of(inputs, [&](Output in) { return in.node != at && depends(in); })) break;
        chain.members.push_back(next);
        chain.instructions += tapes_[next].insts.size();
        at = next;
      }
      if (chain.members.empty()) continue;
      chain.contraction = c.id;
      taken_.insert(c.id);
      rest.instructions -= chain.instructions;
      for (NodeId n : chain.members) {
        std::erase(rest.members, n);
        group_of(n) = static_cast<int>(groups_.size());
      }
      groups_.push_back(std::move(chain));
    }
  }
}

Status Fuser::emit_contraction(const Group& group) {
  const NodeId last = group.members.back();
  const Node& c = g_.mutable_node(group.contraction);
  const std::vector<NodeId> wanted = wanted_members(group);
  std::vector<Output> inputs;
  const Tape tape = assemble(group, wanted, &inputs);
  std::vector<NodeId> sources = group.members;
  sources.push_back(c.id);
  TW_RETURN_IF_ERROR(adopt_controls(sources, last));
  std::vector<DType> out_types;
  for (NodeId id : wanted) out_types.push_back(g_.mutable_node(id).output_dtypes[0]);
  AttrMap attrs{{"tape", tape.to_string()},
                {"Tout", out_types},
                {"kind", std::string(c.op->name)},
                {"Textra", std::vector<DType>(tape.inputs.begin() + 1, tape.inputs.end())}};
  // Only what the fused op knows of: not, for one, "use_cudnn_on_gpu".
  const OpDef* row = find_op("_FusedContract");
  for (const auto& [name, value] : c.attrs) {
    if (row->find_attr(name)) attrs.emplace(name, value);
  }
  std::vector<Output> operands = c.inputs;
  for (Output& o : operands) o = rewriter_.resolve(o);
  operands.insert(operands.end(), inputs.begin() + 1, inputs.end());
  return replace_by(last, "_FusedContract", std::move(operands), std::move(attrs), group, wanted);
}

}  // namespace tw::fusion
