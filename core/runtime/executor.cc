#include "core/runtime/executor.h"

#include "core/runtime/frame.h"
#include "core/runtime/interpreter.h"
#include "core/runtime/lane_run.h"

namespace tw {

namespace {

Status run_plan(Plan& plan, Frame& frame, Step& step) {
  const auto make = plan.device->computes() ? allocate_value : allocate_zeros;
  for (uint32_t r : plan.allocated) TW_RETURN_IF_ERROR(make(frame.values[r]));
  for (uint32_t v : plan.result_views) {
    frame.values[v].data = frame.values[static_cast<size_t>(plan.values[v].view_of)].data;
  }
  if (plan.lanes.size() > 1) return run_lanes(plan, frame, step);
  // The caller's thread may block, and nothing else waits for it.
  Interpreter lane(plan, frame, step, 0, /*blocks=*/true);
  return lane.run().status();
}

}  // namespace

Status execute(Program& program, std::span<Tensor> arguments, std::span<Tensor> results, Step& step) {
  constexpr size_t kFew = 16;
  const Shape* few[kFew];
  std::vector<const Shape*> many;
  if (arguments.size() > kFew) many.resize(arguments.size());
  const Shape** shapes = arguments.size() > kFew ? many.data() : few;
  for (size_t i = 0; i < arguments.size(); ++i) shapes[i] = &arguments[i].shape();
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<Plan> plan, program.plan_for({shapes, arguments.size()}));

  TW_ASSIGN_OR_RETURN(std::unique_ptr<Frame> frame, take_frame(*plan));
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
