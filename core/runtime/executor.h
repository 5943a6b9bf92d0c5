// Walks a plan's instructions. One frame per step in flight: the values, the arena, and what was prepared at run time.
#pragma once

#include <chrono>

#include "core/plan/program.h"
#include "core/runtime/trace.h"

namespace tw {

// The preparation of a dynamic instruction for the shapes (and values) it met last.
struct DynamicState {
  bool valid = false;
  std::vector<Shape> in_shapes, out_shapes;
  std::vector<Tensor> values;  // copies of the inputs whose values matter; not valid() for the others
  std::unique_ptr<KernelState> state;
  Tensor workspace;
};

struct Frame {
  explicit Frame(const Plan& plan);
  ~Frame();
  Frame(const Frame&) = delete;

  std::vector<Value> values;
  std::vector<Shape> shapes;  // of values whose shapes are found at run time
  std::vector<DynamicState> dynamics;
  void* arena = nullptr;
};

// One step: what its kernels may ask for, and whether it should go on.
class Step : public StepContext {
 public:
  Step(WorkerPool& pool, ResourceManager& resources, int64_t id) : pool_(pool), resources_(resources), id_(id) {}

  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }
  int64_t step_id() const override { return id_; }

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  void set_deadline(std::chrono::steady_clock::time_point t) {
    deadline_ = t;
    has_deadline_ = true;
  }
  // Cancelled or DeadlineExceeded when the step should stop; called every few instructions.
  Status check() const;

  StepTrace* trace = nullptr;
  std::chrono::steady_clock::time_point begin;

 private:
  WorkerPool& pool_;
  ResourceManager& resources_;
  const int64_t id_;
  std::atomic<bool> cancelled_{false};
  std::chrono::steady_clock::time_point deadline_;
  bool has_deadline_ = false;
};

// The pieces of execute(), for a loop that stays in one frame. A frame at rest owns no values.
std::unique_ptr<Frame> take_frame(Plan& plan);
void return_frame(Plan& plan, std::unique_ptr<Frame> frame);  // drops what it still owns
// Walks the plan. The arguments must be bound; storage that a `Plan::allocated` value has already is used.
Status run_plan(Plan& plan, Frame& frame, Step& step);

// Runs a program on arguments. `arguments` are consumed: the step holds the only references it needs, so that a loop's
// state can be updated in place. `results` get tensors that may share storage with variables and constants.
Status execute(Program& program, std::span<Tensor> arguments, std::span<Tensor> results, Step& step);

}  // namespace tw
