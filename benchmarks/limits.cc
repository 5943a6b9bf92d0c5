// What this machine can do: the limits that the benchmarks' results are shares of, as the library's traces have them.
//
//   limits THREADS
//
// For each line read from standard input it measures once more and prints one JSON object on a line: flops (FLOP/s),
// copy and read (bytes per second); see core/platform/limits.h. For the line "pace" it is flops and one sample of copy,
// which takes 30 to 90 ms. The work is split evenly between the threads, which the caller confines to as many cores.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/platform/limits.h"

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: limits THREADS\n");
    return 2;
  }
  constexpr size_t kBytes = size_t{192} << 20;
  constexpr int kSamples = 3;
  tw::WorkerPool pool(threads);
  const tw::LimitMeter meter(pool, kBytes);
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    if (std::strcmp(line, "pace\n") == 0) {
      double flops = 0;
      for (int i = 0; i < kSamples; ++i) flops = std::max(flops, meter.flops());
      std::printf("{\"flops\": %.6g, \"copy\": %.6g}\n", flops, meter.copy());
      std::fflush(stdout);
      continue;
    }
    const tw::MachineLimits limits = meter.best(kSamples);
    std::printf("{\"flops\": %.6g, \"copy\": %.6g, \"read\": %.6g}\n", limits.flops, limits.copy_bytes,
                limits.read_bytes);
    std::fflush(stdout);
  }
  return 0;
}
