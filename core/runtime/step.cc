#include "core/runtime/step.h"

#include "core/framework/step_wait.h"

namespace tw {

Status Step::check() const {
  if (cancelled()) return tw::cancelled("the step was cancelled");
  if (has_deadline_ && std::chrono::steady_clock::now() > deadline_) {
    return deadline_exceeded("Timed out: the step ran past its timeout_in_ms");
  }
  return {};
}

std::optional<std::chrono::steady_clock::time_point> Step::deadline() const {
  if (!has_deadline_) return {};
  return deadline_;
}

void Step::cancel() {
  cancelled_.store(true, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  for (StepWait* w : waits_) w->wake();
}

void Step::add_wait(StepWait& wait) {
  std::lock_guard lock(mutex_);
  waits_.push_back(&wait);
}

void Step::remove_wait(StepWait& wait) {
  std::lock_guard lock(mutex_);
  std::erase(waits_, &wait);
}

Status Step::call_host(std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results) {
  if (host_ == nullptr || !*host_) return StepContext::call_host(token, arguments, results);
  return (*host_)(token, arguments, results);
}

void Step::record(StepTrace::Event event) {
  if (log != nullptr) write_event(*log, event, id_, begin, machine_limits(pool_));
  if (trace == nullptr) return;
  std::lock_guard lock(mutex_);
  trace->events.push_back(std::move(event));
}

}  // namespace tw
