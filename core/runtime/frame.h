// What a step works in: the values of a plan, the arena, what was prepared at run time, and the lanes' streams. A frame
// serves one step at a time and is kept by its plan for the next one.
#pragma once

#include "core/plan/plan.h"

namespace tw {

// The preparation of a dynamic instruction for the shapes (and values) it met last.
struct DynamicState {
  bool valid = false;
  std::vector<Shape> in_shapes, out_shapes;
  std::vector<Tensor> values;  // copies of the inputs whose values matter; not valid() for the others
  std::unique_ptr<KernelState> state;
  Tensor workspace;
  Cost cost;
  std::string algorithm;
};

struct Frame {
  // Without an arena; `plan` outlives it.
  explicit Frame(const Plan& plan);
  ~Frame();
  Frame(const Frame&) = delete;

  std::vector<Value> values;
  std::vector<Shape> shapes;  // of values whose shapes are found at run time
  std::vector<DynamicState> dynamics;
  std::vector<Ref<Buffer>> results;  // behind Plan::allocated, while the step runs
  std::vector<std::unique_ptr<Event>> events;
  std::vector<std::unique_ptr<Stream>> streams;  // by lane
  void* arena =
      nullptr;  // of arena_bytes, which are at least the plan's; null in a frame at rest that was robbed of it
  size_t arena_bytes = 0;

 private:
  const std::shared_ptr<Device> device_;
};

// A frame at rest, or a new one. ResourceExhausted when there is no memory for its arena.
Result<std::unique_ptr<Frame>> take_frame(Plan& plan);
// Drops what the step held.
void return_frame(Plan& plan, std::unique_ptr<Frame> frame);

// Moves an argument into the frame.
void bind(const Plan& plan, Frame& frame, uint32_t number, Tensor argument);
// As long as the step runs it writes the memory of its results like its arena, in place of values that nobody reads any
// more. So those values have no owner until hand_over_results: whoever keeps one makes a copy.
// A buffer that is in `Frame::results` already is used.
Status allocate_results(const Plan& plan, Frame& frame);
// The same for result storage number `k` alone, and then for the views of all.
Status allocate_result(const Plan& plan, Frame& frame, size_t k);
void find_result_views(const Plan& plan, Frame& frame);
void hand_over_results(const Plan& plan, Frame& frame);
// A result is handed over when the step owns it, and copied when it lives in memory that the step will reuse.
Result<Tensor> take_result(const Plan& plan, Frame& frame, uint32_t number);

// --- values ---

void drop(Value& v);
// Storage of its own for a value of known shape.
Status allocate_value(Value& v);
// The same, filled with zeros: what a device gives that computes nothing.
Status allocate_zeros(Value& v);
// A tensor that shares the value's storage, and must not outlive it.
Tensor view_of(const Value& v);

}  // namespace tw
