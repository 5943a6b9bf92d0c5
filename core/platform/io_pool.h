// Threads for work that waits: queues, receives, files, Python functions. There are as many as there is work waiting,
// so that one blocked task never holds up another; compute belongs on a WorkerPool.
#pragma once

#include <functional>
#include <memory>

#include "core/platform/status.h"

namespace tw {

class IoPool {
 public:
  // A thread that was idle for `idle_ms` ends.
  explicit IoPool(int idle_ms = 5000);
  // Runs what was submitted, and waits for it.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  // Runs work() on a thread of the pool, then done(its result) on the same thread. Neither may be run by the caller,
  // whose locks they may take; when the system has no more threads, they wait for one of the pool's, and with none
  // there done(ResourceExhausted) runs on the caller.
  void submit(std::function<Status()> work, std::function<void(Status)> done);

  int threads() const;  // living now, busy or idle

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tw
