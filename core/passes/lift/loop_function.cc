#include <algorithm>

#include "core/passes/lift/loop.h"

namespace tw::lift {

namespace {

bool is_frame_op(std::string_view op) { return op == "Enter" || op == "Exit" || op == "NextIteration"; }

}  // namespace

LoopFunction::LoopFunction(const Body& outer, const Loop& loop)
    : g_(*outer.body), loop_(loop), body_(std::make_unique<Body>()) {
  body_->body = std::make_unique<Graph>(g_.library());
  body_->internal = outer.internal;
}

Output LoopFunction::add_argument(Output stands_for, Output like) {
  const auto index = static_cast<int64_t>(body_->args.size());
  const Node& source = g_.node(stands_for.node);
  const DType dtype = base_dtype(g_.dtype(like));
  Node arg = make_node(source, internal::concat("_Arg/", index, "/", source.name), "_Arg", {},
                       {{"T", dtype}, {"index", index}}, {dtype});
  arg.output_handles[0] = g_.handle(like);
  const NodeId id = graph().adopt(std::move(arg));
  body_->args.push_back(id);
  known_[stands_for] = Output{id, 0};
  return {id, 0};
}

Output LoopFunction::constant(const Node& like, Tensor value) {
  const DType dtype = value.dtype();
  const Shape shape = value.shape();
  Node n = make_node(like, like.name, "Const", {}, {{"dtype", dtype}, {"value", std::move(value)}}, {dtype});
  n.output_shapes[0] = shape;
  return {graph().adopt(std::move(n)), 0};
}

Status LoopFunction::copy_all() { return copy({loop_.nodes.begin(), loop_.nodes.end()}); }

Status LoopFunction::copy_before_condition(const std::vector<Output>& roots) {
  std::set<NodeId> which;
  std::vector<NodeId> stack;
  for (const Output o : roots) stack.push_back(o.node);
  for (const NodeId id : loop_.nodes) {
    if (!loop_.after_condition.contains(id) && must_run(g_.node(id))) stack.push_back(id);
  }
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    const Node& n = g_.node(id);
    if (is_frame_op(n.op->name) || is_loop_merge(g_, n) || !which.insert(id).second) continue;
    for (const Output o : n.inputs) stack.push_back(o.node);
    for (const NodeId c : n.controls) stack.push_back(c);
  }
  return copy(which);
}

Status LoopFunction::copy(const std::set<NodeId>& which) {
  for (const NodeId id : which) {
    const Node& n = g_.node(id);
    if (is_frame_op(n.op->name) || is_loop_merge(g_, n) || known_.contains(Output{id, 0})) continue;
    Node copy = n;
    if (n.op->name == "LoopCond") {
      copy.op = find_op("Identity");
      copy.attrs["T"] = DType::kBool;
    }
    copies_[id] = graph().adopt(std::move(copy));
  }
  for (const auto& [id, to] : copies_) {
    Node& copy = graph().mutable_node(to);
    for (Output& o : copy.inputs) {
      const Output from = o;
      o = translate(from);
      if (!o.valid()) {
        const Node& n = g_.node(from.node);
        return invalid_argument("'", copy.name, "' reads '", n.name, "' (", n.op->name, "), which has no value there")
            .at_node(copy.name, copy.where);
      }
    }
    // What begins a turn has happened when the function is called.
    std::vector<NodeId> controls;
    for (const NodeId c : copy.controls) {
      if (const auto it = copies_.find(c); it != copies_.end()) controls.push_back(it->second);
    }
    std::sort(controls.begin(), controls.end());
    copy.controls = std::move(controls);
  }
  return {};
}

Output LoopFunction::translate(Output o) const {
  if (const auto it = known_.find(o); it != known_.end()) return it->second;
  const auto it = copies_.find(o.node);
  return it == copies_.end() ? Output{} : Output{it->second, o.index};
}

Output LoopFunction::or_nothing(Output value) {
  const Node& n = graph().node(value.node);
  const DType dtype = base_dtype(n.output_dtypes[static_cast<size_t>(value.index)]);
  Node live =
      make_node(n, n.name + "/live", "_Live", {value}, {{"T", dtype}, {"message", AttrValue(std::string())}}, {dtype});
  return {graph().adopt(std::move(live)), 0};
}

void LoopFunction::add_result(Output value) {
  const Node& like = graph().node(value.node);
  const DType dtype = base_dtype(like.output_dtypes[static_cast<size_t>(value.index)]);
  const auto index = static_cast<int64_t>(body_->results.size());
  Node n = make_node(like, internal::concat("_Retval/", index, "/", like.name), "_Retval", {value},
                     {{"T", dtype}, {"index", index}}, {});
  body_->results.push_back(graph().adopt(std::move(n)));
}

void LoopFunction::require(bool before_condition) {
  for (const auto& [id, copy] : copies_) {
    if (must_run(g_.node(id)) && (before_condition || loop_.after_condition.contains(id))) {
      body_->controls.push_back(copy);
    }
  }
}

Result<FuncRef> LoopFunction::finish(std::string_view name) {
  Conditions logic;
  Region region(*body_, logic);
  TW_RETURN_IF_ERROR(find_conditions(region));
  TW_RETURN_IF_ERROR(lift_branches(region, 0));
  return add_function(std::move(body_), name);
}

}  // namespace tw::lift
