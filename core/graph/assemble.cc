#include "core/graph/assemble.h"

#include <algorithm>
#include <queue>

namespace tw {
namespace {

bool is_merge(const NodeSpec& s) { return s.op == "Merge" || s.op == "RefMerge"; }
bool is_next_iteration(const NodeSpec& s) { return s.op == "NextIteration" || s.op == "RefNextIteration"; }

class Assembler {
 public:
  Assembler(Graph* graph, std::vector<PendingNode>& nodes) : graph_(graph), nodes_(nodes), ids_(nodes.size(), -1) {}

  Status run() {
    TW_RETURN_IF_ERROR(resolve());
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (waiting_[i] == 0) ready.push(i);
    }
    size_t added = 0;
    while (!ready.empty()) {
      const size_t i = ready.top();
      ready.pop();
      TW_RETURN_IF_ERROR(add(i));
      ++added;
      for (const size_t next : consumers_[i]) {
        if (--waiting_[next] == 0) ready.push(next);
      }
    }
    if (added != nodes_.size()) return cycle(nodes_.size() - added);
    for (const BackEdge& e : back_edges_) {
      Status s = graph_->set_input(ids_[e.merge], e.slot, Output{ids_[e.source], e.index});
      if (!s.ok()) return s.at_node(nodes_[e.merge].spec.name);
    }
    return {};
  }
  void roll_back() {
    for (auto it = ids_.rbegin(); it != ids_.rend(); ++it) {
      if (*it >= 0) graph_->remove(*it);
    }
  }
  std::vector<NodeId> take_ids() { return std::move(ids_); }

 private:
  struct BackEdge {
    size_t merge, source;
    int slot, index;
  };

  // Names to positions, and the edges that order the nodes.
  Status resolve() {
    std::unordered_map<std::string_view, size_t> position;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!position.emplace(nodes_[i].spec.name, i).second) {
        return invalid_argument("Node '", nodes_[i].spec.name, "' is not unique");
      }
    }
    sources_.resize(nodes_.size());
    control_sources_.resize(nodes_.size());
    waiting_.assign(nodes_.size(), 0);
    consumers_.resize(nodes_.size());
    const auto edge = [&](size_t from, size_t to) {
      consumers_[from].push_back(to);
      ++waiting_[to];
    };
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const PendingNode& n = nodes_[i];
      const auto unknown = [&](std::string_view name) {
        return invalid_argument("Node '", n.spec.name, "': Unknown input node '", name, "'")
            .at_node(n.spec.name, n.spec.where);
      };
      for (size_t slot = 0; slot < n.inputs.size(); ++slot) {
        const PendingInput& in = n.inputs[slot];
        sources_[i].push_back(0);
        if (in.direct.valid()) continue;
        const auto it = position.find(in.node);
        if (it == position.end()) return unknown(in.node);
        sources_[i].back() = it->second;
        if (is_merge(n.spec) && is_next_iteration(nodes_[it->second].spec)) {
          back_edges_.push_back({i, it->second, static_cast<int>(slot), in.index});
        } else {
          edge(it->second, i);
        }
      }
      for (const std::string& c : n.controls) {
        const auto it = position.find(c);
        if (it == position.end()) return unknown(c);
        control_sources_[i].push_back(it->second);
        edge(it->second, i);
      }
    }
    return {};
  }

  Status add(size_t i) {
    PendingNode& n = nodes_[i];
    bool open = false;  // a back edge comes later
    for (size_t slot = 0; slot < n.inputs.size(); ++slot) {
      const PendingInput& in = n.inputs[slot];
      if (in.direct.valid()) {
        n.spec.inputs.push_back(in.direct);
      } else if (const NodeId id = ids_[sources_[i][slot]]; id >= 0) {
        n.spec.inputs.push_back({id, in.index});
      } else {
        n.spec.inputs.push_back({});
        open = true;
      }
    }
    if (open) {
      // The loop's entry stands in for its back edge until that exists.
      const auto entry = std::find_if(n.spec.inputs.begin(), n.spec.inputs.end(), [](Output o) { return o.valid(); });
      if (entry == n.spec.inputs.end()) {
        return invalid_argument("Node '", n.spec.name, "': all inputs of a ", n.spec.op, " are back edges");
      }
      const Output stand_in = *entry;
      for (Output& o : n.spec.inputs) {
        if (!o.valid()) o = stand_in;
      }
    }
    for (const size_t c : control_sources_[i]) n.spec.controls.push_back(ids_[c]);
    NodeSpec spec = n.spec;
    TW_ASSIGN_OR_RETURN(ids_[i], graph_->add(std::move(spec)));
    // What comes round the loop may have another shape.
    if (open) graph_->mutable_node(ids_[i]).output_shapes[0] = Shape::unknown();
    return {};
  }

  Status cycle(size_t count) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (waiting_[i] > 0) {
        return invalid_argument(count, " nodes in a cycle, among them '", nodes_[i].spec.name, "'")
            .at_node(nodes_[i].spec.name, nodes_[i].spec.where);
      }
    }
    return internal_error("nodes left over");
  }

  Graph* graph_;
  std::vector<PendingNode>& nodes_;
  std::vector<NodeId> ids_;
  std::vector<std::vector<size_t>> sources_, control_sources_, consumers_;
  std::vector<int> waiting_;
  std::vector<BackEdge> back_edges_;
};

}  // namespace

Result<std::vector<NodeId>> assemble(Graph* graph, std::vector<PendingNode> nodes) {
  Assembler a(graph, nodes);
  if (Status s = a.run(); !s.ok()) {
    a.roll_back();
    return s;
  }
  return a.take_ids();
}

}  // namespace tw
