// Making a function of part of a graph.
#include <algorithm>

#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

namespace {

// Marks what is not needed by the results, arguments and controls as dead.
void prune(Graph* g, const std::vector<NodeId>& keep) {
  std::vector<bool> live(static_cast<size_t>(g->num_nodes()), false);
  std::vector<NodeId> stack = keep;
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (live[static_cast<size_t>(id)]) continue;
    live[static_cast<size_t>(id)] = true;
    for (const Output in : g->node(id).inputs) stack.push_back(in.node);
    for (const NodeId c : g->node(id).controls) stack.push_back(c);
  }
  for (NodeId id = 0; id < g->num_nodes(); ++id) {
    if (!live[static_cast<size_t>(id)] && !g->node(id).dead) g->remove(id);
  }
}

std::string argument_name(std::string_view node_name, const std::vector<std::string>& used) {
  std::string name(node_name);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(c)) : '_';
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0]))) name = "arg_" + name;
  std::string unique = name;
  for (int i = 1; std::find(used.begin(), used.end(), unique) != used.end(); ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

}  // namespace

extern "C" {

tw_status* tw_function_create(tw_graph* graph, const tw_graph* body, const tw_function_desc* desc) {
  return guard([&]() -> Status {
    const auto d = options_or_default(desc);
    if (d.name.size == 0) return invalid_argument("a function needs a name");
    auto f = std::make_shared<Function>();
    f->name = str(d.name);
    f->body = body->graph->copy();
    Graph& g = *f->body;
    std::vector<NodeId> keep;
    for (size_t i = 0; i < d.num_outputs; ++i) TW_RETURN_IF_ERROR(check_output(g, d.outputs[i]));
    std::vector<Output> results = outputs(d.outputs, d.num_outputs);
    for (size_t i = 0; i < d.num_inputs; ++i) {
      TW_RETURN_IF_ERROR(check_output(g, d.inputs[i]));
      const Output from = output(d.inputs[i]);
      f->arg_names.push_back(d.input_names ? str(d.input_names[i])
                                           : argument_name(g.node(from.node).name, f->arg_names));
      NodeSpec arg;
      arg.op = "_Arg";
      arg.name = g.unique_name("arg_" + f->arg_names.back());
      arg.attrs.emplace("T", base_dtype(g.dtype(from)));
      arg.attrs.emplace("index", static_cast<int64_t>(i));
      const Shape shape = g.shape(from);
      TW_ASSIGN_OR_RETURN(const NodeId id, g.add(std::move(arg)));
      TW_RETURN_IF_ERROR(g.set_shape({id, 0}, shape));
      g.replace_uses(from, {id, 0});
      for (Output& r : results) {
        if (r == from) r = {id, 0};
      }
      f->args.push_back(id);
      keep.push_back(id);
    }
    for (size_t i = 0; i < results.size(); ++i) {
      f->result_names.push_back(d.output_names ? str(d.output_names[i])
                                               : argument_name(g.node(results[i].node).name, f->result_names));
      NodeSpec ret;
      ret.op = "_Retval";
      ret.name = g.unique_name("ret_" + f->result_names.back());
      ret.inputs = {results[i]};
      ret.attrs.emplace("T", base_dtype(g.dtype(results[i])));
      ret.attrs.emplace("index", static_cast<int64_t>(i));
      TW_ASSIGN_OR_RETURN(const NodeId id, g.add(std::move(ret)));
      f->results.push_back(id);
      keep.push_back(id);
    }
    for (size_t i = 0; i < d.num_controls; ++i) {
      TW_RETURN_IF_ERROR(check_node(g, d.controls[i]));
      f->controls.push_back(d.controls[i]);
      keep.push_back(d.controls[i]);
    }
    prune(&g, keep);
    for (NodeId id = 0; id < g.num_nodes(); ++id) {
      const Node& n = g.node(id);
      if (n.dead) continue;
      if (n.op->has(kStateful) && n.op->name != "_Arg" && n.op->name != "_Retval") f->stateful = true;
      if (n.op->name == "Placeholder") {
        return invalid_argument("placeholder '", n.name, "' is needed by function '", f->name,
                                "' but is not an input of it");
      }
    }
    return graph->graph->library()->add(std::move(f));
  });
}

int32_t tw_graph_has_function(const tw_graph* graph, tw_str name) {
  return graph->graph->library()->contains(view(name));
}

}  // extern "C"
