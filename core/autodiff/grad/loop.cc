// Loops: the derivative of While is a While that runs the body's derivative as many times, last iteration first. The
// forward loop is rewritten to count its iterations and to push the values that the backward loop needs onto lists.
#include <algorithm>
#include <set>

#include "core/autodiff/body_gradient.h"
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

// The output that counts iterations, on a loop that has been rewritten.
constexpr std::string_view kCounterAttr = "_iterations_output";

class LoopGradient {
 public:
  explicit LoopGradient(Vjp& v) : v_(v), vars_(v.num_inputs()) {}

  Status run() {
    const auto& library = v_.b.graph().library();
    const FuncRef body = v_.attr().must<FuncRef>("body"), cond = v_.attr().must<FuncRef>("cond");
    TW_ASSIGN_OR_RETURN(body_function_, library->resolve(body));
    TW_ASSIGN_OR_RETURN(cond_function_, library->resolve(cond));
    body_ = std::make_unique<BodyGradient>(body_function_, v_.scope());
    choose_carried();
    TW_RETURN_IF_ERROR(differentiate());
    if (carried_.empty() && sums_.empty()) {
      for (int k = 0; k < vars_; ++k) {
        if (invariant(k) && v_.has_dy(k)) v_.give(k, v_.dy(k));
      }
      return Status();
    }
    TW_RETURN_IF_ERROR(rewrite_forward());
    return add_backward();
  }

 private:
  // Whether every iteration hands variable k on as it is.
  bool invariant(int k) const { return body_->result(k) == body_->arg(k); }
  bool flows(int k) const { return carries_gradient(v_.x(k).dtype()); }

  // The variables whose derivative goes from iteration to iteration: those with one from outside, and those that
  // influence them.
  void choose_carried() {
    std::vector<NodeId> stack;
    std::set<int> carried;
    const auto add = [&](int k) {
      if (flows(k) && !invariant(k) && carried.insert(k).second) stack.push_back(body_->result(k).node);
    };
    for (int k = 0; k < vars_; ++k) {
      if (v_.has_dy(k)) add(k);
    }
    std::set<NodeId> seen;
    const Graph& g = body_->graph();
    while (!stack.empty()) {
      const NodeId id = stack.back();
      stack.pop_back();
      if (!seen.insert(id).second) continue;
      const Node& n = g.node(id);
      if (n.op->name == "_Arg") add(static_cast<int>(n.attr().integer("index")));
      if (!grad_entry(n.op->id).none_reason.empty()) continue;
      for (const Output& in : n.inputs) {
        if (carries_gradient(g.dtype(in))) stack.push_back(in.node);
      }
    }
    carried_.assign(carried.begin(), carried.end());
  }

  Status differentiate() {
    std::vector<int> args = carried_;
    for (int k = 0; k < vars_; ++k) {
      if (invariant(k) && flows(k)) args.push_back(k);
    }
    TW_RETURN_IF_ERROR(body_->differentiate(carried_, args));

    Builder& b = body_->builder();
    for (const int k : carried_) {
      const Output dx = body_->dx(k);
      roots_.push_back(dx.valid() ? dx : Output{b.add("ZerosLike", {body_->dy(k)}), 0});
    }
    // The derivative with respect to a value that all iterations share is the sum of theirs.
    for (int k = 0; k < vars_; ++k) {
      if (!invariant(k) || !body_->dx(k).valid()) continue;
      Sum s{k, b.dtype(body_->dx(k)), {}};
      const NodeId id = b.add("_Arg", {}, {{"T", s.dtype}, {"index", vars_ + k}});
      if (id < 0) return b.status();
      s.arg = Output{id, 0};
      body_->graph().copy_output_type(body_->graph(), body_->dx(k), s.arg);
      body_->add_stand_in(s.arg);
      const AttrMap two{{"N", 2}};
      roots_.push_back(Output{b.add("AddN", {s.arg, body_->dx(k)}, two), 0});
      sums_.push_back(s);
    }
    body_->cut(roots_);
    for (const Output& o : body_->saved()) saved_.push_back({o});
    for (const int k : body_->captured_args()) {
      if (!invariant(k)) saved_.push_back({body_->arg(k)});
    }
    return b.status();
  }

  // A value of each iteration, on a list which is a variable of the forward loop.
  struct Saved {
    Output value;
    int list = -1;
  };

  // The variable of the loop that already collects `o`, or -1.
  int list_of(Output o) const {
    for (int k = 0; k < vars_; ++k) {
      const Output r = body_->result(k);
      const Node& n = body_->graph().node(r.node);
      if (n.op->name == "TensorListPushBack" && n.inputs[0] == body_->arg(k) && n.inputs[1] == o) return k;
    }
    return -1;
  }

