#include "core/graph/branch_values.h"

#include <algorithm>
#include <set>

namespace tw {
namespace {

// A branch whose functions are being extended, in private copies.
struct Level {
  Graph* graph = nullptr;  // the body of the branch; for level 0 the graph itself
  NodeId call = -1;        // the node of the level before that runs the branch
  int branch = 0;
  std::set<NodeId> members;
  std::vector<FuncRef> refs;                         // of all branches of `call`
  std::vector<std::shared_ptr<Function>> functions;  // and what they become
  std::vector<Output> arguments;                     // of the functions, in the graph of the level before
  std::vector<DType> result_types;
  std::vector<Shape> result_shapes;
};

class Leaver {
 public:
  Leaver(Graph* graph, Leaving what) : g_(*graph), what_(what) {}

  Result<std::vector<NodeId>> run(std::span<const BranchOfNode> path, std::span<const NodeId> nodes) {
    levels_.emplace_back().graph = &g_;
    for (const BranchOfNode& b : path) TW_RETURN_IF_ERROR(enter(b));
    std::vector<Output> out;
    for (const NodeId id : nodes) TW_RETURN_IF_ERROR(find_values(id, &out));
    // The values and the predicates they hang on, handed up; those of the outermost branch are found last.
    for (int k = depth(); k > 0; --k) {
      TW_RETURN_IF_ERROR(return_values(k, &out));
      if (k > 1) out.push_back(predicate(k));
      TW_RETURN_IF_ERROR(finish(k));
      const auto first = static_cast<int32_t>(node(k - 1, level(k).call).output_dtypes.size() - returned_);
      for (size_t i = 0; i < returned_; ++i) out[i] = Output{level(k).call, first + static_cast<int32_t>(i)};
    }
    Output taken = predicate(1);
    for (int k = 1;; ++k) {
      for (Output& o : out) {
        TW_ASSIGN_OR_RETURN(o, add(0, "Switch", "taken", {o, taken}, side(k)));
      }
      if (k == depth()) break;
      taken = out.back();
      out.pop_back();
    }
    return stand_ins(nodes, out);
  }

 private:
  int depth() const { return static_cast<int>(levels_.size()) - 1; }
  Level& level(int k) { return levels_[static_cast<size_t>(k)]; }
  const Node& node(int k, NodeId id) { return level(k).graph->node(id); }

  Status enter(const BranchOfNode& b) {
    if (b.node < 0 || b.node >= g_.num_nodes()) return invalid_argument("no node with number ", b.node);
    const int k = depth() + 1;
    Level next;
    next.branch = b.branch;
    next.members = {b.members.begin(), b.members.end()};
    TW_ASSIGN_OR_RETURN(next.call, locate(b.node, k - 1));
    const Node& call = node(k - 1, next.call);
    if (call.op->name == "If" || call.op->name == "StatelessIf") {
      next.refs = {call.attr().must<FuncRef>("then_branch"), call.attr().must<FuncRef>("else_branch")};
    }
    if (b.branch < 0 || static_cast<size_t>(b.branch) >= next.refs.size()) {
      return invalid_argument("'", call.name, "' (op type: ", call.op->name, ") has no branch ", b.branch);
    }
    for (const FuncRef& ref : next.refs) {
      TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Function> f, g_.library()->resolve(ref));
      next.functions.push_back(f->copy());
    }
    next.arguments.assign(call.inputs.begin() + 1, call.inputs.end());
    next.result_types = call.attr().must<std::vector<DType>>("Tout");
    next.result_shapes = call.output_shapes;
    next.graph = next.functions[static_cast<size_t>(b.branch)]->body.get();
    levels_.push_back(std::move(next));
    return {};
  }

  // The level that a node of the graph was made in; 0 when it is in none of the branches.
  int home(NodeId id) const {
    for (int k = depth(); k > 0; --k) {
      if (levels_[static_cast<size_t>(k)].members.contains(id)) return k;
    }
    return 0;
  }

