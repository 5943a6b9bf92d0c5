#include "core/graph/graph.h"

#include <algorithm>

#include "core/graph/constant_value.h"

namespace tw {

namespace {

bool valid_name(std::string_view name) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_'; };
  if (name.empty() || !plain(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '/' || c == '>' || c == '\\'; });
}

// Adds what TF says after a shape function's message.
Status with_shapes(const Status& status, const Node& n, std::span<const Shape> inputs,
                   std::span<const Tensor* const> values) {
  std::string text =
      internal::concat(status.message(), " for '", n.name, "' (op: '", n.op->name, "') with input shapes: ");
  for (size_t i = 0; i < inputs.size(); ++i) text += internal::concat(i > 0 ? ", " : "", inputs[i]);
  const char* separator = " and with computed input tensors: ";
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == nullptr) continue;
    text += internal::concat(separator, "input[", i, "] = <", values[i]->summary(10), ">");
    separator = ", ";
  }
  return Status(status.code(), text + ".");
}

}  // namespace

Graph::Graph() : library_(std::make_shared<FunctionLibrary>()) {}
Graph::Graph(std::shared_ptr<FunctionLibrary> library) : library_(std::move(library)) {}

Result<NodeId> Graph::add(NodeSpec spec) {
  auto node = std::make_unique<Node>();
  node->op = find_op(spec.op);
  if (node->op == nullptr) {
    return not_found("Op type not registered '", spec.op, "'. Make sure the op is spelled as in TensorFlow 1.15")
        .at_node(spec.name, spec.where);
  }
  node->name = std::move(spec.name);
  node->inputs = std::move(spec.inputs);
  node->controls = std::move(spec.controls);
  node->attrs = std::move(spec.attrs);
  node->device = std::move(spec.device);
  node->where = std::move(spec.where);
  std::sort(node->controls.begin(), node->controls.end());
  node->controls.erase(std::unique(node->controls.begin(), node->controls.end()), node->controls.end());

  const auto lock = writing();
  Status s;
  if (!valid_name(node->name)) s = invalid_argument("'", node->name, "' is not a valid node name");
  else if (named(node->name) >= 0) s = already_exists("Duplicate node name in graph: '", node->name, "'");
  else s = check_and_infer(*node);
  if (!s.ok()) return s.at_node(node->name, node->where);
  node->id = static_cast<NodeId>(nodes_.size());
  names().emplace(node->name, node->id);
  nodes_.push_back(std::move(node));
  return nodes_.back()->id;
}

std::shared_lock<std::shared_mutex> Graph::reading() const {
  return private_ ? std::shared_lock<std::shared_mutex>() : std::shared_lock(mutex_);
}
std::unique_lock<std::shared_mutex> Graph::writing() const {
  return private_ ? std::unique_lock<std::shared_mutex>() : std::unique_lock(mutex_);
}

Graph::Names& Graph::names() const {
  if (named_) return by_name_;
  named_ = true;
  if (inherited_ != nullptr) return by_name_;
  by_name_.reserve(nodes_.size());
  for (const auto& n : nodes_) {
    if (!n->dead) by_name_.emplace(n->name, n->id);
  }
  return by_name_;
}

NodeId Graph::named(std::string_view name) const {
  const Names& own = names();
  if (const auto it = own.find(name); it != own.end()) return it->second;
  if (inherited_ == nullptr) return -1;
  const auto it = inherited_->find(name);
  return it == inherited_->end() || nodes_[static_cast<size_t>(it->second)]->dead ? -1 : it->second;
}

void Graph::make_shared() {
  if (!private_) return;
  names();
  private_ = false;
}

std::string Graph::unique_name(std::string_view base) const {
  const auto lock = writing();
  std::string name(base);
  if (named(name) < 0) return name;
  int& suffix = next_suffix_[name];
  std::string candidate;
  do {
    candidate = internal::concat(name, "_", ++suffix);
  } while (named(candidate) >= 0);
  return candidate;
}

const Node& Graph::node(NodeId id) const {
  const auto lock = reading();
  return *nodes_[static_cast<size_t>(id)];
}

int Graph::num_nodes() const {
  const auto lock = reading();
  return static_cast<int>(nodes_.size());
}

std::optional<NodeId> Graph::find(std::string_view name) const {
  const auto lock = reading();
  const NodeId id = named(name);
  if (id < 0) return std::nullopt;
  return id;
}

