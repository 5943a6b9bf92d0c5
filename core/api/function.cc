// Making a function of part of a graph.
#include <algorithm>
#include <map>
#include <utility>

#include "core/api/handles.h"
#include "core/graph/branch_values.h"

using namespace tw;
using namespace tw::api;

namespace {

std::string argument_name(std::string_view node_name, const std::vector<std::string>& used) {
  std::string name(node_name);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(c)) : '_';
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0]))) name = "arg_" + name;
  std::string unique = name;
  for (int i = 1; std::find(used.begin(), used.end(), unique) != used.end(); ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

// Copies part of a graph into the body of a function.
class Outliner {
 public:
  Outliner(const Graph& from, std::shared_ptr<FunctionLibrary> library, const tw_function_desc& desc)
      : from_(from), d_(desc), f_(std::make_shared<Function>()), mapped_(static_cast<size_t>(from.num_nodes()), -1) {
    f_->name = str(d_.name);
    f_->body = std::make_unique<Graph>(std::move(library));
  }

  Result<std::shared_ptr<Function>> run() {
    if (d_.nodes != nullptr) inside_.assign(mapped_.size(), 0);
    for (size_t i = 0; i < d_.num_nodes; ++i) {
      TW_RETURN_IF_ERROR(check_node(from_, d_.nodes[i]));
      inside_[static_cast<size_t>(d_.nodes[i])] = 1;
    }
    for (size_t i = 0; i < d_.num_inputs; ++i) TW_RETURN_IF_ERROR(add_argument(i));
    TW_RETURN_IF_ERROR(copy_needed());
    for (size_t i = 0; i < d_.num_outputs; ++i) TW_RETURN_IF_ERROR(add_result(i));
    for (size_t i = 0; i < d_.num_controls; ++i) {
      f_->controls.push_back(mapped_[static_cast<size_t>(d_.controls[i])]);
    }
    return std::move(f_);
  }

 private:
  Status add_argument(size_t i) {
    TW_RETURN_IF_ERROR(check_output(from_, d_.inputs[i]));
    const Output o = output(d_.inputs[i]);
    f_->arg_names.push_back(d_.input_names ? str(d_.input_names[i])
                                           : argument_name(from_.node(o.node).name, f_->arg_names));
    const DType dtype = base_dtype(from_.dtype(o));
    const HandleShape handle = from_.handle(o);
    NodeSpec arg;
    arg.op = "_Arg";
    arg.name = f_->body->unique_name("arg_" + f_->arg_names.back());
    arg.attrs = {{"T", dtype}, {"index", static_cast<int64_t>(i)}};
    arg.attrs["_output_shapes"] = std::vector<Shape>{from_.shape(o)};
    if (handle.dtype != DType::kInvalid) {
      arg.attrs["_handle_dtypes"] = std::vector<DType>{handle.dtype};
      arg.attrs["_handle_shapes"] = std::vector<Shape>{handle.shape};
    }
    TW_ASSIGN_OR_RETURN(const NodeId id, f_->body->add(std::move(arg)));
    f_->args.push_back(id);
    if (from_.node(o.node).op->name == "_RefHandle") {
      NodeSpec ref;
      ref.op = "_HandleRef";
      ref.name = f_->body->unique_name("ref_" + f_->arg_names.back());
      ref.inputs = {Output{id, 0}};
      ref.attrs = {{"T", handle.dtype}, {"shape", handle.shape}};
      TW_ASSIGN_OR_RETURN(const NodeId ref_id, f_->body->add(std::move(ref)));
      arguments_.emplace(from_.node(o.node).inputs[0], Output{ref_id, 0});
    }
    arguments_.emplace(o, Output{id, 0});
    return {};
  }

  // The nodes that results and controls need, in the order in which the user made them, which later passes use as the
  // natural order of work.
  Status copy_needed() {
    std::vector<NodeId> stack;
    std::vector<char> needed(mapped_.size(), 0);
    const auto visit = [&](NodeId id) {
      if (std::exchange(needed[static_cast<size_t>(id)], 1) == 0) stack.push_back(id);
    };
    const auto visit_output = [&](Output o) {
      if (arguments_.count(o) == 0) visit(o.node);
    };
    for (size_t i = 0; i < d_.num_outputs; ++i) {
      TW_RETURN_IF_ERROR(check_output(from_, d_.outputs[i]));
      visit_output(output(d_.outputs[i]));
    }
    for (size_t i = 0; i < d_.num_controls; ++i) {
      TW_RETURN_IF_ERROR(check_node(from_, d_.controls[i]));
      visit(d_.controls[i]);
    }
    while (!stack.empty()) {
      const Node& n = from_.node(stack.back());
      stack.pop_back();
      for (const Output in : n.inputs) visit_output(in);
      for (const NodeId c : n.controls) {
        if (belongs(c)) visit(c);
      }
    }
    for (NodeId id = 0; id < static_cast<NodeId>(mapped_.size()); ++id) {
      if (needed[static_cast<size_t>(id)] != 0) TW_RETURN_IF_ERROR(copy(from_.node(id)));
    }
    // A loop's back edge may point forward, so edges are moved when all nodes are there.
    for (NodeId id = 0; id < static_cast<NodeId>(mapped_.size()); ++id) {
      if (needed[static_cast<size_t>(id)] == 0) continue;
      Node& n = f_->body->mutable_node(mapped_[static_cast<size_t>(id)]);
      for (Output& in : n.inputs) in = translate(in);
      std::vector<NodeId> controls;
      for (const NodeId c : n.controls) {
        if (belongs(c) && mapped_[static_cast<size_t>(c)] >= 0) controls.push_back(mapped_[static_cast<size_t>(c)]);
      }
      std::sort(controls.begin(), controls.end());
      n.controls = std::move(controls);
    }
    return {};
  }

  bool belongs(NodeId id) const { return inside_.empty() || inside_[static_cast<size_t>(id)] != 0; }

  Output translate(Output o) const {
    const auto it = arguments_.find(o);
    return it != arguments_.end() ? it->second : Output{mapped_[static_cast<size_t>(o.node)], o.index};
  }

  Status copy(const Node& n) {
    if (n.op->name == "Placeholder" || n.op->name == "PlaceholderV2" || n.op->name == "_Arg") {
      return invalid_argument("placeholder '", n.name, "' is needed by function '", f_->name,
                              "' but is not an input of it");
    }
    if (n.op->has(kStateful)) f_->stateful = true;
    mapped_[static_cast<size_t>(n.id)] = f_->body->adopt(n);
    return {};
  }

  Status add_result(size_t i) {
    const Output value = translate(output(d_.outputs[i]));
    f_->result_names.push_back(d_.output_names ? str(d_.output_names[i])
                                               : argument_name(f_->body->node(value.node).name, f_->result_names));
    NodeSpec ret;
    ret.op = "_Retval";
    ret.name = f_->body->unique_name("ret_" + f_->result_names.back());
    ret.inputs = {value};
    ret.attrs = {{"T", base_dtype(f_->body->dtype(value))}, {"index", static_cast<int64_t>(i)}};
    TW_ASSIGN_OR_RETURN(const NodeId id, f_->body->add(std::move(ret)));
    f_->results.push_back(id);
    return {};
  }

  const Graph& from_;
  const tw_function_desc& d_;
  std::shared_ptr<Function> f_;
  std::vector<NodeId> mapped_;  // by node of `from_`
  std::vector<char> inside_;    // empty: every node may be copied
  std::map<Output, Output> arguments_;
};

}  // namespace

