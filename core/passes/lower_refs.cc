// Ref edges become resource handles. A ref is followed as (handle, the write it comes after); whoever needs the value
// behind it gets a read ordered after that write.
#include <algorithm>
#include <optional>
#include <set>

#include "core/passes/pass.h"

namespace tw {

namespace {

struct RefState {
  Output handle;
  NodeId after = -1;
};

class Lowering {
 public:
  explicit Lowering(Body& body) : body_(body), g_(*body.body) {}

  Status run() {
    bool any = false;
    for (NodeId i = 0; i < g_.num_nodes() && !any; ++i) {
      const Node& n = g_.mutable_node(i);
      any = !n.dead && std::any_of(n.output_dtypes.begin(), n.output_dtypes.end(), [](DType t) { return is_ref(t); });
    }
    if (!any) return {};
    find_loop_state();
    for (NodeId id : g_.topological_order()) {
      Status s = lower(id);
      if (!s.ok()) {
        const Node& n = g_.mutable_node(id);
        return s.at_node(n.name, n.where);
      }
    }
    return {};
  }

 private:
  Status lower(NodeId id) {
    Node& n = g_.mutable_node(id);
    const std::string_view op = n.op->name;
    if (op == "VariableV2" || op == "Variable") return lower_variable(n);
    if (op == "RefSwitch" || op == "RefMerge" || op == "RefEnter" || op == "RefExit" || op == "RefNextIteration") {
      return lower_flow(n, op.substr(3));
    }
    if (op == "Enter" && n.attr().boolean("is_constant")) {
      if (const std::optional<RefState> s = loop_state(n.inputs[0])) return enter_state(n, *s);
    }
    if (op == "_HandleRef") {
      refs_[Output{id, 0}] = with_controls(RefState{n.inputs[0], -1}, n);
      return become(body_, id, "Identity", {n.inputs[0]}, {});
    }
    const bool on_refs = std::any_of(n.inputs.begin(), n.inputs.end(), [&](Output o) { return refs_.count(o) != 0; });
    if (!on_refs) return makes_object(n) ? lower_object(n) : Status();
    if (op == "RefIdentity") {
      refs_[Output{id, 0}] = with_controls(refs_[n.inputs[0]], n);
      return {};
    }
    if (op == "_RefHandle") return lower_handle(n);
    if (!n.op->lowers_to.empty()) return lower_update(n);
    return read_inputs(n);
  }

  // Variables that some loop may change.
  void find_loop_state() {
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      const Node* n = &g_.mutable_node(i);
      if (n->dead || n->op->name != "RefEnter") continue;
      while (!n->inputs.empty() && is_ref(n->output_dtypes[0])) n = &g_.mutable_node(n->inputs[0].node);
      loop_state_.insert(n->id);
    }
  }

  // TensorFlow's read of a variable before a loop shows what the loop assigns to it, because both are one buffer: such
  // a value enters as the variable, and is read where the loop uses it.
  std::optional<RefState> loop_state(Output o) const {
    RefState s;
    if (const auto ref = refs_.find(o); ref != refs_.end()) s = ref->second;
    else if (const auto read = snapshots_.find(o); read != snapshots_.end()) s = {read->second, o.node};
    else return {};
    const Node* n = &g_.mutable_node(s.handle.node);
    while (n->op->name == "Enter") n = &g_.mutable_node(n->inputs[0].node);
    if (loop_state_.count(n->id) == 0) return {};
    return s;
  }

  Status enter_state(Node& n, const RefState& s) {
    if (s.after >= 0) TW_RETURN_IF_ERROR(g_.add_control(n.id, s.after));
    AttrMap attrs = shared_attrs(n, *n.op);
    attrs["T"] = DType::kResource;
    TW_RETURN_IF_ERROR(become(body_, n.id, "Enter", {s.handle}, std::move(attrs)));
    // Nothing outside a loop can be waited for inside.
    refs_[Output{n.id, 0}] = RefState{Output{n.id, 0}, -1};
    return {};
  }

