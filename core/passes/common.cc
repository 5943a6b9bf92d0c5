#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

const Tensor* constant_of(const Node& n) {
  if (n.op->name != "Const") return nullptr;
  const auto it = n.attrs.find("value");
  return it == n.attrs.end() ? nullptr : it->second.get<Tensor>();
}

bool is_pure(const Node& n) {
  constexpr uint32_t kImpure = kStateful | kRandom | kBlocking | kControlFlow | kWritesResource;
  return (n.op->traits & kImpure) == 0;
}

bool refines(const Shape& shape, const Shape& declared) {
  if (!declared.rank_known()) return true;
  if (!shape.rank_known() || shape.rank() != declared.rank()) return false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (declared[i] != kUnknownDim && shape[i] != declared[i]) return false;
  }
  return true;
}

Status check_call(const Body& f, std::span<const DType> args, std::span<const DType> results) {
  const auto fits = [&](const char* what, std::span<const DType> given, const std::vector<NodeId>& ports) -> Status {
    if (given.size() != ports.size()) {
      return invalid_argument("function '", f.name, "' has ", ports.size(), " ", what, "s, and ", given.size(),
                              " were given");
    }
    for (size_t i = 0; i < ports.size(); ++i) {
      const Node& port = f.body->node(ports[i]);
      const DType t = port.op->name == "_Retval" ? f.body->dtype(port.inputs[0]) : port.output_dtypes[0];
      if (given[i] == DType::kInvalid || base_dtype(t) == base_dtype(given[i])) continue;
      return invalid_argument("function '", f.name, "' expects ", what, "[", i, "] to be ", dtype_name(base_dtype(t)),
                              ", but ", dtype_name(base_dtype(given[i])), " is provided");
    }
    return {};
  };
  TW_RETURN_IF_ERROR(fits("arg", args, f.args));
  return fits("ret", results, f.results);
}

Result<NodeId> add_node(Body& body, const Node& like, std::string_view suffix, std::string_view op,
                        std::vector<Output> inputs, AttrMap attrs, std::vector<NodeId> controls) {
  NodeSpec spec;
  spec.op = op;
  spec.name = body.body->unique_name(like.name + "/" + std::string(suffix));
  spec.inputs = std::move(inputs);
  spec.controls = std::move(controls);
  spec.attrs = std::move(attrs);
  spec.device = like.device;
  spec.where = like.where;
  return body.body->add(std::move(spec));
}

Result<NodeId> add_constant(Body& body, const Node& like, Tensor value) {
  const DType dtype = value.dtype();
  return add_node(body, like, "const", "Const", {}, {{"dtype", dtype}, {"value", std::move(value)}});
}

Status become(Body& body, NodeId id, std::string_view op, std::vector<Output> inputs, AttrMap attrs) {
  Node& n = body.body->mutable_node(id);
  n.op = find_op(op);
  if (n.op == nullptr) return internal_error("no row for op ", op);
  n.inputs = std::move(inputs);
  std::vector<DType> dtypes;
  for (Output o : n.inputs)
    dtypes.push_back(base_dtype(body.body->mutable_node(o.node).output_dtypes[static_cast<size_t>(o.index)]));
  for (const auto& [name, value] : n.attrs) {
    if (name.starts_with('_')) attrs.emplace(name, value);
  }
  TW_RETURN_IF_ERROR(infer_attrs(*n.op, dtypes, &attrs));
  TW_RETURN_IF_ERROR(complete_attrs(*n.op, &attrs));
  n.attrs = std::move(attrs);
  n.output_dtypes.clear();
  TW_RETURN_IF_ERROR(expand_args(*n.op, n.op->outputs, n.attrs, &n.output_dtypes));
  n.output_shapes.assign(n.output_dtypes.size(), Shape::unknown());
  n.output_handles.clear();
  return body.body->infer_shapes(id);
}

size_t original_argument(const Node& call, size_t i) {
  const FuncRef ref = called_functions(call).front().second;
  const auto kept = ref.attrs.find("_args");
  return kept == ref.attrs.end() ? i : static_cast<size_t>((*kept->second.get<std::vector<int64_t>>())[i]);
}