  // What stands for a member of level `k` in the branch's function. A function has only what its results need: others
  // are copied into it with what they need themselves.
  Result<NodeId> locate(NodeId id, int k) {
    if (k == 0) {
      if (g_.node(id).dead) return invalid_argument("'", g_.node(id).name, "' lies in none of the branches");
      return id;
    }
    const Node& original = g_.node(id);
    if (const std::optional<NodeId> found = level(k).graph->find(original.name)) {
      if (node(k, *found).op == original.op) return *found;
    }
    if (original.op->name == "Placeholder" || original.op->name == "_Arg") {
      return invalid_argument("'", original.name, "' (op type: ", original.op->name, ") is no node of a branch");
    }
    Node copy = original;
    for (Output& in : copy.inputs) {
      TW_ASSIGN_OR_RETURN(in, value(in, k));
    }
    copy.controls.clear();
    for (const NodeId c : original.controls) {
      const int of = home(c);
      TW_ASSIGN_OR_RETURN(const NodeId before, locate(c, of));
      if (of == k) {
        copy.controls.push_back(before);
      } else {
        // The whole construct waits, as for what its first functions wait for.
        TW_RETURN_IF_ERROR(level(of).graph->add_control(level(of + 1).call, before));
      }
    }
    std::sort(copy.controls.begin(), copy.controls.end());
    if (original.op->has(kStateful)) level(k).functions[static_cast<size_t>(level(k).branch)]->stateful = true;
    return level(k).graph->adopt(std::move(copy));
  }

  // What stands for an output of the graph in level `k`.
  Result<Output> value(Output o, int k) {
    const int of = home(o.node);
    if (of == k) {
      TW_ASSIGN_OR_RETURN(const NodeId id, locate(o.node, k));
      return Output{id, o.index};
    }
    TW_ASSIGN_OR_RETURN(const Output outer, value(o, k - 1));
    if (!is_ref(level(k - 1).graph->dtype(outer))) return argument(k, outer);
    // A reference goes in as the handle of its variable, which the branch may write.
    Output handle = known_handle(outer, k);
    if (!handle.valid()) {
      TW_ASSIGN_OR_RETURN(handle, add(k - 1, "_RefHandle", "handle", {outer}, 0));
    }
    TW_ASSIGN_OR_RETURN(handle, argument(k, handle));
    return reference_to(handle, k);
  }

  // The branch's argument that is `outer`, an output in the level before.
  Result<Output> argument(int k, Output outer) {
    Level& l = level(k);
    const auto known = std::find(l.arguments.begin(), l.arguments.end(), outer);
    const auto index = static_cast<size_t>(known - l.arguments.begin());
    if (known == l.arguments.end()) TW_RETURN_IF_ERROR(add_argument(k, outer));
    return Output{l.functions[static_cast<size_t>(l.branch)]->args[index], 0};
  }

  // The branch's argument for what is behind a reference, in the level before; not valid when it has none.
  Output known_handle(Output ref, int k) {
    for (const Output o : level(k).arguments) {
      const Node& n = node(k - 1, o.node);
      if (n.op->name == "_RefHandle" && n.inputs[0] == ref) return o;
    }
    return {};
  }

  Result<Output> reference_to(Output handle, int k) {
    Graph& g = *level(k).graph;
    for (NodeId id = 0; id < g.num_nodes(); ++id) {
      const Node& n = g.node(id);
      if (!n.dead && n.op->name == "_HandleRef" && n.inputs[0] == handle) return Output{id, 0};
    }
    const HandleShape to = g.handle(handle);
    return add(k, "_HandleRef", "ref", {handle}, 0, {{"T", to.dtype}, {"shape", to.shape}});
  }

