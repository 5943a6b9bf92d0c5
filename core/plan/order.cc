// The order of a step. Updates of a variable come after the step's reads that do not depend on them, and after the use
// of what was read: then they run in place, and the same program gives the same result each time.
#include <algorithm>
#include <limits>
#include <map>
#include <queue>

#include "core/plan/plan.h"

namespace tw {

namespace {

class Orderer {
 public:
  Orderer(const Body& body, FunctionFacts& facts)
      : g_(*body.body),
        facts_(facts),
        size_(static_cast<size_t>(g_.num_nodes())),
        uses_(g_),
        added_(size_),
        places_(size_, kUnknown),
        marks_(size_) {}

  Order run() {
    find_users();
    for (const Users& users : users_) constrain(users);
    schedule();
    find_blocked();
    return std::move(order_);
  }

 private:
  struct Users {
    std::vector<NodeId> readers, writers;
  };
  static constexpr size_t kUnknown = static_cast<size_t>(-1);

  void find_users() {
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      const Node& n = g_.mutable_node(i);
      if (n.dead || n.op->name == "_Retval") continue;
      for (size_t s = 0; s < n.inputs.size(); ++s) {
        const Output o = n.inputs[s];
        const Node& source = g_.mutable_node(o.node);
        if (source.output_dtypes[static_cast<size_t>(o.index)] != DType::kResource) continue;
        Users& users = users_[users_of(o)];
        auto& list = facts_.writes(*g_.library(), n, s) ? users.writers : users.readers;
        if (list.empty() || list.back() != i) list.push_back(i);
      }
    }
  }

  // The place in users_ of a handle's. Handles made twice for one variable are the same variable.
  size_t users_of(Output o) {
    // Few nodes give several handles.
    size_t& place = o.index == 0 ? places_[static_cast<size_t>(o.node)] : others_.emplace(o, kUnknown).first->second;
    if (place != kUnknown) return place;
    Output origin = o;
    const Node* n = &g_.mutable_node(o.node);
    while (n->op->name == "Identity") {
      origin = n->inputs[0];
      n = &g_.mutable_node(origin.node);
    }
    size_t found = users_.size();
    if (n->op->name == "VarHandleOp" && !n->attr().string("shared_name").empty()) {
      const std::string name = n->attr().string("container") + "/" + n->attr().string("shared_name");
      found = variables_.emplace(name, found).first->second;
    } else if (origin != o) {
      found = users_of(origin);
    }
    if (found == users_.size()) users_.emplace_back();
    return place = found;
  }

  void constrain(const Users& users) {
    for (NodeId writer : users.writers) {
      reach(writer);
      for (NodeId reader : users.readers) {
        if (reached(reader)) continue;
        add_edge(reader, writer);
        if (g_.mutable_node(reader).op->name != "ReadVariableOp") continue;
        for (const Uses::Edge& e : uses_.of(reader)) {
          if (e.node != writer && !reached(e.node)) add_edge(e.node, writer);
        }
      }
      for (NodeId other : users.writers) {
        if (other < writer && !reached(other)) add_edge(other, writer);
      }
    }
  }

  void add_edge(NodeId from, NodeId to) {
    std::vector<NodeId>& added = added_[static_cast<size_t>(from)];
    const auto uses = uses_.of(from);
    if (std::find(added.begin(), added.end(), to) != added.end()) return;
    if (std::any_of(uses.begin(), uses.end(), [&](const Uses::Edge& e) { return e.node == to; })) return;
    added.push_back(to);
    order_.edges.push_back({from, to});
  }

  // Calls fn with each node behind `id`, as often as there are edges.
  template <typename Fn>
  void for_next(NodeId id, const Fn& fn) const {
    for (const Uses::Edge& e : uses_.of(id)) fn(e.node);
    for (NodeId n : added_[static_cast<size_t>(id)]) fn(n);
  }

  // Marks everything that must come after `id`.
  void reach(NodeId id) {
    ++mark_;
    stack_.assign(1, id);
    marks_[static_cast<size_t>(id)] = mark_;
    while (!stack_.empty()) {
      const NodeId top = stack_.back();
      stack_.pop_back();
      for_next(top, [&](NodeId n) {
        if (reached(n)) return;
        marks_[static_cast<size_t>(n)] = mark_;
        stack_.push_back(n);
      });
    }
  }
  bool reached(NodeId id) const { return marks_[static_cast<size_t>(id)] == mark_; }

