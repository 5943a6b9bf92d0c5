// What the machine can do at most: the roofs that a kernel's time is compared with, in traces and in the benchmarks.
#pragma once

#include "core/platform/worker_pool.h"

namespace tw {

// Of all threads together.
struct MachineLimits {
  int threads = 1;
  double flops = 0;       // float32 operations per second in multiply-adds on registers, two for each
  double copy_bytes = 0;  // bytes read plus bytes written per second, copying what no cache holds
  double read_bytes = 0;  // bytes per second, adding up what no cache holds
};

// Measures on a pool's threads, with two arrays of `bytes` in huge pages where the system has them. Without memory for
// the arrays their rates are 0.
class LimitMeter {
 public:
  LimitMeter(WorkerPool& pool, size_t bytes);
  ~LimitMeter();
  LimitMeter(const LimitMeter&) = delete;

  // One sample each, of a few milliseconds; see MachineLimits.
  double flops() const;
  double copy() const;  // the better of plain stores, which fetch what they overwrite, and of streaming stores
  double read() const;
  // The best of a few samples: a limit is what the machine does when nothing disturbs it.
  MachineLimits best(int samples) const;

 private:
  WorkerPool& pool_;
  size_t count_ = 0;  // floats of an array; a whole number of blocks for each thread
  float *from_ = nullptr, *to_ = nullptr;
};

// Measured when first asked for, once in the process for each number of threads; it takes some 0.1 s, most of which
// goes into the memory that is copied.
MachineLimits machine_limits(WorkerPool& pool);

}  // namespace tw