// Completes attributes, checks inputs against the row, and infers dtypes and shapes. The lock is held.
Status Graph::check_and_infer(Node& n) const {
  const OpDef& op = *n.op;
  std::vector<DType> given;
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    const Output o = n.inputs[i];
    if (o.node < 0 || static_cast<size_t>(o.node) >= nodes_.size()) {
      return invalid_argument("input ", i, " of '", op.name, "' Op names node ", o.node,
                              ", which the graph does not have");
    }
    const Node& source = *nodes_[static_cast<size_t>(o.node)];
    if (o.index < 0 || static_cast<size_t>(o.index) >= source.output_dtypes.size()) {
      return invalid_argument("input ", i, " of '", op.name, "' Op is output ", o.index, " of node '", source.name,
                              "', which has ", source.output_dtypes.size(), " outputs");
    }
    given.push_back(source.output_dtypes[static_cast<size_t>(o.index)]);
  }
  for (NodeId c : n.controls) {
    if (c < 0 || static_cast<size_t>(c) >= nodes_.size()) {
      return invalid_argument("control input of '", op.name, "' Op names node ", c, ", which the graph does not have");
    }
  }
  TW_RETURN_IF_ERROR(infer_attrs(op, given, &n.attrs));
  TW_RETURN_IF_ERROR(complete_attrs(op, &n.attrs));
  n.output_dtypes.clear();
  TW_RETURN_IF_ERROR(expand_args(op, op.outputs, n.attrs, &n.output_dtypes));
  return infer(n);
}

Status Graph::infer(Node& n) const {
  const size_t count = n.inputs.size();
  std::vector<Shape> shapes(count);
  std::vector<DType> dtypes(count);
  // Few nodes have handles or ask for values; passes come here for every node, several times.
  std::vector<HandleShape> handles;
  std::vector<std::optional<Tensor>> known;
  std::vector<const Tensor*> values;
  std::vector<std::optional<Shape>> spelled;
  for (size_t i = 0; i < count; ++i) {
    const Output o = n.inputs[i];
    const Node& source = *nodes_[static_cast<size_t>(o.node)];
    shapes[i] = source.output_shapes[static_cast<size_t>(o.index)];
    dtypes[i] = base_dtype(source.output_dtypes[static_cast<size_t>(o.index)]);
    if (dtypes[i] != DType::kResource && dtypes[i] != DType::kVariant) continue;
    handles.resize(count);
    if (!source.output_handles.empty()) handles[i] = source.output_handles[static_cast<size_t>(o.index)];
  }
  if (n.op->value_inputs != 0) {
    known.resize(count);
    values.resize(count, nullptr);
    spelled.resize(count);
    size_t flat = 0;
    for (size_t a = 0; a < n.op->inputs.size(); ++a) {
      DTypes expanded;
      TW_RETURN_IF_ERROR(expand_args(*n.op, n.op->inputs.subspan(a, 1), n.attrs, &expanded));
      for (size_t k = 0; k < expanded.size() && flat < count; ++k, ++flat) {
        if (a >= 32 || ((n.op->value_inputs >> a) & 1) == 0) continue;
        known[flat] = ConstantValues(nodes_).value(n.inputs[flat]);
        if (known[flat]) values[flat] = &*known[flat];
        else spelled[flat] = ConstantValues(nodes_).spelled_shape(n.inputs[flat]);
      }
    }
  }
  ShapeContext context(*n.op, n.attrs, shapes, dtypes, values, handles, n.output_dtypes.size());
  context.set_shape_values(spelled);
  if (n.op->shape != nullptr) {
    const Status s = n.op->shape(context);
    if (!s.ok()) return with_shapes(s, n, shapes, values);
  }
  n.output_shapes.assign(context.outputs().begin(), context.outputs().end());
  const auto handles_out = context.output_handles();
  const bool tells = std::any_of(handles_out.begin(), handles_out.end(), [](const HandleShape& h) {
    return h.dtype != DType::kInvalid || h.shape.rank_known();
  });
  if (tells) n.output_handles.assign(handles_out.begin(), handles_out.end());
  else n.output_handles.clear();
  return {};
}

Status Graph::infer_shapes(NodeId id) { return infer(*nodes_[static_cast<size_t>(id)]); }

