#include "core/platform/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

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

// About 10 us of spinning: kernels of one step follow each other closer than that, and a longer spin would take
// the core from somebody else.
constexpr int kSpins = 250;
// More ranges than threads, so that a thread that was late or slow does not hold up the others.
constexpr int64_t kRangesPerThread = 4;

}  // namespace

struct WorkerPool::Impl {
  // One parallel_for, on its caller's stack. Workers reach it only through `jobs` and count themselves in `active`
  // while they hold it, so it may go away once it is unlinked and `active` is 0.
  struct Job {
    RangeFn call;
    const void* fn;
    int64_t n, count;
    std::atomic<int64_t> next{0};
    std::atomic<int> active{0};
    Job* link = nullptr;

    void run() {
      for (;;) {
        const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= count) return;
        call(fn, begin_of(i), begin_of(i + 1));
      }
    }
    // Ranges differ by at most one item; written so that nothing overflows.
    int64_t begin_of(int64_t i) const { return n / count * i + std::min(i, n % count); }
    bool open() const { return next.load(std::memory_order_relaxed) < count; }
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

  // With the mutex held: a job that still has ranges to give, or null.
  Job* open_job() const {
    for (Job* j = jobs; j != nullptr; j = j->link) {
      if (j->open()) return j;
    }
    return nullptr;
  }

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

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      if (Job* job = open_job()) {
        job->active.fetch_add(1);
        lock.unlock();
        job->run();
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
      bool news = false;
      for (int i = 0; i < kSpins && !news; ++i) {
        cpu_pause();
        news = epoch.load(std::memory_order_acquire) != seen;
      }
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
      impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
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

void WorkerPool::run_ranges(int64_t n, int64_t grain, RangeFn call, const void* fn) {
  const int64_t count = std::min(n / std::max<int64_t>(grain, 1), kRangesPerThread * threads_);
  if (count <= 1) {
    call(fn, 0, n);
    return;
  }
  Impl& p = *impl_;
  Impl::Job job{call, fn, n, count};
  int to_wake;
  {
    std::lock_guard lock(p.mutex);
    job.link = p.jobs;
    p.jobs = &job;
    p.epoch.fetch_add(1, std::memory_order_release);
    to_wake = static_cast<int>(std::min<int64_t>(p.sleeping, count - 1));
  }
  for (int i = 0; i < to_wake; ++i) p.wake.notify_one();
  job.run();
  {
    std::lock_guard lock(p.mutex);
    Impl::Job** at = &p.jobs;
    while (*at != &job) at = &(*at)->link;
    *at = job.link;
  }
  for (int i = 0; i < kSpins; ++i) {
    if (job.active.load(std::memory_order_acquire) == 0) return;
    cpu_pause();
  }
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
