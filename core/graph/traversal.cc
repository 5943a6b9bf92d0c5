// Orders of a graph's nodes, and who uses them.
#include <algorithm>
#include <bit>

#include "core/graph/graph.h"

namespace tw {

namespace {

// Numbers of nodes, of which the lowest is taken first.
class ReadyNodes {
 public:
  explicit ReadyNodes(size_t nodes) : words_(nodes / 64 + 1, 0), first_(words_.size()) {}
  void add(NodeId id) {
    const size_t word = static_cast<size_t>(id) / 64;
    words_[word] |= uint64_t{1} << (static_cast<size_t>(id) % 64);
    first_ = std::min(first_, word);
  }
  // -1 when there is none.
  NodeId take() {
    while (first_ < words_.size() && words_[first_] == 0) ++first_;
    if (first_ == words_.size()) return -1;
    const int bit = std::countr_zero(words_[first_]);
    words_[first_] &= words_[first_] - 1;
    return static_cast<NodeId>(first_ * 64 + static_cast<size_t>(bit));
  }

 private:
  std::vector<uint64_t> words_;
  size_t first_;  // word that may hold any
};

}  // namespace

// Whether every edge leads from a lower id to a higher one.
bool Graph::numbered_in_order() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const std::unique_ptr<Node>& n) {
    return n->dead || ((n->controls.empty() || n->controls.back() < n->id) &&
                       std::all_of(n->inputs.begin(), n->inputs.end(), [&](Output o) { return o.node < n->id; }));
  });
}

// Ready nodes are taken in the order in which they were made.
std::vector<NodeId> Graph::topological_order() const {
  std::vector<NodeId> order;
  order.reserve(nodes_.size());
  if (numbered_in_order()) {
    for (const auto& n : nodes_) {
      if (!n->dead) order.push_back(n->id);
    }
    return order;
  }
  // Calls fn(source, node) for each edge that holds a node back.
  const auto for_edges = [&](const auto& fn) {
    for (const auto& n : nodes_) {
      if (n->dead) continue;
      const bool merge = n->op->name == "Merge" || n->op->name == "RefMerge";
      for (Output o : n->inputs) {
        // A loop's back edge does not hold its Merge back.
        if (merge && nodes_[static_cast<size_t>(o.node)]->op->name.ends_with("NextIteration")) continue;
        fn(static_cast<size_t>(o.node), n->id);
      }
      for (NodeId c : n->controls) fn(static_cast<size_t>(c), n->id);
    }
  };
  // The nodes behind node i are next[first[i]] to next[first[i + 1]].
  std::vector<int> waiting(nodes_.size(), 0);
  std::vector<uint32_t> first(nodes_.size() + 1, 0);
  for_edges([&](size_t source, NodeId n) {
    ++first[source + 1];
    ++waiting[static_cast<size_t>(n)];
  });
  for (size_t i = 0; i < nodes_.size(); ++i) first[i + 1] += first[i];
  std::vector<NodeId> next(first.back());
  std::vector<uint32_t> at(first.begin(), first.end() - 1);
  for_edges([&](size_t source, NodeId n) { next[at[source]++] = n; });

  ReadyNodes ready(nodes_.size());
  for (const auto& n : nodes_) {
    if (!n->dead && waiting[static_cast<size_t>(n->id)] == 0) ready.add(n->id);
  }
  for (NodeId id = ready.take(); id >= 0; id = ready.take()) {
    order.push_back(id);
    for (uint32_t k = first[static_cast<size_t>(id)]; k < first[static_cast<size_t>(id) + 1]; ++k) {
      if (--waiting[static_cast<size_t>(next[k])] == 0) ready.add(next[k]);
    }
  }
  return order;
}

std::vector<NodeId> Graph::renumber(std::span<const NodeId> order) {
  std::vector<NodeId> now(nodes_.size(), -1);
  for (size_t i = 0; i < order.size(); ++i) now[static_cast<size_t>(order[i])] = static_cast<NodeId>(i);
  std::vector<std::unique_ptr<Node>> nodes;
  nodes.reserve(order.size());
  for (NodeId old : order) {
    std::unique_ptr<Node>& n = nodes_[static_cast<size_t>(old)];
    n->id = now[static_cast<size_t>(old)];
    for (Output& o : n->inputs) o.node = now[static_cast<size_t>(o.node)];
    for (NodeId& c : n->controls) c = now[static_cast<size_t>(c)];
    std::sort(n->controls.begin(), n->controls.end());
    nodes.push_back(std::move(n));
  }
  nodes_ = std::move(nodes);
  by_name_.clear();
  named_ = false;
  inherited_.reset();
  return now;
}

Uses::Uses(const Graph& g) : first_(static_cast<size_t>(g.num_nodes()) + 1, 0) {
  const NodeId count = static_cast<NodeId>(first_.size() - 1);
  const auto for_edges = [&](const auto& fn) {
    for (NodeId i = 0; i < count; ++i) {
      const Node& n = g.node(i);
      if (n.dead) continue;
      for (size_t s = 0; s < n.inputs.size(); ++s) {
        fn(n.inputs[s].node, Edge{i, static_cast<int>(s), n.inputs[s].index});
      }
      for (NodeId c : n.controls) fn(c, Edge{i, -1, -1});
    }
  };
  for_edges([&](NodeId source, Edge) { ++first_[static_cast<size_t>(source) + 1]; });
  for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  edges_.resize(first_.back());
  std::vector<uint32_t> at(first_.begin(), first_.end() - 1);
  for_edges([&](NodeId source, Edge e) { edges_[at[static_cast<size_t>(source)]++] = e; });
}

}  // namespace tw
