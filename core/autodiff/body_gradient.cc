#include "core/autodiff/body_gradient.h"

#include <algorithm>
#include <set>

namespace tw {

bool carries_gradient(DType t) {
  t = base_dtype(t);
  return is_floating(t) || is_complex(t) || t == DType::kResource || t == DType::kVariant;
}

FunctionWriter::FunctionWriter(std::shared_ptr<FunctionLibrary> library, const Graph* source)
    : library_(std::move(library)), source_(source), builder_(nullptr) {
  function_.body = std::make_unique<Graph>(library_);
  builder_ = Builder(function_.body.get());
}

Output FunctionWriter::add_arg(DType dtype, Output like) {
  if (!like.valid() || !source_) return add_arg(dtype, Shape::unknown());
  return add_arg(dtype, source_->shape(like), source_->handle(like));
}

Output FunctionWriter::add_arg(DType dtype, const Shape& shape, const HandleShape& handle) {
  const int index = static_cast<int>(function_.args.size());
  AttrMap attrs{{"T", dtype}, {"index", index}, {"_output_shapes", std::vector<Shape>{shape}}};
  if (handle.dtype != DType::kInvalid) {
    attrs["_handle_dtypes"] = std::vector<DType>{handle.dtype};
    attrs["_handle_shapes"] = std::vector<Shape>{handle.shape};
  }
  const NodeId id = builder_.add("_Arg", {}, std::move(attrs));
  if (id < 0) return {};
  function_.args.push_back(id);
  function_.arg_names.push_back(internal::concat("arg_", index));
  return {id, 0};
}

Output FunctionWriter::moved(Output from) const {
  if (const auto it = moved_.find(from); it != moved_.end()) return it->second;
  const NodeId id = moved(from.node);
  return id < 0 ? Output{} : Output{id, from.index};
}

NodeId FunctionWriter::moved(NodeId from) const {
  const auto it = moved_nodes_.find(from);
  return it == moved_nodes_.end() ? -1 : it->second;
}

Status FunctionWriter::copy(const std::vector<char>& which) {
  for (const NodeId id : source_->topological_order()) {
    if (static_cast<size_t>(id) >= which.size() || !which[static_cast<size_t>(id)]) continue;
    const Node& n = source_->node(id);
    NodeSpec spec;
    spec.op = n.op->name;
    spec.name = body().unique_name(n.name);
    spec.attrs = n.attrs;
    spec.device = n.device;
    spec.where = n.where;
    for (const Output& in : n.inputs) {
      const Output to = moved(in);
      if (!to.valid()) {
        return internal_error("gradient function: input ", source_->node(in.node).name, " of ", n.name, " is missing");
      }
      spec.inputs.push_back(to);
    }
    for (const NodeId c : n.controls) {
      if (const NodeId to = moved(c); to >= 0) spec.controls.push_back(to);
    }
    TW_ASSIGN_OR_RETURN(const NodeId to, body().add(std::move(spec)));
    moved_nodes_[id] = to;
    for (size_t k = 0; k < n.output_shapes.size(); ++k) {
      const int32_t index = static_cast<int32_t>(k);
      body().copy_output_type(*source_, Output{id, index}, Output{to, index});
    }
    const bool frame = n.op->name == "_Arg" || n.op->name == "_Retval";
    function_.stateful = function_.stateful || (n.op->has(kStateful) && !frame);
    const auto place = [&](std::vector<NodeId>* list, std::vector<std::string>* names) {
      const size_t index = static_cast<size_t>(n.attr().integer("index"));
      if (list->size() <= index) list->resize(index + 1, -1);
      if (names->size() <= index) names->resize(index + 1);
      (*list)[index] = to;
      (*names)[index] = n.name;
    };
    if (n.op->name == "_Arg") place(&function_.args, &function_.arg_names);
    if (n.op->name == "_Retval") place(&function_.results, &function_.result_names);
  }
  return Status();
}

Status FunctionWriter::add_result(Output o) {
  if (!builder_.status().ok()) return builder_.status();
  const int index = static_cast<int>(function_.results.size());
  const NodeId id = builder_.add("_Retval", {o}, {{"T", builder_.dtype(o)}, {"index", index}});
  function_.results.push_back(id);
  function_.result_names.push_back(internal::concat("result_", index));
  return builder_.status();
}

Result<std::string> FunctionWriter::finish(const std::string& name) {
  TW_RETURN_IF_ERROR(builder_.status());
  auto f = std::make_shared<Function>(std::move(function_));
  for (int i = 0;; ++i) {
    f->name = i == 0 ? name : internal::concat(name, "_", i);
    if (library_->contains(f->name)) continue;
    const Status s = library_->add(f);
    if (s.ok()) return f->name;
    if (s.code() != Code::kAlreadyExists) return s;
  }
}

BodyGradient::BodyGradient(std::shared_ptr<const Function> f, std::string scope)
    : function_(std::move(f)),
      graph_(function_->body->copy()),
      scope_(std::move(scope)),
      first_new_(graph_->num_nodes()),
      // Not the scope itself, which add_gradients() finds free.
      builder_(graph_.get(), "gradient") {}

namespace {

// The functions that these nodes call, directly or not.
Status find_called(const Graph& g, std::set<std::string>* found) {
  const auto visit = [&](const FuncRef& ref) -> Status {
    if (!found->insert(ref.name).second) return {};
    TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, g.library()->resolve(ref));
    return find_called(*f->body, found);
  };
  for (NodeId i = 0; i < g.num_nodes(); ++i) {
    if (g.node(i).dead) continue;
    for (const auto& [name, value] : g.node(i).attrs) {
      if (const FuncRef* ref = value.get<FuncRef>()) TW_RETURN_IF_ERROR(visit(*ref));
      if (const auto* list = value.get<std::vector<FuncRef>>()) {
        for (const FuncRef& ref : *list) TW_RETURN_IF_ERROR(visit(ref));
      }
    }
  }
  return {};
}

}  // namespace

