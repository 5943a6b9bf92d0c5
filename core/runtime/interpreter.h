// Walks one lane of a plan.
#pragma once

#include "core/runtime/frame.h"
#include "core/runtime/step.h"

namespace tw {

class Interpreter {
 public:
  // Why run() came back.
  enum class Pause : uint8_t {
    kEnd,
    kEvent,     // at an event that has not happened; run() again once it has
    kBlocking,  // at an instruction that may block; run_blocking() on a thread that may, then run() again
  };

  // All outlive the interpreter. With `blocks`, the thread that calls run() may block, and kBlocking never comes.
  Interpreter(Plan& plan, Frame& frame, Step& step, uint32_t lane, bool blocks);

  // Back to the beginning, for another run of the plan in the same frame and step.
  void restart() { pc_ = begin_; }
  // Goes on from where it paused. An error names the node; nothing more of this lane may be run after it.
  Result<Pause> run();
  Status run_blocking();
  // After an error anywhere in the step: makes the events that other lanes wait for happen, so that they end too.
  void release_waiters();

  // The event of the kEvent pause.
  Event& pending_event() const { return *frame_.events[plan_.code[pc_].extra]; }

 private:
  Status run_one(const Instruction& inst, uint32_t pc);
  Status run_traced(const Instruction& inst, uint32_t pc);
  Status step_over(uint32_t pc);
  Status launch(Status (*run)(const RunContext&), uint32_t pc);
  Status stand_in(const Instruction& inst, uint32_t pc);
  Status allocate_outputs(const Instruction& inst);
  Status read(const Instruction& inst);
  Status run_dynamic(const Instruction& inst, uint32_t pc, const DynamicOp& op, DynamicState& state);
  void set_shape(uint32_t number, const Shape& s);
  bool still_prepared(const DynamicOp& op, const DynamicState& state) const;
  Status prepare_dynamic(const DynamicOp& op, DynamicState& state);

  Plan& plan_;
  Frame& frame_;
  Step& step_;
  Stream& stream_;
  RunContext context_;
  const uint32_t begin_;
  uint32_t pc_;
  uint32_t end_;
  const uint32_t lane_;
  const bool blocks_;
  const bool direct_;  // the stream calls kernels, and so may we
  const bool traced_;
};

}  // namespace tw
