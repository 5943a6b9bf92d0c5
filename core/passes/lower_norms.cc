// Batch normalisation with statistics that are given, as at inference: a multiplication and an addition per channel,
// which join the tape behind a convolution. There they cost next to nothing, while a filter multiplied beforehand would
// take its memory twice.
#include <algorithm>
#include <unordered_set>

#include "core/passes/pass.h"

namespace tw {
namespace {

class NormLowering {
 public:
  explicit NormLowering(Body& body) : body_(body), g_(*body.body) {}

  Result<bool> run() {
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      const Node& n = g_.mutable_node(id);
      if (n.dead) continue;
      for (Output o : n.inputs) used_.insert(key(o));
    }
    bool changed = false;
    for (NodeId id : g_.topological_order()) {
      if (!lowers(g_.mutable_node(id))) continue;
      TW_RETURN_IF_ERROR(lower(id));
      changed = true;
    }
    return changed;
  }

 private:
  static int64_t key(Output o) { return (static_cast<int64_t>(o.node) << 32) | static_cast<uint32_t>(o.index); }
  bool used(NodeId id, int32_t index) const { return used_.count(key(Output{id, index})) != 0; }
  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }

  bool lowers(const Node& n) const {
    const std::string_view op = n.op->name;
    if (op != "FusedBatchNorm" && op != "FusedBatchNormV2" && op != "FusedBatchNormV3") return false;
    const auto attrs = n.attr();
    if (attrs.boolean("is_training") || attrs.string("data_format") != "NHWC") return false;
    if (attrs.dtype("T") != DType::kFloat || n.inputs.size() != 5) return false;
    for (size_t i = 1; i < n.output_dtypes.size(); ++i) {
      if (used(n.id, static_cast<int32_t>(i))) return false;
    }
    // The op checks its operands when it runs; only operands that are known to pass may go without.
    const Shape& x = shape_of(n.inputs[0]);
    if (!x.rank_known() || x.rank() != 4 || x[3] < 0) return false;
    return std::all_of(n.inputs.begin() + 1, n.inputs.end(),
                       [&](Output o) { return shape_of(o).fully_known() && shape_of(o) == Shape{x[3]}; });
  }

  Result<Output> add(const Node& like, const char* suffix, const char* op, std::vector<Output> inputs) {
    TW_ASSIGN_OR_RETURN(const NodeId id, add_node(body_, like, suffix, op, std::move(inputs), {{"T", DType::kFloat}}));
    return Output{id, 0};
  }

  Status lower(NodeId id) {
    const Node n = g_.mutable_node(id);
    const Output x = n.inputs[0], scale = n.inputs[1], offset = n.inputs[2], mean = n.inputs[3], variance = n.inputs[4];
    TW_ASSIGN_OR_RETURN(Tensor epsilon, Tensor::make(DType::kFloat, Shape{}));
    epsilon.flat<float>()[0] = n.attr().real("epsilon");
    TW_ASSIGN_OR_RETURN(const NodeId constant, add_constant(body_, n, std::move(epsilon)));
    TW_ASSIGN_OR_RETURN(const Output shifted, add(n, "variance", "AddV2", {variance, Output{constant, 0}}));
    TW_ASSIGN_OR_RETURN(const Output root, add(n, "rsqrt", "Rsqrt", {shifted}));
    TW_ASSIGN_OR_RETURN(const Output factor, add(n, "factor", "Mul", {root, scale}));
    TW_ASSIGN_OR_RETURN(const Output moved, add(n, "mean", "Mul", {mean, factor}));
    TW_ASSIGN_OR_RETURN(const Output shift, add(n, "shift", "Sub", {offset, moved}));
    TW_ASSIGN_OR_RETURN(const Output scaled, add(n, "scaled", "Mul", {x, factor}));
    return become(body_, id, "AddV2", {scaled, shift}, {{"T", DType::kFloat}});
  }

  Body& body_;
  Graph& g_;
  std::unordered_set<int64_t> used_;
};

}  // namespace

Result<bool> lower_norms(Body& body) { return NormLowering(body).run(); }

}  // namespace tw
