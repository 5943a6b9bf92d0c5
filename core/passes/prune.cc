// Cuts from the user's graph what a step needs. The result is a graph of its own, so that later passes disturb nobody.
#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

namespace {

Status unfed_placeholder(const Node& n) {
  const Shape shape = n.output_shapes[0];
  Status s = shape.rank_known() && shape.rank() > 0
                 ? invalid_argument("You must feed a value for placeholder tensor '", n.name, "' with dtype ",
                                    dtype_name(n.output_dtypes[0]), " and shape ", shape)
                 : invalid_argument("You must feed a value for placeholder tensor '", n.name, "' with dtype ",
                                    dtype_name(n.output_dtypes[0]));
  return s.at_node(n.name, n.where);
}

// The node behind an argument or result: a graph position of its own that remembers what the user called it.
Node interface_node(std::string_view op, const Node& origin, int output, int index) {
  Node n;
  n.op = find_op(op);
  n.name = internal::concat(op, "/", index, "/", origin.name, ":", output);
  n.device = origin.device;
  n.where = origin.where;
  const DType dtype = base_dtype(origin.output_dtypes[static_cast<size_t>(output)]);
  n.attrs = {{"T", dtype}, {"index", static_cast<int64_t>(index)}};
  return n;
}

}  // namespace

Result<std::unique_ptr<Body>> extract(const Graph& g, std::span<const Output> feeds, std::span<const Output> fetches,
                                      std::span<const NodeId> targets) {
  auto body = std::make_unique<Body>();
  body->name = "step";
  body->internal = true;
  body->body = std::make_unique<Graph>(g.library());
  body->body->make_private();
  Graph& out = *body->body;

  const auto checked = [&](Output o) -> Status {
    if (o.node < 0 || o.node >= g.num_nodes()) return invalid_argument("no node with number ", o.node, " in the graph");
    const Node& n = g.node(o.node);
    if (n.dead) return invalid_argument("node '", n.name, "' is inside a function, and has no value outside of it");
    if (o.index < 0 || o.index >= static_cast<int>(n.output_dtypes.size())) {
      return invalid_argument("node '", n.name, "' has ", n.output_dtypes.size(), " outputs, and no output ", o.index);
    }
    return {};
  };
  for (Output o : feeds) TW_RETURN_IF_ERROR(checked(o));
  for (Output o : fetches) TW_RETURN_IF_ERROR(checked(o));
  for (NodeId t : targets) {
    if (t < 0 || t >= g.num_nodes()) return invalid_argument("no node with number ", t, " in the graph");
    if (g.node(t).dead) return invalid_argument("node '", g.node(t).name, "' is inside a function, and cannot be run");
  }

  std::map<Output, Output> fed;  // the user's output -> the _Arg
  for (size_t i = 0; i < feeds.size(); ++i) {
    const Node& origin = g.node(feeds[i].node);
    if (fed.count(feeds[i]) != 0) {
      return invalid_argument("tensor '", origin.name, ":", feeds[i].index, "' is fed more than once");
    }
    Node n = interface_node("_Arg", origin, feeds[i].index, static_cast<int>(i));
    n.output_dtypes = {base_dtype(origin.output_dtypes[static_cast<size_t>(feeds[i].index)])};
    n.output_shapes = {origin.output_shapes[static_cast<size_t>(feeds[i].index)]};
    n.output_handles.resize(1);
    const NodeId id = out.adopt(std::move(n));
    body->args.push_back(id);
    fed[feeds[i]] = Output{id, 0};
  }

  // Reverse reachability; an edge from a fed output is cut. Others may add nodes meanwhile: the number of nodes is
  // asked for once.
  std::vector<char> needed(static_cast<size_t>(g.num_nodes()), 0);
  std::vector<NodeId> stack;
  const auto visit = [&](NodeId id) {
    if (static_cast<size_t>(id) >= needed.size()) needed.resize(static_cast<size_t>(id) + 1, 0);
    if (needed[static_cast<size_t>(id)] == 0) {
      needed[static_cast<size_t>(id)] = 1;
      stack.push_back(id);
    }
  };
  for (Output o : fetches) {
    if (fed.count(o) == 0) visit(o.node);
  }
  for (NodeId t : targets) visit(t);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    const Node& n = g.node(id);
    for (Output o : n.inputs) {
      if (fed.count(o) == 0) visit(o.node);
    }
    for (NodeId c : n.controls) visit(c);
  }
  // A fed node that is also waited for has nothing to do; its feed is there from the start.
  const auto is_fed_source = [&](const Node& n) { return n.inputs.empty() && fed.count(Output{n.id, 0}) != 0; };

  // Ids of the copy follow the order of the original, which later passes use as the natural order of work.
  std::vector<NodeId> mapped(needed.size(), -1);
  std::vector<NodeId> copied;
  for (NodeId i = 0; i < static_cast<NodeId>(needed.size()); ++i) {
    if (needed[static_cast<size_t>(i)] == 0) continue;
    const Node& n = g.node(i);
    if (is_fed_source(n)) {
      mapped[static_cast<size_t>(i)] = fed[Output{i, 0}].node;
      continue;
    }
    if (n.op->name == "Placeholder" || n.op->name == "PlaceholderV2") return unfed_placeholder(n);
    mapped[static_cast<size_t>(i)] = out.adopt(n);
    copied.push_back(mapped[static_cast<size_t>(i)]);
  }
  const auto translate = [&](Output o) {
    const auto it = fed.find(o);
    return it != fed.end() ? it->second : Output{mapped[static_cast<size_t>(o.node)], o.index};
  };
  for (NodeId id : copied) {
    Node& n = out.mutable_node(id);
    for (Output& o : n.inputs) o = translate(o);
    std::vector<NodeId> controls;
    for (NodeId c : n.controls) controls.push_back(mapped[static_cast<size_t>(c)]);
    std::sort(controls.begin(), controls.end());
    n.controls = std::move(controls);
  }
  for (size_t i = 0; i < fetches.size(); ++i) {
    Node n = interface_node("_Retval", g.node(fetches[i].node), fetches[i].index, static_cast<int>(i));
    n.inputs = {translate(fetches[i])};
    body->results.push_back(out.adopt(std::move(n)));
  }
  for (NodeId t : targets) body->controls.push_back(mapped[static_cast<size_t>(t)]);
  return body;
}