  Status rewrite_forward() {
    if (v_.attr().has(kCounterAttr)) counter_ = static_cast<int>(v_.attr().integer(kCounterAttr));
    std::vector<DType> types = v_.attr().must<std::vector<DType>>("T");
    const size_t before = types.size();
    if (counter_ < 0) {
      counter_ = static_cast<int>(types.size());
      types.push_back(DType::kInt32);
    }
    for (Saved& s : saved_) {
      s.list = list_of(s.value);
      if (s.list >= 0) continue;
      s.list = static_cast<int>(types.size());
      types.push_back(DType::kVariant);
    }
    if (types.size() == before) return Status();

    FunctionWriter cond(v_.b.graph().library(), cond_function_->body.get());
    TW_RETURN_IF_ERROR(cond.copy(std::vector<char>(static_cast<size_t>(cond_function_->body->num_nodes()), 1)));
    for (const NodeId c : cond_function_->controls) cond.add_control(cond.moved(c));
    for (size_t i = before; i < types.size(); ++i) cond.add_arg(types[i]);

    FunctionWriter body(v_.b.graph().library(), &body_->graph());
    TW_RETURN_IF_ERROR(body_->write_forward(body));
    std::vector<Output> inputs = v_.op.inputs;
    for (size_t i = before; i < types.size(); ++i) {
      Builder& b = body.builder();
      const Output arg = body.add_arg(types[i]);
      if (static_cast<int>(i) == counter_) {
        TW_RETURN_IF_ERROR(body.body().set_shape(arg, Shape{}));
        TW_RETURN_IF_ERROR(body.add_result(Output{b.add("AddV2", {arg, b.scalar<int32_t>(1)}), 0}));
        inputs.push_back(v_.b.scalar<int32_t>(0));
        continue;
      }
      const auto s =
          std::find_if(saved_.begin(), saved_.end(), [&](const Saved& c) { return c.list == static_cast<int>(i); });
      const AttrMap element{{"element_dtype", body_->builder().dtype(s->value)}};
      TW_RETURN_IF_ERROR(body.add_result(Output{b.add("TensorListPushBack", {arg, body.moved(s->value)}, element), 0}));
      const Output any = v_.b.scalar<int32_t>(-1);
      inputs.push_back(Output{v_.b.add("EmptyTensorList", {any, any}, element), 0});
    }
    TW_RETURN_IF_ERROR(v_.b.status());

    AttrMap attrs = v_.op.attrs;
    FuncRef body_ref = v_.attr().must<FuncRef>("body"), cond_ref = v_.attr().must<FuncRef>("cond");
    TW_ASSIGN_OR_RETURN(body_ref.name, body.finish(body_ref.name + "_saving"));
    TW_ASSIGN_OR_RETURN(cond_ref.name, cond.finish(cond_ref.name + "_saving"));
    std::vector<Shape> shapes;
    for (size_t i = 0; i < types.size(); ++i) {
      shapes.push_back(i < before ? v_.y(static_cast<int>(i)).shape() : Shape{});
    }
    attrs["T"] = types;
    attrs["body"] = body_ref;
    attrs["cond"] = cond_ref;
    attrs["output_shapes"] = shapes;
    attrs.insert_or_assign(std::string(kCounterAttr), AttrValue(counter_));
    return v_.b.graph().replace_function_node(v_.op.id, std::move(inputs), std::move(attrs));
  }

  // A variable of the backward loop: its start outside, and what stands for it in the gradient of the body.
  struct Var {
    Val start;
    Output inner;
    Shape shape = Shape::unknown();
  };

  Val zeros_like_var(int k, DType dtype) { return {v_.b, zeros_for(v_.b, v_.y(k), dtype)}; }

