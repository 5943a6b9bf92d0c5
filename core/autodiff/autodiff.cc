#include "core/autodiff/autodiff.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "core/autodiff/aggregate.h"
#include "core/autodiff/body_gradient.h"

namespace tw {
namespace {

// Ops that hand their output's derivative to every input unchanged, so that a sparse one stays sparse.
bool forwards_gradient(std::string_view op) {
  return op == "Identity" || op == "RefIdentity" || op == "PlaceholderWithDefault" || op == "ReadVariableOp" ||
         op == "AddN";
}

std::string output_name(const Graph& g, Output o) { return internal::concat(g.node(o.node).name, ":", o.index); }

class Backprop {
 public:
  Backprop(Graph* graph, std::span<const Output> ys, std::span<const Output> xs, const GradientOptions& options)
      : graph_(*graph), ys_(ys), xs_(xs), options_(options), b_(graph, options.name) {}

  Result<std::vector<Grad>> run() {
    TW_RETURN_IF_ERROR(choose_scope());
    TW_RETURN_IF_ERROR(seed());
    find_paths();
    find_stops();
    std::deque<NodeId> ready;
    std::set<NodeId> queued;
    for (const Output& y : ys_) {
      if (reaches_y_.contains(y.node) && pending_[y.node] == 0 && queued.insert(y.node).second) ready.push_back(y.node);
    }
    while (!ready.empty()) {
      const NodeId id = ready.front();
      ready.pop_front();
      const Node& n = graph_.node(id);
      // A gradient function of a loop may add inputs to its node; those are on no path that was counted.
      const std::vector<Output> inputs = inputs_of(n);
      if (Status s = visit(n, inputs); !s.ok()) {
        s.at_node(n.name, n.where);
        return s;
      }
      for (const Output& in : inputs) {
        const auto it = pending_.find(in.node);
        if (it != pending_.end() && --it->second == 0) ready.push_back(in.node);
      }
    }
    std::vector<Grad> result;
    for (const Output& x : xs_) {
      const auto it = sums_.find(x);
      result.push_back(it == sums_.end() ? Grad{} : it->second);
    }
    return result;
  }

 private:
  // The scope `options.name`, or the first of name_1, name_2, ... that no node lies in yet.
  Status choose_scope() {
    if (!options_.grad_ys.empty() && options_.grad_ys.size() != ys_.size()) {
      return invalid_argument("Passed ", options_.grad_ys.size(), " grad_ys for ", ys_.size(), " ys");
    }
    std::set<std::string, std::less<>> taken;
    for (NodeId id = 0; id < graph_.num_nodes(); ++id) {
      const std::string& name = graph_.node(id).name;
      if (!name.starts_with(options_.name)) continue;
      const size_t slash = name.find('/', options_.name.size());
      if (slash != std::string::npos) taken.insert(name.substr(0, slash));
    }
    scope_ = options_.name;
    for (int i = 1; taken.contains(scope_); ++i) scope_ = internal::concat(options_.name, "_", i);
    b_.set_prefix(scope_);
    return Status();
  }

  // The derivatives of the ys with respect to themselves: ones, or what the caller gave.
  Status seed() {
    for (size_t i = 0; i < ys_.size(); ++i) {
      const Output y = ys_[i];
      const DType t = base_dtype(graph_.dtype(y));
      place(graph_.node(y.node));
      const Output given = options_.grad_ys.empty() ? Output{} : options_.grad_ys[i];
      Output dy;
      if (given.valid()) {
        TW_RETURN_IF_ERROR(check_grad_y(y, t, given));
        NodeSpec spec;
        spec.op = "Identity";
        spec.name = graph_.unique_name(internal::concat(scope_, "/grad_ys_", i));
        spec.inputs = {given};
        spec.device = options_.colocate ? graph_.node(y.node).device : "";
        TW_ASSIGN_OR_RETURN(const NodeId id, graph_.add(std::move(spec)));
        dy = Output{id, 0};
      } else {
        if (is_complex(t)) {
          return invalid_argument("Gradients of complex tensors must set grad_ys (y.dtype = ", dtype_name(t), ")");
        }
        if (!is_floating(t) && !is_integer(t)) {
          return invalid_argument("Tensor ", output_name(graph_, y), " with type ", dtype_name(t),
                                  " must be numeric to obtain a default gradient");
        }
        dy = ones_like(y, t, i);
      }
      collected_[y].push_back(Grad::of(dy));
    }
    return b_.status();
  }

