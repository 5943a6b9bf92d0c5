#include "core/framework/step_wait.h"

namespace tw {

StepWait::StepWait(StepContext& step, std::mutex& mutex, std::condition_variable& changed)
    : step_(step), mutex_(mutex), changed_(changed), lock_(mutex, std::defer_lock) {
  step_.add_wait(*this);
}

// The step takes its own lock and then the mutex; so the mutex goes before the step is asked for anything.
StepWait::~StepWait() {
  if (lock_.owns_lock()) lock_.unlock();
  step_.remove_wait(*this);
}

void StepWait::wake() {
  {
    std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

void StepWait::pause() {
  if (const auto deadline = step_.deadline()) {
    changed_.wait_until(lock_, *deadline);
  } else {
    changed_.wait(lock_);
  }
}

}  // namespace tw
