// Tapes behind contractions.
#include "core/passes/fuser.h"

namespace tw::fusion {
namespace {

bool is_contraction(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "MatMul" || op == "BatchMatMul" || op == "BatchMatMulV2" || op == "Conv2D" ||
         op == "DepthwiseConv2dNative";
}

}  // namespace

void Fuser::attach_contraction(Group& group) {
  for (NodeId id : group.members) {
    for (Output o : g_.mutable_node(id).inputs) {
      const Node& c = g_.mutable_node(o.node);
      if (!is_contraction(c) || taken_.count(c.id) != 0 || !is_floating(c.output_dtypes[0])) continue;
      if (c.attr().has("data_format") && c.attr().string("data_format") != "NHWC") continue;
      if (space_[static_cast<size_t>(c.id)] != space_[static_cast<size_t>(id)]) continue;
      if (!used_only_by(c.id, group)) continue;
      group.contraction = c.id;
      taken_.insert(c.id);
      return;
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
