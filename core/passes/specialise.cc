// Shapes of a whole body given those of its arguments, through branches and loops; and constants in place of the ops
// that ask for shapes which became known.
#include <algorithm>
#include <cstdint>

#include "core/graph/call_key.h"
#include "core/passes/pass.h"

namespace tw {

namespace {

constexpr int kMaxLoopRounds = 8;

Tensor shape_tensor(const Shape& s, DType out) {
  Tensor t = Tensor::make_or_die(out, Shape{s.rank()});
  for (int i = 0; i < s.rank(); ++i) {
    if (out == DType::kInt32) t.data<int32_t>()[i] = static_cast<int32_t>(s[i]);
    else t.data<int64_t>()[i] = s[i];
  }
  return t;
}

Tensor integer(int64_t v, DType out) {
  return out == DType::kInt64 ? Tensor::scalar<int64_t>(v) : Tensor::scalar<int32_t>(static_cast<int32_t>(v));
}

// The shape both stand for: dimensions that differ become unknown.
Shape generalise(const Shape& a, const Shape& b) {
  if (!a.rank_known() || !b.rank_known() || a.rank() != b.rank()) return Shape::unknown();
  Shape s = a;
  for (int i = 0; i < a.rank(); ++i) {
    if (a[i] != b[i]) s.set_dim(i, kUnknownDim);
  }
  return s;
}

// The functions that this happens inside of. Of one that calls itself nothing is known there.
struct Callers {
  std::vector<std::string> names;
  // The outermost one of which nothing was known: what was found inside of it holds there only.
  size_t assumed = SIZE_MAX;
};

struct Inference {
  FunctionFacts& facts;
  Callers callers;
};

Status specialise(Body& body, std::span<const Shape> arg_shapes, Inference& inference);

// Result shapes of a function called with these argument shapes; nothing when its body cannot take them. That is no
// error yet: a branch that is not taken may be handed values that it has no use for.
Result<FunctionFacts::ResultShapes> result_shapes(const Graph& g, const FuncRef& ref, std::span<const Shape> args,
                                                  Inference& inference) {
  Callers& callers = inference.callers;
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, g.library()->resolve(ref));
  const auto caller = std::find(callers.names.begin(), callers.names.end(), ref.name);
  if (caller != callers.names.end()) {
    callers.assumed = std::min(callers.assumed, static_cast<size_t>(caller - callers.names.begin()));
    return FunctionFacts::ResultShapes(std::vector<Shape>(f->results.size(), Shape::unknown()));
  }
  std::string call = call_key(ref);
  for (const Shape& s : args) call += internal::concat(";", s);
  if (const auto known = inference.facts.result_shapes(call)) return *known;