  Status check_grad_y(Output y, DType t, Output given) const {
    const DType g = base_dtype(graph_.dtype(given));
    const auto mismatch = [&](const char* kind, const char* wanted) {
      return invalid_argument("Gradient type ", dtype_name(g), " generated for ", kind, " tensor ",
                              output_name(graph_, y), " with type ", dtype_name(t), " must be ", wanted);
    };
    if ((is_floating(t) || is_integer(t)) && !is_floating(g) && !is_integer(g)) {
      return mismatch("real or integer-valued", "real or integer");
    }
    if (is_complex(t) && !is_complex(g)) return mismatch("complex-valued", "complex");
    if (t == DType::kVariant && g != DType::kVariant) return mismatch("variant", "variant");
    if (t == DType::kResource && g == DType::kResource) {
      return invalid_argument("Input gradient ", output_name(graph_, given), " for resource tensor ",
                              output_name(graph_, y), " should not be a resource");
    }
    return Status();
  }

  Output ones_like(Output y, DType t, size_t i) {
    const Shape s = graph_.shape(y);
    Output dims;
    if (s.fully_known()) {
      std::vector<int32_t> sizes(s.dims().begin(), s.dims().end());
      dims = b_.constant(Tensor::vector<int32_t>(std::span<const int32_t>(sizes)), "Shape");
    } else {
      dims = Output{b_.add("Shape", {y}), 0};
    }
    Tensor one = Tensor::make_or_die(t, Shape{});
    visit_real(t, [&](auto tag) {
      using T = typename decltype(tag)::type;
      *one.data<T>() = static_cast<T>(1);
    });
    const Output value = b_.constant(std::move(one), internal::concat("grad_ys_", i));
    return Output{b_.add("Fill", {dims, value}), 0};
  }

  // What a node's derivative goes to.
  std::vector<Output> inputs_of(const Node& n) const {
    const auto it = options_.stand_ins.find(Output{n.id, 0});
    if (it != options_.stand_ins.end()) return {it->second};
    return n.inputs;
  }

  // Counts, for every op on a path from an x to a y, the uses of its outputs by other such ops.
  void find_paths() {
    const Uses uses(graph_);
    std::vector<char> reached(static_cast<size_t>(graph_.num_nodes()), 0);
    std::deque<NodeId> queue;
    for (const Output& x : xs_) queue.push_back(x.node);
    while (!queue.empty()) {
      const NodeId id = queue.front();
      queue.pop_front();
      if (reached[static_cast<size_t>(id)]) continue;
      reached[static_cast<size_t>(id)] = 1;
      for (const Uses::Edge& e : uses.of(id)) {
        if (e.slot >= 0 && carries_gradient(graph_.dtype(Output{id, e.output}))) queue.push_back(e.node);
      }
    }
    std::vector<NodeId> between;
    for (const Output& y : ys_) {
      if (reached[static_cast<size_t>(y.node)]) reaches_y_.insert(y.node);
      queue.push_back(y.node);
    }
    while (!queue.empty()) {
      const NodeId id = queue.front();
      queue.pop_front();
      if (!reached[static_cast<size_t>(id)]) continue;
      reached[static_cast<size_t>(id)] = 0;
      between.push_back(id);
      pending_.try_emplace(id, 0);
      for (const Output& in : inputs_of(graph_.node(id))) queue.push_back(in.node);
    }
    for (const NodeId id : between) {
      for (const Output& in : inputs_of(graph_.node(id))) {
        if (const auto it = pending_.find(in.node); it != pending_.end()) ++it->second;
      }
    }
  }

  // Ops of the xs that no other x lies before, and those that the caller holds constant, are not differentiated.
  void find_stops() {
    for (const Output& x : xs_) {
      const std::vector<Output> in = inputs_of(graph_.node(x.node));
      const bool behind_another = std::any_of(in.begin(), in.end(), [&](const Output& o) {
        const auto it = pending_.find(o.node);
        return it != pending_.end() && it->second > 0;
      });
      if (!behind_another) stops_.insert(x.node);
    }
    for (const Output& s : options_.stop_gradients) stops_.insert(s.node);
  }

  void place(const Node& n) {
    b_.set_device(options_.colocate ? n.device : std::string());
    b_.set_where(n.where);
  }

