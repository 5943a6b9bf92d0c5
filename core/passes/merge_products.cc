// Matrix products that do better together, as the gradients of unrolled networks have them.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "core/passes/pass.h"

namespace tw {
namespace {

// Fewer products would not pay for copying their operands.
constexpr size_t kLeastTerms = 3, kLeastUses = 3;
// Products of fewer rows read a transposed matrix in place, by dot products; those of more pack the other operand
// anyway, and turn it on the way.
constexpr int64_t kLeastRows = 17, kMostRows = 256;

class ProductMerger {
 public:
  explicit ProductMerger(Body& body) : body_(body), g_(*body.body), uses_(g_) {}

  Status run() {
    std::vector<NodeId> sums;
    for (NodeId id : g_.topological_order()) {
      if (g_.mutable_node(id).op->name == "AddN") sums.push_back(id);
    }
    // Outer sums come last, and take the inner ones in.
    for (size_t i = sums.size(); i-- > 0;) {
      if (absorbed_.count(sums[i]) == 0) TW_RETURN_IF_ERROR(flatten_sum(sums[i]));
    }
    for (NodeId id : sums) {
      if (absorbed_.count(id) == 0) TW_RETURN_IF_ERROR(merge_sum(id));
    }
    return turn_shared();
  }

 private:
  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  bool is_matrix(Output o) const { return shape_of(o).fully_known() && shape_of(o).rank() == 2; }
  int64_t uses(NodeId id, int32_t index) const {
    const auto edges = uses_.of(id);
    return std::count_if(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return e.output == index; });
  }
  bool is_product(const Node& n, bool transpose_a, bool transpose_b) const {
    return n.op->name == "MatMul" && n.attr().dtype("T") == DType::kFloat && is_matrix(n.inputs[0]) &&
           is_matrix(n.inputs[1]) && n.attr().boolean("transpose_a") == transpose_a &&
           n.attr().boolean("transpose_b") == transpose_b;
  }

  Result<Output> stack(const Node& like, const char* name, const std::vector<Output>& rows) {
    TW_ASSIGN_OR_RETURN(Tensor axis, Tensor::make(DType::kInt32, Shape{}));
    axis.flat<int32_t>()[0] = 0;
    TW_ASSIGN_OR_RETURN(const NodeId along, add_constant(body_, like, std::move(axis)));
    std::vector<Output> inputs = rows;
    inputs.push_back(Output{along, 0});
    TW_ASSIGN_OR_RETURN(
        const NodeId id,
        add_node(body_, like, name, "ConcatV2", std::move(inputs),
                 {{"N", static_cast<int64_t>(rows.size())}, {"T", DType::kFloat}, {"Tidx", DType::kInt32}}));
    return Output{id, 0};
  }

  // Sums that begin with a sum become one, as those of unrolled loops are, which begin with zeros.
  Status flatten_sum(NodeId id) {
    const Node n = g_.mutable_node(id);
    if (!is_floating(n.output_dtypes[0])) return {};
    const auto is_inner = [&](const Node& first) {
      return first.op->name == "AddN" && uses(first.id, 0) == 1 && uses(first.id, -1) == 0 && first.controls.empty();
    };
    // From the last term of the outermost sum to the first of the innermost.
    std::vector<Output> backwards(n.inputs.rbegin(), n.inputs.rend());
    for (const Node* first = &g_.mutable_node(backwards.back().node); is_inner(*first);
         first = &g_.mutable_node(backwards.back().node)) {
      absorbed_.insert(first->id);
      backwards.pop_back();
      backwards.insert(backwards.end(), first->inputs.rbegin(), first->inputs.rend());
    }
    const Node& first = g_.mutable_node(backwards.back().node);
    if (first.op->name == "ZerosLike" && first.controls.empty() && backwards.size() > 1) backwards.pop_back();
    std::vector<Output> terms(backwards.rbegin(), backwards.rend());
    if (terms == n.inputs) return {};
    const int64_t count = static_cast<int64_t>(terms.size());
    return become(body_, id, "AddN", std::move(terms), {{"N", count}, {"T", n.output_dtypes[0]}});
  }

  // The sum of products of transposed matrices is the product of the matrices stacked: the gradient of weights that
  // each step of an unrolled network uses.
  Status merge_sum(NodeId id) {
    const Node n = g_.mutable_node(id);
    std::vector<Output> rest, left, right;
    for (Output o : n.inputs) {
      const Node& term = g_.mutable_node(o.node);
      if (is_product(term, true, false) && uses(o.node, 0) == 1 && uses(o.node, -1) == 0 && term.controls.empty()) {
        left.push_back(term.inputs[0]);
        right.push_back(term.inputs[1]);
      } else {
        rest.push_back(o);
      }
    }
    if (left.size() < kLeastTerms) return {};
    TW_ASSIGN_OR_RETURN(const Output a, stack(n, "left", left));
    TW_ASSIGN_OR_RETURN(const Output b, stack(n, "right", right));
    const AttrMap attrs{{"T", DType::kFloat}, {"transpose_a", true}, {"transpose_b", false}};
    if (rest.empty()) return become(body_, id, "MatMul", {a, b}, attrs);
    TW_ASSIGN_OR_RETURN(const NodeId product, add_node(body_, n, "product", "MatMul", {a, b}, attrs));
    rest.push_back(Output{product, 0});
    const int64_t count = static_cast<int64_t>(rest.size());
    return become(body_, id, "AddN", std::move(rest), {{"N", count}, {"T", DType::kFloat}});
  }

  // A matrix that several products of few rows take transposed is turned once. Constants are packed once anyway.
  Status turn_shared() {
    std::map<std::pair<NodeId, int32_t>, std::vector<NodeId>> users;
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      const Node& n = g_.mutable_node(id);
      if (n.dead || !is_product(n, false, true)) continue;
      const int64_t rows = shape_of(n.inputs[0])[0];
      if (rows < kLeastRows || rows > kMostRows) continue;
      const Output b = n.inputs[1];
      if (constant_of(g_.mutable_node(b.node)) == nullptr) users[{b.node, b.index}].push_back(id);
    }
    for (const auto& [b, products] : users) {
      if (products.size() < kLeastUses) continue;
      const Node first = g_.mutable_node(products[0]);
      TW_ASSIGN_OR_RETURN(Tensor swapped, Tensor::make(DType::kInt32, Shape{2}));
      swapped.flat<int32_t>()[0] = 1;
      swapped.flat<int32_t>()[1] = 0;
      TW_ASSIGN_OR_RETURN(const NodeId perm, add_constant(body_, first, std::move(swapped)));
      TW_ASSIGN_OR_RETURN(const NodeId turned,
                          add_node(body_, first, "turned", "Transpose", {Output{b.first, b.second}, Output{perm, 0}},
                                   {{"T", DType::kFloat}, {"Tperm", DType::kInt32}}));
      for (NodeId id : products) {
        const Output a = g_.mutable_node(id).inputs[0];
        TW_RETURN_IF_ERROR(become(body_, id, "MatMul", {a, Output{turned, 0}},
                                  {{"T", DType::kFloat}, {"transpose_a", false}, {"transpose_b", false}}));
      }
    }
    return {};
  }

  Body& body_;
  Graph& g_;
  const Uses uses_;
  std::unordered_set<NodeId> absorbed_;  // sums that are part of others
};

}  // namespace

Status merge_products(Body& body) { return ProductMerger(body).run(); }

}  // namespace tw
