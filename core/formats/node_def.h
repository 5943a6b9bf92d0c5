// NodeDefs, and the names that GraphDefs and FunctionDefs give to edges.
#pragma once

#include <set>

#include "core/formats/graph_def.h"
#include "core/graph/assemble.h"

namespace tw {

struct NodeDef {
  std::string name, op, device;
  std::vector<std::string> inputs;
  AttrMap attrs;
};

// Throws protozero::exception for malformed bytes.
Result<NodeDef> decode_node_def(std::string_view bytes);
Result<std::string> encode_node_def(const Node& n, const std::vector<std::string>& inputs,
                                    const GraphDefExportOptions& options);

// Which tensor of which argument a flat output is, and back.
struct Port {
  std::string_view arg;
  int index;
};
Result<Port> output_port(const OpDef& op, const AttrMap& attrs, int flat);
Result<int> flat_output(const OpDef& op, const AttrMap& attrs, std::string_view arg, int index);

// What the functions of a GraphDef take and give; nodes may name a function as their op.
struct FunctionSignature {
  std::string name;
  struct Arg {
    std::string name;
    DType dtype = DType::kInvalid;
  };
  std::vector<Arg> inputs, outputs;
  bool stateful = false;
};
using SignatureMap = std::map<std::string, FunctionSignature, std::less<>>;

// Makes a NodeDef what this version's op table knows: calls of functions by name become PartitionedCalls, and
// attributes that a newer `producer` added are dropped where they hold their default.
Status adapt_node_def(NodeDef* n, const SignatureMap& functions, int producer);

// "name:index" as NodeDefs of a graph write it ("name" alone for output 0).
struct TensorName {
  std::string_view node;
  int index = 0;
};
Result<TensorName> parse_tensor_name(std::string_view text);

// Reads a function: the signature alone, and all of it. Throw protozero::exception for malformed bytes.
Result<FunctionSignature> decode_signature(std::string_view function_def);
Result<std::shared_ptr<Function>> decode_function(std::string_view function_def, const SignatureMap& functions,
                                                  int producer, const std::shared_ptr<FunctionLibrary>& library);

// An attribute of Function that holds the library's GradientDef.
inline constexpr std::string_view kGradientAttr = "_gradient_func";

}  // namespace tw
