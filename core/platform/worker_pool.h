// The compute threads. Kernels split their index space with parallel_for; nothing run here may block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>

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
    if (threads_ == 1 || n <= grain) {
      fn(int64_t{0}, n);
      return;
    }
    run_ranges(n, grain, [](const void* f, int64_t b, int64_t e) { (*static_cast<const Fn*>(f))(b, e); }, &fn);
  }

  // Queues `task` for a compute thread (inline when the pool has none to spare). Used by the executor's lanes.
  void submit(std::function<void()> task);

 private:
  struct Impl;
  using RangeFn = void (*)(const void* fn, int64_t begin, int64_t end);
  void run_ranges(int64_t n, int64_t grain, RangeFn call, const void* fn);

  int threads_;
  std::unique_ptr<Impl> impl_;
};

// Grain that makes a range cost about 20 us of work, given the cost of one item in nanoseconds; below that a
// thread crossing costs more than it saves.
inline int64_t grain_for_ns(double ns_per_item) {
  return ns_per_item <= 0 ? int64_t{1} << 40 : static_cast<int64_t>(20000.0 / ns_per_item) + 1;
}

}  // namespace tw
