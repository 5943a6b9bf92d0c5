#include "core/passes/lift/region.h"

#include <algorithm>

namespace tw::lift {

namespace {

class ConditionFinder {
 public:
  explicit ConditionFinder(Region& r) : r_(r), g_(r.graph()) {}

  Status run() {
    r_.runs.assign(static_cast<size_t>(g_.num_nodes()), kNever);
    r_.literal.assign(r_.runs.size(), kNever);
    for (const NodeId id : g_.topological_order()) {
      const Node& n = r_.node(id);
      if (n.op->name == "Switch") r_.literal[static_cast<size_t>(id)] = literal(n.inputs[1]);
      r_.runs[static_cast<size_t>(id)] = condition(n);
      if (r_.logic.exhausted()) {
        return too_deep().at_node(n.name, n.where);
      }
    }
    for (size_t i = 0; i < r_.body.results.size(); ++i) guard(r_.body.results[i], i);
    return {};
  }

 private:
  Condition literal(Output pred) {
    const Output from = origin(g_, pred);
    if (const Tensor* known = constant_of(r_.node(from.node)); known != nullptr && known->num_elements() == 1) {
      return known->data<bool>()[0] ? kAlways : kNever;
    }
    if (const std::optional<Condition> c = chosen_input(from)) return *c;
    const auto [it, is_new] = numbers_.emplace(from, static_cast<Predicate>(numbers_.size()));
    if (is_new) r_.predicates[it->second] = from;
    return r_.logic.literal(it->second, true);
  }

  // Gradients of Merge test which of its inputs was alive, which needs no predicate of its own.
  std::optional<Condition> chosen_input(Output pred) {
    const Node& n = r_.node(pred.node);
    if (n.op->name != "Equal") return {};
    for (int side = 0; side < 2; ++side) {
      const Output of = n.inputs[static_cast<size_t>(side)];
      const Node& merge = r_.node(of.node);
      const Tensor* number = constant_of(r_.node(n.inputs[static_cast<size_t>(1 - side)].node));
      if (merge.op->name != "Merge" || of.index != 1 || number == nullptr || number->num_elements() != 1) continue;
      const auto index = static_cast<size_t>(number->data<int32_t>()[0]);
      if (index >= merge.inputs.size()) return kNever;
      Condition c = r_.alive(merge.inputs[index]);
      for (size_t before = 0; before < index; ++before) c = r_.logic.without(c, r_.alive(merge.inputs[before]));
      return c;
    }
    return {};
  }

  Condition condition(const Node& n) {
    if (n.op->name == "ControlTrigger" || n.op->name == "_Live") return kAlways;
    if (n.op->name == "Merge") {
      Condition any = kNever;
      for (const Output o : n.inputs) any = r_.logic.either(any, r_.alive(o));
      return any;
    }
    Condition all = kAlways;
    for (const Output o : n.inputs) all = r_.logic.both(all, r_.alive(o));
    for (const NodeId c : n.controls) all = r_.logic.both(all, r_.runs[static_cast<size_t>(c)]);
    return all;
  }

  void guard(NodeId result, size_t index) {
    r_.runs[static_cast<size_t>(result)] = kAlways;
    const Output o = r_.node(result).inputs[0];
    if (r_.alive(o) == kAlways) return;
    const Node& n = r_.node(o.node);
    const DType dtype = base_dtype(n.output_dtypes[static_cast<size_t>(o.index)]);
    const std::string message = internal::concat("Retval[", index, "] does not have value: '", n.name, ":", o.index,
                                                 "' lies in a branch that this step does not take");
    Node live = make_node(n, n.name + "/live", "_Live", {o}, {{"T", dtype}, {"message", AttrValue(message)}}, {dtype});
    const NodeId id = r_.adopt(std::move(live), kAlways);
    g_.mutable_node(result).inputs[0] = Output{id, 0};
  }

