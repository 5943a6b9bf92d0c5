// Loops: frames, the innermost first, become While nodes.
#include <algorithm>

#include "core/passes/lift/loop.h"

namespace tw::lift {

namespace {

class LoopLifter {
 public:
  LoopLifter(Body& body, Frames& frames, int frame)
      : body_(body), g_(*body.body), frames_(frames), frame_(frame), rewriter_(body) {}

  Status run() {
    TW_ASSIGN_OR_RETURN(loop_, find_loop(g_, frames_, frame_));
    const Node& like = g_.node(loop_.condition);
    spec_.name = g_.unique_name(beside(like, "While"));
    spec_.device = like.device;
    spec_.where = like.where;
    Status s = is_plain() ? lift_plain() : lift_any();
    if (!s.ok()) return s.at_node(like.name, like.where);
    return replace();
  }

 private:
  Output data(NodeId id) const { return g_.node(id).inputs[0]; }

  // Whether the condition and the body can be functions apart: the body asks for nothing that may run only once, and
  // what leaves the loop are its variables.
  bool is_plain() const {
    for (const NodeId exit : loop_.exits) {
      if (loop_.variable_of(g_, exit) < 0 || !g_.node(exit).controls.empty()) return false;
    }
    std::vector<NodeId> stack;
    for (const auto& v : loop_.variables) stack.push_back(data(v.next).node);
    for (const NodeId id : loop_.after_condition) stack.push_back(id);
    std::set<NodeId> seen;
    while (!stack.empty()) {
      const NodeId id = stack.back();
      stack.pop_back();
      const Node& n = g_.node(id);
      if (n.op->name == "Enter" || n.op->name == "LoopCond" || is_loop_merge(g_, n) || !seen.insert(id).second)
        continue;
      if (!loop_.after_condition.contains(id) && (must_run(n) || n.op->has(kRandom))) return false;
      for (const Output o : n.inputs) stack.push_back(o.node);
    }
    return true;
  }

  // A constant behind one or more Enters, or null.
  const Tensor* constant_behind(NodeId enter) const {
    Output o = data(enter);
    while (g_.node(o.node).op->name == "Enter" || g_.node(o.node).op->name == "Identity") o = data(o.node);
    const Node& n = g_.node(o.node);
    const Tensor* t = constant_of(n);
    return t != nullptr && n.controls.empty() && t->num_elements() <= kFewElements ? t : nullptr;
  }

  void add_variables(LoopFunction* f) const {
    for (const auto& v : loop_.variables) f->add_argument(Output{v.merge, 0}, data(v.enter));
  }
  // Returns the arguments, which a body hands on.
  std::vector<Output> add_invariants(LoopFunction* f) const {
    std::vector<Output> arguments;
    for (const NodeId id : loop_.invariants) {
      if (const Tensor* t = constant_behind(id)) f->map(Output{id, 0}, f->constant(g_.node(id), *t));
      else arguments.push_back(f->add_argument(Output{id, 0}, data(id)));
    }
    return arguments;
  }
  void enter_variables() {
    for (const auto& v : loop_.variables) spec_.inputs.push_back(data(v.enter));
  }
  void enter_invariants() {
    for (const NodeId id : loop_.invariants) {
      if (constant_behind(id) == nullptr) spec_.inputs.push_back(data(id));
    }
  }

  Status lift_plain() {
    LoopFunction condition(body_, loop_), turn(body_, loop_);
    add_variables(&condition);
    add_invariants(&condition);
    TW_RETURN_IF_ERROR(condition.copy_before_condition({data(loop_.condition)}));
    condition.add_result(condition.translate(data(loop_.condition)));
    condition.require(true);

    add_variables(&turn);
    const std::vector<Output> shared = add_invariants(&turn);
    turn.map(Output{loop_.condition, 0}, turn.constant(g_.node(loop_.condition), Tensor::scalar<bool>(true)));
    TW_RETURN_IF_ERROR(turn.copy_all());
    for (const auto& v : loop_.variables) turn.add_result(turn.translate(data(v.next)));
    for (const Output o : shared) turn.add_result(o);
    turn.require(false);

    enter_variables();
    enter_invariants();
    for (const NodeId exit : loop_.exits) exits_.push_back(loop_.variable_of(g_, exit));
    return finish(&condition, &turn);
  }