  // A ref passed on by a node that itself waits for others.
  RefState with_controls(RefState s, const Node& n) {
    if (!n.controls.empty() || s.after >= 0) s.after = n.id;
    return s;
  }

  Status lower_variable(Node& n) {
    AttrMap attrs = shared_attrs(n, *find_op("VarHandleOp"));
    if (AttrReader(attrs).string("shared_name").empty()) attrs["shared_name"] = AttrValue(n.name);
    TW_RETURN_IF_ERROR(become(body_, n.id, "VarHandleOp", {}, std::move(attrs)));
    refs_[Output{n.id, 0}] = RefState{Output{n.id, 0}, -1};
    return {};
  }

  // Queues, tables, readers: objects whose handle was once a reference to a string.
  static bool makes_object(const Node& n) {
    const OpDef* to = n.op->lowers_to.empty() ? nullptr : find_op(n.op->lowers_to);
    return to != nullptr && to->has(kMakesHandle);
  }
  Status lower_object(Node& n) {
    AttrMap attrs = shared_attrs(n, *find_op(n.op->lowers_to));
    TW_RETURN_IF_ERROR(become(body_, n.id, n.op->lowers_to, n.inputs, std::move(attrs)));
    refs_[Output{n.id, 0}] = RefState{Output{n.id, 0}, -1};
    return {};
  }

  // The handle itself goes into a function, after the write that the reference follows.
  Status lower_handle(Node& n) {
    const RefState s = refs_[n.inputs[0]];
    if (s.after >= 0) TW_RETURN_IF_ERROR(g_.add_control(n.id, s.after));
    return become(body_, n.id, "Identity", {s.handle}, {});
  }

  // Assign, ApplyAdam, ScatterAdd, ...: the same node with handles for refs. Its ref output is the first handle, after
  // it.
  Status lower_update(Node& n) {
    const std::vector<DType> was = n.output_dtypes;
    const std::vector<Output> inputs = n.inputs;
    const OpDef* to = find_op(n.op->lowers_to);
    if (to == nullptr) return internal_error("op ", n.op->name, " lowers to ", n.op->lowers_to, ", which has no row");
    DTypes wanted;
    TW_RETURN_IF_ERROR(expand_args(*n.op, n.op->inputs, n.attrs, &wanted));
    RefState first;
    std::vector<Output> lowered;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto it = refs_.find(inputs[i]);
      if (!is_ref(wanted[i])) {
        TW_ASSIGN_OR_RETURN(Output value, value_of(inputs[i], n));
        lowered.push_back(value);
        continue;
      }
      if (it == refs_.end()) {
        return failed_precondition("input ", i, " of op ", n.op->name,
                                   " must be a variable, not a value fed in its place");
      }
      if (!first.handle.valid()) first = it->second;
      if (it->second.after >= 0) TW_RETURN_IF_ERROR(g_.add_control(n.id, it->second.after));
      lowered.push_back(it->second.handle);
    }
    AttrMap attrs = shared_attrs(n, *to);
    if (const auto v = n.attrs.find("validate_shape"); v != n.attrs.end()) attrs["_validate_shape"] = v->second;
    TW_RETURN_IF_ERROR(become(body_, n.id, n.op->lowers_to, std::move(lowered), std::move(attrs)));
    for (size_t i = 0; i < was.size(); ++i) {
      if (is_ref(was[i])) refs_[Output{n.id, static_cast<int32_t>(i)}] = RefState{first.handle, n.id};
    }
    return {};
  }

