#include "core/platform/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "core/platform/cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace tw {
namespace {

void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How long a thread that has nothing to do looks for work before it sleeps. Waking it takes 20 to 60 us on a virtual
// machine, and the kernel may place it on its waker's core, where both then run in turns until the next balancing. The
// parallel parts of one step and the steps of one loop mostly follow each other closer than this.
constexpr std::chrono::microseconds kSpin{500};

// Whether `ready` became true before kSpin was over.
template <typename Ready>
bool spin_until(const Ready& ready) {
  constexpr int kPausesPerLook = 32;  // at the clock
  if (ready()) return true;
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kPausesPerLook; ++i) {
      cpu_pause();
      if (ready()) return true;
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Which of its pool's threads this is; 0 for those that are no pool's, as callers mostly are.
thread_local int pool_index = 0;

}  // namespace

struct WorkerPool::Impl {
  // One slot's part of the tasks. Others take from it too when theirs is done.
  struct Part {
    std::atomic<int64_t> next;
    int64_t end;
  };

  // One call of run_tasks, on its caller's stack. Workers reach it only through `jobs` and count themselves in `active`
  // while they hold it, so it may go away once it is unlinked and `active` is 0.
  struct Job {
    TaskFn call;
    const void* fn;
    int slots;
    int core;  // of the caller
    std::atomic<int> active{0};
    Job* link = nullptr;
    int joined = 0;         // this and what follows belongs to the pool's mutex
    bool taken[kMaxSlots];  // the first `slots` of them
    alignas(Part) std::byte memory[kMaxSlots * sizeof(Part)];

    Job(TaskFn c, const void* f, int64_t tasks, int count) : call(c), fn(f), slots(count), core(current_core()) {
      for (int i = 0; i < slots; ++i) {
        taken[i] = false;
        new (memory + static_cast<size_t>(i) * sizeof(Part)) Part{begin_of(i, tasks), begin_of(i + 1, tasks)};
      }
    }
    int64_t begin_of(int slot, int64_t tasks) const {
      return tasks / slots * slot + std::min<int64_t>(slot, tasks % slots);
    }
    Part& part(int slot) { return reinterpret_cast<Part*>(memory)[slot]; }

    // A slot for the thread with this index, or -1 when there is none or nothing is left to do.
    int join(int index) {
      if (joined == slots) return -1;
      bool open = false;
      for (int i = 0; i < slots && !open; ++i) open = part(i).next.load(std::memory_order_relaxed) < part(i).end;
      if (!open) return -1;
      int slot = index % slots;
      while (taken[slot]) slot = (slot + 1) % slots;
      taken[slot] = true;
      ++joined;
      return slot;
    }
    void run(int slot) {
      for (int i = 0; i < slots; ++i) {
        Part& p = part((slot + i) % slots);
        for (int64_t task; (task = p.next.fetch_add(1, std::memory_order_relaxed)) < p.end;) call(fn, task, slot);
      }
    }
  };

  std::mutex mutex;
  std::condition_variable wake;
  Job* jobs = nullptr;
  std::deque<std::function<void()>> tasks;
  int sleeping = 0;
  bool stop = false;
  std::atomic<uint32_t> epoch{0};  // changes when there may be new work

  std::condition_variable done;
  std::atomic<int> done_waiters{0};

  std::vector<std::thread> threads;

  void leave(Job* job) {
    if (job->active.fetch_sub(1) != 1) return;
    // The job may be gone from here on.
    if (done_waiters.load() > 0) {
      {
        std::lock_guard lock(mutex);
      }
      done.notify_all();
    }
  }

  void work(int index) {
    pool_index = index;
    std::unique_lock lock(mutex);
    for (;;) {
      Job* job = jobs;
      int slot = -1;
      while (job != nullptr && (slot = job->join(index)) < 0) job = job->link;
      if (job != nullptr) {
        job->active.fetch_add(1);
        lock.unlock();
        // Linux wakes threads on their waker's core at times, and may leave both there while another core is idle.
        if (job->core >= 0 && job->core == current_core()) leave_core(job->core);
        job->run(slot);
        leave(job);
        lock.lock();
        continue;
      }
      if (!tasks.empty()) {
        auto task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
        continue;
      }
      if (stop) return;
      const uint32_t seen = epoch.load(std::memory_order_relaxed);
      lock.unlock();
      const bool news = spin_until([&] { return epoch.load(std::memory_order_acquire) != seen; });
      lock.lock();
      if (news) continue;
      ++sleeping;
      wake.wait(lock, [&] { return stop || epoch.load(std::memory_order_relaxed) != seen; });
      --sleeping;
    }
  }
};

WorkerPool::WorkerPool(int threads) : threads_(std::max(1, threads)), impl_(std::make_unique<Impl>()) {
  impl_->threads.reserve(static_cast<size_t>(threads_ - 1));
  for (int i = 1; i < threads_; ++i) {
    try {
      impl_->threads.emplace_back([impl = impl_.get(), i] { impl->work(i); });
    } catch (const std::system_error&) {
      // The system has no more threads to give; work with those there are.
      threads_ = i;
    }
  }
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
    impl_->epoch.fetch_add(1);
  }
  impl_->wake.notify_all();
  for (std::thread& t : impl_->threads) t.join();
}

void WorkerPool::run(int64_t tasks, int slots, TaskFn call, const void* fn) {
  Impl& p = *impl_;
  Impl::Job job(call, fn, tasks, slots);
  const int slot = job.join(pool_index);
  int to_wake;
  {
    std::lock_guard lock(p.mutex);
    job.link = p.jobs;
    p.jobs = &job;
    p.epoch.fetch_add(1, std::memory_order_release);
    to_wake = std::min(p.sleeping, slots - 1);
  }
  for (int i = 0; i < to_wake; ++i) p.wake.notify_one();
  job.run(slot);
  {
    std::lock_guard lock(p.mutex);
    Impl::Job** at = &p.jobs;
    while (*at != &job) at = &(*at)->link;
    *at = job.link;
  }
  if (spin_until([&] { return job.active.load(std::memory_order_acquire) == 0; })) return;
  std::unique_lock lock(p.mutex);
  p.done_waiters.fetch_add(1);
  p.done.wait(lock, [&] { return job.active.load() == 0; });
  p.done_waiters.fetch_sub(1);
}

void WorkerPool::submit(std::function<void()> task) {
  if (threads_ == 1) {
    task();
    return;
  }
  {
    std::lock_guard lock(impl_->mutex);
    impl_->tasks.push_back(std::move(task));
    impl_->epoch.fetch_add(1, std::memory_order_release);
  }
  impl_->wake.notify_one();
}

}  // namespace tw
