#include "core/passes/lift/branch.h"

#include <algorithm>
#include <set>

namespace tw::lift {

namespace {

std::unique_ptr<Body> empty_body(const Region& outer) {
  auto body = std::make_unique<Body>();
  body->body = std::make_unique<Graph>(outer.graph().library());
  body->internal = outer.body.internal;
  return body;
}

}  // namespace

Branch::Branch(const Region& outer, const Group& group, bool value, std::vector<Output>* captures)
    : outer_(outer),
      group_(group),
      value_(value),
      captures_(*captures),
      body_(empty_body(outer)),
      inner_(*body_, outer.logic) {
  copy_members();
  connect();
  find_predicates();
}

void Branch::copy_members() {
  for (const NodeId id : group_.members) {
    const Condition when = here(outer_.runs[static_cast<size_t>(id)]);
    NodeId copy = -1;
    if (when != kNever) copy = inner_.adopt(outer_.node(id), when, here(outer_.literal[static_cast<size_t>(id)]));
    copies_[id] = copy;
    if (copy >= 0 && must_run(outer_.node(id))) body_->controls.push_back(copy);
  }
}

void Branch::connect() {
  for (const auto& [id, copy] : copies_) {
    if (copy < 0) continue;
    const std::vector<Output> from = outer_.node(id).inputs;
    for (size_t i = 0; i < from.size(); ++i) {
      const Output to = translate(from[i]);
      inner_.graph().mutable_node(copy).inputs[i] = to;
    }
    std::vector<NodeId> controls;
    for (const NodeId c : outer_.node(id).controls) {
      // The If waits for nodes outside; a member that does not run here is waited for by nobody who does.
      if (is_member(c) && copies_[c] >= 0) controls.push_back(copies_[c]);
    }
    std::sort(controls.begin(), controls.end());
    inner_.graph().mutable_node(copy).controls = std::move(controls);
  }
}

// An outer output as it is known inside.
Output Branch::translate(Output o) {
  const Condition alive = here(outer_.alive(o));
  const Node& n = outer_.node(o.node);
  const DType dtype = base_dtype(n.output_dtypes[static_cast<size_t>(o.index)]);
  if (alive == kNever) return nothing(n, dtype, kNever);
  if (is_member(o.node)) return {copies_[o.node], o.index};
  if (const auto it = outside_.find(o); it != outside_.end()) return it->second;
  if (const Tensor* t = constant_of(n); t != nullptr && n.controls.empty() && t->num_elements() <= kFewElements) {
    return outside_[o] = {inner_.adopt(n, alive), 0};
  }
  if (origin(outer_.graph(), o) == outer_.predicates.at(group_.predicate)) {
    Node known = make_node(n, n.name, "Const", {}, {{"dtype", DType::kBool}, {"value", Tensor::scalar<bool>(value_)}},
                           {DType::kBool});
    known.output_shapes[0] = Shape{};
    return outside_[o] = {inner_.adopt(std::move(known), alive), 0};
  }
  return capture(o);
}

Output Branch::capture(Output o) {
  const auto known = std::find(captures_.begin(), captures_.end(), o);
  const auto index = static_cast<size_t>(known - captures_.begin());
  if (known == captures_.end()) captures_.push_back(o);
  return outside_[o] = argument(index);
}

Output Branch::argument(size_t index) {
  const Output o = captures_[index];
  const Node& source = outer_.node(o.node);
  const DType dtype = base_dtype(source.output_dtypes[static_cast<size_t>(o.index)]);
  const Condition alive = here(outer_.alive(o));
  Node arg = make_node(source, internal::concat("_Arg/", index, "/", source.name, "/", o.index), "_Arg", {},
                       {{"T", dtype}, {"index", static_cast<int64_t>(index)}}, {dtype});
  // A stand-in for a value that was not made has no shape to rely on.
  if (outer_.alive(o) == kAlways) arg.output_shapes[0] = source.output_shapes[static_cast<size_t>(o.index)];
  arg.output_handles[0] = outer_.graph().handle(o);
  const NodeId id = inner_.adopt(std::move(arg), alive);
  if (body_->args.size() <= index) body_->args.resize(index + 1, -1);
  body_->args[index] = id;
  return {id, 0};
}

Output Branch::nothing(const Node& like, DType dtype, Condition when) {
  Node n = make_node(like, "nothing", "_Nothing", {}, {{"dtype", dtype}}, {dtype});
  n.output_shapes[0] = Shape{};
  return {inner_.adopt(std::move(n), when), 0};
}

// The predicates that conditions inside still depend on. Bringing one in may bring in more.
void Branch::find_predicates() {
  std::set<Condition> seen;
  for (size_t i = 0; i < inner_.runs.size(); ++i) {
    std::set<Predicate> wanted;
    inner_.logic.collect_predicates(inner_.runs[i], &seen, &wanted);
    inner_.logic.collect_predicates(inner_.literal[i], &seen, &wanted);
    for (const Predicate p : wanted) {
      if (!inner_.predicates.contains(p)) inner_.predicates[p] = translate(outer_.predicates.at(p));
    }
  }
}

void Branch::add_results(const std::vector<Output>& outputs) {
  for (const Output o : outputs) {
    const Node& n = outer_.node(o.node);
    const DType dtype = base_dtype(n.output_dtypes[static_cast<size_t>(o.index)]);
    const Condition alive = here(outer_.alive(o));
    Output value = alive == kNever ? nothing(n, dtype, kAlways) : Output{copies_[o.node], o.index};
    if (alive != kNever && alive != kAlways) {
      Node live = make_node(n, n.name + "/live", "_Live", {value},
                            {{"T", dtype}, {"message", AttrValue(std::string())}}, {dtype});
      value = {inner_.adopt(std::move(live), kAlways), 0};
    }
    const auto index = static_cast<int64_t>(body_->results.size());
    Node result = make_node(n, internal::concat("_Retval/", index, "/", n.name, "/", o.index), "_Retval", {value},
                            {{"T", dtype}, {"index", index}}, {});
    body_->results.push_back(inner_.adopt(std::move(result), kAlways));
  }
}

Result<FuncRef> Branch::finish(std::string_view name, int depth) {
  for (size_t i = 0; i < captures_.size(); ++i) {
    if (body_->args.size() <= i || body_->args[i] < 0) argument(i);
  }
  TW_RETURN_IF_ERROR(lift_branches(inner_, depth));
  return add_function(std::move(body_), name);
}

}  // namespace tw::lift
