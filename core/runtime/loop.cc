// While: a loop stays in one frame of its condition's plan and one of its body's as long as shapes stay, so that an
// iteration looks nothing up and, where shapes are known, allocates nothing. Where the body says whether another
// iteration follows, the condition's plan runs once.
#include <algorithm>

#include "core/runtime/control.h"
#include "core/runtime/frame.h"
#include "core/runtime/interpreter.h"
#include "core/runtime/lane_run.h"

namespace tw {

namespace {

// Between two looks at the clock, in instructions.
constexpr size_t kCheckInterval = 32;
// Plans made for shapes that one loop met before it goes on with the plan that finds shapes as it runs.
constexpr int kMaxPlans = 3;

// A variable of the loop between iterations.
struct Var {
  Ref<Buffer> buffer;
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::kInvalid;
};

uint32_t root_of(const Plan& plan, uint32_t v) {
  const int32_t source = plan.values[v].view_of;
  return source >= 0 ? static_cast<uint32_t>(source) : v;
}

// The plan of one function and the frame it runs in.
class LoopFunction {
 public:
  LoopFunction(Program& program, Step& step) : program_(program), step_(step) {}
  ~LoopFunction() { leave(); }
  LoopFunction(const LoopFunction&) = delete;

  bool empty() const { return plan_ == nullptr; }
  // Whether the plan at hand is for these shapes.
  bool serves(std::span<const Var> vars) const {
    if (plan_ == nullptr) return false;
    for (size_t i = 0; i < vars.size(); ++i) {
      const Shape& wanted = plan_->argument_shapes[i];
      if (wanted.fully_known() && !(wanted == vars[i].shape)) return false;
    }
    return true;
  }

  Status enter(std::span<const Var> vars) {
    std::vector<const Shape*> shapes, elements;
    for (const Var& v : vars) shapes.push_back(&v.shape);
    for (const Var& v : vars) elements.push_back(shape_of_elements(v.dtype, v.data));
    TW_ASSIGN_OR_RETURN(plan_, ++plans_ > kMaxPlans ? program_.dynamic_plan() : program_.plan_for(shapes, elements));
    TW_ASSIGN_OR_RETURN(frame_, take_frame(*plan_));
    // The caller's thread may block, and nothing else waits for it.
    if (plan_->lanes.size() == 1) lane_.emplace(*plan_, *frame_, step_, 0, /*blocks=*/true);
    return {};
  }

  void leave() {
    lane_.reset();
    if (frame_ != nullptr) return_frame(*plan_, std::move(frame_));
    plan_ = nullptr;
  }

  Plan& plan() const { return *plan_; }
  Value& value(uint32_t number) const { return frame_->values[number]; }
  Value& argument(size_t k) const { return value(plan_->arguments[k]); }
  const ValueInfo& info(uint32_t number) const { return plan_->values[number]; }

  // Lets argument k be the variable's value, without a reference of its own.
  void bind(size_t k, const Var& var) const {
    const uint32_t number = plan_->arguments[k];
    Value& v = value(number);
    v.data = var.data;
    v.owner = var.buffer.get();
    if (!info(number).known) {
      frame_->shapes[number] = var.shape;
      v.shape = &frame_->shapes[number];
    }
  }
  void bind_counted(size_t k, const Var& var) const {
    bind(k, var);
    if (argument(k).owner != nullptr) argument(k).owner->ref();
  }

  // With results of its own.
  Status run() {
    TW_RETURN_IF_ERROR(allocate_results(*plan_, *frame_));
    TW_RETURN_IF_ERROR(run_code());
    hand_over_results(*plan_, *frame_);
    return {};
  }
  // The instructions alone. Whoever calls it has seen to the storage of the results.
  Status run_code() {
    if (!lane_) return run_lanes(*plan_, *frame_, step_);
    lane_->restart();
    return lane_->run().status();
  }

