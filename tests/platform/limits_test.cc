#include "core/platform/limits.h"

#include <gtest/gtest.h>

namespace tw {
namespace {

TEST(Limits, AreMeasuredOnceForANumberOfThreads) {
  for (int threads : {1, 2}) {
    WorkerPool pool(threads);
    const MachineLimits first = machine_limits(pool);
    EXPECT_EQ(first.threads, threads);
    // Slower than any processor that this runs on, and faster than any: a wrong unit fails.
    EXPECT_GT(first.flops, 1e8);
    EXPECT_LT(first.flops, 1e13);
    for (double bytes : {first.copy_bytes, first.read_bytes}) {
      EXPECT_GT(bytes, 1e7);
      EXPECT_LT(bytes, 1e13);
    }
    EXPECT_EQ(machine_limits(pool).flops, first.flops);
  }
}

}  // namespace
}  // namespace tw
