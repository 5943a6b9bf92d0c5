// The derivative of a softmax cross entropy, multiplied by a number per row, as a loss's mean or weights have it: the
// op that computes the derivative multiplies it too, instead of a pass of its own over a tensor of all classes.
#include <algorithm>

#include "core/passes/pass.h"

namespace tw {
namespace {

// How far a search for a dependence may go before the product is left alone.
constexpr int kMaxSearch = 4096;

class LossFuser {
 public:
  explicit LossFuser(Body& body) : body_(body), g_(*body.body), uses_(g_), rewriter_(body) {}

  Status run() {
    for (NodeId id : g_.topological_order()) {
      const Node& n = g_.node(id);
      if (n.dead) continue;
      const std::string_view op = n.op->name;
      if (op == "SoftmaxCrossEntropyWithLogits") TW_RETURN_IF_ERROR(visit(n, "_ScaledSoftmaxCrossEntropy"));
      if (op == "SparseSoftmaxCrossEntropyWithLogits") {
        TW_RETURN_IF_ERROR(visit(n, "_ScaledSparseSoftmaxCrossEntropy"));
      }
    }
    rewriter_.apply();
    return {};
  }

 private:
  Status visit(const Node& loss, std::string_view scaled) {
    if (loss.output_dtypes[0] != DType::kFloat && loss.output_dtypes[0] != DType::kDouble) return {};
    const Uses::Edge* use = nullptr;
    for (const Uses::Edge& e : uses_.of(loss.id)) {
      if (e.slot < 0 || e.output != 1) continue;
      if (use != nullptr) return {};
      use = &e;
    }
    if (use == nullptr) return {};
    const Node& product = g_.node(use->node);
    const Shape& back = loss.output_shapes[1];
    if (product.op->name != "Mul" || product.dead || !product.controls.empty() || !back.fully_known()) return {};
    const Output factor = rewriter_.resolve(product.inputs[static_cast<size_t>(1 - use->slot)]);
    const Shape& s = g_.node(factor.node).output_shapes[static_cast<size_t>(factor.index)];
    if (!(s == Shape{back[0], 1}) || !(product.output_shapes[0] == back) || depends(factor.node, loss.id)) return {};
    std::vector<Output> inputs = loss.inputs;
    inputs.push_back(factor);
    const NodeId id = loss.id;
    std::vector<Shape> shapes = loss.output_shapes;
    rewriter_.bypass(product, Output{id, 1});
    TW_RETURN_IF_ERROR(become(body_, id, scaled, std::move(inputs), shared_attrs(loss, *find_op(scaled))));
    g_.mutable_node(id).output_shapes = std::move(shapes);
    return {};
  }

  // Whether `node` needs `on`, as far as the search goes.
  bool depends(NodeId node, NodeId on) const {
    std::vector<NodeId> stack{node};
    std::vector<char> seen(static_cast<size_t>(g_.num_nodes()), 0);
    for (int steps = 0; !stack.empty(); ++steps) {
      const NodeId id = stack.back();
      stack.pop_back();
      if (id == on || steps > kMaxSearch) return true;
      if (seen[static_cast<size_t>(id)] != 0) continue;
      seen[static_cast<size_t>(id)] = 1;
      const Node& n = g_.node(id);
      for (Output o : n.inputs) stack.push_back(o.node);
      stack.insert(stack.end(), n.controls.begin(), n.controls.end());
    }
    return false;
  }

  Body& body_;
  Graph& g_;
  Uses uses_;
  Rewriter rewriter_;
};

}  // namespace

Status fuse_loss(Body& body) { return LossFuser(body).run(); }

}  // namespace tw