  // Whether result i of the last run is true.
  Result<bool> holds(size_t i) const {
    const Value& v = value(plan_->results[i]);
    return truth(v.dtype, *v.shape, v.data);
  }

  // The buffer that the next run writes result storage number `i` of the plan into.
  Ref<Buffer>& storage(size_t i) const { return frame_->results[i]; }
  Status allocate(size_t i) const { return allocate_result(*plan_, *frame_, i); }
  // Lets the value own what was written.
  void hand_over(size_t i) const { value(plan_->allocated[i]).owner = storage(i).release(); }
  // Keeps what was written, which nobody else holds, for the next run.
  void keep_storage(size_t i) const {
    storage(i) = Ref<Buffer>::adopt(std::exchange(value(plan_->allocated[i]).owner, nullptr));
  }
  void find_views() const {
    if (!plan_->result_views.empty()) find_result_views(*plan_, *frame_);
  }

 private:
  Program& program_;
  Step& step_;
  std::shared_ptr<Plan> plan_;
  std::unique_ptr<Frame> frame_;
  std::optional<Interpreter> lane_;  // of a plan that has only one
  int plans_ = 0;
};

class Loop {
 public:
  Loop(const ControlOp& op, std::span<Tensor> vars, Step& step)
      : op_(op), step_(step), cond_(*op.branches[0], step), body_(*op.branches[1], step) {
    for (Tensor& t : vars) {
      vars_.push_back({t.buffer(), t.raw(), t.shape(), t.dtype()});
      t = Tensor();
    }
  }

  Status run() {
    bool go_on = true;
    for (int64_t i = 0; op_.max_iterations < 0 || i < op_.max_iterations; ++i) {
      TW_RETURN_IF_ERROR(check());
      if (!shapes_stay_) TW_RETURN_IF_ERROR(enter());
      if (i == 0 || !op_.rotated) {
        TW_ASSIGN_OR_RETURN(go_on, condition());
      }
      if (!go_on) break;
      TW_RETURN_IF_ERROR(iterate(&go_on));
    }
    return {};
  }

  void give(std::span<Tensor> vars) {
    end_swaps();
    for (size_t k = 0; k < vars.size(); ++k) {
      Var& v = vars_[k];
      const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(v.buffer->data()));
      vars[k] = Tensor(v.dtype, v.shape, std::move(v.buffer), offset);
    }
  }

 private:
  // How a variable gets the body's result: with the reference that the frame holds, with one more, or as a copy.
  enum class How { kMove, kShare, kCopy };

  // A variable that the body changes, from values of any shape.
  struct Change {
    size_t k;
    uint32_t result, root;  // value numbers: the result, and the value whose storage it is in
    How how;
  };

  // A variable of a shape that stays, whose value and next value change places. The frame owns both.
  struct Swap {
    size_t k;
    size_t storage;  // of the result, in Plan::allocated
    Value* value;
    Value* result;
  };

  Status check() {
    if (!step_.cancelled() && until_check_ > instructions_) {
      until_check_ -= instructions_;
      return {};
    }
    until_check_ = kCheckInterval;
    return step_.check();
  }

