#include "core/runtime/executor.h"

#include <cstring>

#include "core/framework/shape_context.h"
#include "core/platform/alloc.h"
#include "core/runtime/control.h"

namespace tw {

namespace {

// Between two looks at the clock.
constexpr uint32_t kCheckInterval = 32;

void drop(Value& v) {
  if (v.owner == nullptr) return;
  v.owner->unref();
  v.owner = nullptr;
}

Status allocate_value(Value& v) {
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(v.dtype, *v.shape));
  drop(v);
  v.data = t.raw();
  v.owner = Ref<Buffer>(t.buffer()).release();
  return {};
}

Tensor view_of(const Value& v) {
  if (v.owner != nullptr) {
    const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(v.owner->data()));
    return Tensor(v.dtype, *v.shape, Ref<Buffer>(v.owner), offset);
  }
  const size_t bytes = static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype);
  return Tensor(v.dtype, *v.shape, wrap_memory(v.data, bytes, false, nullptr, nullptr));
}

bool same_bytes(const Tensor& a, const Value& b) {
  return a.dtype() == b.dtype && a.shape() == *b.shape &&
         (is_plain(b.dtype) ? std::memcmp(a.raw(), b.data, a.bytes()) == 0 : false);
}

// Walks one plan in one frame.
class Execution {
 public:
  Execution(Plan& plan, Frame& frame, Step& step) : plan_(plan), frame_(frame), step_(step) {
    context_.values_ = frame.values.data();
    context_.dynamic_shapes_ = frame.shapes.data();
    context_.step_ = &step;
  }

  Status run() {
    for (uint32_t r : plan_.allocated) {
      if (frame_.values[r].owner == nullptr) TW_RETURN_IF_ERROR(allocate_value(frame_.values[r]));
    }
    for (uint32_t v : plan_.result_views) {
      frame_.values[v].data = frame_.values[static_cast<size_t>(plan_.values[v].view_of)].data;
    }
    const uint32_t end = plan_.lanes[0].end;
    uint32_t until_check = kCheckInterval;
    for (uint32_t pc = plan_.lanes[0].begin; pc < end; ++pc) {
      if (--until_check == 0) {
        TW_RETURN_IF_ERROR(step_.check());
        until_check = kCheckInterval;
      }
      Status s = step_.trace == nullptr ? run_one(plan_.code[pc]) : run_traced(pc);
      if (!s.ok()) return s.at_node(plan_.nodes[pc].name, plan_.nodes[pc].where);
    }
    return {};
  }

 private:
  Status run_one(const Instruction& inst) {
    context_.args_ = plan_.args.data() + inst.args;
    context_.num_in_ = inst.num_in;
    context_.num_out_ = inst.num_out;
    context_.consumable_ = inst.consumable;
    switch (inst.kind) {
      case InstKind::kKernel: {
        if (inst.flags & kAllocateOutputs) TW_RETURN_IF_ERROR(allocate_outputs(inst));
        context_.state_ = inst.state;
        context_.workspace_ = static_cast<char*>(frame_.arena) + size_t{inst.extra} * kAlignment;
        return inst.run(context_);
      }
      case InstKind::kView: {
        const Value& from = context_.input(0);
        context_.output(0).data = from.data;
        return {};
      }
      case InstKind::kRelease: drop(context_.values_[context_.args_[0]]); return {};
      case InstKind::kRead: return read(inst);
      case InstKind::kDynamic: return run_dynamic(inst, plan_.dynamics[inst.extra], frame_.dynamics[inst.extra]);
      case InstKind::kControl: return run_control(plan_.controls[inst.extra], plan_, inst, context_, step_);
      case InstKind::kSignal:
      case InstKind::kWait: break;
    }
    return internal_error("unknown instruction");
  }

  Status run_traced(uint32_t pc) {
    using std::chrono::duration_cast;
    using std::chrono::nanoseconds;
    const auto start = std::chrono::steady_clock::now();
    const Instruction& inst = plan_.code[pc];
    Status s = run_one(inst);
    if (inst.kind == InstKind::kRelease) return s;
    const PlanNode& node = plan_.nodes[pc];
    StepTrace::Event e;
    e.node = node.name;
    e.op = node.op;
    e.start_ns = duration_cast<nanoseconds>(start - step_.begin).count();
    e.end_ns = duration_cast<nanoseconds>(std::chrono::steady_clock::now() - step_.begin).count();
    e.flops = node.cost.flops;
    e.bytes = node.cost.bytes;
    for (int i = 0; i < inst.num_out && s.ok(); ++i) {
      const Value& v = frame_.values[plan_.args[inst.args + inst.num_in + static_cast<uint32_t>(i)]];
      if (v.data != nullptr) e.outputs.push_back({v.dtype, *v.shape});
    }
    step_.trace->events.push_back(std::move(e));
    return s;
  }

