// Algebraic identities, and nodes that only pass their input on.
#include <algorithm>

#include "core/passes/pass.h"

namespace tw {

namespace {

// The value all elements of a real constant have, if it is one value.
std::optional<double> splat(const Node& n) {
  const Tensor* t = constant_of(n);
  if (t == nullptr || t->num_elements() == 0) return std::nullopt;
  std::optional<double> result;
  visit_real(t->dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto values = t->flat<T>();
    const double first = static_cast<double>(values[0]);
    const bool same = std::all_of(values.begin(), values.end(), [&](T v) { return static_cast<double>(v) == first; });
    if (same) result = first;
  });
  return result;
}

class Simplifier {
 public:
  explicit Simplifier(Body& body) : body_(body), g_(*body.body), rewriter_(body) {}

  Status run() {
    for (NodeId id : g_.topological_order()) {
      Node& n = g_.mutable_node(id);
      for (Output& o : n.inputs) o = rewriter_.resolve(o);
      TW_RETURN_IF_ERROR(visit(n));
    }
    rewriter_.apply();
    return {};
  }

 private:
  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  DType dtype_of_output(Output o) const { return g_.mutable_node(o.node).output_dtypes[static_cast<size_t>(o.index)]; }
  const Node& producer(const Node& n, size_t i) const { return g_.mutable_node(n.inputs[i].node); }

  // True when output 0 surely has the shape of input i.
  bool keeps_shape(const Node& n, size_t i) const {
    const Shape& in = shape_of(n.inputs[i]);
    return in.fully_known() && n.output_shapes[0] == in;
  }

  // A node that waits for others holds its consumers back, and must stay; so does one with a constant that waits.
  bool waits(const Node& n) const {
    return !n.controls.empty() || std::any_of(n.inputs.begin(), n.inputs.end(), [&](Output o) {
      const Node& source = g_.mutable_node(o.node);
      return source.op->name == "Const" && !source.controls.empty();
    });
  }

  Status visit(Node& n) {
    const std::string_view op = n.op->name;
    if (waits(n) || n.output_dtypes.empty()) return {};
    if (!n.op->map.empty()) TW_RETURN_IF_ERROR(read_before_broadcast(n));
    if (op == "Identity" || op == "StopGradient" || op == "PreventGradient" || op == "Snapshot" ||
        op == "PlaceholderWithDefault") {
      rewriter_.bypass(n, n.inputs[0]);
    } else if (op == "Reshape" || op == "BroadcastTo" || op == "Squeeze" || op == "ExpandDims" || op == "EnsureShape") {
      if (keeps_shape(n, 0)) rewriter_.bypass(n, n.inputs[0]);
      else if (op == "Reshape" && producer(n, 0).op->name == "Reshape" && n.output_shapes[0].fully_known()) {
        n.inputs[0] = g_.mutable_node(n.inputs[0].node).inputs[0];
      }
    } else if (op == "Cast") {
      if (dtype_of_output(n.inputs[0]) == n.output_dtypes[0]) rewriter_.bypass(n, n.inputs[0]);
    } else if (op == "AddN" && n.inputs.size() == 1) {
      rewriter_.bypass(n, n.inputs[0]);
    } else if (op == "AddN" && n.output_dtypes[0] == DType::kVariant) {
      return add_items(n);
    } else if (op == "Transpose") {
      transpose(n);
    } else if (op == "Tile" || op == "Sum" || op == "Mean" || op == "Max" || op == "Min" || op == "Prod" ||
               op == "Pad") {
      no_op_by_operand(n);
    } else if (op == "Pow") {
      return power(n);
    } else if (op == "Select") {
      return select(n);
    } else {
      neutral_element(n);
    }
    return {};
  }

  // An element-wise node stretches its operands itself, as long as the others give its result the same shape. Some take
  // equal shapes only (ReluGrad), which their shape function tells.
  Status read_before_broadcast(Node& n) {
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const Node& source = producer(n, i);
      if (source.op->name != "BroadcastTo" || !source.controls.empty()) continue;
      Shape result = shape_of(source.inputs[0]);
      for (size_t k = 0; k < n.inputs.size() && result.fully_known(); ++k) {
        const Shape& other = shape_of(n.inputs[k]);
        const Result<Shape> both = k == i ? result : broadcast(result, other);
        result = both.ok() && (k == i || other.fully_known()) ? *both : Shape::unknown();
      }
      if (!result.fully_known() || result != n.output_shapes[0]) continue;
      const Output stretched = n.inputs[i];
      n.inputs[i] = source.inputs[0];
      if (g_.infer_shapes(n.id).ok() && n.output_shapes[0] == result) continue;
      n.inputs[i] = stretched;
      TW_RETURN_IF_ERROR(g_.infer_shapes(n.id));
    }
    return {};
  }