  // Finds the plans for the shapes at hand, and what each iteration has to do.
  Status enter() {
    const bool first = body_.empty(), asks = first || !op_.rotated;
    if (body_.serves(vars_) && (!asks || cond_.serves(vars_))) return {};
    end_swaps();
    cond_.leave();
    body_.leave();
    std::vector<char> read(vars_.size(), 0);
    if (asks) {
      TW_RETURN_IF_ERROR(cond_.enter(vars_));
      read = arguments_read(cond_.plan());
    }
    TW_RETURN_IF_ERROR(body_.enter(vars_));
    const Plan& plan = body_.plan();
    instructions_ = plan.code.size() + (asks ? cond_.plan().code.size() : 0) + 1;
    cond_inputs_.clear();
    changes_.clear();
    shapes_stay_ = true;
    std::vector<uint32_t> stay;  // arguments that need not be dropped
    std::vector<uint32_t> roots;
    for (size_t k = 0; k < vars_.size(); ++k) {
      const uint32_t argument = plan.arguments[k];
      if (plan.results[k] == argument) {
        // What every iteration hands on as it is stays bound.
        body_.bind_counted(k, vars_[k]);
        if (read[k] != 0) cond_.bind_counted(k, vars_[k]);
        stay.push_back(argument);
        continue;
      }
      if (read[k] != 0) cond_inputs_.push_back(k);
      const Change c = change(k);
      roots.push_back(c.root);
      const ValueInfo& info = body_.info(c.result);
      const bool known = info.known && info.shape == plan.argument_shapes[k];
      shapes_stay_ &= known && (op_.rotated || info.shape == cond_.plan().argument_shapes[k]);
      const auto storage = std::find(plan.allocated.begin(), plan.allocated.end(), c.root) - plan.allocated.begin();
      if (known && c.how == How::kMove && info.storage == Storage::kResult && is_plain(info.dtype) &&
          plan.device->computes()) {
        swaps_.push_back({k, static_cast<size_t>(storage), &body_.argument(k), &body_.value(c.root)});
        stay.push_back(argument);
      } else {
        changes_.push_back(c);
      }
    }
    TW_RETURN_IF_ERROR(begin_swaps());
    handed_over_.clear();
    for (size_t i = 0; i < plan.allocated.size(); ++i) {
      const uint32_t v = plan.allocated[i];
      if (std::any_of(swaps_.begin(), swaps_.end(), [&](const Swap& s) { return s.storage == i; })) continue;
      // What no variable takes is written to the same place each time.
      if (std::find(roots.begin(), roots.end(), v) == roots.end()) TW_RETURN_IF_ERROR(body_.allocate(i));
      else handed_over_.push_back(i);
    }
    to_drop_.clear();
    for (uint32_t v : plan.counted) {
      if (std::find(stay.begin(), stay.end(), v) == stay.end()) to_drop_.push_back(v);
    }
    return {};
  }

  // By argument, whether the condition needs it.
  static std::vector<char> arguments_read(const Plan& plan) {
    std::vector<char> read(plan.values.size(), 0), wanted;
    for (uint32_t v : plan.args) read[v] = 1;
    read[plan.results[0]] = read[root_of(plan, plan.results[0])] = 1;
    for (uint32_t a : plan.arguments) wanted.push_back(read[a]);
    return wanted;
  }

  Change change(size_t k) const {
    const Plan& plan = body_.plan();
    const uint32_t result = plan.results[k], root = root_of(plan, result);
    const Storage storage = body_.info(result).storage;
    const auto shares = [&](uint32_t r) { return root_of(plan, r) == root; };
    const bool alone = std::count_if(plan.results.begin(), plan.results.end(), shares) == 1;
    Change c{k, result, root, How::kShare};
    if (storage == Storage::kConstant) c.how = How::kCopy;
    if (alone && (storage == Storage::kResult || storage == Storage::kOwned)) c.how = How::kMove;
    return c;
  }

  Status begin_swaps() {
    for (const Swap& s : swaps_) {
      body_.bind(s.k, vars_[s.k]);
      vars_[s.k].buffer.release();
      TW_RETURN_IF_ERROR(body_.allocate(s.storage));
    }
    return {};
  }

  void end_swaps() {
    for (const Swap& s : swaps_) {
      vars_[s.k].buffer = Ref<Buffer>::adopt(std::exchange(s.value->owner, nullptr));
      vars_[s.k].data = s.value->data;
    }
    swaps_.clear();
  }

