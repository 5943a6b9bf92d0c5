// Fusion. Element-wise nodes over one index space become one tape; a tape behind a contraction becomes its epilogue,
// and a tape before or behind a reduction becomes part of it. Every group is convex: no path leaves it and comes back.
#include <algorithm>
#include <numeric>

#include "core/framework/tape_map.h"
#include "core/passes/pass.h"

namespace tw {

namespace {

// Limits of one tape: beyond them the interpreter's blocks no longer fit in the first-level cache together.
constexpr size_t kMaxInputs = 12;
constexpr size_t kMaxInstructions = 40;
constexpr size_t kMaxOutputs = 6;
// How far a search for a path around a group may go before fusion is given up.
constexpr int kMaxSearch = 4096;

bool is_contraction(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "MatMul" || op == "BatchMatMul" || op == "BatchMatMulV2" || op == "Conv2D" ||
         op == "DepthwiseConv2dNative";
}

bool is_reduction(const Node& n) {
  const std::string_view op = n.op->name;
  return op == "Sum" || op == "Mean" || op == "Max" || op == "Min" || op == "Prod";
}

// The tape of a node that may join a group; nothing for other nodes.
std::optional<Tape> node_tape(const Node& n) {
  if (n.dead || !is_pure(n) || n.output_dtypes.size() != 1) return std::nullopt;
  if (n.op->name == "BiasAdd") {
    // Channels last: the bias broadcasts like any operand.
    if (n.attr().string("data_format") == "NCHW") return std::nullopt;
    return tape_of(MicroOp::k_add, n.output_dtypes[0], n.output_dtypes[0]);
  }
  if (n.op->map.empty() || find_kernel(*n.op, n.attrs) == nullptr) return std::nullopt;
  auto tape = instantiate_map(*n.op, n.attr());
  if (!tape.ok()) return std::nullopt;
  return std::move(*tape);
}

// Builds one tape out of many: values get their final numbers when all inputs and constants are known.
class Assembler {
 public:
  struct Ref {
    enum Kind : uint8_t { kInput, kConstant, kInst } kind;
    int index;
  };
  Ref input(Output o, DType t) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] == o) return {Ref::kInput, static_cast<int>(i)};
    }
    inputs_.push_back(o);
    tape_.inputs.push_back(t);
    return {Ref::kInput, static_cast<int>(inputs_.size()) - 1};
  }
  Ref constant(const Tape::Constant& c) {
    tape_.constants.push_back(c);
    return {Ref::kConstant, static_cast<int>(tape_.constants.size()) - 1};
  }
  // Appends a node's tape with its inputs bound; returns what its only output is.
  Ref append(const Tape& t, const std::vector<Ref>& bound) {
    std::vector<Ref> values = bound;
    for (const Tape::Constant& c : t.constants) values.push_back(constant(c));
    for (const TapeInst& inst : t.insts) {
      insts_.push_back({inst, {}});
      for (int k = 0; k < arity(inst.op); ++k) insts_.back().second[static_cast<size_t>(k)] = values[inst.args[k]];
      values.push_back({Ref::kInst, static_cast<int>(insts_.size()) - 1});
    }
    return values[t.outputs[0]];
  }
  Tape finish(const std::vector<Ref>& outputs) {
    for (auto& [inst, refs] : insts_) {
      for (int k = 0; k < arity(inst.op); ++k) inst.args[k] = number(refs[static_cast<size_t>(k)]);
      tape_.insts.push_back(inst);
    }
    for (Ref r : outputs) tape_.outputs.push_back(number(r));
    return std::move(tape_);
  }
  const std::vector<Output>& inputs() const { return inputs_; }

 private:
  uint16_t number(Ref r) const {
    size_t n = static_cast<size_t>(r.index);
    if (r.kind != Ref::kInput) n += tape_.inputs.size();
    if (r.kind == Ref::kInst) n += tape_.constants.size();
    return static_cast<uint16_t>(n);
  }
  std::vector<Output> inputs_;
  Tape tape_;
  std::vector<std::pair<TapeInst, std::array<Ref, 3>>> insts_;
};

class Fuser {
 public:
  explicit Fuser(Body& body) : body_(body), g_(*body.body), uses_(g_), rewriter_(body) {}

