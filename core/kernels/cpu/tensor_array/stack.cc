// Stacks of tensors, on which loops of TensorFlow 1 keep values for their gradients.
#include <mutex>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

// Thread-safe.
class TensorStack : public Resource {
 public:
  TensorStack(std::string name, DType dtype, int64_t limit) : name_(std::move(name)), dtype_(dtype), limit_(limit) {}
  std::string describe() const override { return internal::concat("stack '", name_, "'"); }
  DType dtype() const { return dtype_; }

  Status push(Tensor t) {
    std::lock_guard lock(mutex_);
    TW_RETURN_IF_ERROR(check_open());
    if (limit_ >= 0 && static_cast<int64_t>(elements_.size()) >= limit_) {
      return invalid_argument("Stack[", name_, "] overflowed its max_size (", limit_, ")");
    }
    elements_.push_back(std::move(t));
    return {};
  }
  Result<Tensor> pop() {
    std::lock_guard lock(mutex_);
    TW_RETURN_IF_ERROR(check_open());
    if (elements_.empty()) return invalid_argument("Stack[", name_, "] is empty when calling Pop().");
    Tensor last = std::move(elements_.back());
    elements_.pop_back();
    return last;
  }
  void close() {
    std::vector<Tensor> doomed;
    std::lock_guard lock(mutex_);
    doomed.swap(elements_);
    closed_ = true;
  }

 private:
  Status check_open() const {
    return closed_ ? invalid_argument("Stack[", name_, "] has already been closed.") : Status();
  }

  std::mutex mutex_;
  const std::string name_;
  const DType dtype_;
  const int64_t limit_;
  std::vector<Tensor> elements_;
  bool closed_ = false;
};

struct StackState : KernelState {
  std::string name;
  DType dtype = DType::kInvalid;
};

Status prepare_stack(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<StackState>();
  state.name = ctx.attrs().string("stack_name");
  state.dtype = ctx.attrs().has("T") ? ctx.attrs().dtype("T") : ctx.attrs().dtype("elem_type");
  return {};
}

Result<TensorStack*> stack_input(const RunContext& ctx) {
  const Value& v = ctx.input(0);
  if (v.shape->num_elements() != 1) return invalid_argument("Stack handle must be a scalar, but has shape ", *v.shape);
  auto* stack = dynamic_cast<TensorStack*>(static_cast<const ResourceHandle*>(v.data)->get());
  if (stack == nullptr) return invalid_argument("the handle in input 0 is of no stack");
  return stack;
}

Status check_dtype(const TensorStack& stack, DType dtype) {
  if (stack.dtype() == dtype) return {};
  return invalid_argument("Must have type ", dtype_name(dtype), " but the stack's elements have type ",
                          dtype_name(stack.dtype()));
}

Status run_new(const RunContext& ctx) {
  const auto& state = ctx.state<StackState>();
  if (ctx.input(0).shape->rank() != 0) {
    return invalid_argument("Stack size must be a scalar, but had shape: ", *ctx.input(0).shape);
  }
  Tensor handle = Tensor::make_or_die(DType::kResource, Shape{});
  handle.data<ResourceHandle>()[0] = make_ref<TensorStack>(state.name, state.dtype, index_at(ctx.input(0)));
  ctx.set_output(0, std::move(handle));
  return {};
}

Status run_push(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorStack * stack, stack_input(ctx));
  TW_RETURN_IF_ERROR(check_dtype(*stack, ctx.state<StackState>().dtype));
  TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(1, true));
  TW_RETURN_IF_ERROR(stack->push(t));
  ctx.set_output(0, std::move(t));
  return {};
}

Status run_pop(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorStack * stack, stack_input(ctx));
  TW_RETURN_IF_ERROR(check_dtype(*stack, ctx.state<StackState>().dtype));
  TW_ASSIGN_OR_RETURN(Tensor t, stack->pop());
  ctx.set_output(0, std::move(t));
  return {};
}

Status run_close(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorStack * stack, stack_input(ctx));
  stack->close();
  return {};
}

}  // namespace

TW_KERNEL(StackV2, prepare_stack, run_new);
TW_KERNEL(StackPushV2, prepare_stack, run_push);
TW_KERNEL(StackPopV2, prepare_stack, run_pop);
TW_KERNEL(StackCloseV2, prepare_stack, run_close);

}  // namespace tw
