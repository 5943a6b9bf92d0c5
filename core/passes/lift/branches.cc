// Branches: groups of nodes that wait for the same predicate become the two functions of an If.
#include <algorithm>
#include <set>

#include "core/passes/lift/branch.h"

namespace tw::lift {

namespace {

class BranchLifter {
 public:
  BranchLifter(Region& r, int depth) : r_(r), g_(r.graph()), depth_(depth), rewriter_(r.body) {}

  Status run() {
    if (depth_ > Conditions::kMostHeight) return too_deep();
    TW_RETURN_IF_ERROR(settle());
    find_groups();
    const Uses uses(g_);
    for (size_t i = 0; i < groups_.size(); ++i) {
      Status s = replace(i, uses);
      if (r_.logic.exhausted()) s = too_deep();
      if (!s.ok()) {
        const Node& n = r_.node(groups_[i].members[0]);
        return s.at_node(n.name, n.where);
      }
    }
    rewriter_.apply();
    remove_dead(r_.body);
    return {};
  }

 private:
  Condition runs(NodeId id) const { return r_.runs[static_cast<size_t>(id)]; }

  // --- what is known without testing any more predicates ---

  Status settle() {
    for (const NodeId id : g_.topological_order()) {
      const Node& n = r_.node(id);
      if (runs(id) == kNever) continue;
      if (n.op->name == "ControlTrigger") g_.mutable_node(id).op = find_op("NoOp");
      if (n.op->name == "Merge") detach_dead_inputs(id);
      if (r_.first(id) != kNoPredicate) continue;
      if (n.op->name == "Switch") settle_switch(n);
      if (n.op->name == "Merge") settle_merge(n);
      if (n.op->name == "_Live") settle_live(n);
    }
    for (auto& [predicate, value] : r_.predicates) value = rewriter_.resolve(value);
    rewriter_.apply();
    const auto never = [&](NodeId c) { return runs(c) == kNever; };
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      Node& n = g_.mutable_node(id);
      if (!n.dead && runs(id) != kNever)
        n.controls.erase(std::remove_if(n.controls.begin(), n.controls.end(), never), n.controls.end());
    }
    std::erase_if(r_.body.controls, never);
    remove_dead(r_.body);
    return {};
  }

  void detach_dead_inputs(NodeId merge) {
    const std::vector<Output> inputs = r_.node(merge).inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (r_.alive(inputs[i]) == kNever) g_.mutable_node(merge).inputs[i] = nothing(r_.node(merge), kNever);
    }
  }

  // A value that nobody looks at, of the dtype of a node's output 0.
  Output nothing(const Node& like, Condition when) {
    const DType dtype = base_dtype(like.output_dtypes[0]);
    Node n = make_node(like, like.name + "/nothing", "_Nothing", {}, {{"dtype", dtype}}, {dtype});
    n.output_shapes[0] = Shape{};
    return {r_.adopt(std::move(n), when), 0};
  }

  void pass_on(const Node& n, int output, Output to) {
    rewriter_.replace(Output{n.id, output}, to);
    std::vector<NodeId> instead = n.controls;
    instead.push_back(to.node);
    rewriter_.remove(n.id, std::move(instead));
  }

  void settle_switch(const Node& n) {
    const int chosen = r_.literal[static_cast<size_t>(n.id)] == kAlways ? 1 : 0;
    pass_on(n, chosen, n.inputs[0]);
    rewriter_.replace(Output{n.id, 1 - chosen}, nothing(n, kNever));
  }

