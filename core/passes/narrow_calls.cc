// What a branch or loop need not compute, and what its functions may know of their arguments. The functions of a
// library stay as they are: the call says in attributes of the reference how `instantiate` is to change its copy.
#include <functional>
#include <set>
#include <utility>

#include "core/passes/pass.h"

namespace tw {

namespace {

// A larger constant is cheaper to hand over than to have in each program.
constexpr int64_t kMaxBoundElements = 1024;

bool is_branch(const Node& n) { return n.op->name == "If" || n.op->name == "StatelessIf" || n.op->name == "Case"; }
bool is_loop(const Node& n) { return n.op->name == "While" || n.op->name == "StatelessWhile"; }

// Calls `fn` on each function reference of a node.
void for_each_function(Node& n, const std::function<void(FuncRef&)>& fn) {
  n.attrs.replace_values([&](const AttrValue& value) -> std::optional<AttrValue> {
    if (const FuncRef* f = value.get<FuncRef>()) {
      FuncRef changed = *f;
      fn(changed);
      return AttrValue(std::move(changed));
    }
    if (const auto* list = value.get<std::vector<FuncRef>>()) {
      std::vector<FuncRef> changed = *list;
      for (FuncRef& ref : changed) fn(ref);
      return AttrValue(std::move(changed));
    }
    return std::nullopt;
  });
}

class Narrowing {
 public:
  explicit Narrowing(Body& body) : body_(body), g_(*body.body) {}

  Status run() {
    for (NodeId id = g_.num_nodes(); id-- > 0;) {
      Node& n = g_.mutable_node(id);
      // What an earlier call narrowed has been narrowed as far as it goes.
      if (n.dead || !(is_branch(n) || is_loop(n)) || narrowed(n)) continue;
      const std::set<size_t> used = used_outputs(id);
      Status s = is_branch(n) ? narrow_branch(n, used) : narrow_loop(n, used);
      if (s.ok()) s = bind(n);
      if (!s.ok()) return s.at_node(n.name, n.where);
    }
    return {};
  }

 private:
  static bool narrowed(const Node& n) {
    for (const auto& [attr, ref] : called_functions(n)) {
      if (!ref.attrs.empty()) return true;
    }
    return false;
  }

  std::set<size_t> used_outputs(NodeId id) const {
    std::set<size_t> used;
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      const Node& n = g_.mutable_node(i);
      if (n.dead) continue;
      for (Output o : n.inputs) {
        if (o.node == id) used.insert(static_cast<size_t>(o.index));
      }
    }
    return used;
  }

  Status narrow_branch(Node& n, const std::set<size_t>& used) {
    if (used.size() == n.output_dtypes.size()) return {};
    std::set<size_t> wanted;
    for (const auto& [attr, ref] : called_functions(n)) {
      const auto f = g_.library()->find(ref.name);
      if (f == nullptr || f->results.size() != n.output_dtypes.size() || f->args.size() + 1 != n.inputs.size())
        return {};
      std::vector<NodeId> roots = f->controls;
      for (size_t k : used) roots.push_back(f->results[k]);
      for (size_t a : arguments_needed(*f, std::move(roots))) wanted.insert(a);
    }
    const std::vector<int64_t> results(used.begin(), used.end()), args(wanted.begin(), wanted.end());
    for_each_function(n, [&](FuncRef& f) {
      f.attrs["_results"] = AttrValue(results);
      f.attrs["_args"] = AttrValue(args);
    });
    std::vector<Output> inputs{n.inputs[0]};
    std::vector<DType> types;
    for (size_t a : wanted) {
      inputs.push_back(n.inputs[a + 1]);
      types.push_back(base_dtype(g_.dtype(inputs.back())));
    }
    n.inputs = std::move(inputs);
    n.attrs.insert_or_assign("Tin", AttrValue(types));
    keep_outputs(n, used, "Tout");
    return {};
  }

