#include "core/runtime/executor.h"

#include "core/runtime/frame.h"
#include "core/runtime/interpreter.h"
#include "core/runtime/lane_run.h"

namespace tw {

Status run_plan(Plan& plan, Frame& frame, Step& step) {
  TW_RETURN_IF_ERROR(allocate_results(plan, frame));
  if (plan.lanes.size() > 1) {
    TW_RETURN_IF_ERROR(run_lanes(plan, frame, step));
  } else {
    // The caller's thread may block, and nothing else waits for it.
    Interpreter lane(plan, frame, step, 0, /*blocks=*/true);
    TW_RETURN_IF_ERROR(lane.run().status());
  }
  hand_over_results(plan, frame);
  return {};
}

Status execute(Program& program, std::span<Tensor> arguments, std::span<Tensor> results, Step& step) {
  constexpr size_t kFew = 16;
  const Shape* few[kFew];
  std::vector<const Shape*> many;
  if (arguments.size() > kFew) many.resize(arguments.size());
  const Shape** shapes = arguments.size() > kFew ? many.data() : few;
  for (size_t i = 0; i < arguments.size(); ++i) shapes[i] = &arguments[i].shape();
  std::vector<const Shape*> elements;
  if (program.reads_lists()) {
    for (const Tensor& t : arguments) elements.push_back(shape_of_elements(t.dtype(), t.raw()));
  }
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<Plan> plan, program.plan_for({shapes, arguments.size()}, elements));

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