Status BodyGradient::differentiate(const std::vector<int>& results, const std::vector<int>& args) {
  // The values to save would be as deep as the recursion, for which the derivative has no lists.
  std::set<std::string> called;
  TW_RETURN_IF_ERROR(find_called(*graph_, &called));
  if (called.contains(function_->name)) {
    return unimplemented("the gradient of function '", function_->name, "', which calls itself");
  }
  std::vector<Output> ys, xs;
  GradientOptions options;
  options.name = scope_;
  options.override_fn = active_override();
  for (const int r : results) {
    const Output y = result(r);
    const NodeId id = builder_.add("_Arg", {}, {{"T", builder_.dtype(y)}, {"index", r}});
    if (id < 0) return builder_.status();
    graph_->copy_output_type(*graph_, y, Output{id, 0});
    dy_[r] = Output{id, 0};
    stand_ins_.push_back(dy_[r]);
    ys.push_back(y);
    options.grad_ys.push_back(dy_[r]);
  }
  for (const int a : args) xs.push_back(arg(a));
  if (ys.empty() || xs.empty()) return Status();
  TW_ASSIGN_OR_RETURN(const std::vector<Grad> g, add_gradients(graph_.get(), ys, xs, options));
  for (size_t i = 0; i < g.size(); ++i) {
    if (g[i].valid()) dx_[args[i]] = densify(builder_, g[i]);
  }
  return builder_.status();
}

Output BodyGradient::dy(int result) const {
  const auto it = dy_.find(result);
  return it == dy_.end() ? Output{} : it->second;
}

Output BodyGradient::dx(int arg) const {
  const auto it = dx_.find(arg);
  return it == dx_.end() ? Output{} : it->second;
}

void BodyGradient::cut(const std::vector<Output>& roots) {
  const size_t n = static_cast<size_t>(graph_->num_nodes());
  // Everything the original body needs is forward, such as the lists that a nested loop was given to save values on.
  forward_.assign(n, 0);
  std::vector<NodeId> stack;
  for (NodeId id = 0; id < first_new_; ++id) {
    if (!graph_->node(id).dead) stack.push_back(id);
  }
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (std::exchange(forward_[static_cast<size_t>(id)], 1)) continue;
    const Node& node = graph_->node(id);
    for (const Output& in : node.inputs) stack.push_back(in.node);
    for (const NodeId c : node.controls) stack.push_back(c);
  }

  gradient_.assign(n, 0);
  const auto read = [&](Output o) {
    const Node& node = graph_->node(o.node);
    if (!forward_[static_cast<size_t>(o.node)]) {
      if (std::find(stand_ins_.begin(), stand_ins_.end(), o) == stand_ins_.end()) stack.push_back(o.node);
      return;
    }
    if (node.op->name == "_Arg") {
      const int index = static_cast<int>(node.attr().integer("index"));
      if (std::find(captured_args_.begin(), captured_args_.end(), index) == captured_args_.end()) {
        captured_args_.push_back(index);
      }
    } else if (node.inputs.empty() && (node.op->name == "Const" || node.op->name == "VarHandleOp")) {
      gradient_[static_cast<size_t>(o.node)] = 1;  // cheaper to have twice than to save
    } else if (std::find(saved_.begin(), saved_.end(), o) == saved_.end()) {
      saved_.push_back(o);
    }
  };
  for (const Output& r : roots) read(r);
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (std::exchange(gradient_[static_cast<size_t>(id)], 1)) continue;
    for (const Output& in : graph_->node(id).inputs) read(in);
  }
}

int BodyGradient::result_returning(Output o) const {
  for (int i = 0; i < num_results(); ++i) {
    if (result(i) == o) return i;
  }
  return -1;
}

Status BodyGradient::write_forward(FunctionWriter& w) const {
  TW_RETURN_IF_ERROR(w.copy(forward_));
  for (const NodeId c : function_->controls) w.add_control(w.moved(c));
  return Status();
}

Output zeros_for(Builder& b, Output like, DType dtype) {
  if (base_dtype(b.graph().dtype(like)) != DType::kResource) return {b.add("ZerosLike", {like}), 0};
  const HandleShape handle = b.graph().handle(like);
  if (dtype == DType::kInvalid) dtype = handle.dtype;
  const Output shape{b.add("VariableShape", {like}), 0};
  return {b.add("Fill", {shape, b.scalar_of(dtype, 0)}), 0};
}

}  // namespace tw
