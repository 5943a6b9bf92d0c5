// NodeDefs, and the names that GraphDefs and FunctionDefs give to edges.
#pragma once

#include <optional>
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
// How many tensors an output argument has.
int output_length(const OpDef& op, const AttrMap& attrs, std::string_view arg);

// What the functions of a GraphDef take and give; nodes may name a function as their op. A function with attributes is
// generic: each call says what they are.
struct FunctionSignature {
  std::string name;
  struct Arg {
    std::string name;
    DType dtype = DType::kInvalid;  // when fixed
    std::string type_attr, number_attr, type_list_attr;
    bool is_ref = false;
    bool is_list() const { return !number_attr.empty() || !type_list_attr.empty(); }
  };
  struct Attr {
    std::string name;
    AttrType type;
    std::optional<AttrValue> default_value;
    std::optional<int64_t> minimum;  // of an int, or of a list's length
    AttrValue allowed;               // a list, or empty
  };
  std::vector<Arg> inputs, outputs;
  std::vector<Attr> attrs;
  bool stateful = false;
  bool generic() const { return !attrs.empty(); }
};
// Fills defaults, and checks presence, types and limits of the attributes that a call gives.
Status complete_call_attrs(const FunctionSignature& f, AttrMap* attrs);
// The dtypes of an argument's tensors; `attrs` are complete.
std::vector<DType> arg_dtypes(const FunctionSignature::Arg& arg, const AttrMap& attrs);
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
// A generic one becomes the function for `attrs`, the attributes of a call.
Result<std::shared_ptr<Function>> decode_function(std::string_view function_def, const SignatureMap& functions,
                                                  int producer, const std::shared_ptr<FunctionLibrary>& library,
                                                  const AttrMap& attrs = {});
// A generic function, whose body is read for each set of attributes that it is called with.
Result<std::shared_ptr<FunctionTemplate>> decode_template(std::string_view function_def,
                                                          std::shared_ptr<const SignatureMap> functions, int producer);

// An attribute of Function that holds the library's GradientDef.
inline constexpr std::string_view kGradientAttr = "_gradient_func";

}  // namespace tw
