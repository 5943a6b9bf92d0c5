// Tapes before and behind reductions.
#include "core/passes/fuser.h"

namespace tw::fusion {
namespace {

bool is_reduction(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "Sum" || op == "Mean" || op == "Max" || op == "Min" || op == "Prod";
}

}  // namespace

bool Fuser::fusable_reduction(const Node& n) {
  return is_reduction(n) && !n.dead && is_floating(n.output_dtypes[0]) &&
         constant_of(g_.mutable_node(n.inputs[1].node)) != nullptr;
}

void Fuser::attach_before(const Node& n) {
  if (!fusable_reduction(n)) return;
  const Output in = n.inputs[0];
  const int index = group_of(in.node);
  if (index < 0) return;
  Group& group = groups_[static_cast<size_t>(index)];
  if (group.contraction >= 0 || group.reduction >= 0 || group.members.back() != in.node) return;
  const auto edges = uses_.of(in.node);
  // The reduction takes the place of the tape only when nobody else wants what the tape computes.
  if (edges.size() != 1 || edges[0].slot != 0) return;
  for (NodeId id : group.members) {
    if (id == in.node) continue;
    for (const Uses::Edge& e : uses_.of(id)) {
      if (!member(e.node, group.members)) return;
    }
  }
  group.reduction = n.id;
  before_[n.id] = index;
}

// A group may stand behind one reduction; the results of others are operands. One that is another reduction's pre-tape
// stays there, where it saves a tensor of the larger size.
void Fuser::attach_behind(Group& group) {
  if (group.contraction >= 0 || group.reduction >= 0) return;
  for (NodeId id : group.members) {
    for (Output o : g_.mutable_node(id).inputs) {
      const Node& r = g_.mutable_node(o.node);
      if (behind_.count(r.id) != 0 || !fusable_reduction(r) || r.device != g_.mutable_node(id).device) continue;
      if (space_[static_cast<size_t>(r.id)] != space_[static_cast<size_t>(id)]) continue;
      if (!used_only_by(r.id, group)) continue;
      group.reduced = r.id;
      behind_[r.id] = group_of(id);
      return;
    }
  }
}

Status Fuser::emit_reduction(NodeId reduction) {
  const Node& r = g_.mutable_node(reduction);
  const auto find = [&](const std::unordered_map<NodeId, int>& groups) -> const Group* {
    const auto it = groups.find(reduction);
    return it == groups.end() ? nullptr : &groups_[static_cast<size_t>(it->second)];
  };
  const Group *before = find(before_), *behind = find(behind_);
  std::vector<int64_t> axes;
  const Tensor& axis = *constant_of(g_.mutable_node(r.inputs[1].node));
  for (int64_t i = 0; i < axis.num_elements(); ++i) axes.push_back(index_value(axis, i));
  AttrMap attrs{
      {"op", std::string(r.op->name)}, {"axes", std::move(axes)}, {"keep_dims", r.attr().boolean("keep_dims")}};

  std::vector<NodeId> sources;
  std::vector<Output> inputs;
  if (before != nullptr) {
    const Tape pre = assemble(*before, {before->members.back()}, &inputs);
    attrs["pre"] = pre.to_string();
    attrs["Tin"] = AttrValue(pre.inputs);
    sources = before->members;
  } else {
    inputs = {rewriter_.resolve(r.inputs[0])};
    attrs["Tin"] = AttrValue(std::vector<DType>{r.output_dtypes[0]});
  }
  if (behind == nullptr) {
    attrs["Tout"] = AttrValue(std::vector<DType>{r.output_dtypes[0]});
    TW_RETURN_IF_ERROR(adopt_controls(sources, r.id));
    const Group alone{{r.id}};
    TW_RETURN_IF_ERROR(replace_by(r.id, "_FusedReduce", std::move(inputs), std::move(attrs), alone, alone.members));
  } else {
    const NodeId last = behind->members.back();
    const std::vector<NodeId> wanted = wanted_members(*behind);
    std::vector<Output> operands;
    const Tape post = assemble(*behind, wanted, &operands);
    inputs.insert(inputs.end(), operands.begin() + 1, operands.end());
    std::vector<DType> out_types;
    for (NodeId id : wanted) out_types.push_back(g_.mutable_node(id).output_dtypes[0]);
    attrs["post"] = post.to_string();
    attrs["Tpost"] = AttrValue(std::vector<DType>(post.inputs.begin() + 1, post.inputs.end()));
    attrs["Tout"] = AttrValue(out_types);
    sources.insert(sources.end(), behind->members.begin(), behind->members.end());
    sources.push_back(reduction);
    TW_RETURN_IF_ERROR(adopt_controls(sources, last));
    TW_RETURN_IF_ERROR(replace_by(last, "_FusedReduce", std::move(inputs), std::move(attrs), *behind, wanted));
    reduction = last;
  }
  if (before != nullptr) {
    for (NodeId m : before->members) rewriter_.remove(m, {reduction});
  }
  return {};
}

}  // namespace tw::fusion
