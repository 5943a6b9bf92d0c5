// GraphDef: the wire form of graphs and their functions, in both directions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/graph/graph.h"

namespace tw {

// The producer version that TF 1.15 writes; ops and attributes of the table are those of that version.
inline constexpr int kGraphDefProducer = 134;

struct GraphDefExportOptions {
  bool add_shapes = false;           // "_output_shapes" on every node
  bool strip_default_attrs = false;  // leave out attributes that equal the row's default
};

// Nodes in the order of their ids, attributes by name, then all functions of the graph's library. Exporting what was
// imported from an export gives the same bytes. InvalidArgument when an attribute holds a value of one process only.
Result<std::string> export_graph_def(const Graph& g, const GraphDefExportOptions& options = {});
// One function as a FunctionDef.
Result<std::string> export_function_def(const Function& f);

struct GraphDefImportOptions {
  std::string prefix;           // put before every name, with a slash
  bool uniquify_names = false;  // a taken name gets a suffix, instead of AlreadyExists
  // "x", "x:1" or "^x" of the GraphDef -> an output (a node, index ignored) that the graph has; used in its place.
  std::map<std::string, Output> input_map;
  std::vector<NodeId> control_dependencies;  // run before every imported node that has no other input
  std::vector<std::string> return_elements;  // "x" (a node) or "x:1" (an output), as the GraphDef names them
  std::string default_device;                // of nodes that name none
};

struct ImportedGraph {
  std::vector<NodeId> nodes;               // in the order of the GraphDef
  std::vector<Output> returned;            // per return element; index -1 for a node
  std::vector<std::string> unused_inputs;  // keys of input_map that name nothing in the GraphDef
};

// Adds the nodes and functions of a serialised GraphDef. After an error the graph has none of the nodes.
// InvalidArgument names the node and rule for malformed bytes, unknown or missing inputs, duplicate names, cycles other
// than loops, and attributes that break the op's rules; NotFound for an op that has no row.
Result<ImportedGraph> import_graph_def(Graph* graph, std::string_view bytes, const GraphDefImportOptions& options = {});

// AttrValue messages, for other formats that hold them.
Result<std::string> encode_attr(const AttrValue& v);
Result<AttrValue> decode_attr(std::string_view bytes);

}  // namespace tw