  void transpose(Node& n) {
    const Tensor* perm = constant_of(producer(n, 1));
    if (perm == nullptr) return;
    for (int64_t i = 0; i < perm->num_elements(); ++i) {
      if (index_value(*perm, i) != i) return;
    }
    rewriter_.bypass(n, n.inputs[0]);
  }

  // Tiling once, reducing over no axis, padding by nothing.
  void no_op_by_operand(Node& n) {
    const Tensor* operand = constant_of(producer(n, 1));
    if (operand == nullptr || !keeps_shape(n, 0)) return;
    const bool reduction = n.op->name != "Tile" && n.op->name != "Pad";
    if (!reduction || operand->num_elements() == 0) rewriter_.bypass(n, n.inputs[0]);
  }

  Status power(Node& n) {
    const std::optional<double> exponent = splat(producer(n, 1));
    if (!exponent || !keeps_shape(n, 0) || !is_floating(n.output_dtypes[0])) return {};
    if (*exponent == 1) rewriter_.bypass(n, n.inputs[0]);
    else if (*exponent == 2) return become(body_, n.id, "Square", {n.inputs[0]}, {});
    else if (*exponent == -1) return become(body_, n.id, "Reciprocal", {n.inputs[0]}, {});
    return {};
  }

  // A condition of the operands' own shape makes it element-wise, which can be fused; others choose rows, or all.
  Status select(Node& n) {
    const DType t = n.output_dtypes[0];
    const bool number = t == DType::kBool || is_integer(t) || is_floating(t) || is_complex(t);
    const bool equal = keeps_shape(n, 0) && keeps_shape(n, 1) && keeps_shape(n, 2);
    if (!number || !equal) return {};
    return become(body_, n.id, "SelectV2", n.inputs, {{"T", t}});
  }

  // The gradient of reading one element is a list with nothing but that element. Summed, as loops do, such lists would
  // cost their whole length each time; their elements are added to the other list instead.
  Status add_items(Node& n) {
    std::vector<Output> lists;
    std::vector<NodeId> setters;
    for (const Output in : n.inputs) {
      const Node& source = g_.mutable_node(in.node);
      const bool single = source.op->name == "TensorListSetItem" && source.controls.empty() &&
                          producer(source, 0).op->name == "TensorListReserve" && producer(source, 0).controls.empty();
      if (single) setters.push_back(in.node);
      else lists.push_back(in);
    }
    if (setters.empty()) return {};
    if (lists.empty()) {
      lists.push_back(Output{setters.back(), 0});
      setters.pop_back();
    }
    Output sum = lists[0];
    if (lists.size() > 1) {
      TW_ASSIGN_OR_RETURN(const NodeId rest, add_node(body_, n, "lists", "AddN", lists, {}));
      sum = Output{rest, 0};
    }
    for (size_t i = 0; i < setters.size(); ++i) {
      const Node& setter = g_.mutable_node(setters[i]);
      const AttrMap attrs{{"element_dtype", setter.attrs.find("element_dtype")->second}};
      std::vector<Output> inputs{sum, setter.inputs[1], setter.inputs[2]};
      if (i + 1 == setters.size()) return become(body_, n.id, "_TensorListAddItem", std::move(inputs), attrs);
      TW_ASSIGN_OR_RETURN(const NodeId next,
                          add_node(body_, n, "item", "_TensorListAddItem", std::move(inputs), attrs));
      sum = Output{next, 0};
    }
    return {};
  }

  // x + 0, x - 0, x * 1, x / 1. Zero is neutral for addition but for the sign of -0, which -0.0 keeps.
  void neutral_element(Node& n) {
    const std::string_view op = n.op->name;
    const bool sum = op == "Add" || op == "AddV2", product = op == "Mul";
    const bool difference = op == "Sub", quotient = op == "RealDiv" || op == "Div";
    if (!(sum || product || difference || quotient) || n.inputs.size() != 2) return;
    const double neutral = sum || difference ? 0 : 1;
    if (splat(producer(n, 1)) == neutral && keeps_shape(n, 0)) {
      rewriter_.bypass(n, n.inputs[0]);
    } else if ((sum || product) && splat(producer(n, 0)) == neutral && keeps_shape(n, 1)) {
      rewriter_.bypass(n, n.inputs[1]);
    }
  }

  Body& body_;
  Graph& g_;
  Rewriter rewriter_;
};

}  // namespace

Status simplify(Body& body) { return Simplifier(body).run(); }

}  // namespace tw