  // One function does a whole turn, condition and all. The loop's state is whether to go on, the variables, what leaves
  // the loop, and the values that all turns share; what a turn does not make is an empty stand-in.
  Status lift_any() {
    LoopFunction condition(body_, loop_), turn(body_, loop_);
    const Output go_on{loop_.condition, 0};
    std::vector<Output> shared;
    for (LoopFunction* f : {&condition, &turn}) {
      const Output arg = f->add_argument(go_on, go_on);
      if (f == &condition) f->add_result(arg);
      add_variables(f);
      for (const NodeId exit : loop_.exits) f->add_argument(Output{exit, 0}, data(exit));
      shared = add_invariants(f);
    }
    turn.unmap(go_on);
    TW_RETURN_IF_ERROR(turn.copy_all());
    turn.add_result(turn.translate(go_on));
    for (const auto& v : loop_.variables) turn.add_result(turn.or_nothing(turn.translate(data(v.next))));
    for (const NodeId exit : loop_.exits) turn.add_result(turn.or_nothing(turn.translate(data(exit))));
    for (const Output o : shared) turn.add_result(o);
    turn.require(true);

    const Node& like = g_.node(loop_.condition);
    Node yes = make_node(like, like.name + "/first", "Const", {},
                         {{"dtype", DType::kBool}, {"value", Tensor::scalar<bool>(true)}}, {DType::kBool});
    yes.output_shapes[0] = Shape{};
    spec_.inputs.push_back(outside(std::move(yes)));
    enter_variables();
    for (const NodeId exit : loop_.exits) {
      const DType dtype = g_.dtype(data(exit));
      spec_.inputs.push_back(
          outside(make_node(like, like.name + "/nothing", "_Nothing", {}, {{"dtype", dtype}}, {dtype})));
      exits_.push_back(static_cast<int>(spec_.inputs.size()) - 1);
    }
    enter_invariants();
    return finish(&condition, &turn);
  }

  // A node beside the loop.
  Output outside(Node n) {
    const NodeId id = g_.adopt(std::move(n));
    frames_.of.push_back(frames_.list[static_cast<size_t>(frame_)].parent);
    return {id, 0};
  }

  Status finish(LoopFunction* condition, LoopFunction* turn) {
    TW_ASSIGN_OR_RETURN(FuncRef c, condition->finish(spec_.name + "/cond"));
    TW_ASSIGN_OR_RETURN(FuncRef b, turn->finish(spec_.name + "/body"));
    const bool stateful = g_.library()->find(c.name)->stateful || g_.library()->find(b.name)->stateful;
    spec_.op = stateful ? "While" : "StatelessWhile";
    std::vector<DType> types;
    for (const Output o : spec_.inputs) types.push_back(base_dtype(g_.dtype(o)));
    spec_.attrs = {{"T", types}, {"cond", std::move(c)}, {"body", std::move(b)}};
    return {};
  }

  Status replace() {
    for (const NodeId id : loop_.nodes) {
      const Node& n = g_.node(id);
      if (n.op->name != "Enter") continue;
      spec_.controls.insert(spec_.controls.end(), n.controls.begin(), n.controls.end());
      spec_.attrs["parallel_iterations"] = n.attr().integer("parallel_iterations");
    }
    if (!body_.internal) {
      std::vector<std::string> names;
      for (const NodeId exit : loop_.exits) names.push_back(g_.node(exit).name);
      spec_.attrs[std::string(kExitsAttr)] = std::move(names);
      spec_.attrs[std::string(kExitOutputsAttr)] = std::vector<int64_t>(exits_.begin(), exits_.end());
    }
    TW_ASSIGN_OR_RETURN(const NodeId id, g_.add(std::move(spec_)));
    frames_.of.push_back(frames_.list[static_cast<size_t>(frame_)].parent);
    for (size_t i = 0; i < loop_.exits.size(); ++i) {
      rewriter_.replace(Output{loop_.exits[i], 0}, Output{id, exits_[i]});
    }
    for (const NodeId n : loop_.nodes) rewriter_.remove(n, {id});
    rewriter_.apply();
    return {};
  }

  Body& body_;
  Graph& g_;
  Frames& frames_;
  const int frame_;
  Rewriter rewriter_;
  Loop loop_;
  NodeSpec spec_;
  std::vector<int> exits_;  // by Exit: the output of the While
};

// A value inside a loop is many values.
Status check_interface(const Body& body, const Frames& frames) {
  const Graph& g = *body.body;
  const auto inside = [&](const Node& n, int frame) {
    return invalid_argument("'", n.name, "' is inside the loop '", frames.list[static_cast<size_t>(frame)].name,
                            "' and cannot be fetched or run on its own; an Exit hands out a loop's last value")
        .at_node(n.name, n.where);
  };
  for (const NodeId id : body.results) {
    const Node& source = g.node(g.node(id).inputs[0].node);
    if (const int frame = frames.of_outputs(source); frame != 0) return inside(source, frame);
  }
  for (const NodeId id : body.controls) {
    if (const int frame = frames.of_outputs(g.node(id)); frame != 0) return inside(g.node(id), frame);
  }
  return {};
}

}  // namespace

Status lift_loops(Body& body, const std::set<std::string>* wanted) {
  TW_ASSIGN_OR_RETURN(Frames frames, find_frames(*body.body));
  TW_RETURN_IF_ERROR(check_interface(body, frames));
  std::vector<int> order;
  for (int f = 1; f < static_cast<int>(frames.list.size()); ++f) {
    if (wanted == nullptr || wanted->contains(frames.list[static_cast<size_t>(frames.outermost(f))].name)) {
      order.push_back(f);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return frames.list[static_cast<size_t>(a)].depth > frames.list[static_cast<size_t>(b)].depth;
  });
  for (const int f : order) TW_RETURN_IF_ERROR(LoopLifter(body, frames, f).run());
  return {};
}

}  // namespace tw::lift