  Status add_argument(int k, Output outer) {
    Level& l = level(k);
    const Graph& from = *level(k - 1).graph;
    const HandleShape handle = from.handle(outer);
    for (const auto& f : l.functions) {
      NodeSpec arg;
      arg.op = "_Arg";
      arg.name = f->body->unique_name(internal::concat("arg_", f->args.size()));
      arg.attrs = {{"T", base_dtype(from.dtype(outer))}, {"index", static_cast<int64_t>(f->args.size())}};
      arg.attrs["_output_shapes"] = std::vector<Shape>{from.shape(outer)};
      if (handle.dtype != DType::kInvalid) {
        arg.attrs["_handle_dtypes"] = std::vector<DType>{handle.dtype};
        arg.attrs["_handle_shapes"] = std::vector<Shape>{handle.shape};
      }
      f->arg_names.push_back(arg.name);
      TW_ASSIGN_OR_RETURN(const NodeId id, f->body->add(std::move(arg)));
      f->args.push_back(id);
    }
    l.arguments.push_back(outer);
    return {};
  }

  // The values of `id` that are to leave: its outputs, or that it ran.
  Status find_values(NodeId id, std::vector<Output>* out) {
    TW_ASSIGN_OR_RETURN(const NodeId inner, locate(id, depth()));
    const size_t count = what_ == Leaving::kValues ? node(depth(), inner).output_dtypes.size() : 0;
    for (size_t i = 0; i < count; ++i) out->push_back({inner, static_cast<int32_t>(i)});
    if (count > 0) return {};
    NodeSpec ran;
    ran.op = "Const";
    ran.name = level(depth()).graph->unique_name(internal::concat(g_.node(id).name, "/ran"));
    ran.controls = {inner};
    ran.attrs = {{"dtype", DType::kBool}, {"value", Tensor::scalar<bool>(true)}};
    TW_ASSIGN_OR_RETURN(const NodeId flag, level(depth()).graph->add(std::move(ran)));
    out->push_back({flag, 0});
    return {};
  }

  // Lets the functions of level `k` return these outputs of the branch; the others return values that nobody looks at.
  Status return_values(int k, std::vector<Output>* values) {
    Level& l = level(k);
    returned_ = values->size();
    for (const Output o : *values) {
      const DType dtype = base_dtype(l.graph->dtype(o));
      for (size_t b = 0; b < l.functions.size(); ++b) {
        Function& f = *l.functions[b];
        Output result = o;
        if (static_cast<int>(b) != l.branch) {
          NodeSpec nothing;
          nothing.op = "_Nothing";
          nothing.name = f.body->unique_name("nothing");
          nothing.attrs = {{"dtype", dtype}};
          TW_ASSIGN_OR_RETURN(const NodeId id, f.body->add(std::move(nothing)));
          result = Output{id, 0};
        }
        NodeSpec ret;
        ret.op = "_Retval";
        ret.name = f.body->unique_name(internal::concat("ret_", f.results.size()));
        ret.inputs = {result};
        ret.attrs = {{"T", dtype}, {"index", static_cast<int64_t>(f.results.size())}};
        f.result_names.push_back(ret.name);
        TW_ASSIGN_OR_RETURN(const NodeId id, f.body->add(std::move(ret)));
        f.results.push_back(id);
      }
      l.result_types.push_back(dtype);
      l.result_shapes.push_back(Shape::unknown());
    }
    return {};
  }

  // What decides whether the branch of level `k` is taken, in the level before; and the output of a Switch by it that
  // has a value then.
  Output predicate(int k) { return node(k - 1, level(k).call).inputs[0]; }
  int side(int k) { return level(k).branch == 0 ? 1 : 0; }

