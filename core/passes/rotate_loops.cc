#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

namespace {

constexpr std::string_view kThen = "_then";

// What the condition reads must be the loop's variables alone: the body may change everything else.
bool asks_variables_only(const Function& cond) {
  if (!cond.controls.empty() || cond.results.size() != 1) return false;
  const Graph& g = *cond.body;
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    const Node& n = g.node(i);
    const bool value = n.op->name == "_Arg" || n.op->name == "_Retval" || n.op->name == "Const";
    if (!n.dead && !value && (!is_pure(n) || !called_functions(n).empty())) return false;
  }
  return true;
}

}  // namespace

bool is_rotated(const Node& loop) {
  const AttrValue& body = loop.attrs.find("body")->second;
  const FuncRef* ref = body.get<FuncRef>();
  return ref != nullptr && ref->attrs.contains(kThen);
}

Status rotate_loops(Body& body) {
  Graph& g = *body.body;
  for (NodeId id = 0; id < g.num_nodes(); ++id) {
    Node& n = g.mutable_node(id);
    if (n.dead || !(n.op->name == "While" || n.op->name == "StatelessWhile") || is_rotated(n)) continue;
    FuncRef cond = n.attr().must<FuncRef>("cond"), next = n.attr().must<FuncRef>("body");
    const auto cond_function = g.library()->resolve(cond), body_function = g.library()->resolve(next);
    if (!cond_function.ok() || !body_function.ok()) continue;  // whoever runs the loop says so
    if ((*cond_function)->args.size() != (*body_function)->results.size() || !asks_variables_only(**cond_function)) {
      continue;
    }
    next.attrs[std::string(kThen)] = AttrValue(std::move(cond));
    n.attrs.insert_or_assign("body", AttrValue(std::move(next)));
  }
  return {};
}

}  // namespace tw