  Region& r_;
  Graph& g_;
  std::map<Output, Predicate> numbers_;
};

}  // namespace

Condition Region::alive(Output o) const {
  const Condition when = runs[static_cast<size_t>(o.node)];
  const Node& n = node(o.node);
  if (n.op->name != "Switch") return when;
  const Condition chosen = literal[static_cast<size_t>(o.node)];
  return o.index == 1 ? logic.both(when, chosen) : logic.without(when, chosen);
}

Predicate Region::first(NodeId id) const {
  const Node& n = node(id);
  if (n.op->name == "_Arg") return kNoPredicate;  // it is there; only its value may not be
  Predicate p = logic.first(runs[static_cast<size_t>(id)]);
  if (n.op->name == "Switch") p = std::min(p, logic.first(literal[static_cast<size_t>(id)]));
  if (n.op->name == "Merge" || n.op->name == "_Live") {
    for (const Output o : n.inputs) p = std::min(p, logic.first(alive(o)));
  }
  return p;
}

NodeId Region::adopt(Node n, Condition when, Condition switch_literal) {
  runs.push_back(when);
  literal.push_back(switch_literal);
  return graph().adopt(std::move(n));
}

Status too_deep() {
  return resource_exhausted("too many Switches decide whether this node runs: branches may be nested ",
                            Conditions::kMostHeight, " deep");
}

Status find_conditions(Region& r) { return ConditionFinder(r).run(); }

Output origin(const Graph& g, Output o) {
  while (true) {
    const Node& n = g.node(o.node);
    if (n.op->name != "Identity" && n.op->name != "Switch") return o;
    o = n.inputs[0];
  }
}

bool must_run(const Node& n) {
  if (n.op->has(kInternal)) return false;
  return n.op->has(kWritesResource) || n.op->has(kBlocking) ||
         (n.op->has(kStateful) && !n.op->has(kRandom) && n.op->name != "VarHandleOp");
}

Node make_node(const Node& like, std::string name, std::string_view op, std::vector<Output> inputs, AttrMap attrs,
               std::vector<DType> output_dtypes) {
  Node n;
  n.op = find_op(op);
  n.name = std::move(name);
  n.inputs = std::move(inputs);
  n.attrs = std::move(attrs);
  n.device = like.device;
  n.where = like.where;
  n.output_shapes.assign(output_dtypes.size(), Shape::unknown());
  n.output_handles.resize(output_dtypes.size());
  n.output_dtypes = std::move(output_dtypes);
  return n;
}

std::string beside(const Node& like, std::string_view what) {
  const std::string& name = like.name;
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string(what) : name.substr(0, slash + 1) + std::string(what);
}

Result<FuncRef> add_function(std::unique_ptr<Body> body, std::string_view name) {
  Graph& g = *body->body;
  // Numbers in the order of the graph, so that equal bodies made from different graphs are one function.
  uint64_t digest = 0xcbf29ce484222325u;
  const auto mix = [&](uint64_t v) { digest = (digest ^ v) * 0x100000001b3u + (digest >> 31); };
  const auto mix_text = [&](std::string_view text) { mix(std::hash<std::string_view>()(text)); };
  std::vector<uint64_t> number(static_cast<size_t>(g.num_nodes()), 0);
  uint64_t next = 0;
  for (const NodeId id : g.topological_order()) {
    const Node& n = g.mutable_node(id);
    number[static_cast<size_t>(id)] = next++;
    mix_text(n.name);
    mix_text(n.op->name);
    for (const Output o : n.inputs) mix(number[static_cast<size_t>(o.node)] * 64 + static_cast<uint64_t>(o.index));
    for (const NodeId c : n.controls) mix(~number[static_cast<size_t>(c)]);
    for (const auto& [attr, value] : n.attrs) {
      mix_text(attr);
      mix(hash(value));
    }
    body->stateful = body->stateful || must_run(n);
  }
  auto f = std::make_shared<Function>(std::move(*body));
  for (const NodeId id : f->args) f->arg_names.push_back(g.mutable_node(id).name);
  for (const NodeId id : f->results) f->result_names.push_back(g.mutable_node(id).name);
  const std::shared_ptr<FunctionLibrary> library = g.library();
  for (int attempt = 0;; ++attempt) {
    f->name =
        internal::concat("_lifted/", name, "/", digest, attempt == 0 ? std::string() : internal::concat("_", attempt));
    const Status s = library->add(f);
    if (s.ok()) return FuncRef{f->name, {}};
    if (s.code() != Code::kAlreadyExists) return s;
  }
}

}  // namespace tw::lift