  void schedule() {
    std::vector<int> waiting(size_, 0);
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      for_next(i, [&](NodeId n) { ++waiting[static_cast<size_t>(n)]; });
    }
    // A node that a pass added late belongs where its first consumer is.
    std::vector<int> left = waiting;
    std::vector<NodeId> sorted;
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      if (left[static_cast<size_t>(i)] == 0 && !g_.mutable_node(i).dead) sorted.push_back(i);
    }
    for (size_t k = 0; k < sorted.size(); ++k) {
      for_next(sorted[k], [&](NodeId n) {
        if (--left[static_cast<size_t>(n)] == 0) sorted.push_back(n);
      });
    }
    std::vector<NodeId> key(size_);
    for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
      NodeId k = *it;
      for_next(*it, [&](NodeId n) { k = std::min(k, key[static_cast<size_t>(n)]); });
      key[static_cast<size_t>(*it)] = k;
    }
    // An update runs as soon as it may: it frees the gradient while that is still in cache. So do the small values that
    // it waits for, a learning rate say. What takes more memory than it frees comes just before its first consumer.
    constexpr NodeId kAtOnce = -1;
    for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
      const Node& n = g_.mutable_node(*it);
      constexpr NodeId kNone = std::numeric_limits<NodeId>::max();
      NodeId first = kNone;
      for_next(*it, [&](NodeId c) { first = std::min(first, key[static_cast<size_t>(c)]); });
      NodeId& mine = key[static_cast<size_t>(*it)];
      if (n.op->has(kWritesResource) || is_free(n) || (first == kAtOnce && is_small(n))) {
        mine = kAtOnce;
      } else if (first != kNone && grows(n)) {
        mine = std::max(mine, first);
      }
    }
    using Entry = std::pair<NodeId, NodeId>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    for (NodeId id : sorted) {
      if (waiting[static_cast<size_t>(id)] == 0) ready.push({key[static_cast<size_t>(id)], id});
    }
    while (!ready.empty()) {
      const NodeId id = ready.top().second;
      ready.pop();
      order_.nodes.push_back(id);
      for_next(id, [&](NodeId n) {
        if (--waiting[static_cast<size_t>(n)] == 0) ready.push({key[static_cast<size_t>(n)], n});
      });
    }
  }

  // Whether the plan needs no instruction for it.
  static bool is_free(const Node& n) { return n.op->name == "Const" || n.op->has(kMakesHandle); }

  // A pure node, or a read of a variable, with results of a few cache lines.
  static bool is_small(const Node& n) {
    constexpr double kFewLines = 1024;
    if (!is_pure(n) && n.op->name != "ReadVariableOp") return false;
    if (n.output_dtypes.empty() || n.op->name == "_Arg" || n.op->name == "_Retval") return false;
    double all = 0;
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) all += bytes(n, i);
    return all > 0 && all <= kFewLines;
  }

  // Whether a pure node's results are larger than the operands that live in the arena and so could go after it.
  bool grows(const Node& n) const {
    if (!is_pure(n) || n.op->has(kAliases) || n.op->name == "_Arg" || n.op->name == "_Retval") return false;
    double made = 0, held = 0;
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) made += bytes(n, i);
    for (Output o : n.inputs) {
      const Node& source = g_.mutable_node(o.node);
      const bool stays = is_free(source) || source.op->name == "_Arg" || source.op->name == "ReadVariableOp";
      if (!stays) held += bytes(source, static_cast<size_t>(o.index));
    }
    return made > held;
  }

  // Of output i; 0 where that is not known.
  static double bytes(const Node& n, size_t i) {
    const Shape& s = n.output_shapes[i];
    if (!s.fully_known() || !is_plain(n.output_dtypes[i])) return 0;
    return static_cast<double>(s.num_elements()) * static_cast<double>(dtype_size(n.output_dtypes[i]));
  }

  // Sets of blocking ops, in order; then smaller sets first, which keeps every edge.
  void find_blocked() {
    order_.blocked.assign(size_, 0);
    order_.may_block.assign(size_, 0);
    std::vector<std::vector<uint32_t>> inherited(size_);
    bool any = false;
    for (NodeId id : order_.nodes) {
      const size_t at = static_cast<size_t>(id);
      order_.may_block[at] = facts_.may_block(*g_.library(), g_.mutable_node(id));
      any |= order_.may_block[at] != 0;
      if (!any) continue;
      order_.blocked[at] = order_.sets.unite(inherited[at], order_.may_block[at] != 0 ? id : -1);
      for_next(id, [&](NodeId n) { inherited[static_cast<size_t>(n)].push_back(order_.blocked[at]); });
    }
    if (!any) return;
    std::stable_sort(order_.nodes.begin(), order_.nodes.end(), [&](NodeId a, NodeId b) {
      const uint32_t x = order_.blocked[static_cast<size_t>(a)], y = order_.blocked[static_cast<size_t>(b)];
      return std::pair(order_.sets.size_of(x), x) < std::pair(order_.sets.size_of(y), y);
    });
  }

  Graph& g_;
  FunctionFacts& facts_;
  const size_t size_;
  const Uses uses_;
  std::vector<std::vector<NodeId>> added_;  // by node: what the variable rule puts behind it
  std::vector<Users> users_;
  std::vector<size_t> places_;       // in users_, by node, of its first output
  std::map<Output, size_t> others_;  // of other outputs
  std::unordered_map<std::string, size_t> variables_;
  std::vector<uint32_t> marks_;  // mark_ for what the last reach() met
  uint32_t mark_ = 0;
  std::vector<NodeId> stack_;
  Order order_;
};

}  // namespace

Order order_nodes(const Body& body, FunctionFacts& facts) { return Orderer(body, facts).run(); }

}  // namespace tw
