// Chains of reductions along rows. A norm reduces a tensor along its last axes, uses what came out on the same tensor,
// and reduces again; run node by node, each step reads the tensor from memory. Here such nodes become one, which takes
// a few rows through all steps before it goes on to the next rows. Sums over all rows, which gradients of scales and
// offsets are, ride along.
#include <algorithm>
#include <map>

#include "core/framework/rows_stage.h"
#include "core/passes/assembler.h"
#include "core/passes/grouper.h"

namespace tw {
namespace fusion {
namespace {

constexpr size_t kMaxInputs = 16;
constexpr size_t kMaxInstructions = 64;
constexpr size_t kMaxOutputs = 8;
constexpr int kMaxColumnSums = 4;
// A row and what is computed from it should stay in the second-level cache.
constexpr int64_t kMaxColumns = 64 << 10;
// Below this many rows a large tensor is better shared by threads within its rows.
constexpr int64_t kFewRows = 8, kLarge = 64 << 10;

// A tensor's shape, with its rows: all elements along the axes from `first` on.
struct Space {
  Shape shape, kept;  // kept: of a number per row, as it broadcasts to the tensor
  int first;
  int64_t rows, columns;
};

enum class Role : uint8_t { kNone, kMap, kRowMap, kReduce, kColumnSum, kReshape };

bool is_number_per_row(Role r) { return r == Role::kRowMap || r == Role::kReduce || r == Role::kReshape; }

// The axes of more than one element that a reduction takes; nothing for other nodes.
std::optional<std::vector<int>> reduced_axes(const Graph& g, const Node& n) {
  static constexpr std::string_view kOps[] = {"Sum", "Mean", "Max", "Min", "Prod"};
  if (n.dead || std::find(std::begin(kOps), std::end(kOps), n.op->name) == std::end(kOps)) return std::nullopt;
  if (n.output_dtypes[0] != DType::kFloat && n.output_dtypes[0] != DType::kDouble) return std::nullopt;
  const Shape& in = g.node(n.inputs[0].node).output_shapes[static_cast<size_t>(n.inputs[0].index)];
  const Tensor* axes = constant_of(g.node(n.inputs[1].node));
  if (axes == nullptr || !in.fully_known()) return std::nullopt;
  std::vector<int> found;
  for (int64_t i = 0; i < axes->num_elements(); ++i) {
    const int64_t given = index_value(*axes, i);
    const int a = static_cast<int>(given < 0 ? given + in.rank() : given);
    if (a < 0 || a >= in.rank()) return std::nullopt;
    if (in[a] != 1 && std::find(found.begin(), found.end(), a) == found.end()) found.push_back(a);
  }
  std::sort(found.begin(), found.end());
  return found;
}

RowsStage::Kind reduction_of(std::string_view op) {
  if (op == "Mean") return RowsStage::Kind::kMean;
  if (op == "Max") return RowsStage::Kind::kMax;
  if (op == "Min") return RowsStage::Kind::kMin;
  return op == "Prod" ? RowsStage::Kind::kProd : RowsStage::Kind::kSum;
}

// The axes of more than one element in [begin, end).
std::vector<int> wide_axes(const Shape& s, int begin, int end) {
  std::vector<int> axes;
  for (int i = begin; i < end; ++i) {
    if (s[i] != 1) axes.push_back(i);
  }
  return axes;
}

class RowFuser : Grouper {
 public:
  using Grouper::Grouper;

  Status run() {
    const size_t n = static_cast<size_t>(g_.num_nodes());
    for (NodeId id : order_) find_space(g_.node(id));
    if (spaces_.empty()) return {};
    role_.assign(n, Role::kNone);
    space_of_.assign(n, -1);
    for (NodeId id : order_) visit(id);
    for (const Group& group : groups_) {
      if (!group.members.empty()) TW_RETURN_IF_ERROR(emit(group));
    }
    rewriter_.apply();
    return {};
  }

 private:
  // What one node of the chain becomes, its operands still outputs of nodes.
  struct Draft {
    RowsStage stage;
    std::vector<Output> operands;
    std::vector<NodeId> results;
  };

  Role& role(NodeId id) { return role_[static_cast<size_t>(id)]; }
  const Space& space(NodeId id) const { return spaces_[static_cast<size_t>(space_of_[static_cast<size_t>(id)])]; }
  bool grouped(NodeId id) { return group_of(id) >= 0; }

