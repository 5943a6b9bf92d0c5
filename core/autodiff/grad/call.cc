// Branches and calls: the derivative of If is an If of the branches' derivatives. Values that those need are returned
// by the forward node, whose branches are rewritten to give them.
#include <algorithm>

#include "core/autodiff/body_gradient.h"
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

// A node that runs one of several functions of the same arguments.
class BranchGradient {
 public:
  // The first `skip` inputs choose the branch.
  BranchGradient(Vjp& v, int skip, std::vector<std::string> attr_names)
      : v_(v), skip_(skip), attr_names_(std::move(attr_names)), outputs_(v.num_outputs()) {
    for (const auto& name : attr_names_) {
      if (const FuncRef* f = v_.op.attrs.find(name)->second.get<FuncRef>()) functions_.push_back(*f);
      if (const auto* list = v_.op.attrs.find(name)->second.get<std::vector<FuncRef>>()) functions_ = *list;
    }
  }

  Status run() {
    TW_RETURN_IF_ERROR(differentiate());
    if (wanted_.empty()) return Status();
    assign_slots();
    if (!slots_.empty()) TW_RETURN_IF_ERROR(rewrite_forward());
    return add_backward();
  }

 private:
  Status differentiate() {
    std::vector<int> results, args;
    for (int i = 0; i < outputs_; ++i) {
      if (v_.has_dy(i)) results.push_back(i);
    }
    dys_ = results;
    for (int i = skip_; i < v_.num_inputs(); ++i) {
      if (carries_gradient(v_.x(i).dtype())) args.push_back(i - skip_);
    }
    for (const FuncRef& f : functions_) {
      TW_ASSIGN_OR_RETURN(std::shared_ptr<const Function> function, v_.b.graph().library()->resolve(f));
      bodies_.push_back(std::make_unique<BodyGradient>(std::move(function), v_.scope()));
      TW_RETURN_IF_ERROR(bodies_.back()->differentiate(results, args));
    }
    for (const int a : args) {
      DType dtype = DType::kInvalid;
      for (const auto& body : bodies_) {
        if (body->dx(a).valid()) dtype = body->builder().dtype(body->dx(a));
      }
      if (dtype != DType::kInvalid) wanted_.emplace_back(a, dtype);
    }
    for (const auto& body : bodies_) {
      std::vector<Output> roots;
      for (const auto& [a, dtype] : wanted_) {
        Output dx = body->dx(a);
        if (!dx.valid()) dx = zeros_for(body->builder(), body->arg(a), dtype);
        roots.push_back(dx);
      }
      TW_RETURN_IF_ERROR(body->builder().status());
      body->cut(roots);
      roots_.push_back(std::move(roots));
    }
    return Status();
  }

  // Outputs by which the forward node hands values on: each slot serves one value of each branch, of one dtype.
  struct Slot {
    DType dtype;
    std::vector<Output> values;  // per branch; not valid where the branch has none
  };

  void assign_slots() {
    for (size_t k = 0; k < bodies_.size(); ++k) {
      for (const Output& o : bodies_[k]->saved()) {
        if (bodies_[k]->result_returning(o) >= 0) continue;
        const DType t = bodies_[k]->builder().dtype(o);
        auto slot = std::find_if(slots_.begin(), slots_.end(),
                                 [&](const Slot& s) { return s.dtype == t && !s.values[k].valid(); });
        if (slot == slots_.end()) {
          slots_.push_back(Slot{t, std::vector<Output>(bodies_.size())});
          slot = slots_.end() - 1;
        }
        slot->values[k] = o;
      }
    }
  }

  // Stands for a value in a branch that has none; nothing reads it.
  static Output placeholder_value(Builder& b, DType t) {
    if (t == DType::kVariant) {
      const AttrMap attrs{{"element_dtype", DType::kFloat}};
      return {b.add("EmptyTensorList", {b.scalar<int32_t>(-1), b.scalar<int32_t>(-1)}, attrs), 0};
    }
    auto value = Tensor::make(t, Shape{0});
    if (!value.ok()) b.fail(value.status());
    return value.ok() ? b.constant(std::move(*value)) : Output{};
  }

  Status rewrite_forward() {
    std::vector<FuncRef> rewritten;
    for (size_t k = 0; k < bodies_.size(); ++k) {
      FunctionWriter w(v_.b.graph().library(), &bodies_[k]->graph());
      TW_RETURN_IF_ERROR(bodies_[k]->write_forward(w));
      for (const Slot& s : slots_) {
        const Output o = s.values[k].valid() ? w.moved(s.values[k]) : placeholder_value(w.builder(), s.dtype);
        TW_RETURN_IF_ERROR(w.add_result(o));
      }
      FuncRef f = functions_[k];
      TW_ASSIGN_OR_RETURN(f.name, w.finish(functions_[k].name + "_saving"));
      rewritten.push_back(std::move(f));
    }
    AttrMap attrs = v_.op.attrs;
    set_functions(attrs, rewritten);
    std::vector<DType> types = v_.attr().must<std::vector<DType>>("Tout");
    std::vector<Shape> shapes;
    for (int i = 0; i < outputs_; ++i) shapes.push_back(v_.y(i).shape());
    for (const Slot& s : slots_) {
      types.push_back(s.dtype);
      shapes.push_back(slot_shape(s));
    }
    attrs["Tout"] = types;
    attrs[shapes_attr()] = shapes;
    return v_.b.graph().replace_function_node(v_.op.id, v_.op.inputs, std::move(attrs));
  }