  Status allocate_outputs(const Instruction& inst) {
    for (int i = 0; i < inst.num_out; ++i) {
      const uint32_t number = context_.args_[inst.num_in + i];
      if (plan_.values[number].storage == Storage::kOwned && plan_.values[number].known) {
        TW_RETURN_IF_ERROR(allocate_value(frame_.values[number]));
      }
    }
    return {};
  }

  Status read(const Instruction& inst) {
    const ResourceHandle& handle = plan_.constants[inst.extra].data<ResourceHandle>()[0];
    auto* variable = static_cast<Variable*>(handle.get());
    TW_ASSIGN_OR_RETURN(Tensor value, variable->read());
    const ValueInfo& info = plan_.values[context_.args_[0]];
    if (value.dtype() != info.dtype || (info.known && !(value.shape() == info.shape))) {
      return failed_precondition("variable '", variable->name(), "' holds ", dtype_name(value.dtype()), " ",
                                 value.shape(), ", which this program expects to be ", dtype_name(info.dtype), " ",
                                 info.shape);
    }
    context_.set_output(0, std::move(value));
    return {};
  }

  Status run_dynamic(const Instruction& inst, const DynamicOp& op, DynamicState& state) {
    if (!still_prepared(op, state)) TW_RETURN_IF_ERROR(prepare_dynamic(op, state));
    if (op.op->has(kAliases)) {
      Value& out = context_.output(0);
      out.data = context_.input(0).data;
      set_shape(context_.args_[inst.num_in], state.out_shapes[0]);
      return {};
    }
    for (int i = 0; i < inst.num_out; ++i) {
      const uint32_t number = context_.args_[inst.num_in + i];
      set_shape(number, state.out_shapes[static_cast<size_t>(i)]);
      if (state.out_shapes[static_cast<size_t>(i)].fully_known())
        TW_RETURN_IF_ERROR(allocate_value(frame_.values[number]));
    }
    context_.state_ = state.state.get();
    context_.workspace_ = state.workspace.raw();
    return op.kernel->run(context_);
  }

  void set_shape(uint32_t number, const Shape& s) {
    frame_.shapes[number] = s;
    frame_.values[number].shape = &frame_.shapes[number];
  }

  bool still_prepared(const DynamicOp& op, const DynamicState& state) const {
    if (!state.valid) return false;
    for (size_t i = 0; i < op.in_types.size(); ++i) {
      const Value& in = context_.input(static_cast<int>(i));
      if (!(state.in_shapes[i] == *in.shape)) return false;
      const bool wanted = i < 32 && ((op.value_inputs >> i) & 1) != 0 && op.constant_inputs[i] < 0;
      if (wanted && !same_bytes(state.values[i], in)) return false;
    }
    return true;
  }

  Status prepare_dynamic(const DynamicOp& op, DynamicState& state) {
    state.valid = false;
    const size_t n = op.in_types.size();
    state.in_shapes.resize(n);
    state.values.assign(n, Tensor());
    std::vector<const Tensor*> constants(n, nullptr);
    for (size_t i = 0; i < n; ++i) {
      const Value& in = context_.input(static_cast<int>(i));
      state.in_shapes[i] = *in.shape;
      if (op.constant_inputs[i] >= 0) {
        constants[i] = &plan_.constants[static_cast<size_t>(op.constant_inputs[i])];
      } else if (i < 32 && ((op.value_inputs >> i) & 1) != 0) {
        TW_ASSIGN_OR_RETURN(state.values[i], view_of(in).clone());
        constants[i] = &state.values[i];
      }
    }
    ShapeContext shapes(*op.op, op.attrs, state.in_shapes, op.in_types, constants, {}, op.out_types.size());
    TW_RETURN_IF_ERROR(op.op->shape(shapes));
    state.out_shapes.assign(shapes.outputs().begin(), shapes.outputs().end());
    if (!op.op->has(kAliases)) {
      PrepareContext prepare(*op.op, op.attrs, state.in_shapes, op.in_types, constants, state.out_shapes, op.out_types,
                             step_.pool().threads());
      TW_RETURN_IF_ERROR(op.kernel->prepare(prepare));
      state.state = prepare.take_state();
      TW_ASSIGN_OR_RETURN(state.workspace,
                          Tensor::make(DType::kUint8, Shape{static_cast<int64_t>(prepare.workspace())}));
    }
    state.valid = true;
    return {};
  }

