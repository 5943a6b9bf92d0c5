#include "core/platform/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
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

// How long a thread that has nothing to do looks for work before it sleeps. Waking it takes 20 to 300 us on a virtual
// machine. The parallel parts of one step and the steps of one loop mostly follow each other closer than this.
constexpr std::chrono::microseconds kSpin{500};

// Whether `ready` became true before kSpin was over; with `spins` false, whether it is true.
template <typename Ready>
bool spin_until(const Ready& ready, bool spins) {
  constexpr int kPausesPerLook = 32;  // at the clock
  if (ready()) return true;
  if (!spins) return false;
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

// Calls of run_tasks at a time, each a bit of a word; one that finds no room runs its tasks alone.
constexpr int kMaxJobs = 64;

}  // namespace

// Jobs live as long as the pool and serve one call after another, so that a thread may look at one at any time, and
// join it without a lock: it first counts itself in `active` and then asks whether the job is open; who closes the job
// first says so and then waits for `active` to become 0. One of the two sees the other.
struct WorkerPool::Impl {
  // One slot's part of the tasks, on a line of its own. Others take from it too when theirs is done.
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
    std::atomic<bool> taken{false};
  };

  struct alignas(64) Job {
    std::atomic<int> active{0};
    std::atomic<bool> open{false};
    std::atomic<int> joined{0};
    // Written while the job is closed and nobody is active.
    TaskFn call = nullptr;
    const void* fn = nullptr;
    int slots = 0;
    int core = -1;  // of the caller
    std::unique_ptr<Part[]> parts;

    // The caller's slot.
    int begin(TaskFn c, const void* f, int64_t tasks, int count) {
      call = c, fn = f, slots = count, core = current_core();
      for (int64_t i = 0, at = 0; i < slots; ++i) {
        Part& p = parts[static_cast<size_t>(i)];
        p.next.store(at, std::memory_order_relaxed);
        at += tasks / slots + (i < tasks % slots);
        p.end = at;
        p.taken.store(false, std::memory_order_relaxed);
      }
      joined.store(0, std::memory_order_relaxed);
      const int slot = join(pool_index);
      open.store(true);
      return slot;
    }
    // A slot for the thread with this index, or -1 when all are taken.
    int join(int index) {
      if (joined.fetch_add(1, std::memory_order_relaxed) >= slots) return -1;
      int slot = index % slots;
      while (parts[static_cast<size_t>(slot)].taken.exchange(true, std::memory_order_relaxed))
        slot = (slot + 1) % slots;
      return slot;
    }
    void run(int slot) {
      for (int i = 0; i < slots; ++i) {
        Part& p = parts[static_cast<size_t>((slot + i) % slots)];
        if (p.next.load(std::memory_order_relaxed) >= p.end) continue;
        for (int64_t task; (task = p.next.fetch_add(1, std::memory_order_relaxed)) < p.end;) call(fn, task, slot);
      }
    }
  };

  // How a thread waits for work; with the mutex.
  struct Sleeper {
    std::condition_variable wake;
    int thread = 0;  // as keep_off_core() takes it
    int kept_off = -1;
    bool asleep = false;
  };

  std::atomic<uint64_t> open{0};  // jobs that may be joined
  std::atomic<uint64_t> free{0};  // jobs that no call has
  std::unique_ptr<Job[]> jobs;    // kMaxJobs, where there are threads to share them

  std::mutex mutex;
  std::condition_variable done;
  std::deque<std::function<void()>> tasks;  // with the mutex
  std::atomic<int> waiting_tasks{0};
  std::atomic<bool> stop{false};
  std::atomic<int> sleeping{0}, done_waiters{0};
  std::atomic<uint32_t> epoch{0};  // changes when there may be new work

  std::vector<std::thread> threads;
  std::deque<Sleeper> sleepers;  // one for each of them
  bool spins = false;            // not where threads share cores: who waits would hold up who works

  // There is something new for `count` threads. A thread that goes to sleep counts itself before it looks at the epoch
  // for the last time, with the mutex held until it sleeps.
  void announce(int count) {
    epoch.fetch_add(1);
    if (count <= 0 || sleeping.load() == 0) return;
    const int core = current_core();
    std::lock_guard lock(mutex);
    for (Sleeper& s : sleepers) {
      if (!s.asleep) continue;
      // Linux wakes a thread on its waker's core at times, even where another is idle. There it would not run before
      // the waker's slice is over, 3 to 10 ms later.
      if (keep_off_core(s.thread, core)) s.kept_off = core;
      s.asleep = false;
      s.wake.notify_one();
      if (--count == 0) return;
    }
  }

  void leave(Job& job) {
    if (job.active.fetch_sub(1) != 1 || done_waiters.load() == 0) return;
    {
      std::lock_guard lock(mutex);
    }
    done.notify_all();
  }

  // Whether there was a slot to take part in.
  bool take_part(Job& job, int index) {
    job.active.fetch_add(1);
    const int slot = job.open.load() ? job.join(index) : -1;
    if (slot >= 0) {
      // A thread that did not sleep may have been moved to the caller's core.
      if (job.core >= 0 && job.core == current_core() && keep_off_core(current_thread(), job.core))
        allow_core(job.core);
      job.run(slot);
    }
    leave(job);
    return slot >= 0;
  }

  bool run_job(int index) {
    for (uint64_t left = open.load(); left != 0; left &= left - 1) {
      if (take_part(jobs[static_cast<size_t>(std::countr_zero(left))], index)) return true;
    }
    return false;
  }

  bool run_task() {
    if (waiting_tasks.load() == 0) return false;
    std::function<void()> task;
    {
      std::lock_guard lock(mutex);
      if (tasks.empty()) return false;
      task = std::move(tasks.front());
      tasks.pop_front();
      waiting_tasks.fetch_sub(1);
    }
    task();
    return true;
  }

  // Until there is news.
  template <typename News>
  void sleep(Sleeper& me, const News& news) {
    std::unique_lock lock(mutex);
    sleeping.fetch_add(1);
    if (!news()) {
      me.asleep = true;
      me.wake.wait(lock, [&] { return !me.asleep; });
    }
    sleeping.fetch_sub(1);
    const int core = std::exchange(me.kept_off, -1);
    lock.unlock();
    if (core >= 0) allow_core(core);
  }

  void work(int index) {
    pool_index = index;
    Sleeper& me = sleepers[static_cast<size_t>(index - 1)];
    me.thread = current_thread();
    for (;;) {
      const uint32_t seen = epoch.load();
      if (run_job(index) || run_task()) continue;
      if (stop.load()) return;
      const auto news = [&] { return epoch.load() != seen; };
      if (!spin_until(news, spins)) sleep(me, news);
    }
  }
};