  // Known only where every branch returns a real value.
  Shape slot_shape(const Slot& s) const {
    if (s.dtype == DType::kVariant) return Shape{};
    Shape shape = Shape::unknown();
    for (size_t k = 0; k < bodies_.size(); ++k) {
      if (!s.values[k].valid()) return Shape::unknown();
      const Shape own = bodies_[k]->builder().shape(s.values[k]);
      if (k > 0 && !(own == shape)) return Shape::unknown();
      shape = own;
    }
    return shape;
  }

  void set_functions(AttrMap& attrs, const std::vector<FuncRef>& f) const {
    if (attr_names_[0] == "branches") {
      attrs["branches"] = f;
      return;
    }
    for (size_t k = 0; k < f.size(); ++k) attrs[attr_names_[k]] = f[k];
  }

  // An input of the gradient functions: what it is outside, and in each branch.
  struct Param {
    Val outer;
    std::vector<Output> inner;
  };

  std::vector<Param> params() const {
    std::vector<Param> params;
    const auto none = std::vector<Output>(bodies_.size());
    for (const int r : dys_) {
      params.push_back({v_.dy(r), none});
      for (size_t k = 0; k < bodies_.size(); ++k) params.back().inner[k] = bodies_[k]->dy(r);
    }
    const auto shared = [&](std::map<int, size_t>& index, int i, Val outer, size_t k, Output inner) {
      const auto [it, fresh] = index.try_emplace(i, params.size());
      if (fresh) params.push_back({outer, none});
      params[it->second].inner[k] = inner;
    };
    std::map<int, size_t> by_arg, by_result;
    for (size_t k = 0; k < bodies_.size(); ++k) {
      for (const int a : bodies_[k]->captured_args()) shared(by_arg, a, v_.x(skip_ + a), k, bodies_[k]->arg(a));
      for (const Output& o : bodies_[k]->saved()) {
        if (const int r = bodies_[k]->result_returning(o); r >= 0) shared(by_result, r, v_.y(r), k, o);
      }
    }
    for (size_t s = 0; s < slots_.size(); ++s) {
      params.push_back({v_.y(outputs_ + static_cast<int>(s)), slots_[s].values});
    }
    return params;
  }

  Status add_backward() {
    const std::vector<Param> params = this->params();
    std::vector<DType> in_types, out_types;
    std::vector<Output> inputs(v_.op.inputs.begin(), v_.op.inputs.begin() + skip_);
    for (const Param& p : params) {
      in_types.push_back(p.outer.dtype());
      inputs.push_back(p.outer);
    }
    for (const auto& [a, dtype] : wanted_) out_types.push_back(dtype);

    std::vector<FuncRef> backward;
    bool stateful = false;
    for (size_t k = 0; k < bodies_.size(); ++k) {
      FunctionWriter w(v_.b.graph().library(), &bodies_[k]->graph());
      for (size_t i = 0; i < params.size(); ++i) {
        // A derivative has the shape of the node's output, which a branch's own result may be narrower than.
        const bool dy = i < dys_.size();
        const Output arg =
            dy ? w.add_arg(in_types[i], params[i].outer.shape()) : w.add_arg(in_types[i], params[i].inner[k]);
        if (params[i].inner[k].valid()) w.map(params[i].inner[k], arg);
      }
      TW_RETURN_IF_ERROR(bodies_[k]->write_gradient(w));
      for (const Output& root : roots_[k]) TW_RETURN_IF_ERROR(w.add_result(w.moved(root)));
      stateful = stateful || w.stateful();
      FuncRef f;
      TW_ASSIGN_OR_RETURN(f.name, w.finish(functions_[k].name + "_grad"));
      backward.push_back(std::move(f));
    }

    std::string op(v_.op.op->name);
    if (op == "If" || op == "StatelessIf") op = stateful ? "If" : "StatelessIf";
    if (op == "PartitionedCall" || op == "StatefulPartitionedCall")
      op = stateful ? "StatefulPartitionedCall" : "PartitionedCall";
    AttrMap attrs{{"Tin", in_types}, {"Tout", out_types}};
    set_functions(attrs, backward);
    std::vector<Shape> shapes;
    for (const auto& [a, dtype] : wanted_) {
      const Val x = v_.x(skip_ + a);
      shapes.push_back(x.dtype() == DType::kResource ? v_.b.graph().handle(x).shape : x.shape());
    }
    attrs[shapes_attr()] = shapes;
    const NodeId id = v_.b.add(op, std::move(inputs), std::move(attrs));
    for (size_t i = 0; i < wanted_.size(); ++i) {
      v_.give(skip_ + wanted_[i].first, Val(v_.b, Output{id, static_cast<int32_t>(i)}));
    }
    return v_.b.status();
  }

  // Calls have no attribute of their own for the shapes of their results.
  std::string shapes_attr() const { return v_.op.op->find_attr("output_shapes") ? "output_shapes" : "_output_shapes"; }

  Vjp& v_;
  const int skip_;
  const std::vector<std::string> attr_names_;
  const int outputs_;  // before values are saved
  std::vector<FuncRef> functions_;
  std::vector<std::unique_ptr<BodyGradient>> bodies_;
  std::vector<int> dys_;
  std::vector<std::pair<int, DType>> wanted_;  // arguments with a derivative, and its dtype
  std::vector<std::vector<Output>> roots_;     // per branch: the derivatives of `wanted_`
  std::vector<Slot> slots_;
};

void branches(Vjp& v, int skip, std::vector<std::string> attr_names) {
  if (Status s = BranchGradient(v, skip, std::move(attr_names)).run(); !s.ok()) v.fail(std::move(s));
}

}  // namespace

TW_GRADIENT(If) { branches(v, 1, {"then_branch", "else_branch"}); }
TW_GRADIENT(Case) { branches(v, 1, {"branches"}); }
TW_GRADIENT(PartitionedCall) { branches(v, 0, {"f"}); }

}  // namespace tw