extern "C" {

tw_status* tw_function_create(tw_graph* graph, const tw_graph* body, const tw_function_desc* desc) {
  return guard([&]() -> Status {
    const auto d = options_or_default(desc);
    if (d.name.size == 0) return invalid_argument("a function needs a name");
    const auto& library = graph->graph->library();
    TW_ASSIGN_OR_RETURN(std::shared_ptr<Function> f, Outliner(*body->graph, library, d).run());
    return library->add(std::move(f));
  });
}

tw_status* tw_graph_remove(tw_graph* graph, const int32_t* nodes, size_t num_nodes) {
  return guard([&]() -> Status {
    Graph& g = *graph->graph;
    std::vector<char> leaving(static_cast<size_t>(g.num_nodes()), 0);
    for (size_t i = 0; i < num_nodes; ++i) {
      TW_RETURN_IF_ERROR(check_node(g, nodes[i]));
      leaving[static_cast<size_t>(nodes[i])] = 1;
    }
    // Whoever uses them was made after them.
    const NodeId first = num_nodes == 0 ? g.num_nodes() : *std::min_element(nodes, nodes + num_nodes);
    for (NodeId id = first; id < g.num_nodes(); ++id) {
      const Node& n = g.node(id);
      if (n.dead || leaving[static_cast<size_t>(id)] != 0) continue;
      const auto check = [&](NodeId used) -> Status {
        if (leaving[static_cast<size_t>(used)] == 0) return {};
        return failed_precondition("node '", g.node(used).name, "' cannot be removed: '", n.name, "' uses it");
      };
      for (const Output in : n.inputs) TW_RETURN_IF_ERROR(check(in.node));
      for (const NodeId c : n.controls) TW_RETURN_IF_ERROR(check(c));
    }
    for (size_t i = 0; i < num_nodes; ++i) g.remove(nodes[i]);
    return {};
  });
}

tw_status* tw_graph_leave_branch(tw_graph* graph, const tw_branch* path, size_t depth, const int32_t* nodes,
                                 size_t num_nodes, int32_t operations, int32_t* made) {
  return guard([&]() -> Status {
    Graph& g = *graph->graph;
    std::vector<BranchOfNode> branches;
    for (size_t k = 0; k < depth; ++k) {
      TW_RETURN_IF_ERROR(check_node(g, path[k].node));
      for (size_t i = 0; i < path[k].num_nodes; ++i) TW_RETURN_IF_ERROR(check_node(g, path[k].nodes[i]));
      branches.push_back({path[k].node, path[k].branch, {path[k].nodes, path[k].nodes + path[k].num_nodes}});
    }
    for (size_t i = 0; i < num_nodes; ++i) TW_RETURN_IF_ERROR(check_node(g, nodes[i]));
    const Leaving what = operations != 0 ? Leaving::kOperations : Leaving::kValues;
    TW_ASSIGN_OR_RETURN(const std::vector<NodeId> ids, leave_branches(&g, branches, {nodes, num_nodes}, what));
    std::copy(ids.begin(), ids.end(), made);
    return {};
  });
}

int32_t tw_graph_has_function(const tw_graph* graph, tw_str name) {
  return graph->graph->library()->contains(view(name));
}

}  // extern "C"