  inference.facts.count_reading();
  TW_ASSIGN_OR_RETURN(std::unique_ptr<Body> body, instantiate(*f, ref.attrs));
  if (body->args.size() != args.size()) {
    return invalid_argument("function '", ref.name, "' takes ", body->args.size(), " arguments, and ", args.size(),
                            " were given");
  }
  callers.names.push_back(ref.name);
  const Status fits = specialise(*body, args, inference);
  callers.names.pop_back();
  FunctionFacts::ResultShapes shapes;
  if (fits.ok()) {
    shapes.emplace();
    for (NodeId id : body->results) {
      const Output in = body->body->mutable_node(id).inputs[0];
      shapes->push_back(body->body->mutable_node(in.node).output_shapes[static_cast<size_t>(in.index)]);
    }
  }
  if (callers.assumed >= callers.names.size()) {
    callers.assumed = SIZE_MAX;
    inference.facts.keep(call, shapes);
  }
  return shapes;
}

Status infer_branches(const Graph& g, Node& n, const std::vector<Shape>& inputs, Inference& inference) {
  std::optional<std::vector<Shape>> joined;
  const std::span<const Shape> args(inputs.data() + 1, inputs.size() - 1);
  for (const auto& [attr, ref] : called_functions(n)) {
    TW_ASSIGN_OR_RETURN(std::optional<std::vector<Shape>> shapes, result_shapes(g, ref, args, inference));
    if (!shapes) continue;
    if (!joined) {
      joined = std::move(shapes);
    } else if (joined->size() == shapes->size()) {
      for (size_t i = 0; i < shapes->size(); ++i) (*joined)[i] = generalise((*joined)[i], (*shapes)[i]);
    }
  }
  if (joined && joined->size() == n.output_shapes.size()) n.output_shapes = std::move(*joined);
  return {};
}

// The least general shapes of the loop variables that the body maps into themselves.
Status infer_loop(const Graph& g, Node& n, std::vector<Shape> vars, Inference& inference) {
  TW_ASSIGN_OR_RETURN(const FuncRef body, n.attr().get<FuncRef>("body"));
  for (int round = 0; round < kMaxLoopRounds; ++round) {
    TW_ASSIGN_OR_RETURN(const std::optional<std::vector<Shape>> next, result_shapes(g, body, vars, inference));
    // The condition may follow.
    if (!next || next->size() < vars.size()) break;
    bool stable = true;
    for (size_t i = 0; i < vars.size(); ++i) {
      const Shape joined = generalise(vars[i], (*next)[i]);
      stable &= joined == vars[i];
      vars[i] = joined;
    }
    if (stable) {
      n.output_shapes = std::move(vars);
      return {};
    }
  }
  n.output_shapes.assign(n.output_shapes.size(), Shape::unknown());
  return {};
}

bool is_list(DType t) { return base_dtype(t) == DType::kVariant; }

// Whether inferring `n` again would tell nothing new: its outputs are known, and what it reads is as it was. `changed`
// is by node.
bool settled(Graph& g, const Node& n, const std::vector<char>& changed) {
  const std::string_view op = n.op->name;
  if (n.op->has(kControlFlow) || op == "Shape" || op == "ShapeN" || op == "Size" || op == "Rank") return false;
  // Lists are of elements whose shapes are a matter of their own.
  if (std::any_of(n.output_dtypes.begin(), n.output_dtypes.end(), is_list)) return false;
  for (const Output o : n.inputs) {
    if (changed[static_cast<size_t>(o.node)] != 0) return false;
    if (is_list(g.mutable_node(o.node).output_dtypes[static_cast<size_t>(o.index)])) return false;
  }
  return std::all_of(n.output_shapes.begin(), n.output_shapes.end(), [](const Shape& s) { return s.fully_known(); });
}

Status specialise(Body& body, std::span<const Shape> arg_shapes, Inference& inference) {
  Graph& g = *body.body;
  std::vector<char> changed(static_cast<size_t>(g.num_nodes()), 0);
  for (size_t i = 0; i < body.args.size() && i < arg_shapes.size(); ++i) {
    Node& arg = g.mutable_node(body.args[i]);
    auto merged = merge(arg.output_shapes[0], arg_shapes[i]);
    if (!merged.ok()) {
      return invalid_argument("Cannot feed value of shape ", arg_shapes[i], " for Tensor '", arg.name,
                              "', which has shape '", arg.output_shapes[0], "'");
    }
    changed[static_cast<size_t>(arg.id)] = !(arg.output_shapes[0] == *merged);
    arg.output_shapes[0] = *merged;
  }
  Rewriter rewriter(body);
  for (NodeId id : g.topological_order()) {
    Node& n = g.mutable_node(id);
    if (n.op->name == "_Arg" || n.op->name == "Const" || settled(g, n, changed)) continue;
    const std::vector<Shape> before = n.output_shapes;
    Status s = g.infer_shapes(id);
    const std::string_view op = n.op->name;
    std::vector<Shape> inputs;
    if (n.op->has(kControlFlow)) {
      for (Output o : n.inputs) inputs.push_back(g.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]);
    }
    if (s.ok() && (op == "If" || op == "StatelessIf" || op == "Case")) s = infer_branches(g, n, inputs, inference);
    if (s.ok() && (op == "While" || op == "StatelessWhile")) s = infer_loop(g, n, std::move(inputs), inference);
    if (!s.ok()) return s.at_node(n.name, n.where);
    // What the user told with set_shape still holds.
    for (size_t i = 0; i < before.size() && i < n.output_shapes.size(); ++i) {
      if (auto merged = merge(before[i], n.output_shapes[i]); merged.ok()) n.output_shapes[i] = *merged;
    }
    changed[static_cast<size_t>(id)] = !(n.output_shapes == before);
    if (op != "Shape" && op != "ShapeN" && op != "Size" && op != "Rank") continue;
    const DType out = n.output_dtypes[0];
    const auto constant = [&](Tensor value) {
      return become(body, id, "Const", {}, {{"dtype", out}, {"value", std::move(value)}});
    };
    const Shape in = g.shape(n.inputs[0]);
    if (op == "Rank" && in.rank_known()) TW_RETURN_IF_ERROR(constant(integer(in.rank(), out)));
    if (op == "Size" && in.fully_known()) TW_RETURN_IF_ERROR(constant(integer(in.num_elements(), out)));
    if (op == "Shape" && in.fully_known()) TW_RETURN_IF_ERROR(constant(shape_tensor(in, out)));
    if (op == "ShapeN") {
      const std::vector<Output> shaped = n.inputs;
      for (size_t i = 0; i < shaped.size(); ++i) {
        const Shape si = g.shape(shaped[i]);
        if (!si.fully_known()) continue;
        TW_ASSIGN_OR_RETURN(NodeId c, add_constant(body, g.mutable_node(id), shape_tensor(si, out)));
        rewriter.replace(Output{id, static_cast<int32_t>(i)}, Output{c, 0});
      }
    }
  }
  rewriter.apply();
  return {};
}

}  // namespace

bool all_shapes_known(const Body& body) {
  Graph& g = *body.body;
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    const Node& n = g.mutable_node(i);
    if (n.dead) continue;
    if (std::any_of(n.output_dtypes.begin(), n.output_dtypes.end(), is_list)) return false;
    for (const Shape& s : n.output_shapes) {
      if (!s.fully_known()) return false;
    }
  }
  return true;
}

Status specialise(Body& body, std::span<const Shape> arg_shapes, FunctionFacts& facts) {
  Inference inference{facts, {}};
  return specialise(body, arg_shapes, inference);
}

}  // namespace tw
