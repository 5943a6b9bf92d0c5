#include "core/runtime/control.h"

namespace tw {

namespace {

// Functions that run inside functions share a thread's stack; this takes about a megabyte of it. A function that calls
// itself without end stops here.
constexpr int kMaxDepth = 1000;
thread_local int depth = 0;

}  // namespace

// TF's truth of a condition: a bool, a number that is not zero, a string that is not empty; other ranks than 0 are true
// when they have elements.
Result<bool> truth(DType dtype, const Shape& shape, const void* data) {
  if (shape.rank() != 0) return shape.num_elements() > 0;
  if (dtype == DType::kBool) return *static_cast<const bool*>(data);
  if (dtype == DType::kString) return !static_cast<const std::string*>(data)->empty();
  std::optional<bool> value;
  visit_real(dtype, [&](auto tag) {
    value = static_cast<double>(*static_cast<const typename decltype(tag)::type*>(data)) != 0;
  });
  if (!value) return invalid_argument("a condition of type ", dtype_name(dtype), " has no truth value");
  return *value;
}

namespace {

// Values of the step as tensors that may outlive this instruction's inputs.
Status take_inputs(const RunContext& context, int first, std::vector<Tensor>* out) {
  for (int i = first; i < context.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, context.input_tensor(i, false));
    out->push_back(std::move(t));
  }
  return {};
}

// The plan may have relied on a result's shape.
Status give_results(std::vector<Tensor> results, const ControlOp& op, const Plan& plan, const RunContext& context) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (op.used[i] == 0) continue;
    const ValueInfo& info = plan.values[context.args_[context.num_in_ + i]];
    if (results[i].dtype() != info.dtype || (info.known && !(results[i].shape() == info.shape))) {
      return invalid_argument("result ", i, " of the function is ", dtype_name(results[i].dtype()), " ",
                              results[i].shape(), ", and was declared to be ", dtype_name(info.dtype), " ", info.shape);
    }
    context.set_output(static_cast<int>(i), std::move(results[i]));
  }
  return {};
}

Status run_branch(const ControlOp& op, const Plan& plan, const RunContext& context, Step& step) {
  TW_ASSIGN_OR_RETURN(const Tensor selector, context.input_tensor(0, false));
  size_t branch;
  if (op.kind == ControlOp::Kind::kIf) {
    TW_ASSIGN_OR_RETURN(const bool taken, truth(selector.dtype(), selector.shape(), selector.raw()));
    branch = taken ? 0 : 1;
  } else {
    // An index out of range takes the last branch, as in TF.
    const int32_t index = selector.data<int32_t>()[0];
    branch = index < 0 || index >= static_cast<int32_t>(op.branches.size()) ? op.branches.size() - 1
                                                                            : static_cast<size_t>(index);
  }
  std::vector<Tensor> arguments, results(context.num_out_);
  TW_RETURN_IF_ERROR(take_inputs(context, 1, &arguments));
  TW_RETURN_IF_ERROR(execute(*op.branches[branch], arguments, results, step));
  // A branch may give an argument back, which may live in memory that the step will reuse.
  for (size_t i = 0; i < results.size(); ++i) {
    if (op.used[i] != 0 && !results[i].buffer()->writable()) {
      TW_ASSIGN_OR_RETURN(results[i], results[i].clone());
    }
  }
  return give_results(std::move(results), op, plan, context);
}

Status run_while(const ControlOp& op, const Plan& plan, const RunContext& context, Step& step) {
  std::vector<Tensor> vars;
  TW_RETURN_IF_ERROR(take_inputs(context, 0, &vars));
  TW_RETURN_IF_ERROR(run_loop(op, vars, step));
  // A loop that never ran gives its inputs back, which may live in memory that the step will reuse.
  for (int i = 0; i < context.num_out_; ++i) {
    Tensor& t = vars[static_cast<size_t>(i)];
    if (op.used[static_cast<size_t>(i)] == 0) continue;
    if (!t.buffer()->writable() || t.raw() == context.input(i).data) {
      TW_ASSIGN_OR_RETURN(t, t.clone());
    }
  }
  return give_results(std::move(vars), op, plan, context);
}

}  // namespace

Status run_control(const ControlOp& op, const Plan& plan, const Instruction& inst, const RunContext& context,
                   Step& step) {
  if (depth >= kMaxDepth) return resource_exhausted("functions call one another more than ", kMaxDepth, " deep");
  ++depth;
  Status s =
      op.kind == ControlOp::Kind::kWhile ? run_while(op, plan, context, step) : run_branch(op, plan, context, step);
  --depth;
  return s;
}

}  // namespace tw