WorkerPool::WorkerPool(int threads) : threads_(std::max(1, threads)), impl_(std::make_unique<Impl>()) {
  if (threads_ == 1) return;
  impl_->spins = threads_ <= available_cores();
  impl_->jobs = std::make_unique<Impl::Job[]>(kMaxJobs);
  for (int i = 0; i < kMaxJobs; ++i) {
    impl_->jobs[static_cast<size_t>(i)].parts = std::make_unique<Impl::Part[]>(static_cast<size_t>(threads_));
  }
  impl_->free.store(~uint64_t{0});
  impl_->sleepers.resize(static_cast<size_t>(threads_ - 1));
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
  impl_->stop.store(true);
  impl_->announce(threads_);
  for (std::thread& t : impl_->threads) t.join();
}

void WorkerPool::run(int64_t tasks, int slots, TaskFn call, const void* fn) {
  Impl& p = *impl_;
  uint64_t free = p.free.load(), bit = 0;
  do {
    bit = free & (~free + 1);
  } while (bit != 0 && !p.free.compare_exchange_weak(free, free & ~bit));
  if (bit == 0) {
    for (int64_t i = 0; i < tasks; ++i) call(fn, i, 0);
    return;
  }
  Impl::Job& job = p.jobs[static_cast<size_t>(std::countr_zero(bit))];
  const int slot = job.begin(call, fn, tasks, slots);
  p.open.fetch_or(bit);
  p.announce(slots - 1);
  job.run(slot);
  p.open.fetch_and(~bit);
  job.open.store(false);
  const auto nobody_active = [&] { return job.active.load() == 0; };
  if (!spin_until(nobody_active, p.spins)) {
    std::unique_lock lock(p.mutex);
    p.done_waiters.fetch_add(1);
    p.done.wait(lock, nobody_active);
    p.done_waiters.fetch_sub(1);
  }
  p.free.fetch_or(bit);
}

void WorkerPool::submit(std::function<void()> task) {
  if (threads_ == 1) {
    task();
    return;
  }
  {
    std::lock_guard lock(impl_->mutex);
    impl_->tasks.push_back(std::move(task));
    impl_->waiting_tasks.fetch_add(1);
  }
  impl_->announce(1);
}

}  // namespace tw