Status Graph::set_input(NodeId id, int slot, Output from) {
  const auto lock = writing();
  if (id < 0 || static_cast<size_t>(id) >= nodes_.size() || from.node < 0 ||
      static_cast<size_t>(from.node) >= nodes_.size()) {
    return invalid_argument("set_input: no such node");
  }
  Node& n = *nodes_[static_cast<size_t>(id)];
  const Node& source = *nodes_[static_cast<size_t>(from.node)];
  if (slot < 0 || static_cast<size_t>(slot) >= n.inputs.size()) {
    return invalid_argument("node '", n.name, "' has ", n.inputs.size(), " inputs, and no input ", slot);
  }
  if (from.index < 0 || static_cast<size_t>(from.index) >= source.output_dtypes.size()) {
    return invalid_argument("node '", source.name, "' has no output ", from.index);
  }
  const Output old = n.inputs[static_cast<size_t>(slot)];
  const DType was = nodes_[static_cast<size_t>(old.node)]->output_dtypes[static_cast<size_t>(old.index)];
  const DType now = source.output_dtypes[static_cast<size_t>(from.index)];
  if (base_dtype(was) != base_dtype(now)) {
    return invalid_argument("Input edge from '", source.name, "' to '", n.name, "' has type ", dtype_name(now),
                            ", not ", dtype_name(was));
  }
  // Only a loop's back edge may close a cycle.
  const bool back_edge = (n.op->name == "Merge" || n.op->name == "RefMerge") &&
                         (source.op->name == "NextIteration" || source.op->name == "RefNextIteration");
  if (!back_edge && depends_on(from.node, id)) {
    return invalid_argument("an edge from '", source.name, "' to '", n.name, "' would make the graph cyclic");
  }
  n.inputs[static_cast<size_t>(slot)] = from;
  return {};
}

Status Graph::add_control(NodeId id, NodeId before) {
  const auto lock = writing();
  if (id < 0 || static_cast<size_t>(id) >= nodes_.size() || before < 0 ||
      static_cast<size_t>(before) >= nodes_.size()) {
    return invalid_argument("add_control: no such node");
  }
  Node& n = *nodes_[static_cast<size_t>(id)];
  // Nodes made later cannot be waited for by chance; only such edges need the search.
  if (before >= id && depends_on(before, id)) {
    return invalid_argument("a control edge from '", nodes_[static_cast<size_t>(before)]->name, "' to '", n.name,
                            "' would make the graph cyclic");
  }
  const auto at = std::lower_bound(n.controls.begin(), n.controls.end(), before);
  if (at == n.controls.end() || *at != before) n.controls.insert(at, before);
  return {};
}

// Whether `id` is or needs `other`.
bool Graph::depends_on(NodeId id, NodeId other) const {
  std::vector<char> seen(nodes_.size(), 0);
  std::vector<NodeId> stack{id};
  while (!stack.empty()) {
    const NodeId top = stack.back();
    stack.pop_back();
    if (top == other) return true;
    if (seen[static_cast<size_t>(top)] != 0) continue;
    seen[static_cast<size_t>(top)] = 1;
    const Node& n = *nodes_[static_cast<size_t>(top)];
    if (n.op->name == "NextIteration" || n.op->name == "RefNextIteration") continue;
    for (Output o : n.inputs) stack.push_back(o.node);
    for (NodeId c : n.controls) stack.push_back(c);
  }
  return false;
}

Status Graph::set_shape(Output out, const Shape& shape) {
  const auto lock = writing();
  Node& n = *nodes_[static_cast<size_t>(out.node)];
  TW_ASSIGN_OR_RETURN(n.output_shapes[static_cast<size_t>(out.index)],
                      merge(n.output_shapes[static_cast<size_t>(out.index)], shape));
  return {};
}

Status Graph::set_attr(NodeId id, std::string_view name, AttrValue value) {
  const auto lock = writing();
  Node& n = *nodes_[static_cast<size_t>(id)];
  AttrMap attrs = n.attrs;
  attrs[std::string(name)] = std::move(value);
  Status s = complete_attrs(*n.op, &attrs);
  if (!s.ok()) return s.at_node(n.name, n.where);
  n.attrs = std::move(attrs);
  return {};
}