  Status swap(const Swap& s) {
    Ref<Buffer>& storage = body_.storage(s.storage);
    Buffer* const next = storage.release();
    Ref<Buffer> before = Ref<Buffer>::adopt(std::exchange(s.value->owner, next));
    s.value->data = vars_[s.k].data = next->data();
    // Somebody may have kept what the variable was, or it was lent or part of something else.
    if (before && before->unique() && before->writable() && before->bytes() == next->bytes()) {
      s.result->data = before->data();
      storage = std::move(before);
      return {};
    }
    return body_.allocate(s.storage);
  }

  Result<bool> condition() {
    for (size_t k : cond_inputs_) {
      // A kernel may take the elements of a list that has one owner.
      if (is_plain(vars_[k].dtype)) cond_.bind(k, vars_[k]);
      else cond_.bind_counted(k, vars_[k]);
    }
    const Status status = cond_.run();
    Result<bool> holds = status;
    if (status.ok()) holds = cond_.holds(0);
    for (size_t k : cond_inputs_) {
      if (is_plain(vars_[k].dtype)) cond_.argument(k).owner = nullptr;
      else drop(cond_.argument(k));
    }
    for (uint32_t v : cond_.plan().counted) {
      if (cond_.info(v).storage == Storage::kOwned) drop(cond_.value(v));
    }
    for (size_t i = 0; i < cond_.plan().allocated.size() && status.ok(); ++i) cond_.keep_storage(i);
    return holds;
  }

  Status iterate(bool* go_on) {
    for (const Change& c : changes_) {
      body_.bind(c.k, vars_[c.k]);
      vars_[c.k].buffer.release();  // the frame owns it now, and its kernels may take it
    }
    for (size_t i : handed_over_) TW_RETURN_IF_ERROR(body_.allocate(i));
    body_.find_views();
    TW_RETURN_IF_ERROR(body_.run_code());
    for (size_t i : handed_over_) body_.hand_over(i);
    if (op_.rotated) {
      TW_ASSIGN_OR_RETURN(*go_on, body_.holds(vars_.size()));
    }
    for (const Change& c : changes_) TW_RETURN_IF_ERROR(take(c));
    for (const Swap& s : swaps_) TW_RETURN_IF_ERROR(swap(s));
    for (uint32_t v : to_drop_) {
      if (body_.value(v).owner != nullptr) drop(body_.value(v));
    }
    return {};
  }

  // The variable takes the body's result.
  Status take(const Change& c) {
    Var& var = vars_[c.k];
    Value& v = body_.value(c.result);
    Value& owning = v.owner != nullptr ? v : body_.value(c.root);
    if (!shapes_stay_) var.shape = *v.shape;
    if (c.how == How::kCopy || owning.owner == nullptr) {
      const size_t bytes = static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype);
      const Tensor lent(v.dtype, *v.shape, wrap_memory(v.data, bytes, false, nullptr, nullptr));
      TW_ASSIGN_OR_RETURN(const Tensor copy, lent.clone());
      var.buffer = copy.buffer();
      var.data = copy.raw();
      return {};
    }
    var.data = v.data;
    if (c.how == How::kMove) var.buffer = Ref<Buffer>::adopt(std::exchange(owning.owner, nullptr));
    else var.buffer = Ref<Buffer>(owning.owner);
    return {};
  }

  const ControlOp& op_;
  Step& step_;
  LoopFunction cond_, body_;
  std::vector<Var> vars_;
  std::vector<size_t> cond_inputs_;  // variables that change and that the condition reads
  std::vector<Change> changes_;
  std::vector<Swap> swaps_;
  std::vector<size_t> handed_over_;  // result storage of the body that variables take
  std::vector<uint32_t> to_drop_;    // values of the body that must not outlive an iteration
  bool shapes_stay_ = false;
  size_t instructions_ = 0, until_check_ = 0;
};

}  // namespace

Status run_loop(const ControlOp& op, std::span<Tensor> vars, Step& step) {
  Loop loop(op, vars, step);
  TW_RETURN_IF_ERROR(loop.run());
  loop.give(vars);
  return {};
}

}  // namespace tw