  // A tensor whose last axes are reduced makes a space; of several ways to reduce it, the first counts.
  void find_space(const Node& n) {
    const auto axes = reduced_axes(g_, n);
    if (!axes || axes->empty()) return;
    const Shape& in = shape_of(n.inputs[0]);
    const int first = axes->front();
    if (*axes != wide_axes(in, first, in.rank()) || space_number(in) >= 0) return;
    Space s{in, in, first, in.product(0, first), in.product(first, in.rank())};
    if (in.num_elements() == 0 || s.columns > kMaxColumns || (s.rows < kFewRows && in.num_elements() > kLarge)) return;
    for (int i = first; i < in.rank(); ++i) s.kept.set_dim(i, 1);
    spaces_.push_back(std::move(s));
  }

  int space_number(const Shape& s) const {
    for (size_t i = 0; i < spaces_.size(); ++i) {
      if (spaces_[i].shape == s) return static_cast<int>(i);
    }
    return -1;
  }

  // Gives the node its role, if it has one.
  bool classify(const Node& n) {
    if (n.dead || n.output_dtypes.size() != 1 || !n.output_shapes[0].fully_known()) return false;
    const auto become = [&](Role r, int number) {
      role(n.id) = r;
      space_of_[static_cast<size_t>(n.id)] = number;
      return true;
    };
    if (const auto axes = reduced_axes(g_, n)) {
      const int number = space_number(shape_of(n.inputs[0]));
      if (number < 0) return false;
      const Space& s = spaces_[static_cast<size_t>(number)];
      if (*axes == wide_axes(s.shape, s.first, s.shape.rank())) return become(Role::kReduce, number);
      return n.op->name == "Sum" && s.rows > 1 && *axes == wide_axes(s.shape, 0, s.first) &&
             become(Role::kColumnSum, number);
    }
    const Shape& out = n.output_shapes[0];
    // Numbers per row are those of the chains that they come from.
    for (Output o : n.inputs) {
      if (!grouped(o.node) || !is_number_per_row(role(o.node)) || out.num_elements() != space(o.node).rows) continue;
      const int number = space_of_[static_cast<size_t>(o.node)];
      const std::string_view op = n.op->name;
      if ((op == "Reshape" || op == "ExpandDims" || op == "Squeeze") && o == n.inputs[0]) {
        return become(Role::kReshape, number);
      }
      if (out == spaces_[static_cast<size_t>(number)].shape || !take_tape(n)) break;
      const bool plain = std::all_of(n.inputs.begin(), n.inputs.end(), [&](Output in) {
        return shape_of(in) == out || (shape_of(in).fully_known() && shape_of(in).num_elements() == 1);
      });
      return plain && become(Role::kRowMap, number);
    }
    const int number = space_number(out);
    return number >= 0 && take_tape(n) && become(Role::kMap, number);
  }

  // Numbers per row that are stretched along their rows: as part of a tape, nothing at all.
  bool stretches_rows(const Node& n) {
    if (n.op->name != "BroadcastTo" || !grouped(n.inputs[0].node) || !is_number_per_row(role(n.inputs[0].node))) {
      return false;
    }
    const Space& s = space(n.inputs[0].node);
    return n.output_shapes[0] == s.shape && shape_of(n.inputs[0]) == s.kept;
  }

  bool take_tape(const Node& n) {
    if (stretches_rows(n)) {
      Tape tape;
      tape.add_input(n.output_dtypes[0]);
      tape.outputs = {0};
      tapes_[n.id] = std::move(tape);
      return true;
    }
    std::optional<Tape> tape = node_tape(g_, n);
    if (!tape) return false;
    // Division of integers fails, and has no place here.
    const DType t = n.output_dtypes[0];
    if (!is_floating(t) && t != DType::kBool) return false;
    tapes_[n.id] = std::move(*tape);
    return true;
  }