Status Graph::replace_function_node(NodeId id, std::vector<Output> inputs, AttrMap attrs) {
  const auto lock = writing();
  Node& n = *nodes_[static_cast<size_t>(id)];
  Node edited = n;
  edited.inputs = std::move(inputs);
  edited.attrs = std::move(attrs);
  Status s = check_and_infer(edited);
  for (const Output& in : edited.inputs) {
    const bool old = std::find(n.inputs.begin(), n.inputs.end(), in) != n.inputs.end();
    if (s.ok() && !old && depends_on(in.node, id)) {
      s = invalid_argument("an edge from '", nodes_[static_cast<size_t>(in.node)]->name,
                           "' would make the graph cyclic");
    }
  }
  if (s.ok() && (edited.output_dtypes.size() < n.output_dtypes.size() ||
                 !std::equal(n.output_dtypes.begin(), n.output_dtypes.end(), edited.output_dtypes.begin()))) {
    s = invalid_argument("'", n.op->name, "' Op has outputs in use that the new functions do not return");
  }
  if (!s.ok()) return s.at_node(n.name, n.where);
  for (size_t i = 0; i < n.output_shapes.size(); ++i) edited.output_shapes[i] = n.output_shapes[i];
  if (!n.output_handles.empty()) edited.output_handles.resize(edited.output_dtypes.size());
  for (size_t i = 0; i < n.output_handles.size(); ++i) edited.output_handles[i] = n.output_handles[i];
  n = std::move(edited);
  return {};
}

void Graph::copy_output_type(const Graph& from, Output o, Output to) {
  const Shape shape = from.shape(o);
  const HandleShape handle = from.handle(o);
  const auto lock = writing();
  Node& n = *nodes_[static_cast<size_t>(to.node)];
  const size_t i = static_cast<size_t>(to.index);
  if (const auto merged = merge(n.output_shapes[i], shape); merged.ok()) n.output_shapes[i] = *merged;
  if (handle.dtype == DType::kInvalid) return;
  if (n.output_handles.size() <= i) n.output_handles.resize(n.output_dtypes.size());
  n.output_handles[i] = handle;
}

DType Graph::dtype(Output o) const { return node(o.node).output_dtypes[static_cast<size_t>(o.index)]; }

Shape Graph::shape(Output o) const {
  const auto lock = reading();
  return nodes_[static_cast<size_t>(o.node)]->output_shapes[static_cast<size_t>(o.index)];
}

HandleShape Graph::handle(Output o) const {
  const auto lock = reading();
  const Node& n = *nodes_[static_cast<size_t>(o.node)];
  return n.output_handles.empty() ? HandleShape{} : n.output_handles[static_cast<size_t>(o.index)];
}

std::optional<Tensor> Graph::constant_value(Output o) const {
  const auto lock = reading();
  return ConstantValues(nodes_).value(o);
}

// All that is named, found once for all copies: a plan is made of one, and needs few names that it does not have.
std::shared_ptr<const Graph::Names> Graph::bequeath_names() const {
  Names& own = names();
  if (inherited_ == nullptr) {
    inherited_ = std::make_shared<const Names>(std::move(own));
  } else if (!own.empty()) {
    auto both = std::make_shared<Names>(*inherited_);
    for (auto& [name, id] : own) both->insert_or_assign(name, id);
    inherited_ = std::move(both);
  }
  own.clear();
  return inherited_;
}

std::unique_ptr<Graph> Graph::copy() const {
  const auto lock = reading();
  auto g = std::make_unique<Graph>(library_);
  g->private_ = true;
  g->named_ = false;
  if (private_) g->inherited_ = bequeath_names();
  g->nodes_.reserve(nodes_.size());
  for (const auto& n : nodes_) {
    if (!n->dead) {
      g->nodes_.push_back(std::make_unique<Node>(*n));
      continue;
    }
    // Only the number stays. What passes removed can be most of a function's nodes.
    g->nodes_.push_back(std::make_unique<Node>());
    g->nodes_.back()->id = n->id;
    g->nodes_.back()->op = n->op;
    g->nodes_.back()->dead = true;
  }
  return g;
}

Node& Graph::mutable_node(NodeId id) { return *nodes_[static_cast<size_t>(id)]; }

NodeId Graph::adopt(Node n) {
  if (named(n.name) >= 0) n.name = unique_name(n.name);
  n.id = static_cast<NodeId>(nodes_.size());
  n.dead = false;
  names().emplace(n.name, n.id);
  nodes_.push_back(std::make_unique<Node>(std::move(n)));
  return nodes_.back()->id;
}

void Graph::replace_uses(Output from, Output to) {
  for (const auto& n : nodes_) {
    if (!n->dead) std::replace(n->inputs.begin(), n->inputs.end(), from, to);
  }
}

void Graph::remove(NodeId id) {
  const auto lock = writing();
  Node& n = *nodes_[static_cast<size_t>(id)];
  n.dead = true;
  const auto it = by_name_.find(n.name);
  if (it != by_name_.end() && it->second == id) by_name_.erase(it);
}

}  // namespace tw