  Status run() {
    order_ = g_.topological_order();
    const size_t n = static_cast<size_t>(g_.num_nodes());
    position_.assign(n, 0);
    group_of_.assign(n, -1);
    seen_.assign(n, 0);
    space_.assign(n, -1);
    for (size_t i = 0; i < order_.size(); ++i) position_[static_cast<size_t>(order_[i])] = static_cast<int>(i);
    for (NodeId id : order_) form(id);
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (!groups_[i].members.empty()) attach_contraction(groups_[i]);
    }
    for (NodeId id : order_) {
      const Node& node = g_.mutable_node(id);
      if (is_reduction(node)) attach_reduction(node);
    }
    for (Group& group : groups_) {
      if (group.reduction >= 0) {
        TW_RETURN_IF_ERROR(emit_reduction(group));
      } else if (group.contraction >= 0 || group.members.size() > 1) {
        TW_RETURN_IF_ERROR(emit(group));
      }
    }
    rewriter_.apply();
    return {};
  }

 private:
  struct Group {
    std::vector<NodeId> members;  // in order of position
    size_t instructions = 0;
    NodeId contraction = -1;  // whose result the group consumes as an epilogue
    NodeId reduction = -1;    // that consumes the group as its pre-tape
  };

  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  int& position(NodeId id) { return position_[static_cast<size_t>(id)]; }
  int& group_of(NodeId id) { return group_of_[static_cast<size_t>(id)]; }

  // Index spaces that are surely equal have equal numbers, whether their sizes are known or not.
  int space_number(NodeId id) {
    const Node& n = g_.mutable_node(id);
    const Shape& s = n.output_shapes[0];
    if (s.fully_known()) return known_space(s);
    int common = -1;
    for (Output o : n.inputs) {
      const Shape& in = shape_of(o);
      if (in.rank() == 0) continue;
      const int number = o.index == 0 ? space_[static_cast<size_t>(o.node)] : -1;
      if (number < 0 || (common >= 0 && number != common)) return next_space_++;
      common = number;
    }
    return common >= 0 ? common : next_space_++;
  }
  int known_space(const Shape& s) {
    for (const auto& [shape, number] : known_spaces_) {
      if (shape == s) return number;
    }
    known_spaces_.push_back({s, next_space_});
    return next_space_++;
  }

  // Puts a node into a group of its own, then merges it with the groups of its inputs where that is legal.
  void form(NodeId id) {
    const Node& n = g_.mutable_node(id);
    if (n.output_dtypes.empty()) return;
    std::optional<Tape> tape = node_tape(n);
    if (!tape) {
      if (n.output_shapes[0].fully_known()) space_[static_cast<size_t>(id)] = known_space(n.output_shapes[0]);
      else space_[static_cast<size_t>(id)] = next_space_++;
      return;
    }
    space_[static_cast<size_t>(id)] = space_number(id);
    groups_.push_back({{id}, tape->insts.size(), -1, -1});
    group_of(id) = static_cast<int>(groups_.size()) - 1;
    tapes_[id] = std::move(*tape);
    for (Output o : n.inputs) {
      const int other = group_of(o.node), mine = group_of(id);
      if (other < 0 || other == mine) continue;
      if (space_[static_cast<size_t>(o.node)] != space_[static_cast<size_t>(id)]) continue;
      if (g_.mutable_node(o.node).device != n.device) continue;
      merge_groups(other, mine);
    }
  }

  void merge_groups(int into, int from) {
    Group &a = groups_[static_cast<size_t>(into)], &b = groups_[static_cast<size_t>(from)];
    if (a.instructions + b.instructions > kMaxInstructions) return;
    std::vector<NodeId> all = a.members;
    all.insert(all.end(), b.members.begin(), b.members.end());
    std::sort(all.begin(), all.end(), [&](NodeId x, NodeId y) { return position(x) < position(y); });
    if (!within_limits(all) || !convex(all)) return;
    for (NodeId id : b.members) group_of(id) = into;
    a.members = std::move(all);
    a.instructions += b.instructions;
    b.members.clear();
  }

  bool member(NodeId id, const std::vector<NodeId>& set) { return std::find(set.begin(), set.end(), id) != set.end(); }

  bool within_limits(const std::vector<NodeId>& set) {
    std::vector<Output> inputs;
    size_t outputs = 0;
    for (NodeId id : set) {
      for (Output o : g_.mutable_node(id).inputs) {
        if (!member(o.node, set) && std::find(inputs.begin(), inputs.end(), o) == inputs.end()) inputs.push_back(o);
      }
      const auto edges = uses_.of(id);
      outputs += std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return !member(e.node, set); });
    }
    return inputs.size() <= kMaxInputs && outputs <= kMaxOutputs;
  }

  // Other groups count as single nodes here, for that is what they become. Nodes behind the last member are in no group
  // yet, so nothing behind it leads back.
  bool convex(const std::vector<NodeId>& set) {
    const int last = position(set.back());
    ++stamp_;
    std::vector<NodeId> stack;
    for (NodeId id : set) {
      for (const Uses::Edge& e : uses_.of(id)) {
        if (!member(e.node, set) && position(e.node) < last) stack.push_back(e.node);
      }
    }
    for (int steps = 0; !stack.empty(); ++steps) {
      if (steps > kMaxSearch) return false;
      const NodeId id = stack.back();
      stack.pop_back();
      if (seen_[static_cast<size_t>(id)] == stamp_) continue;
      const std::vector<NodeId> alone{id};
      const int group = group_of(id);
      for (NodeId m : group >= 0 ? groups_[static_cast<size_t>(group)].members : alone) {
        seen_[static_cast<size_t>(m)] = stamp_;
        for (const Uses::Edge& e : uses_.of(m)) {
          if (position(e.node) > last) continue;
          if (member(e.node, set)) return false;
          stack.push_back(e.node);
        }
      }
    }
    return true;
  }

  // Every use of the node is a data edge into the group.
  bool used_only_by(NodeId id, const Group& group) {
    const auto edges = uses_.of(id);
    return !edges.empty() && std::all_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
      return e.slot >= 0 && member(e.node, group.members);
    });
  }

  void attach_contraction(Group& group) {
    for (NodeId id : group.members) {
      for (Output o : g_.mutable_node(id).inputs) {
        const Node& c = g_.mutable_node(o.node);
        if (!is_contraction(c) || taken_.count(c.id) != 0 || !is_floating(c.output_dtypes[0])) continue;
        if (c.attr().has("data_format") && c.attr().string("data_format") != "NHWC") continue;
        if (space_[static_cast<size_t>(c.id)] != space_[static_cast<size_t>(id)]) continue;
        if (!used_only_by(c.id, group)) continue;
        group.contraction = c.id;
        taken_.insert({c.id, true});
        return;
      }
    }
  }

  void attach_reduction(const Node& n) {
    const Output in = n.inputs[0];
    const int index = group_of(in.node);
    if (index < 0 || constant_of(g_.mutable_node(n.inputs[1].node)) == nullptr) return;
    if (!is_floating(n.output_dtypes[0])) return;
    Group& group = groups_[static_cast<size_t>(index)];
    if (group.contraction >= 0 || group.reduction >= 0 || group.members.back() != in.node) return;
    const auto edges = uses_.of(in.node);
    // The reduction takes the place of the tape only when nobody else wants what the tape computes.
    if (edges.size() != 1 || edges[0].slot != 0) return;
    for (NodeId id : group.members) {
      if (id == in.node) continue;
      for (const Uses::Edge& e : uses_.of(id)) {
        if (!member(e.node, group.members)) return;
      }
    }
    group.reduction = n.id;
  }

  // One tape for the group's members, whose outputs are `wanted`. A contraction's result is input 0.
  Tape assemble(const Group& group, const std::vector<NodeId>& wanted, std::vector<Output>* inputs) {
    Assembler assembler;
    std::unordered_map<NodeId, Assembler::Ref> results;
    if (group.contraction >= 0) {
      const DType t = g_.mutable_node(group.contraction).output_dtypes[0];
      results[group.contraction] = assembler.input(Output{group.contraction, 0}, t);
    }
    for (NodeId id : group.members) {
      const Node& n = g_.mutable_node(id);
      std::vector<Assembler::Ref> bound;
      for (Output o : n.inputs) {
        const auto it = o.index == 0 ? results.find(o.node) : results.end();
        bound.push_back(it != results.end() ? it->second : external(assembler, rewriter_.resolve(o)));
      }
      results[id] = assembler.append(tapes_.at(id), bound);
    }
    std::vector<Assembler::Ref> outputs;
    for (NodeId id : wanted) outputs.push_back(results.at(id));
    *inputs = assembler.inputs();
    return assembler.finish(outputs);
  }

  // Scalars known now are constants of the tape, unless they wait for something.
  Assembler::Ref external(Assembler& assembler, Output o) {
    const Node& n = g_.mutable_node(o.node);
    const DType t = n.output_dtypes[static_cast<size_t>(o.index)];
    if (const Tensor* value = constant_of(n); value != nullptr && value->shape().rank() == 0 && n.controls.empty()) {
      Tape::Constant c{t, 0, 0};
      const bool numeric = visit_real(t, [&](auto tag) {
        using T = typename decltype(tag)::type;
        c.value = static_cast<double>(value->data<T>()[0]);
        if constexpr (std::is_integral_v<T>) c.integer = static_cast<int64_t>(value->data<T>()[0]);
      });
      if (numeric) return assembler.constant(c);
    }
    return assembler.input(o, t);
  }

  // Members whose value somebody outside wants, the last member first.
  std::vector<NodeId> wanted_members(const Group& group) {
    std::vector<NodeId> wanted{group.members.back()};
    for (NodeId id : group.members) {
      if (id == group.members.back()) continue;
      const auto edges = uses_.of(id);
      if (std::any_of(edges.begin(), edges.end(),
                      [&](const Uses::Edge& e) { return e.slot >= 0 && !member(e.node, group.members); })) {
        wanted.push_back(id);
      }
    }
    return wanted;
  }

  // The whole group, and what it swallows, lives on in node `id`.
  void retire(const Group& group, NodeId id, const std::vector<NodeId>& wanted) {
    for (size_t k = 1; k < wanted.size(); ++k) {
      rewriter_.replace(Output{wanted[k], 0}, Output{id, static_cast<int32_t>(k)});
    }
    for (NodeId m : group.members) {
      if (m != id) rewriter_.remove(m, {id});
    }
    if (group.contraction >= 0) rewriter_.remove(group.contraction, {id});
  }

  Status adopt_controls(const Group& group, NodeId id) {
    std::vector<NodeId> sources = group.members;
    if (group.contraction >= 0) sources.push_back(group.contraction);
    for (NodeId m : sources) {
      const std::vector<NodeId> controls = g_.mutable_node(m).controls;
      for (NodeId c : controls) {
        if (m != id && !member(c, sources)) TW_RETURN_IF_ERROR(g_.add_control(id, c));
      }
    }
    return {};
  }

  Status emit(const Group& group) {
    const NodeId last = group.members.back();
    const std::vector<NodeId> wanted = wanted_members(group);
    std::vector<Output> inputs;
    const Tape tape = assemble(group, wanted, &inputs);
    std::vector<DType> out_types, in_types = tape.inputs;
    std::vector<Shape> out_shapes;
    for (NodeId id : wanted) {
      out_types.push_back(g_.mutable_node(id).output_dtypes[0]);
      out_shapes.push_back(g_.mutable_node(id).output_shapes[0]);
    }
    TW_RETURN_IF_ERROR(adopt_controls(group, last));
    AttrMap attrs{{"tape", tape.to_string()}, {"Tout", out_types}};
    std::string_view op = "_FusedMap";
    if (group.contraction >= 0) {
      const Node& c = g_.mutable_node(group.contraction);
      op = "_FusedContract";
      in_types.erase(in_types.begin());
      // Only what the fused op knows of: not, for one, "use_cudnn_on_gpu".
      const OpDef* row = find_op(op);
      for (const auto& [name, value] : c.attrs) {
        if (row->find_attr(name)) attrs.emplace(name, value);
      }
      attrs["kind"] = AttrValue(std::string(c.op->name));
      attrs["Textra"] = AttrValue(in_types);
      std::vector<Output> operands = c.inputs;
      for (Output& o : operands) o = rewriter_.resolve(o);
      operands.insert(operands.end(), inputs.begin() + 1, inputs.end());
      inputs = std::move(operands);
    } else {
      attrs["Tin"] = AttrValue(in_types);
    }
    TW_RETURN_IF_ERROR(become(body_, last, op, std::move(inputs), std::move(attrs)));
    g_.mutable_node(last).output_shapes = std::move(out_shapes);
    retire(group, last, wanted);
    return {};
  }

  Status emit_reduction(const Group& group) {
    const Node& r = g_.mutable_node(group.reduction);
    std::vector<Output> inputs;
    const Tape tape = assemble(group, {group.members.back()}, &inputs);
    const Tensor& axes = *constant_of(g_.mutable_node(r.inputs[1].node));
    std::vector<int64_t> axis_list;
    for (int64_t i = 0; i < axes.num_elements(); ++i) axis_list.push_back(index_value(axes, i));
    const Shape shape = r.output_shapes[0];
    TW_RETURN_IF_ERROR(adopt_controls(group, r.id));
    AttrMap attrs{{"pre", tape.to_string()},
                  {"post", std::string()},
                  {"op", std::string(r.op->name)},
                  {"axes", std::move(axis_list)},
                  {"keep_dims", r.attr().boolean("keep_dims")},
                  {"Tin", tape.inputs},
                  {"Tout", std::vector<DType>{r.output_dtypes[0]}}};
    TW_RETURN_IF_ERROR(become(body_, r.id, "_FusedReduce", std::move(inputs), std::move(attrs)));
    g_.mutable_node(r.id).output_shapes[0] = shape;
    for (NodeId m : group.members) rewriter_.remove(m, {r.id});
    return {};
  }

  Body& body_;
  Graph& g_;
  Uses uses_;
  Rewriter rewriter_;
  std::vector<NodeId> order_;
  std::vector<int> position_, group_of_, space_, seen_;
  std::vector<Group> groups_;
  std::unordered_map<NodeId, Tape> tapes_;
  std::unordered_map<NodeId, bool> taken_;
  std::vector<std::pair<Shape, int>> known_spaces_;
  int next_space_ = 0, stamp_ = 0;
};

}  // namespace

Status fuse(Body& body) { return Fuser(body).run(); }

}  // namespace tw
