#include "core/runtime/interpreter.h"

#include <cstring>

#include "core/framework/shape_context.h"
#include "core/platform/alloc.h"
#include "core/runtime/control.h"

namespace tw {

namespace {

// Between two looks at the clock.
constexpr uint32_t kCheckInterval = 32;

bool same_bytes(const Tensor& a, const Value& b) {
  return a.dtype() == b.dtype && a.shape() == *b.shape &&
         (is_plain(b.dtype) ? std::memcmp(a.raw(), b.data, a.bytes()) == 0 : false);
}

}  // namespace

Interpreter::Interpreter(Plan& plan, Frame& frame, Step& step, uint32_t lane, bool blocks)
    : plan_(plan),
      frame_(frame),
      step_(step),
      stream_(*frame.streams[lane]),
      begin_(plan.lanes[lane].begin),
      pc_(begin_),
      end_(plan.lanes[lane].end),
      lane_(lane),
      blocks_(blocks),
      direct_(stream_.calls_directly()),
      traced_(step.traced()) {
  context_.values_ = frame.values.data();
  context_.dynamic_shapes_ = frame.shapes.data();
  context_.step_ = &step;
  context_.stream_ = &stream_;
}

Result<Interpreter::Pause> Interpreter::run() {
  uint32_t until_check = kCheckInterval;
  for (; pc_ < end_; ++pc_) {
    if (--until_check == 0) {
      TW_RETURN_IF_ERROR(step_.check());
      until_check = kCheckInterval;
    }
    const Instruction& inst = plan_.code[pc_];
    if (inst.kind == InstKind::kWait) {
      TW_ASSIGN_OR_RETURN(const bool ordered, stream_.wait(*frame_.events[inst.extra]));
      if (!ordered) return Pause::kEvent;
      TW_RETURN_IF_ERROR(step_.check());
      continue;
    }
    if ((inst.flags & kMayBlock) != 0 && !blocks_) return Pause::kBlocking;
    TW_RETURN_IF_ERROR(step_over(pc_));
  }
  return Pause::kEnd;
}

Status Interpreter::run_blocking() {
  TW_RETURN_IF_ERROR(step_.check());
  TW_RETURN_IF_ERROR(step_over(pc_));
  ++pc_;
  return {};
}

void Interpreter::release_waiters() {
  for (; pc_ < end_; ++pc_) {
    const Instruction& inst = plan_.code[pc_];
    // The step has failed already; an event that cannot be recorded has nobody left to tell.
    if (inst.kind == InstKind::kSignal) static_cast<void>(stream_.record(*frame_.events[inst.extra]));
  }
}

Status Interpreter::step_over(uint32_t pc) {
  const Instruction& inst = plan_.code[pc];
  Status s = traced_ ? run_traced(inst, pc) : run_one(inst, pc);
  if (!s.ok()) return s.at_node(plan_.nodes[pc].name, plan_.nodes[pc].where);
  return s;
}

Status Interpreter::run_one(const Instruction& inst, uint32_t pc) {
  context_.args_ = plan_.args.data() + inst.args;
  context_.num_in_ = inst.num_in;
  context_.num_out_ = inst.num_out;
  context_.consumable_ = inst.consumable;
  switch (inst.kind) {
    case InstKind::kKernel: {
      if (inst.flags & kAllocateOutputs) TW_RETURN_IF_ERROR(allocate_outputs(inst));
      context_.state_ = inst.state;
      context_.workspace_ = static_cast<char*>(frame_.arena) + size_t{inst.extra} * kAlignment;
      return direct_ ? inst.run(context_) : launch(inst.run, pc);
    }
    case InstKind::kView: {
      const Value& from = context_.input(0);
      context_.output(0).data = from.data;
      return {};
    }
    case InstKind::kRelease: drop(context_.values_[context_.args_[0]]); return {};
    case InstKind::kRead: return read(inst);
    case InstKind::kDynamic: return run_dynamic(inst, pc, plan_.dynamics[inst.extra], frame_.dynamics[inst.extra]);
    case InstKind::kControl: return run_control(plan_.controls[inst.extra], plan_, inst, context_, step_);
    case InstKind::kSignal: return stream_.record(*frame_.events[inst.extra]);
    case InstKind::kWait: break;
  }
  return internal_error("unknown instruction");
}

Status Interpreter::run_traced(const Instruction& inst, uint32_t pc) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  if (inst.kind == InstKind::kRelease || inst.kind == InstKind::kSignal) return run_one(inst, pc);
  const PlanNode& node = plan_.nodes[pc];
  StepTrace::Event e;
  const auto add_values = [&](uint32_t first, int count, std::vector<std::pair<DType, Shape>>* to) {
    for (uint32_t k = first; k < first + static_cast<uint32_t>(count); ++k) {
      const Value& v = frame_.values[plan_.args[k]];
      if (v.data != nullptr) to->push_back({v.dtype, *v.shape});
    }
  };
  add_values(inst.args, inst.num_in, &e.inputs);
  const auto start = std::chrono::steady_clock::now();
  Status s = run_one(inst, pc);
  const auto end = std::chrono::steady_clock::now();
  e.node = node.name;
  e.op = node.op;
  e.lane = static_cast<int>(lane_);
  e.start_ns = duration_cast<nanoseconds>(start - step_.begin).count();
  e.end_ns = duration_cast<nanoseconds>(end - step_.begin).count();
  const DynamicState* dynamic = inst.kind == InstKind::kDynamic ? &frame_.dynamics[inst.extra] : nullptr;
  e.cost = dynamic != nullptr ? dynamic->cost : node.cost;
  e.algorithm = dynamic != nullptr ? dynamic->algorithm : node.algorithm;
  if (s.ok()) add_values(inst.args + inst.num_in, inst.num_out, &e.outputs);
  step_.record(std::move(e));
  return s;
}

