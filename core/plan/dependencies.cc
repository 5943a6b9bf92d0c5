// What each instruction has to wait for, so that code in one lane can be spread over several.
#include <algorithm>

#include "core/plan/plan.h"

namespace tw {

namespace {

// How often a loop runs is not known; it is worth a thread of its own.
constexpr double kLoopNs = 200000;

class Dependencies {
 public:
  Dependencies(const Plan& plan, const Body& body, Order& order, const std::vector<NodeId>& node_of)
      : plan_(plan),
        g_(*body.body),
        order_(order),
        node_of_(node_of),
        steps_(plan.code.size()),
        uses_(plan.values.size()) {}

  std::vector<LaneStep> run() {
    add_edges();
    for (uint32_t i = 0; i < steps_.size(); ++i) {
      steps_[i].ns = predict(i);
      steps_[i].serial = plan_.code[i].kind == InstKind::kControl;
      add_hazards(i);
    }
    for (LaneStep& s : steps_) {
      std::sort(s.before.begin(), s.before.end());
      s.before.erase(std::unique(s.before.begin(), s.before.end()), s.before.end());
    }
    if (order_.sets.none()) return std::move(steps_);
    // The last of several readers drops a value, and so waits for what all of them wait for.
    for (uint32_t i = 0; i < steps_.size(); ++i) {
      std::vector<uint32_t> waits{order_.blocked[static_cast<size_t>(node_of_[i])]};
      for (uint32_t b : steps_[i].before) waits.push_back(steps_[b].blocked);
      steps_[i].blocked = order_.sets.unite(waits, -1);
    }
    return std::move(steps_);
  }

 private:
  double predict(uint32_t i) const {
    const Instruction& inst = plan_.code[i];
    switch (inst.kind) {
      case InstKind::kKernel: return predict_ns(plan_.nodes[i].cost);
      case InstKind::kControl:
        return plan_.controls[inst.extra].kind == ControlOp::Kind::kWhile ? kLoopNs : predict_ns({});
      case InstKind::kDynamic: return predict_ns({});
      default: return 10;
    }
  }

  // Edges of the graph and of the variable rule. A node without an instruction hands on what it waits for.
  void add_edges() {
    const size_t n = static_cast<size_t>(g_.num_nodes());
    std::vector<std::vector<uint32_t>> own(n), over(n), rule(n);
    for (uint32_t i = 0; i < node_of_.size(); ++i) {
      if (plan_.code[i].kind != InstKind::kRelease) own[static_cast<size_t>(node_of_[i])].push_back(i);
    }
    for (const auto& [first, second] : order_.edges) {
      rule[static_cast<size_t>(second)].push_back(static_cast<uint32_t>(first));
    }
    std::vector<NodeId> listed(steps_.size(), -1);  // by instruction: the last node in whose list it is
    for (NodeId id : order_.nodes) {
      const size_t at = static_cast<size_t>(id);
      const Node& node = g_.mutable_node(id);
      std::vector<uint32_t> before;
      const auto wait_for = [&](size_t m) {
        for (uint32_t i : over[m]) {
          if (listed[i] != id) before.push_back(i);
          listed[i] = id;
        }
      };
      for (Output o : node.inputs) wait_for(static_cast<size_t>(o.node));
      for (NodeId c : node.controls) wait_for(static_cast<size_t>(c));
      for (uint32_t r : rule[at]) wait_for(r);
      for (uint32_t i : own[at]) steps_[i].before = before;
      over[at] = own[at].empty() ? std::move(before) : own[at];
    }
  }

  // Values share memory: a reader waits for the last writer, a writer for the readers since then too. Taking a value
  // apart, or dropping it, counts as writing it.
  void add_hazards(uint32_t i) {
    const Instruction& inst = plan_.code[i];
    for (uint16_t k = 0; k < inst.num_in; ++k) {
      Use& use = use_of(plan_.args[inst.args + k]);
      const bool taken = inst.kind == InstKind::kRelease || (k < 16 && ((inst.consumable >> k) & 1) != 0);
      if (taken) write(use, i);
      else read(use, i);
    }
    for (uint16_t k = 0; k < inst.num_out; ++k) write(use_of(plan_.args[inst.args + inst.num_in + k]), i);
  }

  struct Use {
    int64_t writer = -1;
    std::vector<uint32_t> readers;
  };
  Use& use_of(uint32_t v) {
    while (plan_.values[v].view_of >= 0) v = static_cast<uint32_t>(plan_.values[v].view_of);
    return uses_[v];
  }
  void wait_for(uint32_t i, int64_t other) {
    if (other >= 0 && other != i) steps_[i].before.push_back(static_cast<uint32_t>(other));
  }
  void read(Use& use, uint32_t i) {
    wait_for(i, use.writer);
    use.readers.push_back(i);
  }
  void write(Use& use, uint32_t i) {
    wait_for(i, use.writer);
    for (uint32_t r : use.readers) wait_for(i, r);
    use = {i, {}};
  }

  const Plan& plan_;
  Graph& g_;
  Order& order_;
  const std::vector<NodeId>& node_of_;
  std::vector<LaneStep> steps_;
  std::vector<Use> uses_;  // by the value that has the storage
};

}  // namespace

std::vector<LaneStep> find_dependencies(const Plan& plan, const Body& body, Order& order,
                                        const std::vector<NodeId>& node_of) {
  return Dependencies(plan, body, order, node_of).run();
}

}  // namespace tw
