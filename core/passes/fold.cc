// Constant folding: nodes whose inputs are all constants are evaluated once, here, by their own kernels.
#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

namespace {

// A folded result may not blow the program up: Fill of a million ones stays a Fill.
constexpr size_t kMaxGrowth = size_t{1} << 16;

bool foldable(const Graph& g, const Node& n) {
  if (n.dead || !is_pure(n) || n.inputs.empty() || n.output_dtypes.empty()) return false;
  if (n.op->name == "_Retval") return false;
  for (DType t : n.output_dtypes) {
    if (!is_plain(t) && t != DType::kString) return false;
  }
  return find_kernel(*n.op, n.attrs) != nullptr;
}

// Whether the op takes something out of a vector: that may be known where not all of it is, as with a shape of which
// one dimension is not known.
bool takes_part(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "StridedSlice" || op == "Slice" || op == "Gather" || op == "GatherV2";
}

}  // namespace

Status fold(Body& body, const PassContext& context) {
  Graph& g = *body.body;
  Rewriter rewriter(body);
  for (NodeId id : g.topological_order()) {
    const Node& n = g.mutable_node(id);
    if (!foldable(g, n)) continue;
    std::vector<Tensor> inputs;
    size_t input_bytes = 0;
    for (Output o : n.inputs) {
      const Output source = rewriter.resolve(o);
      const Tensor* value = constant_of(g.mutable_node(source.node));
      if (value == nullptr) break;
      inputs.push_back(*value);
      input_bytes += value->bytes();
    }
    if (inputs.size() != n.inputs.size()) {
      if (!takes_part(n) || !n.controls.empty()) continue;
      const std::optional<Tensor> value = g.constant_value(Output{id, 0});
      if (!value) continue;
      TW_RETURN_IF_ERROR(become(body, id, "Const", {}, {{"dtype", value->dtype()}, {"value", *value}}));
      continue;
    }
    bool small = true;
    for (size_t i = 0; i < n.output_shapes.size(); ++i) {
      const Shape& s = n.output_shapes[i];
      if (s.fully_known()) {
        small &= static_cast<size_t>(s.num_elements()) * dtype_size(n.output_dtypes[i]) <= input_bytes + kMaxGrowth;
      }
    }
    if (!small) continue;
    // An op that fails on these constants fails at run time, where its error belongs.
    Result<std::vector<Tensor>> values = evaluate(n, inputs, *context.step);
    if (!values.ok()) continue;
    // What the constants wait for, the result waits for.
    std::vector<NodeId> controls = n.controls;
    for (Output o : n.inputs) {
      const Node& source = g.mutable_node(rewriter.resolve(o).node);
      controls.insert(controls.end(), source.controls.begin(), source.controls.end());
    }
    std::sort(controls.begin(), controls.end());
    controls.erase(std::unique(controls.begin(), controls.end()), controls.end());
    g.mutable_node(id).controls = controls;
    if (values->size() == 1) {
      const DType dtype = (*values)[0].dtype();
      TW_RETURN_IF_ERROR(become(body, id, "Const", {}, {{"dtype", dtype}, {"value", std::move((*values)[0])}}));
      continue;
    }
    std::vector<NodeId> instead = controls;
    for (size_t i = 0; i < values->size(); ++i) {
      TW_ASSIGN_OR_RETURN(NodeId c, add_constant(body, g.mutable_node(id), std::move((*values)[i])));
      g.mutable_node(c).controls = controls;
      rewriter.replace(Output{id, static_cast<int32_t>(i)}, Output{c, 0});
      instead.push_back(c);
    }
    rewriter.remove(id, std::move(instead));
  }
  rewriter.apply();
  return {};
}

}  // namespace tw
