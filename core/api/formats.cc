// Wire forms: GraphDef, NodeDef, TensorProto, RunMetadata.
#include "core/api/handles.h"
#include "core/formats/graph_def.h"
#include "core/formats/tensor_proto.h"
#include "core/formats/wire.h"
#include "core/runtime/run_metadata.h"

using namespace tw;
using namespace tw::api;

namespace {

std::string input_text(const Graph& g, Output o) {
  const std::string& name = g.node(o.node).name;
  return o.index == 0 ? name : name + ":" + std::to_string(o.index);
}

Result<std::string> encode_node(const Graph& g, const Node& n) {
  std::string out;
  protozero::pbf_writer w(out);
  w.add_string(1, n.name);
  w.add_string(2, n.op->name.data(), n.op->name.size());
  for (const Output in : n.inputs) w.add_string(3, input_text(g, in));
  for (const NodeId c : n.controls) w.add_string(3, "^" + g.node(c).name);
  if (!n.device.empty()) w.add_string(4, n.device);
  for (const auto& [name, value] : n.attrs) {
    TW_ASSIGN_OR_RETURN(const std::string bytes, encode_attr(value));
    wire::add_map_entry(&w, 5, name, bytes);
  }
  return out;
}

}  // namespace

extern "C" {

tw_status* tw_tensor_to_proto(const tw_tensor* tensor, tw_buffer** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(std::string bytes, encode_tensor(tensor->tensor));
    *out = new tw_buffer{std::move(bytes)};
    return {};
  });
}

tw_status* tw_tensor_from_proto(const void* data, size_t size, tw_tensor** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(Tensor t, decode_tensor(std::string_view(static_cast<const char*>(data), size)));
    *out = new tw_tensor{std::move(t)};
    return {};
  });
}

tw_status* tw_graph_to_graph_def(const tw_graph* graph, tw_buffer** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(std::string bytes, export_graph_def(*graph->graph));
    *out = new tw_buffer{std::move(bytes)};
    return {};
  });
}

tw_status* tw_node_to_node_def(const tw_graph* graph, int32_t node, tw_buffer** out) {
  return guard([&]() -> Status {
    TW_RETURN_IF_ERROR(check_node(*graph->graph, node));
    TW_ASSIGN_OR_RETURN(std::string bytes, encode_node(*graph->graph, graph->graph->node(node)));
    *out = new tw_buffer{std::move(bytes)};
    return {};
  });
}

tw_status* tw_graph_import(tw_graph* graph, const void* graph_def, size_t size, const tw_import_options* options,
                           int32_t* first, int32_t* count) {
  return guard([&]() -> Status {
    const auto o = options_or_default(options);
    Graph& g = *graph->graph;
    GraphDefImportOptions import;
    import.prefix = str(o.prefix);
    import.uniquify_names = o.uniquify_names != 0;
    for (size_t i = 0; i < o.num_inputs; ++i) {
      if (o.input_outputs[i].index >= 0) TW_RETURN_IF_ERROR(check_output(g, o.input_outputs[i]));
      TW_RETURN_IF_ERROR(check_node(g, o.input_outputs[i].node));
      import.input_map.emplace(str(o.input_names[i]), output(o.input_outputs[i]));
    }
    for (size_t i = 0; i < o.num_controls; ++i) {
      TW_RETURN_IF_ERROR(check_node(g, o.controls[i]));
      import.control_dependencies.push_back(o.controls[i]);
    }
    import.default_device = str(o.default_device);
    const int32_t before = g.num_nodes();
    TW_ASSIGN_OR_RETURN(const ImportedGraph made,
                        import_graph_def(&g, std::string_view(static_cast<const char*>(graph_def), size), import));
    if (!made.unused_inputs.empty()) {
      std::string names;
      for (const std::string& n : made.unused_inputs) names += (names.empty() ? "" : ", ") + n;
      return invalid_argument("Attempted to map inputs that were not found in graph_def: [", names, "]");
    }
    *first = before;
    *count = g.num_nodes() - before;
    return {};
  });
}

tw_status* tw_run_metadata_to_proto(const tw_run_metadata* metadata, tw_buffer** out) {
  return guard([&]() -> Status {
    *out = new tw_buffer{encode_run_metadata(metadata->metadata.trace)};
    return {};
  });
}

}  // extern "C"