  // Puts a node into a group of its own, then merges it with those that it continues, and with those that read the same
  // tensor.
  void visit(NodeId id) {
    const Node& n = g_.node(id);
    if (!classify(n)) return;
    const auto tape = tapes_.find(id);
    groups_.push_back({{id}, tape == tapes_.end() ? 1 : tape->second.insts.size()});
    group_of(id) = static_cast<int>(groups_.size()) - 1;
    for (Output o : n.inputs) {
      if (grouped(o.node)) merge(group_of(o.node), group_of(id));
    }
    if (is_number_per_row(role(id)) && role(id) != Role::kReduce) return;
    for (Output o : n.inputs) {
      if (shape_of(o) != space(id).shape) continue;
      for (NodeId other : readers_[o]) {
        if (reduces(group_of(id)) || reduces(group_of(other))) merge(group_of(other), group_of(id));
      }
      readers_[o].push_back(id);
    }
  }

  bool reduces(int group) {
    const auto& members = groups_[static_cast<size_t>(group)].members;
    return std::any_of(members.begin(), members.end(),
                       [&](NodeId m) { return role(m) == Role::kReduce || role(m) == Role::kColumnSum; });
  }

  void merge(int into, int from) {
    if (into == from) return;
    Group &a = groups_[static_cast<size_t>(into)], &b = groups_[static_cast<size_t>(from)];
    const NodeId x = a.members.front(), y = b.members.front();
    if (space_of_[static_cast<size_t>(x)] != space_of_[static_cast<size_t>(y)]) return;
    if (g_.node(x).device != g_.node(y).device || a.instructions + b.instructions > kMaxInstructions) return;
    std::vector<NodeId> all = a.members;
    all.insert(all.end(), b.members.begin(), b.members.end());
    std::sort(all.begin(), all.end(), [&](NodeId p, NodeId q) { return position(p) < position(q); });
    if (!fits(all) || !convex(all)) return;
    for (NodeId id : b.members) group_of(id) = into;
    a.members = std::move(all);
    a.instructions += b.instructions;
    b.members.clear();
  }

  // Whether every member reads of the others what its role takes, within the limits.
  bool fits(const std::vector<NodeId>& set) {
    std::vector<Output> inputs;
    size_t outputs = 0;
    int column_sums = 0;
    for (NodeId id : set) {
      column_sums += role(id) == Role::kColumnSum;
      for (Output o : g_.node(id).inputs) {
        if (!member(o.node, set)) {
          if (std::find(inputs.begin(), inputs.end(), o) == inputs.end()) inputs.push_back(o);
          continue;
        }
        const Role from = role(o.node);
        const bool number = is_number_per_row(from);
        if (from == Role::kColumnSum) return false;
        switch (role(id)) {
          // A number per row must lie along the rows.
          case Role::kMap:
            if (number && shape_of(o) != space(id).kept) return false;
            break;
          case Role::kRowMap:
          case Role::kReshape:
            if (!number) return false;
            break;
          default:
            if (number) return false;
        }
      }
      const auto edges = uses_.of(id);
      outputs += std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return !member(e.node, set); });
    }
    return inputs.size() <= kMaxInputs && outputs <= kMaxOutputs && column_sums <= kMaxColumnSums;
  }

  // The value that a Reshape of the group passes on.
  Output origin(Output o, const std::vector<NodeId>& set) {
    while (member(o.node, set) && role(o.node) == Role::kReshape) o = g_.node(o.node).inputs[0];
    return o;
  }

