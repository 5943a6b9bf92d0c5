// The compute threads. Kernels split their index space with parallel_for; nothing run here may block.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>

namespace tw {

class WorkerPool {
 public:
  // `threads` counts the calling thread: a pool of 1 starts no thread and runs everything inline.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return threads_; }

  // Calls fn(begin, end) over disjoint ranges that cover [0, n), and returns when all are done. The caller takes
  // part. Ranges hold at least `grain` items; a range count of one runs inline without touching another thread.
  // The split depends only on n, grain and threads(), so sums built per range are the same on each run.
  template <typename Fn>
  void parallel_for(int64_t n, int64_t grain, const Fn& fn) {
    if (n <= 0) return;
    const int64_t count = threads_ == 1 ? 1 : std::min(n / std::max<int64_t>(grain, 1), kRangesPerThread * threads_);
    if (count <= 1) {
      fn(int64_t{0}, n);
      return;
    }
    // Ranges differ by at most one item; written so that nothing overflows.
    const auto begin_of = [&](int64_t i) { return n / count * i + std::min(i, n % count); };
    run_tasks(count, threads_, [&](int64_t i, int) { fn(begin_of(i), begin_of(i + 1)); });
  }

  // Calls fn(task, slot) for each task in [0, tasks), and returns when all are done. The caller takes part. At most
  // `slots` threads do, each as one slot of [0, slots), so that what belongs to a slot needs no lock. A slot starts
  // with its own part of the tasks, mostly on the same thread as in the last call, whose caches may hold what they use;
  // it then takes what others have left.
  template <typename Fn>
  void run_tasks(int64_t tasks, int slots, const Fn& fn) {
    slots = static_cast<int>(std::min<int64_t>({slots, threads_, tasks}));
    if (slots <= 1) {
      for (int64_t i = 0; i < tasks; ++i) fn(i, 0);
      return;
    }
    run(tasks, slots, [](const void* f, int64_t task, int slot) { (*static_cast<const Fn*>(f))(task, slot); }, &fn);
  }

  // Queues `task` for a compute thread (inline when the pool has none to spare). Used by the executor's lanes.
  void submit(std::function<void()> task);

 private:
  // More ranges than threads, so that a thread that was late or slow does not hold up the others.
  static constexpr int64_t kRangesPerThread = 4;

  struct Impl;
  using TaskFn = void (*)(const void* fn, int64_t task, int slot);
  void run(int64_t tasks, int slots, TaskFn call, const void* fn);

  int threads_;
  std::unique_ptr<Impl> impl_;
};

// Grain that makes a range cost about 10 us of work, given the cost of one item in nanoseconds; below that a
// thread crossing costs more than it saves.
inline int64_t grain_for_ns(double ns_per_item) {
  return ns_per_item <= 0 ? int64_t{1} << 40 : static_cast<int64_t>(10000.0 / ns_per_item) + 1;
}

}  // namespace tw
