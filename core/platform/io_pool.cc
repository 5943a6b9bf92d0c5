#include "core/platform/io_pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace tw {

// Shared with the threads, which are detached and may touch it last.
struct IoPool::State {
  struct Task {
    std::function<Status()> work;
    std::function<void(Status)> done;
  };
  std::mutex mutex;
  std::condition_variable wake, ended;
  std::deque<Task> tasks;
  int threads = 0, idle = 0;
  bool stop = false;
  std::chrono::milliseconds idle_time;

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      if (tasks.empty() && !stop) {
        ++idle;
        wake.wait_for(lock, idle_time, [&] { return stop || !tasks.empty(); });
        --idle;
      }
      if (tasks.empty()) break;
      Task task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task.done(task.work());
      task = {};
      lock.lock();
    }
    --threads;
    ended.notify_all();
  }
};

IoPool::IoPool(int idle_ms) : state_(std::make_shared<State>()) {
  state_->idle_time = std::chrono::milliseconds(idle_ms);
}

IoPool::~IoPool() {
  std::unique_lock lock(state_->mutex);
  state_->stop = true;
  state_->wake.notify_all();
  state_->ended.wait(lock, [&] { return state_->threads == 0; });
}

void IoPool::submit(std::function<Status()> work, std::function<void(Status)> done) {
  std::unique_lock lock(state_->mutex);
  state_->tasks.push_back({std::move(work), std::move(done)});
  // Idle threads that were not woken yet are spoken for by the tasks before this one.
  if (state_->idle >= static_cast<int>(state_->tasks.size())) {
    state_->wake.notify_one();
    return;
  }
  try {
    ++state_->threads;
    std::thread([state = state_] { state->run(); }).detach();
  } catch (const std::system_error&) {
    if (--state_->threads > 0) return;
    auto refused = std::move(state_->tasks.back().done);
    state_->tasks.pop_back();
    lock.unlock();
    refused(resource_exhausted("the system has no thread for a blocking operation"));
  }
}

int IoPool::threads() const {
  std::lock_guard lock(state_->mutex);
  return state_->threads;
}

}  // namespace tw
