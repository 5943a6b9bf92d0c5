// Calls of functions are replaced by the bodies they call, so that fusion and planning see through them.
#include <algorithm>
#include <set>

#include "core/passes/pass.h"

namespace tw {

namespace {

constexpr int kMaxDepth = 64;
// Calls that call twice, and so on, grow without bound; no program of that size is meant.
constexpr int kMaxNodes = 1 << 24;

bool is_call(const Node& n) { return n.op->name == "PartitionedCall" || n.op->name == "StatefulPartitionedCall"; }

// A function may call itself in a branch, which is a program of its own; a call of itself that nothing decides about
// would never end.
Status check_ends(const FunctionLibrary& library, const FuncRef& ref, std::vector<std::string>* callers,
                  std::set<std::string>* seen) {
  if (std::find(callers->begin(), callers->end(), ref.name) != callers->end()) {
    return invalid_argument("function '", ref.name, "' calls itself in every case, and would never end");
  }
  if (callers->size() > kMaxDepth || !seen->insert(ref.name).second) return {};
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, library.resolve(ref));
  callers->push_back(ref.name);
  for (NodeId i = 0; i < f->body->num_nodes(); ++i) {
    const Node& n = f->body->node(i);
    if (n.dead || !is_call(n)) continue;
    TW_ASSIGN_OR_RETURN(const FuncRef called, n.attr().get<FuncRef>("f"));
    TW_RETURN_IF_ERROR(check_ends(library, called, callers, seen));
  }
  callers->pop_back();
  return {};
}

// Copies the function's nodes into the caller.
Status inline_one(Body& body, NodeId call_id, Rewriter& rewriter) {
  Graph& g = *body.body;
  const Node& call = g.mutable_node(call_id);
  TW_ASSIGN_OR_RETURN(const FuncRef ref, call.attr().get<FuncRef>("f"));
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, g.library()->resolve(ref));
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Body> inner, instantiate(*f, ref.attrs));
  TW_RETURN_IF_ERROR(lower_refs(*inner));
  TW_RETURN_IF_ERROR(functionalise(*inner));
  Graph& from = *inner->body;
  std::vector<DType> given;
  for (const Output o : call.inputs) given.push_back(g.dtype(o));
  TW_RETURN_IF_ERROR(check_call(*inner, given, call.output_dtypes));

  std::vector<Output> results;
  std::unordered_map<NodeId, Output> args;
  for (size_t i = 0; i < inner->args.size(); ++i) args[inner->args[i]] = call.inputs[i];
  std::unordered_map<NodeId, NodeId> mapped;
  const auto translate = [&](Output o) {
    const auto it = args.find(o.node);
    return it != args.end() ? it->second : Output{mapped.at(o.node), o.index};
  };
  for (NodeId id : from.topological_order()) {
    const Node& n = from.mutable_node(id);
    if (args.count(id) != 0 || n.op->name == "_Retval") continue;
    Node copy = n;
    copy.name = g.unique_name(call.name + "/" + n.name);
    if (copy.device.empty()) copy.device = call.device;
    for (Output& o : copy.inputs) o = translate(o);
    copy.controls.clear();
    for (NodeId c : n.controls) {
      if (const auto it = args.find(c); it != args.end()) {
        copy.controls.push_back(it->second.node);
      } else {
        copy.controls.push_back(mapped.at(c));
      }
    }
    // What the call waits for, its stateful nodes wait for.
    if (!is_pure(n)) copy.controls.insert(copy.controls.end(), call.controls.begin(), call.controls.end());
    std::sort(copy.controls.begin(), copy.controls.end());
    copy.controls.erase(std::unique(copy.controls.begin(), copy.controls.end()), copy.controls.end());
    mapped[id] = g.adopt(std::move(copy));
  }
  std::vector<NodeId> instead = call.controls;
  for (NodeId id : inner->results) {
    const Output value = translate(from.mutable_node(id).inputs[0]);
    results.push_back(value);
    instead.push_back(value.node);
  }
  for (NodeId c : inner->controls) {
    if (const auto it = mapped.find(c); it != mapped.end()) instead.push_back(it->second);
  }
  for (size_t i = 0; i < results.size(); ++i) rewriter.replace(Output{call_id, static_cast<int32_t>(i)}, results[i]);
  // A call wanted for its effects alone leaves its stateful nodes as roots.
  if (std::find(body.controls.begin(), body.controls.end(), call_id) == body.controls.end() && f->stateful) {
    body.controls.insert(body.controls.end(), instead.begin(), instead.end());
  }
  rewriter.remove(call_id, std::move(instead));
  return {};
}

}  // namespace

Status inline_calls(Body& body) {
  Graph& g = *body.body;
  std::set<std::string> seen;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    Rewriter rewriter(body);
    const int count = g.num_nodes();
    for (NodeId id = 0; id < count; ++id) {
      const Node& n = g.mutable_node(id);
      if (n.dead || !is_call(n)) continue;
      std::vector<std::string> callers;
      Status s = depth > 0 ? Status() : check_ends(*g.library(), n.attr().must<FuncRef>("f"), &callers, &seen);
      if (s.ok()) s = inline_one(body, id, rewriter);
      if (s.ok() && g.num_nodes() > kMaxNodes) {
        s = resource_exhausted("functions that call one another become more than ", kMaxNodes, " operations");
      }
      if (!s.ok()) return s.at_node(n.name, n.where);
    }
    if (rewriter.empty()) return {};
    rewriter.apply();
  }
  return resource_exhausted("functions that call one another more than ", kMaxDepth, " levels deep");
}

}  // namespace tw