  // Whether somebody outside reads the value, under its own shape or another. What nobody reads is a target of the
  // step: it is computed for nothing but that.
  bool leaves(NodeId id, const std::vector<NodeId>& set) {
    const auto edges = uses_.of(id);
    if (std::none_of(edges.begin(), edges.end(), [](const Uses::Edge& e) { return e.slot >= 0; })) return true;
    return std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
      return e.slot >= 0 && (!member(e.node, set) || (role(e.node) == Role::kReshape && leaves(e.node, set)));
    });
  }

  // The steps in which members run: after that many reductions. An element-wise member runs as late as its readers
  // let it, so that its value need not be kept.
  std::map<NodeId, int> levels_of(const std::vector<NodeId>& set) {
    std::map<NodeId, int> levels;
    for (NodeId id : set) {
      int level = 0;
      for (Output o : g_.node(id).inputs) {
        if (member(o.node, set)) level = std::max(level, levels.at(o.node));
      }
      levels[id] = level + (role(id) == Role::kReduce ? 1 : 0);
    }
    for (size_t i = set.size(); i-- > 0;) {
      const NodeId id = set[i];
      if (role(id) != Role::kMap) continue;
      std::optional<int> first;
      for (const Uses::Edge& e : uses_.of(id)) {
        if (e.slot < 0 || !member(e.node, set) || role(e.node) == Role::kColumnSum) continue;
        const int wants = levels.at(e.node) - (role(e.node) == Role::kReduce ? 1 : 0);
        first = std::min(first.value_or(wants), wants);
      }
      if (first) levels[id] = std::max(levels.at(id), *first);
    }
    for (NodeId id : set) {
      const NodeId from = g_.node(id).inputs[0].node;
      if (role(id) == Role::kColumnSum && member(from, set)) levels[id] = levels.at(from);
    }
    return levels;
  }

  // One pass is saved where an element-wise node follows a reduction, or where two sums read the same tensor.
  bool pays(const std::vector<NodeId>& set, const std::map<NodeId, int>& levels) {
    int reductions = 0;
    bool follows = false;
    for (NodeId id : set) {
      reductions += role(id) == Role::kReduce || role(id) == Role::kColumnSum;
      follows = follows || (role(id) == Role::kMap && levels.at(id) > 0);
    }
    return follows || reductions > 1;
  }

  // The squared difference of elements and a number per row that `reduction`, a sum or mean in the group, alone reads:
  // the engine sums it without writing it down.
  const Node* squares_of(NodeId reduction, const std::vector<NodeId>& set) {
    const Node& n = g_.node(reduction);
    if (n.op->name != "Sum" && n.op->name != "Mean") return nullptr;
    const Node& d = g_.node(n.inputs[0].node);
    if (!member(d.id, set) || d.op->name != "SquaredDifference" || shape_of(d.inputs[0]) != space(d.id).shape) {
      return nullptr;
    }
    const NodeId centre = origin(d.inputs[1], set).node;
    if (!member(centre, set) || !is_number_per_row(role(centre))) return nullptr;
    const auto edges = uses_.of(d.id);
    const bool alone =
        std::all_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) { return e.slot < 0 || e.node == reduction; });
    return alone ? &d : nullptr;
  }
  bool is_squares(NodeId id, const std::vector<NodeId>& set) {
    if (g_.node(id).op->name != "SquaredDifference") return false;
    const auto edges = uses_.of(id);
    return std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
      return e.slot >= 0 && member(e.node, set) && role(e.node) == Role::kReduce && squares_of(e.node, set) != nullptr;
    });
  }

  Draft tape_draft(const std::vector<NodeId>& nodes, const std::vector<NodeId>& set) {
    Assembler assembler;
    std::map<NodeId, Assembler::Ref> results;
    for (NodeId id : nodes) {
      std::vector<Assembler::Ref> bound;
      // A BroadcastTo has one more input, its shape.
      for (size_t i = 0; i < tapes_.at(id).inputs.size(); ++i) {
        const Output from = origin(g_.node(id).inputs[i], set);
        const auto it = results.find(from.node);
        bound.push_back(it != results.end() ? it->second : external(g_, assembler, rewriter_.resolve(from)));
      }
      results[id] = assembler.append(tapes_.at(id), bound);
    }
    Draft d;
    std::vector<Assembler::Ref> outputs;
    for (NodeId id : nodes) {
      if (!leaves(id, set) && !read_later(id, nodes, set)) continue;
      d.results.push_back(id);
      outputs.push_back(results.at(id));
    }
    d.stage.kind = role(nodes[0]) == Role::kMap ? RowsStage::Kind::kMap : RowsStage::Kind::kRowMap;
    d.operands = assembler.inputs();
    d.stage.tape = assembler.finish(outputs);
    return d;
  }

  // Whether a member beyond these nodes reads the value.
  bool read_later(NodeId id, const std::vector<NodeId>& nodes, const std::vector<NodeId>& set) {
    const auto edges = uses_.of(id);
    return std::any_of(edges.begin(), edges.end(), [&](const Uses::Edge& e) {
      if (e.slot < 0 || !member(e.node, set)) return false;
      return role(e.node) == Role::kReshape ? read_later(e.node, nodes, set) : !member(e.node, nodes);
    });
  }

  std::vector<Draft> drafts_of(const std::vector<NodeId>& set, const std::map<NodeId, int>& levels) {
    std::vector<Draft> drafts;
    int last = 0;
    for (const auto& [id, level] : levels) last = std::max(last, level);
    for (int level = 0; level <= last; ++level) {
      for (Role r : {Role::kRowMap, Role::kMap}) {
        std::vector<NodeId> nodes;
        for (NodeId id : set) {
          if (role(id) == r && levels.at(id) == level && !is_squares(id, set)) nodes.push_back(id);
        }
        if (!nodes.empty()) drafts.push_back(tape_draft(nodes, set));
      }
      for (NodeId id : set) {
        const bool sum = role(id) == Role::kColumnSum;
        if (!(sum && levels.at(id) == level) && !(role(id) == Role::kReduce && levels.at(id) == level + 1)) continue;
        Draft d;
        d.stage.kind = sum ? RowsStage::Kind::kColumnSum : reduction_of(g_.node(id).op->name);
        d.operands = {rewriter_.resolve(g_.node(id).inputs[0])};
        if (const Node* squares = sum ? nullptr : squares_of(id, set)) {
          const bool mean = d.stage.kind == RowsStage::Kind::kMean;
          d.stage.kind = mean ? RowsStage::Kind::kVariance : RowsStage::Kind::kSquares;
          d.operands = {rewriter_.resolve(squares->inputs[0]), rewriter_.resolve(origin(squares->inputs[1], set))};
        }
        d.results = {id};
        drafts.push_back(std::move(d));
      }
    }
    return drafts;
  }

  Status emit(const Group& group) {
    const std::vector<NodeId>& set = group.members;
    const std::map<NodeId, int> levels = levels_of(set);
    if (!pays(set, levels)) return {};
    std::vector<Draft> drafts = drafts_of(set, levels);

    // Reshapes that outsiders read stay behind the new node.
    Group real = group;
    std::erase_if(real.members, [&](NodeId id) { return role(id) == Role::kReshape && leaves(id, set); });
    std::vector<NodeId> wanted;
    for (NodeId id : set) {
      if (role(id) != Role::kReshape && leaves(id, set)) wanted.insert(wanted.begin(), id);
    }
    if (wanted.empty()) return {};

    std::vector<Output> inputs;
    std::map<Output, int> number;
    std::vector<NodeId> results;
    for (const Draft& d : drafts) results.insert(results.end(), d.results.begin(), d.results.end());
    const auto is_result = [&](Output o) { return member(o.node, results); };
    for (const Draft& d : drafts) {
      for (Output o : d.operands) {
        if (is_result(o) || number.count(o) != 0) continue;
        number[o] = static_cast<int>(inputs.size());
        inputs.push_back(o);
      }
    }
    for (NodeId id : results) {
      const int next = static_cast<int>(number.size());
      number[Output{id, 0}] = next;
    }
    std::vector<std::string> stages;
    for (Draft& d : drafts) {
      for (Output o : d.operands) d.stage.operands.push_back(number.at(o));
      stages.push_back(d.stage.to_string());
    }
    const NodeId last = wanted[0];
    std::vector<DType> in_types, out_types;
    std::vector<int64_t> values;
    std::vector<Shape> shapes;
    for (Output o : inputs) in_types.push_back(g_.node(o.node).output_dtypes[static_cast<size_t>(o.index)]);
    for (NodeId id : wanted) {
      out_types.push_back(g_.node(id).output_dtypes[0]);
      values.push_back(number.at(Output{id, 0}));
      shapes.push_back(g_.node(id).output_shapes[0]);
    }
    const Space& s = space(last);
    AttrMap attrs{{"Tin", std::move(in_types)}, {"Tout", std::move(out_types)}, {"space", s.shape},
                  {"first_axis", s.first},      {"stages", std::move(stages)},  {"results", std::move(values)},
                  {"shapes", std::move(shapes)}};
    TW_RETURN_IF_ERROR(adopt_controls(real.members, last));
    return replace_by(last, "_FusedRows", std::move(inputs), std::move(attrs), real, wanted);
  }

  std::vector<Space> spaces_;
  std::vector<Role> role_;
  std::vector<int> space_of_;
  std::map<Output, std::vector<NodeId>> readers_;  // of tensors that are no member's
};

}  // namespace
}  // namespace fusion

Status fuse_rows(Body& body) { return fusion::RowFuser(body).run(); }

}  // namespace tw
