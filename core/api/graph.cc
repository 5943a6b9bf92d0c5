// Graphs: adding nodes and asking about them, and the text form.
#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

namespace tw::api {

Status check_node(const Graph& g, int32_t node) {
  if (node >= 0 && node < g.num_nodes()) return {};
  return invalid_argument("no node has the id ", node, ": the graph has ", g.num_nodes());
}

Status check_output(const Graph& g, tw_output o) {
  TW_RETURN_IF_ERROR(check_node(g, o.node));
  const Node& n = g.node(o.node);
  if (o.index >= 0 && static_cast<size_t>(o.index) < n.output_dtypes.size()) return {};
  return out_of_range("node '", n.name, "' (", n.op->name, ") has ", n.output_dtypes.size(), " outputs, but number ",
                      o.index, " was asked for");
}

}  // namespace tw::api

namespace {

const Node* find_node(const tw_graph* graph, int32_t node) {
  if (node < 0 || node >= graph->graph->num_nodes()) return nullptr;
  return &graph->graph->node(node);
}

Result<NodeSpec> spec_from_c(const Graph& g, const tw_node_desc& d) {
  NodeSpec spec;
  spec.op = str(d.op);
  spec.name = d.name.size > 0 ? str(d.name) : g.unique_name(spec.op);
  spec.inputs = outputs(d.inputs, d.num_inputs);
  for (size_t i = 0; i < d.num_inputs; ++i) {
    Status s = check_output(g, d.inputs[i]);
    if (!s.ok()) return s.prefix("input " + std::to_string(i) + " of '" + spec.name + "' (" + spec.op + ")");
  }
  for (size_t i = 0; i < d.num_controls; ++i) TW_RETURN_IF_ERROR(check_node(g, d.controls[i]));
  spec.controls.assign(d.controls, d.controls + d.num_controls);
  for (size_t i = 0; i < d.num_attrs; ++i) {
    TW_ASSIGN_OR_RETURN(AttrValue v, attr_from_c(d.attrs[i]));
    spec.attrs.insert_or_assign(str(d.attrs[i].name), std::move(v));
  }
  spec.device = str(d.device);
  spec.where = str(d.where);
  return spec;
}

void shape_to_c(const Shape& s, int64_t* dims, int32_t* rank) {
  *rank = s.rank();
  const auto d = s.dims();
  std::copy(d.begin(), d.end(), dims);
}

}  // namespace

extern "C" {

tw_status* tw_graph_create(tw_graph** out) {
  return guard([&]() -> Status {
    *out = new tw_graph{std::make_shared<Graph>()};
    return {};
  });
}
tw_graph* tw_graph_share(tw_graph* graph) { return new tw_graph{graph->graph}; }
void tw_graph_release(tw_graph* graph) { delete graph; }

tw_status* tw_graph_add(tw_graph* graph, const tw_node_desc* desc, int32_t* node) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(NodeSpec spec, spec_from_c(*graph->graph, options_or_default(desc)));
    TW_ASSIGN_OR_RETURN(*node, graph->graph->add(std::move(spec)));
    return {};
  });
}

int32_t tw_graph_num_nodes(const tw_graph* graph) { return graph->graph->num_nodes(); }
int32_t tw_graph_find(const tw_graph* graph, tw_str name) { return graph->graph->find(view(name)).value_or(-1); }

tw_str tw_node_name(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? c_str(n->name) : tw_str{};
}
tw_str tw_node_op(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? c_str(n->op->name) : tw_str{};
}
tw_str tw_node_device(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? c_str(n->device) : tw_str{};
}
tw_str tw_node_where(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? c_str(n->where) : tw_str{};
}
int32_t tw_node_num_inputs(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? static_cast<int32_t>(n->inputs.size()) : 0;
}
tw_output tw_node_input(const tw_graph* graph, int32_t node, int32_t i) {
  const Node* n = find_node(graph, node);
  if (n == nullptr || i < 0 || static_cast<size_t>(i) >= n->inputs.size()) return {-1, 0};
  return c_output(n->inputs[static_cast<size_t>(i)]);
}
int32_t tw_node_num_outputs(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? static_cast<int32_t>(n->output_dtypes.size()) : 0;
}
int32_t tw_node_num_controls(const tw_graph* graph, int32_t node) {
  const Node* n = find_node(graph, node);
  return n ? static_cast<int32_t>(n->controls.size()) : 0;
}
int32_t tw_node_control(const tw_graph* graph, int32_t node, int32_t i) {
  const Node* n = find_node(graph, node);
  if (n == nullptr || i < 0 || static_cast<size_t>(i) >= n->controls.size()) return -1;
  return n->controls[static_cast<size_t>(i)];
}

int32_t tw_output_dtype(const tw_graph* graph, tw_output o) {
  return check_output(*graph->graph, o).ok() ? static_cast<int32_t>(graph->graph->dtype(output(o))) : TW_INVALID;
}

tw_status* tw_output_shape(const tw_graph* graph, tw_output o, int64_t* dims, int32_t* rank) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_output(*graph->graph, o));
    shape_to_c(graph->graph->shape(output(o)), dims, rank);
    return {};
  });
}

tw_status* tw_output_handle(const tw_graph* graph, tw_output o, int32_t* dtype, int64_t* dims, int32_t* rank) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_output(*graph->graph, o));
    const HandleShape h = graph->graph->handle(output(o));
    *dtype = static_cast<int32_t>(h.dtype);
    shape_to_c(h.shape, dims, rank);
    return {};
  });
}

tw_status* tw_graph_set_shape(tw_graph* graph, tw_output o, const int64_t* dims, int32_t rank) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_output(*graph->graph, o));
    TW_ASSIGN_OR_RETURN(const Shape shape, static_shape(dims, rank));
    return graph->graph->set_shape(output(o), shape);
  });
}

tw_status* tw_graph_constant(const tw_graph* graph, tw_output o, tw_tensor** out) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_output(*graph->graph, o));
    auto value = graph->graph->constant_value(output(o));
    *out = value ? new tw_tensor{std::move(*value)} : nullptr;
    return {};
  });
}

tw_status* tw_graph_add_control(tw_graph* graph, int32_t node, int32_t before) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_node(*graph->graph, node));
    TW_RETURN_IF_ERROR(check_node(*graph->graph, before));
    return graph->graph->add_control(node, before);
  });
}

tw_status* tw_graph_set_input(tw_graph* graph, int32_t node, int32_t slot, tw_output from) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_node(*graph->graph, node));
    TW_RETURN_IF_ERROR(check_output(*graph->graph, from));
    return graph->graph->set_input(node, slot, output(from));
  });
}

tw_status* tw_graph_set_attr(tw_graph* graph, int32_t node, const tw_attr* attr) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_node(*graph->graph, node));
    TW_ASSIGN_OR_RETURN(AttrValue v, attr_from_c(*attr));
    return graph->graph->set_attr(node, view(attr->name), std::move(v));
  });
}

tw_status* tw_graph_print(const tw_graph* graph, tw_buffer** out) {
  return guard([&]() -> Status {
    *out = new tw_buffer{print(*graph->graph)};
    return {};
  });
}

}  // extern "C"
