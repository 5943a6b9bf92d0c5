// Recurrent networks whose number of steps is part of the graph: their loops, which hand values on in lists, become
// straight programs.
#include <algorithm>
#include <map>
#include <set>

#include "core/passes/pass.h"

namespace tw {

namespace {

// A longer program takes longer to compile than its loop would take in many runs.
constexpr int64_t kMaxTrips = 256, kMaxCopies = 8192;
// Loops of one body, and of those that appear as others dissolve.
constexpr int64_t kMaxAllCopies = 16384;
// Of a value that decides how often a loop runs, and nodes of a function that make it.
constexpr int64_t kMaxElements = 64;
constexpr size_t kMaxDeciding = 64;

bool is_list(DType t) { return t == DType::kVariant; }

// Counts the iterations of a loop by running what its condition depends on, when those values are constants before the
// first one.
class TripCount {
 public:
  TripCount(const Graph& g, const Node& loop, const Body& cond, const Body& next, StepContext& step)
      : g_(g), loop_(loop), cond_{cond, {}}, next_{next, {}}, step_(step) {}

  std::optional<int64_t> count() {
    if (cond_.body.results.size() != 1 || !collect(cond_, {0})) return std::nullopt;
    // What the next value of a variable depends on is needed too.
    for (size_t known = 0; known < needed_.size();) {
      known = needed_.size();
      if (!collect(next_, needed_)) return std::nullopt;
    }
    std::vector<Tensor> values;
    for (const size_t k : needed_) {
      const Tensor* initial = constant_of(g_.node(loop_.inputs[k].node));
      if (initial == nullptr || initial->num_elements() > kMaxElements) return std::nullopt;
      values.push_back(*initial);
    }
    for (int64_t trips = 0; trips <= kMaxTrips; ++trips) {
      const std::optional<std::vector<Tensor>> again = run(cond_, {0}, values);
      if (!again || (*again)[0].dtype() != DType::kBool || (*again)[0].num_elements() != 1) return std::nullopt;
      if (!(*again)[0].data<bool>()[0]) return trips;
      std::optional<std::vector<Tensor>> after = run(next_, needed_, values);
      if (!after) return std::nullopt;
      values = std::move(*after);
    }
    return std::nullopt;
  }

 private:
  // The nodes of a function that decide, in an order in which they can run.
  struct Slice {
    const Body& body;
    std::vector<NodeId> order;
  };

  static Output result_of(const Body& f, size_t k) { return f.body->node(f.results[k]).inputs[0]; }

  // Notes the nodes and the arguments that results of a function need; false when they are too many or too large, or
  // cannot be evaluated here.
  bool collect(Slice& slice, const std::vector<size_t>& results) {
    const Body& f = slice.body;
    std::set<NodeId> seen;
    std::vector<NodeId> stack;
    for (const size_t k : results) stack.push_back(result_of(f, k).node);
    while (!stack.empty()) {
      const NodeId id = stack.back();
      stack.pop_back();
      if (!seen.insert(id).second) continue;
      const Node& n = f.body->node(id);
      if (seen.size() > kMaxDeciding || !n.controls.empty()) return false;
      if (n.op->name == "_Arg") {
        const auto at = std::find(f.args.begin(), f.args.end(), id);
        const size_t k = static_cast<size_t>(at - f.args.begin());
        if (std::find(needed_.begin(), needed_.end(), k) == needed_.end()) needed_.push_back(k);
        continue;
      }
      for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
        const Shape& s = n.output_shapes[i];
        if (!is_plain(n.output_dtypes[i]) || !s.fully_known() || s.num_elements() > kMaxElements) return false;
      }
      if (constant_of(n) != nullptr) continue;
      if (!is_pure(n) || n.inputs.empty() || find_kernel(*n.op, n.attrs) == nullptr) return false;
      for (const Output o : n.inputs) stack.push_back(o.node);
    }
    slice.order.clear();
    for (const NodeId id : f.body->topological_order()) {
      if (seen.contains(id)) slice.order.push_back(id);
    }
    return true;
  }

  // Results of a function for values of the needed arguments. What fails here fails in the loop, whose error says
  // where.
  std::optional<std::vector<Tensor>> run(const Slice& slice, const std::vector<size_t>& results,
                                         const std::vector<Tensor>& values) {
    const Body& f = slice.body;
    std::map<Output, Tensor> at;
    for (size_t i = 0; i < needed_.size(); ++i) at[{f.args[needed_[i]], 0}] = values[i];
    for (const NodeId id : slice.order) {
      const Node& n = f.body->node(id);
      if (n.op->name == "_Arg") continue;
      if (const Tensor* constant = constant_of(n)) {
        at[{id, 0}] = *constant;
        continue;
      }
      std::vector<Tensor> inputs;
      for (const Output o : n.inputs) inputs.push_back(at.at(o));
      Result<std::vector<Tensor>> made = evaluate(n, inputs, step_);
      if (!made.ok()) return std::nullopt;
      for (size_t i = 0; i < made->size(); ++i) at[{id, static_cast<int32_t>(i)}] = std::move((*made)[i]);
    }
    std::vector<Tensor> found;
    for (const size_t k : results) found.push_back(at.at(result_of(f, k)));
    return found;
  }