  // Control flow on refs becomes the same on handles; on values where not every way in has a handle, and for what a
  // loop changes from turn to turn.
  Status lower_flow(Node& n, std::string_view op) {
    const std::vector<Output> inputs = n.inputs;
    const size_t data = op == "Switch" ? 1 : inputs.size();
    const bool varies = op == "NextIteration" || (op == "Enter" && !n.attr().boolean("is_constant"));
    bool on_handles = !varies;
    for (size_t i = 0; i < data; ++i) on_handles = on_handles && refs_.count(inputs[i]) != 0;
    if (op == "Enter" && on_handles) return enter_state(n, refs_[inputs[0]]);
    std::vector<Output> lowered;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (i >= data || !on_handles) {
        TW_ASSIGN_OR_RETURN(Output value, value_of(inputs[i], n));
        lowered.push_back(value);
        continue;
      }
      const RefState s = refs_[inputs[i]];
      if (s.after >= 0) TW_RETURN_IF_ERROR(g_.add_control(n.id, s.after));
      lowered.push_back(s.handle);
    }
    const OpDef* to = find_op(op);
    AttrMap attrs = shared_attrs(n, *to);
    if (on_handles) attrs["T"] = DType::kResource;
    TW_RETURN_IF_ERROR(become(body_, n.id, to->name, std::move(lowered), std::move(attrs)));
    if (!on_handles) return {};
    const NodeId after = n.controls.empty() ? -1 : n.id;
    for (int32_t i = 0; i < (op == "Switch" ? 2 : 1); ++i) {
      const Output o{n.id, i};
      refs_[o] = RefState{o, after};
    }
    return {};
  }

  // An op that wants values.
  Status read_inputs(Node& n) {
    if (n.op->name == "Identity") {
      const RefState s = refs_[n.inputs[0]];
      if (s.after >= 0) TW_RETURN_IF_ERROR(g_.add_control(n.id, s.after));
      const DType dtype = base_dtype(n.output_dtypes[0]);
      const Shape shape = n.output_shapes[0];
      TW_RETURN_IF_ERROR(become(body_, n.id, "ReadVariableOp", {s.handle}, {{"dtype", dtype}}));
      snapshots_[Output{n.id, 0}] = s.handle;
      return g_.set_shape(Output{n.id, 0}, shape);
    }
    DTypes wanted;
    TW_RETURN_IF_ERROR(expand_args(*n.op, n.op->inputs, n.attrs, &wanted));
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (is_ref(wanted[i]) && refs_.count(n.inputs[i]) != 0) {
        return unimplemented("op ", n.op->name, " has no form for variables behind references");
      }
    }
    std::vector<Output> inputs = n.inputs;
    for (Output& o : inputs) {
      TW_ASSIGN_OR_RETURN(o, value_of(o, n));
    }
    g_.mutable_node(n.id).inputs = std::move(inputs);
    return {};
  }

  // The value behind a possible ref, read no earlier than the consumer may run.
  Result<Output> value_of(Output o, const Node& consumer) {
    const auto it = refs_.find(o);
    if (it == refs_.end()) return o;
    const RefState s = it->second;
    const std::pair<Output, NodeId> key{s.handle, s.after};
    if (consumer.controls.empty()) {
      if (const auto known = reads_.find(key); known != reads_.end()) return known->second;
    }
    std::vector<NodeId> controls = consumer.controls;
    if (s.after >= 0) controls.push_back(s.after);
    const HandleShape h = g_.handle(s.handle);
    TW_ASSIGN_OR_RETURN(NodeId id, add_node(body_, g_.mutable_node(s.handle.node), "read_value", "ReadVariableOp",
                                            {s.handle}, {{"dtype", h.dtype}}, std::move(controls)));
    if (consumer.controls.empty()) reads_[key] = Output{id, 0};
    return Output{id, 0};
  }

  Body& body_;
  Graph& g_;
  std::map<Output, RefState> refs_;
  std::map<Output, Output> snapshots_;  // reads, and the handles they read
  std::set<NodeId> loop_state_;
  std::map<std::pair<Output, NodeId>, Output> reads_;
};

}  // namespace

Status lower_refs(Body& body) { return Lowering(body).run(); }

}  // namespace tw