  // Adds the functions to the library and gives them to the node of the level before.
  Status finish(int k) {
    Level& l = level(k);
    const bool stateful = l.functions[static_cast<size_t>(l.branch)]->stateful;
    if (stateful && k > 1) level(k - 1).functions[static_cast<size_t>(level(k - 1).branch)]->stateful = true;
    for (size_t b = 0; b < l.functions.size(); ++b) {
      std::shared_ptr<Function>& f = l.functions[b];
      const std::string base = f->name;
      for (int i = 1;; ++i) {
        f->name = internal::concat(base, "_leaving_", i);
        if (g_.library()->contains(f->name)) continue;
        const Status s = g_.library()->add(f);
        if (s.ok()) break;
        if (s.code() != Code::kAlreadyExists) return s;
      }
      l.refs[b].name = f->name;
    }
    Graph& outer = *level(k - 1).graph;
    const Node& call = outer.node(l.call);
    AttrMap attrs = call.attrs;
    attrs["then_branch"] = l.refs[0];
    attrs["else_branch"] = l.refs[1];
    std::vector<Output> inputs{call.inputs[0]};
    std::vector<DType> types;
    for (const Output o : l.arguments) {
      inputs.push_back(o);
      types.push_back(base_dtype(outer.dtype(o)));
    }
    attrs["Tin"] = types;
    attrs["Tout"] = l.result_types;
    attrs["output_shapes"] = l.result_shapes;
    return outer.replace_function_node(l.call, std::move(inputs), std::move(attrs));
  }

  Result<Output> add(int k, std::string_view op, std::string_view name, std::vector<Output> inputs, int32_t output,
                     AttrMap attrs = {}) {
    Graph& g = *level(k).graph;
    NodeSpec spec;
    spec.op = op;
    std::string_view scope = "leaving";
    if (k == 0) {
      const Node& call = g_.node(level(1).call);
      scope = call.name;
      spec.device = call.device;
      spec.where = call.where;
    }
    spec.name = g.unique_name(internal::concat(scope, "/", name));
    spec.inputs = std::move(inputs);
    spec.attrs = std::move(attrs);
    TW_ASSIGN_OR_RETURN(const NodeId id, g.add(std::move(spec)));
    return Output{id, output};
  }

  // The nodes that stand for the members outside.
  Result<std::vector<NodeId>> stand_ins(std::span<const NodeId> nodes, const std::vector<Output>& values) {
    std::vector<NodeId> made;
    size_t at = 0;
    for (const NodeId id : nodes) {
      const Node& original = g_.node(id);
      NodeSpec spec;
      spec.device = original.device;
      spec.where = original.where;
      const size_t count = what_ == Leaving::kValues ? original.output_dtypes.size() : 0;
      if (count == 0) {
        // A Switch itself runs in any case.
        TW_ASSIGN_OR_RETURN(const Output ran, add(0, "Identity", "ran", {values[at++]}, 0));
        spec.op = "NoOp";
        spec.controls = {ran.node};
      } else {
        spec.op = count == 1 ? "Identity" : "IdentityN";
        spec.inputs = {values.begin() + static_cast<ptrdiff_t>(at),
                       values.begin() + static_cast<ptrdiff_t>(at + count)};
        at += count;
      }
      spec.name = g_.unique_name(what_ == Leaving::kValues || original.output_dtypes.empty()
                                     ? original.name.str()
                                     : internal::concat(original.name, "/ran"));
      TW_ASSIGN_OR_RETURN(const NodeId stand_in, g_.add(std::move(spec)));
      for (size_t i = 0; i < count; ++i) {
        g_.copy_output_type(g_, Output{id, static_cast<int32_t>(i)}, Output{stand_in, static_cast<int32_t>(i)});
      }
      made.push_back(stand_in);
    }
    return made;
  }

  Graph& g_;
  const Leaving what_;
  std::vector<Level> levels_;
  size_t returned_ = 0;  // values that the last level handed up
};

}  // namespace

Result<std::vector<NodeId>> leave_branches(Graph* graph, std::span<const BranchOfNode> path,
                                           std::span<const NodeId> nodes, Leaving what) {
  if (path.empty()) return invalid_argument("no branch to leave");
  return Leaver(graph, what).run(path, nodes);
}

}  // namespace tw
