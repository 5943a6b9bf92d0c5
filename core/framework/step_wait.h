// How a kernel of a row with the `blocking` trait waits for others: a queue's, a lock's, whatever a resource guards
// with a mutex. Cancelling the step, or its deadline, ends the wait.
#pragma once

#include <condition_variable>
#include <mutex>

#include "core/framework/kernel.h"

namespace tw {

class StepWait {
 public:
  // Both outlive this object. The caller must not hold `mutex`.
  StepWait(StepContext& step, std::mutex& mutex, std::condition_variable& changed);
  ~StepWait();
  StepWait(const StepWait&) = delete;
  StepWait& operator=(const StepWait&) = delete;

  // Takes the mutex, and waits until ready(), which is called with it held: at once, and then whenever `changed` is
  // notified. OK keeps the mutex until this object goes or release() is called; Cancelled or DeadlineExceeded do not.
  template <typename Ready>
  Status until(Ready ready) {
    lock_.lock();
    while (!ready()) {
      Status s = step_.check();
      if (!s.ok()) {
        lock_.unlock();
        return s;
      }
      pause();
    }
    return {};
  }
  void release() { lock_.unlock(); }

  // For the step: wakes the wait, so that it looks at the step again. Takes the mutex for a moment.
  void wake();

 private:
  void pause();
  StepContext& step_;
  std::mutex& mutex_;
  std::condition_variable& changed_;
  std::unique_lock<std::mutex> lock_;
};

}  // namespace tw