  Status visit(const Node& n, const std::vector<Output>& inputs) {
    place(n);
    std::vector<Grad> dy(n.output_dtypes.size());
    bool any = false;
    for (size_t i = 0; i < dy.size(); ++i) {
      const Output out{n.id, static_cast<int32_t>(i)};
      const auto it = collected_.find(out);
      if (it == collected_.end()) continue;
      b_.set_prefix(
          options_.aggregation == Aggregation::kAddN ? scope_ : internal::concat(scope_, "/", n.name, "_gradient_sum"));
      dy[i] = aggregate(b_, it->second, options_.aggregation);
      collected_.erase(it);
      sums_[out] = dy[i];
      any = any || dy[i].valid();
    }
    TW_RETURN_IF_ERROR(b_.status());
    if (!any || stops_.contains(n.id)) return Status();

    b_.set_prefix(internal::concat(scope_, "/", n.name, "_grad"));
    std::vector<Grad> dx;
    TW_RETURN_IF_ERROR(differentiate(n, dy, &dx));
    TW_RETURN_IF_ERROR(b_.status());
    if (dx.size() > inputs.size()) {
      return invalid_argument("Num gradients ", dx.size(), " generated for op ", n.name, " do not match num inputs ",
                              inputs.size());
    }
    for (size_t i = 0; i < dx.size(); ++i) {
      if (!dx[i].valid()) continue;
      TW_RETURN_IF_ERROR(check_shape(n, static_cast<int>(i), inputs[i], dx[i]));
      if (pending_.contains(inputs[i].node)) collected_[inputs[i]].push_back(dx[i]);
    }
    return Status();
  }

  Status differentiate(const Node& n, const std::vector<Grad>& dy, std::vector<Grad>* dx) {
    const auto densified = [&] {
      std::vector<Output> dense(dy.size());
      for (size_t i = 0; i < dy.size(); ++i) {
        if (dy[i].valid()) dense[i] = densify(b_, dy[i]);
      }
      return dense;
    };
    if (options_.stand_ins.contains(Output{n.id, 0})) {
      dx->assign(1, dy[0]);
      return Status();
    }
    // A language's own function takes dense derivatives, so it is asked for such an op only when the node names it.
    const bool keep_sparse = dy[0].sparse() && forwards_gradient(n.op->name) && !n.attr().has("_gradient_op_type");
    if (options_.override_fn && !keep_sparse) {
      TW_ASSIGN_OR_RETURN(const bool handled, options_.override_fn(b_, n, densified(), dx));
      if (handled) return Status();
      dx->clear();
    }
    if (keep_sparse) {
      dx->assign(n.inputs.size(), dy[0]);
      return Status();
    }
    const GradEntry& entry = grad_entry(n.op->id);
    if (entry.fn == nullptr) {
      if (!entry.none_reason.empty()) return Status();
      return not_found("No gradient defined for operation '", n.name, "' (op type: ", n.op->name, ")");
    }
    return entry.fn(b_, n, densified(), dx);
  }

  // Lets the derivative's static shape be the input's; a contradiction is a defect of the gradient function.
  Status check_shape(const Node& n, int i, Output in, const Grad& g) {
    if (g.sparse()) return Status();
    const DType t = base_dtype(graph_.dtype(in));
    if (t == DType::kVariant) return Status();
    const Shape shape = t == DType::kResource ? graph_.handle(in).shape : graph_.shape(in);
    if (!graph_.set_shape(g.dense, shape).ok()) {
      return invalid_argument(
          "Incompatible shapes between op input and calculated input gradient.  Forward operation: ", n.name,
          ".  Input index: ", i, ". Original input shape: ", shape,
          ".  Calculated input gradient shape: ", graph_.shape(g.dense));
    }
    return Status();
  }

  Graph& graph_;
  std::span<const Output> ys_, xs_;
  const GradientOptions& options_;
  Builder b_;
  std::string scope_;
  std::map<NodeId, int> pending_;  // of the ops on a path: uses not yet differentiated
  std::set<NodeId> reaches_y_;     // nodes of ys that depend on some x
  std::set<NodeId> stops_;
  std::map<Output, std::vector<Grad>> collected_;
  std::map<Output, Grad> sums_;
};

// Gradient functions have no argument for it, and those of branches and loops hand it on.
thread_local const GradientOverride* current_override = nullptr;

}  // namespace

const GradientOverride& active_override() {
  static const GradientOverride none;
  return current_override != nullptr ? *current_override : none;
}

Result<std::vector<Grad>> add_gradients(Graph* graph, std::span<const Output> ys, std::span<const Output> xs,
                                        const GradientOptions& options) {
  const GradientOverride* const outer = std::exchange(current_override, &options.override_fn);
  auto result = Backprop(graph, ys, xs, options).run();
  current_override = outer;
  return result;
}

}  // namespace tw