  // A variable is wanted when its last value is, or when the condition or the next value of a wanted one needs it.
  Status narrow_loop(Node& n, const std::set<size_t>& used) {
    const AttrReader attrs = n.attr();
    TW_ASSIGN_OR_RETURN(const FuncRef cond_ref, attrs.get<FuncRef>("cond"));
    TW_ASSIGN_OR_RETURN(const FuncRef body_ref, attrs.get<FuncRef>("body"));
    const auto cond = g_.library()->find(cond_ref.name), body = g_.library()->find(body_ref.name);
    if (cond == nullptr || body == nullptr) return {};  // whoever runs the loop says so
    if (body->args.size() != n.inputs.size() || body->results.size() != n.inputs.size() ||
        cond->args.size() != n.inputs.size()) {
      return {};
    }
    std::set<size_t> wanted = used;
    const auto need = [&](const Function& f, std::vector<NodeId> roots) {
      roots.insert(roots.end(), f.controls.begin(), f.controls.end());
      for (size_t a : arguments_needed(f, std::move(roots))) wanted.insert(a);
    };
    need(*cond, cond->results);
    for (size_t before = 0; before != wanted.size();) {
      before = wanted.size();
      std::vector<NodeId> results;
      for (size_t k : wanted) results.push_back(body->results[k]);
      need(*body, results);
    }
    if (wanted.size() == n.inputs.size()) return {};
    const std::vector<int64_t> kept(wanted.begin(), wanted.end());
    for_each_function(n, [&](FuncRef& f) {
      f.attrs["_args"] = AttrValue(kept);
      if (f.name == body_ref.name) f.attrs["_results"] = AttrValue(kept);
    });
    std::vector<Output> inputs;
    for (size_t k : wanted) inputs.push_back(n.inputs[k]);
    n.inputs = std::move(inputs);
    keep_outputs(n, wanted, "T");
    return {};
  }

  static std::set<size_t> arguments_needed(const Function& f, std::vector<NodeId> stack) {
    const Graph& g = *f.body;
    std::vector<char> seen(static_cast<size_t>(g.num_nodes()), 0);
    while (!stack.empty()) {
      const NodeId id = stack.back();
      stack.pop_back();
      if (std::exchange(seen[static_cast<size_t>(id)], 1) != 0) continue;
      const Node& n = g.node(id);
      for (Output o : n.inputs) stack.push_back(o.node);
      for (NodeId c : n.controls) stack.push_back(c);
    }
    std::set<size_t> needed;
    for (size_t i = 0; i < f.args.size(); ++i) {
      if (seen[static_cast<size_t>(f.args[i])] != 0) needed.insert(i);
    }
    return needed;
  }

  void keep_outputs(Node& n, const std::set<size_t>& kept, std::string_view types_attr) {
    std::vector<DType> types;
    std::vector<Shape> shapes;
    std::vector<HandleShape> handles;
    std::vector<int32_t> place(n.output_dtypes.size(), -1);
    for (size_t k : kept) {
      place[k] = static_cast<int32_t>(types.size());
      types.push_back(n.output_dtypes[k]);
      shapes.push_back(n.output_shapes[k]);
      if (!n.output_handles.empty()) handles.push_back(n.output_handles[k]);
    }
    for (NodeId i = 0; i < g_.num_nodes(); ++i) {
      Node& user = g_.mutable_node(i);
      if (user.dead) continue;
      for (Output& o : user.inputs) {
        if (o.node == n.id) o.index = place[static_cast<size_t>(o.index)];
      }
    }
    n.attrs.insert_or_assign(std::string(types_attr), AttrValue(types));
    n.attrs.insert_or_assign("output_shapes", AttrValue(shapes));
    n.output_dtypes = std::move(types);
    n.output_shapes = std::move(shapes);
    n.output_handles = std::move(handles);
    // What was computed for the others is wanted no more.
    remove_dead(body_);
  }

  // Tells the functions which of their arguments are the same in every run.
  Status bind(Node& n) {
    const size_t first = is_branch(n) ? 1 : 0;
    std::vector<std::pair<std::string, AttrValue>> bound;
    for (size_t i = first; i < n.inputs.size(); ++i) {
      // The input stays an input, so what the source waits for is waited for.
      NodeId id = n.inputs[i].node;
      while (g_.mutable_node(id).op->name == "Identity") id = g_.mutable_node(id).inputs[0].node;
      const Node& source = g_.mutable_node(id);
      FuncRef node{std::string(source.op->name), source.attrs};
      if (source.op->name == "VarHandleOp") {
        if (source.attr().string("shared_name").empty()) node.attrs["shared_name"] = AttrValue(source.name);
      } else if (const Tensor* t = constant_of(source); t == nullptr || t->num_elements() > kMaxBoundElements) {
        continue;
      }
      const size_t arg = original_argument(n, i - first);
      if (is_loop(n) && !handed_on(n, arg)) continue;
      bound.emplace_back(internal::concat("_bind_", arg), AttrValue(std::move(node)));
    }
    if (bound.empty()) return {};
    for_each_function(n, [&](FuncRef& f) {
      for (const auto& [name, value] : bound) f.attrs[name] = value;
    });
    return {};
  }

  // Whether every iteration gives variable `k` to the next one as it is.
  bool handed_on(const Node& n, size_t k) const {
    const auto body = g_.library()->find(n.attr().must<FuncRef>("body").name);
    return body != nullptr && k < body->results.size() && k < body->args.size() &&
           body->body->node(body->results[k]).inputs[0] == Output{body->args[k], 0};
  }

  Body& body_;
  Graph& g_;
};

}  // namespace

Status narrow_calls(Body& body) { return Narrowing(body).run(); }

}  // namespace tw