  Plan& plan_;
  Frame& frame_;
  Step& step_;
  RunContext context_;
};

// Moves an argument into the frame; a plan made for its exact shape has the shape already.
void bind(const Plan& plan, Frame& frame, uint32_t number, Tensor argument) {
  Value& v = frame.values[number];
  v.data = argument.raw();
  v.owner = Ref<Buffer>(argument.buffer()).release();
  if (!plan.values[number].known) {
    frame.shapes[number] = argument.shape();
    v.shape = &frame.shapes[number];
  }
}

// A result is handed over when the step owns it, and copied when it lives in memory that the step will reuse.
Result<Tensor> take_result(const Plan& plan, Frame& frame, uint32_t number) {
  const ValueInfo& info = plan.values[number];
  const uint32_t root = info.view_of >= 0 ? static_cast<uint32_t>(info.view_of) : number;
  const Value& v = frame.values[number];
  Buffer* owner = v.owner != nullptr ? v.owner : frame.values[root].owner;
  if (owner == nullptr) return view_of(v).clone();
  const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(owner->data()));
  return Tensor(v.dtype, *v.shape, Ref<Buffer>(owner), offset);
}

}  // namespace

std::unique_ptr<Frame> take_frame(Plan& plan) {
  {
    std::lock_guard lock(plan.frame_mutex);
    if (!plan.frames.empty()) {
      std::unique_ptr<Frame> frame = std::move(plan.frames.back());
      plan.frames.pop_back();
      return frame;
    }
  }
  return std::make_unique<Frame>(plan);
}

void return_frame(Plan& plan, std::unique_ptr<Frame> frame) {
  for (uint32_t v : plan.counted) drop(frame->values[v]);
  std::lock_guard lock(plan.frame_mutex);
  plan.frames.push_back(std::move(frame));
}

Status run_plan(Plan& plan, Frame& frame, Step& step) { return Execution(plan, frame, step).run(); }

Plan::Plan() = default;
Plan::~Plan() = default;

Frame::Frame(const Plan& plan)
    : values(plan.values.size()), shapes(plan.values.size()), dynamics(plan.dynamics.size()) {
  arena = allocate(plan.arena_bytes);
  for (size_t i = 0; i < values.size(); ++i) {
    const ValueInfo& info = plan.values[i];
    Value& v = values[i];
    v.dtype = info.dtype;
    shapes[i] = info.shape;
    v.shape = info.known ? &info.shape : &shapes[i];
    if (info.storage == Storage::kConstant && info.constant >= 0) {
      v.data = plan.constants[static_cast<size_t>(info.constant)].raw();
    } else if (info.storage == Storage::kConstant || info.storage == Storage::kArena) {
      const ValueInfo& root = info.view_of >= 0 ? plan.values[static_cast<size_t>(info.view_of)] : info;
      v.data = root.storage == Storage::kConstant ? plan.constants[static_cast<size_t>(root.constant)].raw()
                                                  : static_cast<char*>(arena) + root.offset;
    }
  }
}

Frame::~Frame() {
  for (Value& v : values) drop(v);
  deallocate(arena);
}

Status Step::check() const {
  if (cancelled()) return tw::cancelled("the step was cancelled");
  if (has_deadline_ && std::chrono::steady_clock::now() > deadline_) {
    return deadline_exceeded("Timed out: the step ran past its timeout_in_ms");
  }
  return {};
}

Status execute(Program& program, std::span<Tensor> arguments, std::span<Tensor> results, Step& step) {
  constexpr size_t kFew = 16;
  const Shape* few[kFew];
  std::vector<const Shape*> many;
  if (arguments.size() > kFew) many.resize(arguments.size());
  const Shape** shapes = arguments.size() > kFew ? many.data() : few;
  for (size_t i = 0; i < arguments.size(); ++i) shapes[i] = &arguments[i].shape();
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<Plan> plan, program.plan_for({shapes, arguments.size()}));

  std::unique_ptr<Frame> frame = take_frame(*plan);
  for (size_t i = 0; i < arguments.size(); ++i) bind(*plan, *frame, plan->arguments[i], std::move(arguments[i]));
  Status status = run_plan(*plan, *frame, step);
  for (size_t i = 0; i < results.size() && status.ok(); ++i) {
    auto result = take_result(*plan, *frame, plan->results[i]);
    if (result.ok()) results[i] = std::move(*result);
    else status = std::move(result).status();
  }
  return_frame(*plan, std::move(frame));
  return status;
}

}  // namespace tw