  void settle_merge(const Node& n) {
    // Where several inputs are alive TensorFlow takes the one that arrives first; this takes the first in order.
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      if (r_.alive(n.inputs[i]) != kAlways) continue;
      Node index = make_node(n, n.name + "/value_index", "Const", {},
                             {{"dtype", DType::kInt32}, {"value", Tensor::scalar<int32_t>(static_cast<int32_t>(i))}},
                             {DType::kInt32});
      index.output_shapes[0] = Shape{};
      rewriter_.replace(Output{n.id, 1}, Output{r_.adopt(std::move(index), kAlways), 0});
      pass_on(n, 0, n.inputs[i]);
      return;
    }
  }

  void settle_live(const Node& n) {
    if (r_.alive(n.inputs[0]) == kAlways) return pass_on(n, 0, n.inputs[0]);
    const std::string message = n.attr().string("message");
    if (message.empty()) return pass_on(n, 0, nothing(n, kAlways));
    const DType dtype = n.output_dtypes[0];
    Node fail =
        make_node(n, n.name + "/fail", "_Fail", {}, {{"dtype", dtype}, {"message", AttrValue(message)}}, {dtype});
    pass_on(n, 0, Output{r_.adopt(std::move(fail), kAlways), 0});
  }

  // --- groups ---

  // A schedule from the end: a node goes as late as it can, so that a value is made in the same group as what reads it.
  // Groups come out such that each depends on earlier ones only.
  void find_groups() {
    const auto count = static_cast<size_t>(g_.num_nodes());
    std::vector<int> position(count, 0), readers(count, 0);
    const std::vector<NodeId> order = g_.topological_order();
    for (size_t i = 0; i < order.size(); ++i) position[static_cast<size_t>(order[i])] = static_cast<int>(i);
    const auto each_source = [&](NodeId id, const auto& fn) {
      for (const Output o : r_.node(id).inputs) fn(o.node);
      for (const NodeId c : r_.node(id).controls) fn(c);
    };
    const auto scheduled = [&](NodeId id) { return runs(id) != kNever; };
    for (const NodeId id : order) {
      if (scheduled(id)) each_source(id, [&](NodeId s) { ++readers[static_cast<size_t>(s)]; });
    }
    std::vector<NodeId> free;
    std::map<Predicate, std::vector<NodeId>> waiting;
    const auto ready = [&](NodeId id) {
      const Predicate p = r_.first(id);
      if (p == kNoPredicate) free.push_back(id);
      else waiting[p].push_back(id);
    };
    const auto place = [&](NodeId id) {
      each_source(id, [&](NodeId s) {
        if (--readers[static_cast<size_t>(s)] == 0 && scheduled(s)) ready(s);
      });
    };
    for (const NodeId id : order) {
      if (scheduled(id) && readers[static_cast<size_t>(id)] == 0) ready(id);
    }
    while (!free.empty() || !waiting.empty()) {
      if (!free.empty()) {
        const NodeId id = free.back();
        free.pop_back();
        place(id);
        continue;
      }
      const auto last = [&](const auto& entry) {
        int latest = 0;
        for (const NodeId id : entry.second) latest = std::max(latest, position[static_cast<size_t>(id)]);
        return latest;
      };
      const Predicate p = std::max_element(waiting.begin(), waiting.end(), [&](const auto& a, const auto& b) {
                            return last(a) < last(b);
                          })->first;
      Group group{p, {}};
      for (auto it = waiting.find(p); it != waiting.end() && !it->second.empty(); it = waiting.find(p)) {
        const NodeId id = it->second.back();
        it->second.pop_back();
        group.members.push_back(id);
        place(id);
      }
      waiting.erase(p);
      std::sort(group.members.begin(), group.members.end());
      groups_.push_back(std::move(group));
    }
    std::reverse(groups_.begin(), groups_.end());
    for (const Group& group : groups_) {
      wanted_.emplace_back();
      std::set<Condition> seen;
      for (const NodeId id : group.members) {
        r_.logic.collect_predicates(runs(id), &seen, &wanted_.back());
        r_.logic.collect_predicates(r_.literal[static_cast<size_t>(id)], &seen, &wanted_.back());
        for (const Output o : r_.node(id).inputs) r_.logic.collect_predicates(r_.alive(o), &seen, &wanted_.back());
      }
    }
  }

  // The members' outputs that are read outside the group, as values or as predicates of later groups.
  std::vector<Output> results_of(size_t which, const Uses& uses) const {
    const std::vector<NodeId>& members = groups_[which].members;
    const auto inside = [&](NodeId id) { return std::binary_search(members.begin(), members.end(), id); };
    std::set<Output> results;
    for (const NodeId id : members) {
      for (const Uses::Edge& e : uses.of(id)) {
        if (e.slot >= 0 && !inside(e.node) && runs(e.node) != kNever) results.insert({id, e.output});
      }
    }
    for (size_t later = which + 1; later < groups_.size(); ++later) {
      for (const Predicate p : wanted_[later]) {
        const Output value = r_.predicates.at(p);
        if (inside(value.node)) results.insert(value);
      }
    }
    return {results.begin(), results.end()};
  }

  Status replace(size_t which, const Uses& uses) {
    const Group& group = groups_[which];
    const std::vector<Output> results = results_of(which, uses);
    std::vector<Output> captures;
    Branch if_true(r_, group, true, &captures), if_false(r_, group, false, &captures);
    if_true.add_results(results);
    if_false.add_results(results);
    const auto face = std::find_if(group.members.begin(), group.members.end(),
                                   [&](NodeId id) { return r_.node(id).op->name == "Merge"; });
    const Node& like = r_.node(face != group.members.end() ? *face : group.members.front());

    NodeSpec spec;
    spec.name = g_.unique_name(beside(like, "If"));
    spec.device = like.device;
    spec.where = like.where;
    TW_ASSIGN_OR_RETURN(FuncRef then_branch, if_true.finish(spec.name + "/then", depth_ + 1));
    TW_ASSIGN_OR_RETURN(FuncRef else_branch, if_false.finish(spec.name + "/else", depth_ + 1));
    const auto& library = *g_.library();
    const bool stateful = library.find(then_branch.name)->stateful || library.find(else_branch.name)->stateful;
    spec.op = stateful ? "If" : "StatelessIf";
    spec.inputs.push_back(rewriter_.resolve(r_.predicates.at(group.predicate)));
    std::vector<DType> in_types, out_types;
    for (const Output o : captures) {
      spec.inputs.push_back(rewriter_.resolve(o));
      in_types.push_back(base_dtype(g_.dtype(o)));
    }
    std::vector<Shape> shapes;
    for (const Output o : results) {
      out_types.push_back(base_dtype(g_.dtype(o)));
      shapes.push_back(r_.alive(o) == kAlways ? g_.shape(o) : Shape::unknown());
    }
    for (const NodeId id : group.members) {
      for (const NodeId c : r_.node(id).controls) {
        if (!std::binary_search(group.members.begin(), group.members.end(), c)) spec.controls.push_back(c);
      }
    }
    spec.attrs = {{"Tcond", DType::kBool},      {"Tin", in_types},
                  {"Tout", out_types},          {"output_shapes", shapes},
                  {"then_branch", then_branch}, {"else_branch", else_branch}};
    TW_ASSIGN_OR_RETURN(const NodeId id, g_.add(std::move(spec)));
    r_.runs.push_back(kAlways);
    r_.literal.push_back(kNever);
    for (size_t i = 0; i < results.size(); ++i) {
      const Output out{id, static_cast<int32_t>(i)};
      if (r_.alive(results[i]) == kAlways) g_.copy_output_type(g_, results[i], out);
      rewriter_.replace(results[i], out);
    }
    for (const NodeId member : group.members) rewriter_.remove(member, {id});
    return {};
  }

  Region& r_;
  Graph& g_;
  const int depth_;
  Rewriter rewriter_;
  std::vector<Group> groups_;
  std::vector<std::set<Predicate>> wanted_;  // by group
};

}  // namespace

Status lift_branches(Region& r, int depth) { return BranchLifter(r, depth).run(); }

}  // namespace tw::lift