  const Graph& g_;
  const Node& loop_;
  Slice cond_, next_;
  StepContext& step_;
  std::vector<size_t> needed_;  // variables that decide how often the loop runs
};

class Unroller {
 public:
  Unroller(Body& body, const PassContext& context) : body_(body), g_(*body.body), context_(context) {}

  // Whether a loop was unrolled.
  Result<bool> run() {
    bool any = false;
    // The gradient of a loop runs as often as that did, which is known when the loop is gone.
    while (has_candidate()) {
      TW_RETURN_IF_ERROR(fold(body_, context_));
      Rewriter rewriter(body_);
      const NodeId end = g_.num_nodes();
      for (NodeId id = 0; id < end; ++id) {
        if (is_candidate(g_.mutable_node(id))) TW_RETURN_IF_ERROR(visit(id, rewriter));
      }
      if (rewriter.empty()) break;
      rewriter.apply();
      TW_RETURN_IF_ERROR(inline_calls(body_));
      remove_dead(body_);
      any = true;
    }
    return any;
  }

 private:
  bool is_candidate(const Node& n) const {
    if (n.dead || n.op->name != "StatelessWhile" || !n.controls.empty()) return false;
    return std::any_of(n.output_dtypes.begin(), n.output_dtypes.end(), is_list);
  }
  bool has_candidate() const {
    for (NodeId id = 0; id < g_.num_nodes(); ++id) {
      if (is_candidate(g_.mutable_node(id))) return true;
    }
    return false;
  }

  Status visit(NodeId id, Rewriter& rewriter) {
    const Node loop = g_.mutable_node(id);
    const FuncRef cond_ref = loop.attr().must<FuncRef>("cond"), next_ref = loop.attr().must<FuncRef>("body");
    const auto cond_function = g_.library()->resolve(cond_ref), next_function = g_.library()->resolve(next_ref);
    if (!cond_function.ok() || !next_function.ok()) return {};  // whoever runs the loop says so
    TW_ASSIGN_OR_RETURN(const std::unique_ptr<Body> cond, instantiate(**cond_function, cond_ref.attrs));
    TW_ASSIGN_OR_RETURN(const std::unique_ptr<Body> next, instantiate(**next_function, next_ref.attrs));
    const size_t n = loop.inputs.size();
    if (cond->args.size() != n || next->args.size() != n || next->results.size() != n) return {};
    if (!keeps_types(loop, *next) || !straight(*next)) return {};
    const std::optional<int64_t> trips = TripCount(g_, loop, *cond, *next, *context_.step).count();
    const int64_t copies = trips.value_or(0) * next->body->num_nodes();
    if (!trips || copies > kMaxCopies || copies_ + copies > kMaxAllCopies) return {};
    copies_ += copies;

    std::vector<Output> values = loop.inputs;
    for (int64_t i = 0; i < *trips; ++i) {
      TW_ASSIGN_OR_RETURN(const NodeId call,
                          add_node(body_, loop, std::to_string(i), "PartitionedCall", values,
                                   {{"Tin", loop.output_dtypes}, {"Tout", loop.output_dtypes}, {"f", next_ref}}));
      for (size_t k = 0; k < n; ++k) values[k] = Output{call, static_cast<int32_t>(k)};
    }
    for (size_t k = 0; k < n; ++k) rewriter.replace(Output{id, static_cast<int32_t>(k)}, values[k]);
    std::vector<NodeId> instead;
    for (const Output o : values) instead.push_back(o.node);
    rewriter.remove(id, std::move(instead));
    return {};
  }

  // Whether the variables surely have the shapes that they were declared to have, at the start and after an iteration:
  // a loop that changes one otherwise fails.
  bool keeps_types(const Node& loop, const Body& next) const {
    for (size_t k = 0; k < loop.inputs.size(); ++k) {
      const Output result = next.body->node(next.results[k]).inputs[0];
      const DType dtype = base_dtype(loop.output_dtypes[k]);
      if (base_dtype(next.body->dtype(result)) != dtype) return false;
      if (is_list(dtype) || result == Output{next.args[k], 0}) continue;
      const Shape declared = next.body->shape({next.args[k], 0});
      if (!refines(next.body->shape(result), declared) || !refines(g_.shape(loop.inputs[k]), declared)) return false;
    }
    return true;
  }

  // Whether nothing in the body has effects, or an order that its copies would have to keep.
  static bool straight(const Body& next) {
    if (!next.controls.empty()) return false;
    for (NodeId i = 0; i < next.body->num_nodes(); ++i) {
      const Node& n = next.body->node(i);
      const bool value = n.op->name == "_Arg" || n.op->name == "_Retval" || n.op->name == "Const";
      const bool calls =
          n.op->name == "StatelessIf" || n.op->name == "StatelessWhile" || n.op->name == "PartitionedCall";
      if (!n.dead && !value && !calls && !is_pure(n)) return false;
    }
    return true;
  }

  Body& body_;
  Graph& g_;
  const PassContext& context_;
  int64_t copies_ = 0;
};

}  // namespace

Result<bool> unroll_loops(Body& body, const PassContext& context) { return Unroller(body, context).run(); }

}  // namespace tw