  Status add_backward() {
    // In this order: iterations left, derivatives of carried variables, sums of shared ones, shared values, lists.
    std::vector<Var> vars;
    vars.push_back({v_.y(counter_), {}, Shape{}});
    for (const int k : carried_) {
      const Val start = v_.has_dy(k) ? v_.dy(k) : zeros_like_var(k, DType::kInvalid);
      vars.push_back({start, body_->dy(k), v_.y(k).shape()});
    }
    for (const Sum& s : sums_) {
      const bool handle = v_.y(s.var).dtype() == DType::kResource;
      const Val start = v_.has_dy(s.var) ? v_.dy(s.var) : zeros_like_var(s.var, s.dtype);
      vars.push_back({start, s.arg, handle ? v_.b.graph().handle(v_.x(s.var)).shape : v_.y(s.var).shape()});
    }
    const size_t first_shared = vars.size();
    for (const int k : body_->captured_args()) {
      if (invariant(k)) vars.push_back({v_.x(k), body_->arg(k), v_.x(k).shape()});
    }
    const size_t first_list = vars.size();
    for (const Saved& s : saved_) vars.push_back({v_.y(s.list), s.value, Shape{}});

    FunctionWriter cond(v_.b.graph().library(), nullptr);
    FunctionWriter body(v_.b.graph().library(), &body_->graph());
    Builder& b = body.builder();
    std::vector<DType> types;
    std::vector<Shape> shapes;
    std::vector<Output> args, inputs;
    for (size_t i = 0; i < vars.size(); ++i) {
      types.push_back(vars[i].start.dtype());
      shapes.push_back(vars[i].shape);
      inputs.push_back(vars[i].start);
      cond.add_arg(types[i]);
      args.push_back(body.add_arg(types[i], i < first_list ? vars[i].inner : Output{}));
      if (i > 0 && i < first_list) body.map(vars[i].inner, args[i]);
    }
    TW_RETURN_IF_ERROR(cond.body().set_shape(cond.arg(0), Shape{}));
    TW_RETURN_IF_ERROR(body.body().set_shape(args[0], Shape{}));
    const Output more{cond.builder().add("Greater", {cond.arg(0), cond.builder().scalar<int32_t>(0)}), 0};
    TW_RETURN_IF_ERROR(cond.add_result(more));

    std::vector<Output> rest(vars.size());
    for (size_t i = first_list; i < vars.size(); ++i) {
      const DType t = body_->builder().dtype(vars[i].inner);
      const NodeId pop = b.add("TensorListPopBack", {args[i], b.scalar<int32_t>(-1)}, {{"element_dtype", t}});
      if (pop < 0) return b.status();
      rest[i] = Output{pop, 0};
      body.body().copy_output_type(body_->graph(), vars[i].inner, Output{pop, 1});
      body.map(vars[i].inner, Output{pop, 1});
    }
    TW_RETURN_IF_ERROR(body_->write_gradient(body));
    TW_RETURN_IF_ERROR(body.add_result(Output{b.add("Sub", {args[0], b.scalar<int32_t>(1)}), 0}));
    for (const Output& root : roots_) TW_RETURN_IF_ERROR(body.add_result(body.moved(root)));
    for (size_t i = first_shared; i < first_list; ++i) TW_RETURN_IF_ERROR(body.add_result(args[i]));
    for (size_t i = first_list; i < vars.size(); ++i) TW_RETURN_IF_ERROR(body.add_result(rest[i]));

    const bool stateful = body.stateful();
    FuncRef body_ref, cond_ref;
    TW_ASSIGN_OR_RETURN(body_ref.name, body.finish(body_function_->name + "_grad"));
    TW_ASSIGN_OR_RETURN(cond_ref.name, cond.finish(cond_function_->name + "_grad"));
    AttrMap attrs{{"T", types}, {"body", body_ref}, {"cond", cond_ref}, {"output_shapes", shapes}};
    if (const auto it = v_.op.attrs.find("parallel_iterations"); it != v_.op.attrs.end())
      attrs.emplace(it->first, it->second);
    const NodeId id = v_.b.add(stateful ? "While" : "StatelessWhile", std::move(inputs), std::move(attrs));

    int32_t out = 1;
    for (const int k : carried_) v_.give(k, Val(v_.b, Output{id, out++}));
    for (int k = 0; k < vars_; ++k) {
      if (invariant(k) && v_.has_dy(k)) v_.give(k, v_.dy(k));
    }
    for (const Sum& s : sums_) v_.give(s.var, Val(v_.b, Output{id, out++}));
    return v_.b.status();
  }

  // The derivative with respect to a shared value, summed over the iterations in a variable of the backward loop.
  struct Sum {
    int var;
    DType dtype;
    Output arg;
  };

  Vjp& v_;
  const int vars_;  // before the loop is rewritten
  std::shared_ptr<const Function> body_function_, cond_function_;
  std::unique_ptr<BodyGradient> body_;
  std::vector<int> carried_;
  std::vector<Sum> sums_;
  std::vector<Output> roots_;  // derivatives of carried variables, then new sums
  std::vector<Saved> saved_;
  int counter_ = -1;
};

void loop(Vjp& v) {
  if (Status s = LoopGradient(v).run(); !s.ok()) v.fail(std::move(s));
}

}  // namespace

TW_GRADIENT(While) { loop(v); }

}  // namespace tw
