// Loops that add a product to a matrix in every iteration, as the gradients of weights in recurrent networks are.
#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

namespace {

constexpr std::string_view kSums = "_sums";

// Whether it adds two tensors of equal shapes: AddN takes no others, additions may stretch what the loop begins with.
bool is_sum(const Graph& g, const Node& n) {
  if (n.inputs.size() != 2) return false;
  if (n.op->name == "AddN") return true;
  const Shape a = g.shape(n.inputs[0]);
  return (n.op->name == "Add" || n.op->name == "AddV2") && a.fully_known() && a == g.shape(n.inputs[1]);
}
bool is_product(const Node& n) {
  return n.op->name == "MatMul" && n.controls.empty() && n.output_dtypes[0] == DType::kFloat &&
         n.attr().boolean("transpose_a") && !n.attr().boolean("transpose_b");
}

// Nodes that read output 0 of a node or wait for it.
size_t uses(const Function& f, NodeId id) {
  size_t count = static_cast<size_t>(std::count(f.controls.begin(), f.controls.end(), id));
  for (NodeId i = 0; i < f.body->num_nodes(); ++i) {
    const Node& n = f.body->node(i);
    if (n.dead) continue;
    count += static_cast<size_t>(std::count(n.inputs.begin(), n.inputs.end(), Output{id, 0}));
    count += static_cast<size_t>(std::count(n.controls.begin(), n.controls.end(), id));
  }
  return count;
}

// The input of the sum that is a product of matrices, when all that the body does with argument k is to add one to it.
std::optional<size_t> product_added(const Function& body, size_t k) {
  const Graph& g = *body.body;
  const Node& sum = g.node(g.node(body.results[k]).inputs[0].node);
  if (!is_sum(g, sum) || !sum.controls.empty() || uses(body, sum.id) != 1 || uses(body, body.args[k]) != 1) {
    return std::nullopt;
  }
  for (size_t i = 0; i < 2; ++i) {
    const Node& term = g.node(sum.inputs[i].node);
    if (sum.inputs[1 - i] == Output{body.args[k], 0} && is_product(term) && uses(body, term.id) == 1) return i;
  }
  return std::nullopt;
}

class Deferral {
 public:
  explicit Deferral(Body& body) : body_(body), g_(*body.body) {}

  Status run() {
    const NodeId end = g_.num_nodes();
    for (NodeId id = 0; id < end; ++id) {
      const Node& n = g_.mutable_node(id);
      if (n.dead || !(n.op->name == "While" || n.op->name == "StatelessWhile")) continue;
      TW_RETURN_IF_ERROR(visit(id));
    }
    return {};
  }

 private:
  Status visit(NodeId id) {
    const Node loop = g_.mutable_node(id);
    FuncRef cond_ref = loop.attr().must<FuncRef>("cond"), body_ref = loop.attr().must<FuncRef>("body");
    if (body_ref.attrs.contains(kSums)) return {};
    const auto cond = g_.library()->find(cond_ref.name), body = g_.library()->find(body_ref.name);
    if (cond == nullptr || body == nullptr || cond->args.size() != body->args.size() ||
        body->results.size() != body->args.size()) {
      return {};  // whoever runs the loop says so
    }
    std::vector<int64_t> sums;
    std::vector<size_t> inputs;
    for (size_t i = 0; i < loop.inputs.size(); ++i) {
      const size_t k = original_argument(loop, i);
      if (k >= body->args.size() || uses(*cond, cond->args[k]) > 0 || !product_added(*body, k)) continue;
      sums.push_back(static_cast<int64_t>(k));
      inputs.push_back(i);
    }
    if (sums.empty()) return {};
    for (FuncRef* f : {&cond_ref, &body_ref}) f->attrs.insert_or_assign(std::string(kSums), AttrValue(sums));
    auto types = loop.attr().must<std::vector<DType>>("T");
    std::vector<NodeId> empty;
    for (size_t i : inputs) {
      types[i] = DType::kVariant;
      TW_ASSIGN_OR_RETURN(const NodeId sum, add_node(body_, loop, "sum", "_EmptyProductSum", {}, {}));
      empty.push_back(sum);
    }
    Node& n = g_.mutable_node(id);
    n.attrs.insert_or_assign("cond", AttrValue(cond_ref));
    n.attrs.insert_or_assign("body", AttrValue(body_ref));
    n.attrs.insert_or_assign("T", AttrValue(types));
    n.output_handles.resize(n.output_dtypes.size());
    for (size_t j = 0; j < inputs.size(); ++j) {
      const size_t i = inputs[j];
      n.inputs[i] = Output{empty[j], 0};
      n.output_dtypes[i] = DType::kVariant;
      n.output_shapes[i] = Shape{};
      n.output_handles[i] = {};
    }
    n.attrs.insert_or_assign("output_shapes", AttrValue(n.output_shapes));
    for (size_t i : inputs) {
      const Output sum{id, static_cast<int32_t>(i)};
      TW_ASSIGN_OR_RETURN(const NodeId total,
                          add_node(body_, loop, "total", "_ProductSumTotal", {sum, loop.inputs[i]}, {}));
      for (NodeId user = 0; user < total; ++user) {
        Node& reader = g_.mutable_node(user);
        if (!reader.dead) std::replace(reader.inputs.begin(), reader.inputs.end(), sum, Output{total, 0});
      }
    }
    return {};
  }

  Body& body_;
  Graph& g_;
};

}  // namespace

Status defer_products(Body& body) { return Deferral(body).run(); }

Status collect_products(Body& f, const AttrMap& call_attrs) {
  const auto it = call_attrs.find(kSums);
  if (it == call_attrs.end()) return {};
  const auto* sums = it->second.get<std::vector<int64_t>>();
  if (sums == nullptr) return internal_error("attribute _sums is no list of arguments");
  Graph& g = *f.body;
  for (const int64_t index : *sums) {
    const size_t k = static_cast<size_t>(index);
    const Output arg{f.args[k], 0};
    const AttrMap variant{{"T", DType::kVariant}, {"index", index}};
    // The condition, unlike the body, has no such result.
    const std::optional<size_t> product = uses(f, arg.node) == 0 ? std::nullopt : product_added(f, k);
    const NodeId sum = product ? g.mutable_node(f.results[k]).inputs[0].node : -1;
    AttrMap scalar = variant;
    scalar["_output_shapes"] = std::vector<Shape>{Shape{}};
    TW_RETURN_IF_ERROR(become(f, arg.node, "_Arg", {}, scalar));
    if (!product) continue;
    const std::vector<Output> factors = g.mutable_node(g.mutable_node(sum).inputs[*product].node).inputs;
    TW_RETURN_IF_ERROR(become(f, sum, "_AddProduct", {arg, factors[0], factors[1]}, {}));
    TW_RETURN_IF_ERROR(become(f, f.results[k], "_Retval", {Output{sum, 0}}, variant));
  }
  return {};
}

}  // namespace tw