Status Interpreter::launch(Status (*run)(const RunContext&), uint32_t pc) {
  if (direct_) return run(context_);
  struct Call {
    Status (*run)(const RunContext&);
    const RunContext* context;
  };
  const Call call{run, &context_};
  TW_RETURN_IF_ERROR(stream_.launch(
      [](const void* c) {
        const auto* call = static_cast<const Call*>(c);
        return call->run(*call->context);
      },
      &call, plan_.nodes[pc].op));
  return plan_.device->computes() ? Status() : stand_in(plan_.code[pc], pc);
}

// A device that computes nothing: outputs that the kernel would have brought are zeros.
Status Interpreter::stand_in(const Instruction& inst, uint32_t pc) {
  for (int i = 0; i < inst.num_out; ++i) {
    const uint32_t number = context_.args_[inst.num_in + i];
    if (plan_.values[number].storage != Storage::kOwned) continue;
    Value& v = frame_.values[number];
    if (!v.shape->fully_known()) {
      return failed_precondition("the shape of output ", i, " of op ", plan_.nodes[pc].op,
                                 " depends on values, which device ", plan_.device->type(), " does not compute");
    }
    TW_RETURN_IF_ERROR(allocate_zeros(v));
  }
  return {};
}

Status Interpreter::allocate_outputs(const Instruction& inst) {
  for (int i = 0; i < inst.num_out; ++i) {
    const uint32_t number = context_.args_[inst.num_in + i];
    if (plan_.values[number].storage == Storage::kOwned && plan_.values[number].known) {
      TW_RETURN_IF_ERROR(allocate_value(frame_.values[number]));
    }
  }
  return {};
}

Status Interpreter::read(const Instruction& inst) {
  const ResourceHandle& handle = plan_.constants[inst.extra].data<ResourceHandle>()[0];
  auto* variable = static_cast<Variable*>(handle.get());
  if (!plan_.device->computes()) return stand_in(inst, pc_);
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

Status Interpreter::run_dynamic(const Instruction& inst, uint32_t pc, const DynamicOp& op, DynamicState& state) {
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
    if (state.out_shapes[static_cast<size_t>(i)].fully_known()) {
      TW_RETURN_IF_ERROR(allocate_value(frame_.values[number]));
    }
  }
  context_.state_ = state.state.get();
  context_.workspace_ = state.workspace.raw();
  return launch(op.kernel->run, pc);
}

void Interpreter::set_shape(uint32_t number, const Shape& s) {
  frame_.shapes[number] = s;
  frame_.values[number].shape = &frame_.shapes[number];
}

bool Interpreter::still_prepared(const DynamicOp& op, const DynamicState& state) const {
  if (!state.valid) return false;
  for (size_t i = 0; i < op.in_types.size(); ++i) {
    const Value& in = context_.input(static_cast<int>(i));
    if (!(state.in_shapes[i] == *in.shape)) return false;
    const bool wanted = i < 32 && ((op.value_inputs >> i) & 1) != 0 && op.constant_inputs[i] < 0;
    if (wanted && !same_bytes(state.values[i], in)) return false;
  }
  return true;
}

Status Interpreter::prepare_dynamic(const DynamicOp& op, DynamicState& state) {
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
                           step_.pool().threads(), step_.direct_convolutions());
    TW_RETURN_IF_ERROR(op.kernel->prepare(prepare));
    state.state = prepare.take_state();
    state.cost = prepare.cost();
    state.algorithm = prepare.algorithm();
    TW_ASSIGN_OR_RETURN(state.workspace, Tensor::make(DType::kUint8, Shape{static_cast<int64_t>(prepare.workspace())}));
  }
  state.valid = true;
  return {};
}

}  // namespace tw