namespace {

// Puts the node that an argument always is in the argument's place, but for handing it on.
Status bind_arguments(Body& body, const AttrMap& call_attrs) {
  constexpr std::string_view kPrefix = "_bind_";
  Graph& g = *body.body;
  for (const auto& [attr, value] : call_attrs) {
    if (!attr.starts_with(kPrefix)) continue;
    const FuncRef* node = value.get<FuncRef>();
    const size_t index = std::stoul(attr.substr(kPrefix.size()));
    if (node == nullptr || index >= body.args.size()) return internal_error("bad attribute ", attr);
    const Output arg{body.args[index], 0};
    // A value of another type stays an argument, whose check tells what is wrong.
    const AttrValue* dtype = nullptr;
    for (const std::string_view name : {"dtype", "T"}) {
      if (dtype == nullptr && node->attrs.contains(name)) dtype = &node->attrs.at(name);
    }
    if (dtype != nullptr && dtype->get<DType>() != nullptr &&
        base_dtype(*dtype->get<DType>()) != base_dtype(g.dtype(arg))) {
      continue;
    }
    NodeSpec spec;
    spec.op = node->name;
    spec.name = g.unique_name(g.mutable_node(arg.node).name + "/bound");
    spec.attrs = node->attrs;
    TW_ASSIGN_OR_RETURN(const NodeId bound, g.add(std::move(spec)));
    for (NodeId i = 0; i < bound; ++i) {
      Node& n = g.mutable_node(i);
      if (!n.dead && n.op->name != "_Retval") std::replace(n.inputs.begin(), n.inputs.end(), arg, Output{bound, 0});
    }
  }
  return {};
}

// Leaves the arguments and results that the caller has a use for.
void keep_wanted(Body& body, const AttrMap& call_attrs) {
  const auto chosen = [&](std::string_view attr, const std::vector<NodeId>& all) -> std::optional<std::vector<NodeId>> {
    const auto it = call_attrs.find(attr);
    if (it == call_attrs.end()) return std::nullopt;
    std::vector<NodeId> kept;
    for (int64_t i : *it->second.get<std::vector<int64_t>>()) kept.push_back(all[static_cast<size_t>(i)]);
    return kept;
  };
  if (auto results = chosen("_results", body.results)) body.results = std::move(*results);
  if (auto args = chosen("_args", body.args)) {
    remove_dead(body);
    for (NodeId a : body.args) {
      if (std::find(args->begin(), args->end(), a) == args->end()) body.body->remove(a);
    }
    body.args = std::move(*args);
  }
}

// Calls another function with what this one returns, and returns its results behind this one's.
Status append_call(Body& body, const AttrMap& call_attrs) {
  const auto it = call_attrs.find("_then");
  if (it == call_attrs.end()) return {};
  const FuncRef* ref = it->second.get<FuncRef>();
  if (ref == nullptr) return internal_error("attribute _then names no function");
  Graph& g = *body.body;
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, g.library()->resolve(*ref));
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Body> inner, instantiate(*f, ref->attrs));
  if (inner->args.size() != body.results.size()) {
    return internal_error("function ", ref->name, " takes ", inner->args.size(), " arguments, and ",
                          body.results.size(), " results go into it");
  }
  std::unordered_map<NodeId, NodeId> mapped;
  std::unordered_map<NodeId, Output> args;
  for (size_t i = 0; i < inner->args.size(); ++i) {
    args[inner->args[i]] = g.mutable_node(body.results[i]).inputs[0];
    mapped[inner->args[i]] = args[inner->args[i]].node;
  }
  for (const NodeId id : inner->body->topological_order()) {
    if (args.contains(id)) continue;
    Node copy = inner->body->node(id);
    for (Output& o : copy.inputs) {
      const auto arg = args.find(o.node);
      o = arg != args.end() ? arg->second : Output{mapped.at(o.node), o.index};
    }
    for (NodeId& c : copy.controls) c = mapped.at(c);
    std::sort(copy.controls.begin(), copy.controls.end());
    const bool result = copy.op->name == "_Retval";
    if (result) copy.attrs.insert_or_assign("index", AttrValue(static_cast<int64_t>(body.results.size())));
    mapped[id] = g.adopt(std::move(copy));
    if (result) body.results.push_back(mapped[id]);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Body>> instantiate(const Function& f, const AttrMap& call_attrs) {
  std::unique_ptr<Body> body = f.copy();
  body->internal = true;
  for (NodeId i = 0; i < body->body->num_nodes(); ++i) {
    substitute(&body->body->mutable_node(i).attrs, call_attrs);
  }
  TW_RETURN_IF_ERROR(bind_arguments(*body, call_attrs));
  TW_RETURN_IF_ERROR(collect_products(*body, call_attrs));
  keep_wanted(*body, call_attrs);
  TW_RETURN_IF_ERROR(append_call(*body, call_attrs));
  return body;
}

}  // namespace tw
