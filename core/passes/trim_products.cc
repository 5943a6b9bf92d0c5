// Columns of matrix products that nobody reads: the gradient of values that were joined is a product that is split
// again, and often only one part of it is wanted, as that of the state in a recurrent network.
#include <algorithm>
#include <map>

#include "core/passes/pass.h"

namespace tw {
namespace {

// Rows of products, times columns left out for each that stays, from which a copy of the other operand's part pays:
// that takes as long as multiplying about half as many rows.
constexpr int64_t kLeastRows = 24;

class ProductTrimmer {
 public:
  explicit ProductTrimmer(Body& body) : body_(body), g_(*body.body), uses_(g_), rewriter_(body) {}

  Status run() {
    std::map<Part, std::vector<NodeId>> splits;
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      if (g_.mutable_node(id).dead) continue;
      if (const std::optional<Part> part = wanted(id)) splits[*part].push_back(id);
    }
    for (const auto& [part, users] : splits) {
      int64_t rows = 0;
      for (NodeId id : users) rows += product(id).output_shapes[0][0];
      const int64_t all = product(users[0]).output_shapes[0][1], kept = part.end - part.begin;
      if (rows * (all - kept) < kLeastRows * kept) continue;
      TW_ASSIGN_OR_RETURN(const Output operand, slice(part, product(users[0])));
      for (NodeId id : users) TW_RETURN_IF_ERROR(trim(id, part, operand));
    }
    rewriter_.apply();
    return {};
  }

 private:
  // Columns [begin, end) of the products with a matrix.
  struct Part {
    Output matrix;
    bool transposed;
    int64_t begin, end;
    auto operator<=>(const Part&) const = default;
  };

  bool is_split(const Node& n) const { return n.op->name == "Split" || n.op->name == "SplitV"; }
  const Node& product(NodeId split) const {
    const Node& n = g_.mutable_node(split);
    return g_.mutable_node(n.inputs[n.op->name == "Split" ? 1 : 0].node);
  }
  bool used(NodeId id, size_t output) const {
    const auto edges = uses_.of(id);
    return std::any_of(edges.begin(), edges.end(),
                       [&](const Uses::Edge& e) { return e.output == static_cast<int>(output); });
  }

  // Whether the node must run whoever reads it.
  bool is_awaited(NodeId id) const {
    const auto edges = uses_.of(id);
    return std::find(body_.controls.begin(), body_.controls.end(), id) != body_.controls.end() ||
           std::any_of(edges.begin(), edges.end(), [](const Uses::Edge& e) { return e.slot < 0; });
  }

  // The columns that are read of a product which is only split; nothing where those are all, or none.
  std::optional<Part> wanted(NodeId id) const {
    const Node& n = g_.mutable_node(id);
    if (!is_split(n) || !n.controls.empty() || is_awaited(id)) return std::nullopt;
    const Tensor* axis = constant_of(g_.mutable_node(n.inputs[n.op->name == "Split" ? 0 : 2].node));
    const Node& m = product(id);
    if (axis == nullptr || m.op->name != "MatMul" || !m.controls.empty() || uses_.of(m.id).size() != 1)
      return std::nullopt;
    if (m.output_shapes[0].rank() != 2 || !m.output_shapes[0].fully_known()) return std::nullopt;
    if (index_value(*axis, 0) != 1 && index_value(*axis, 0) != -1) return std::nullopt;
    if (constant_of(g_.mutable_node(m.inputs[1].node)) != nullptr) return std::nullopt;  // it is packed once
    Part part{m.inputs[1], m.attr().boolean("transpose_b"), -1, -1};
    int64_t column = 0;
    for (size_t k = 0; k < n.output_shapes.size(); ++k) {
      if (!n.output_shapes[k].fully_known()) return std::nullopt;
      if (used(id, k) && part.begin < 0) part.begin = column;
      column += n.output_shapes[k][1];
      if (used(id, k)) part.end = column;
    }
    if (part.begin < 0 || part.end - part.begin == m.output_shapes[0][1] || part.begin == part.end) return std::nullopt;
    return part;
  }

  Result<Output> slice(const Part& part, const Node& like) {
    const Shape& all = g_.mutable_node(part.matrix.node).output_shapes[static_cast<size_t>(part.matrix.index)];
    const int64_t from = part.begin, kept = part.end - part.begin, depth = all[part.transposed ? 1 : 0];
    const Tensor begin = part.transposed ? Tensor::vector<int64_t>({from, 0}) : Tensor::vector<int64_t>({0, from});
    const Tensor size =
        part.transposed ? Tensor::vector<int64_t>({kept, depth}) : Tensor::vector<int64_t>({depth, kept});
    TW_ASSIGN_OR_RETURN(const NodeId begin_id, add_constant(body_, like, begin));
    TW_ASSIGN_OR_RETURN(const NodeId size_id, add_constant(body_, like, size));
    TW_ASSIGN_OR_RETURN(const NodeId id, add_node(body_, like, "part", "Slice",
                                                  {part.matrix, Output{begin_id, 0}, Output{size_id, 0}}, {}));
    return Output{id, 0};
  }

  Status trim(NodeId id, const Part& part, Output operand) {
    const Node split = g_.mutable_node(id);
    const Node& m = product(id);
    const AttrMap attrs{
        {"T", m.output_dtypes[0]}, {"transpose_a", m.attr().boolean("transpose_a")}, {"transpose_b", part.transposed}};
    TW_RETURN_IF_ERROR(become(body_, m.id, "MatMul", {m.inputs[0], operand}, attrs));
    std::vector<int64_t> sizes;
    std::vector<size_t> kept;
    int64_t column = 0;
    for (size_t k = 0; k < split.output_shapes.size(); ++k) {
      const int64_t begin = column;
      column += split.output_shapes[k][1];
      if (begin < part.begin || column > part.end) continue;
      kept.push_back(k);
      sizes.push_back(column - begin);
    }
    if (kept.size() == 1) {
      rewriter_.replace(Output{id, static_cast<int32_t>(kept[0])}, Output{m.id, 0});
      return {};
    }
    TW_ASSIGN_OR_RETURN(const NodeId sizes_id,
                        add_constant(body_, split, Tensor::vector<int64_t>(std::span<const int64_t>(sizes))));
    TW_ASSIGN_OR_RETURN(const NodeId axis, add_constant(body_, split, Tensor::scalar<int32_t>(1)));
    TW_ASSIGN_OR_RETURN(const NodeId parts, add_node(body_, split, "wanted", "SplitV",
                                                     {Output{m.id, 0}, Output{sizes_id, 0}, Output{axis, 0}},
                                                     {{"num_split", static_cast<int64_t>(kept.size())}}));
    for (size_t k = 0; k < kept.size(); ++k) {
      rewriter_.replace(Output{id, static_cast<int32_t>(kept[k])}, Output{parts, static_cast<int32_t>(k)});
    }
    return {};
  }

  Body& body_;
  Graph& g_;
  const Uses uses_;
  Rewriter rewriter_;
};

}  // namespace

Status trim_products(Body& body) { return ProductTrimmer(body).run(); }

}  // namespace tw
