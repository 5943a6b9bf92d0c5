// What the machine can do at most: the roofs that a kernel's time is compared with.
#pragma once

#include "core/platform/worker_pool.h"

namespace tw {

struct MachineLimits {
  int threads = 1;
  double flops = 0;       // float32 operations per second in multiply-adds on registers, all threads together
  double copy_bytes = 0;  // bytes read plus bytes written per second, copying what no cache holds, all threads together
};

// Measures on the pool's threads for about `seconds`, and some 50 ms more to make the memory that is copied.
MachineLimits measure_limits(WorkerPool& pool, double seconds);
// The same, measured once in the process for each number of threads, in under 100 ms.
MachineLimits machine_limits(WorkerPool& pool);

}  // namespace tw