AttrMap shared_attrs(const Node& from, const OpDef& op) {
  AttrMap attrs;
  for (const AttrDef& a : op.attrs) {
    auto it = from.attrs.find(a.name);
    if (it == from.attrs.end() && a.name == "dtype") it = from.attrs.find("T");
    if (it == from.attrs.end() && a.name == "T") it = from.attrs.find("dtype");
    if (it != from.attrs.end()) attrs.emplace(std::string(a.name), it->second);
  }
  return attrs;
}

std::vector<std::pair<std::string, FuncRef>> called_functions(const Node& n) {
  std::vector<std::pair<std::string, FuncRef>> found;
  for (const auto& [name, value] : n.attrs) {
    if (const FuncRef* f = value.get<FuncRef>()) found.push_back({name, *f});
    if (const auto* list = value.get<std::vector<FuncRef>>()) {
      for (const FuncRef& f : *list) found.push_back({name, f});
    }
  }
  return found;
}

void Rewriter::bypass(const Node& n, Output to) {
  replace(Output{n.id, 0}, to);
  std::vector<NodeId> instead = n.controls;
  instead.push_back(to.node);
  remove(n.id, std::move(instead));
}

Output Rewriter::resolve(Output o) const {
  for (auto it = outputs_.find(key(o)); it != outputs_.end(); it = outputs_.find(key(o))) o = it->second;
  return o;
}

void Rewriter::resolve_control(NodeId id, std::vector<NodeId>* to) const {
  const auto it = removed_.find(id);
  if (it == removed_.end()) {
    to->push_back(id);
    return;
  }
  for (NodeId c : it->second) resolve_control(c, to);
}

void Rewriter::apply() {
  if (empty()) return;
  Graph& g = *body_.body;
  const auto rewrite_controls = [&](auto& controls) {
    if (std::none_of(controls.begin(), controls.end(), [&](NodeId c) { return removed_.count(c) != 0; })) return;
    std::vector<NodeId> rewritten;
    for (NodeId c : controls) resolve_control(c, &rewritten);
    std::sort(rewritten.begin(), rewritten.end());
    rewritten.erase(std::unique(rewritten.begin(), rewritten.end()), rewritten.end());
    controls = std::move(rewritten);
  };
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    Node& n = g.mutable_node(i);
    if (n.dead || removed_.count(i) != 0) continue;
    for (Output& in : n.inputs) in = resolve(in);
    rewrite_controls(n.controls);
  }
  rewrite_controls(body_.controls);
  for (const auto& [id, instead] : removed_) g.remove(id);
  outputs_.clear();
  removed_.clear();
}

void remove_dead(Body& body) {
  Graph& g = *body.body;
  std::vector<char> live(static_cast<size_t>(g.num_nodes()), 0);
  std::vector<NodeId> stack;
  const auto visit = [&](NodeId id) {
    if (live[static_cast<size_t>(id)] == 0) {
      live[static_cast<size_t>(id)] = 1;
      stack.push_back(id);
    }
  };
  for (NodeId id : body.args) visit(id);
  for (NodeId id : body.results) visit(id);
  for (NodeId id : body.controls) visit(id);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    const Node& n = g.mutable_node(id);
    for (Output o : n.inputs) visit(o.node);
    for (NodeId c : n.controls) visit(c);
  }
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    if (live[static_cast<size_t>(i)] == 0 && !g.mutable_node(i).dead) g.remove(i);
  }
}

void renumber(Body& body) {
  Graph& g = *body.body;
  const Uses uses(g);
  const std::vector<NodeId> order = g.topological_order();
  std::vector<NodeId> key(static_cast<size_t>(g.num_nodes())), place(key.size());
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    NodeId first = *it;
    for (const Uses::Edge& e : uses.of(*it)) first = std::min(first, key[static_cast<size_t>(e.node)]);
    key[static_cast<size_t>(*it)] = first;
  }
  for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = static_cast<NodeId>(i);
  // No consumer's key is lower than its producer's, and those of one key are in the order of their edges.
  std::vector<NodeId> sorted = order;
  std::sort(sorted.begin(), sorted.end(), [&](NodeId a, NodeId b) {
    const auto rank = [&](NodeId n) { return std::pair(key[static_cast<size_t>(n)], place[static_cast<size_t>(n)]); };
    return rank(a) < rank(b);
  });
  const std::vector<NodeId> now = g.renumber(sorted);
  for (std::vector<NodeId>* ids : {&body.args, &body.results, &body.controls}) {
    for (NodeId& id : *ids) id = now[static_cast<size_t>(id)];
  }
}

}  // namespace tw
