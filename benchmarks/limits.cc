// What this machine can do: the limits that the benchmarks' results are shares of.
//
//   limits THREADS
//
// For each line read from standard input it measures once more and prints one JSON object on a line:
//   flops   float32 multiply-adds from registers, FLOP/s (two for each multiply-add)
//   copy    bytes per second read plus written while arrays far larger than the caches are copied; the better of plain
//           stores, which first fetch what they overwrite, and of streaming stores, which do not
//   read    bytes per second while such an array is summed
// The work is split evenly between the threads, which the caller confines to as many cores. Each figure is the best of
// a few samples: a limit is what the machine does when nothing disturbs it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/limits.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace limits {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;

// Twelve chains cover the latency of two multiply-adds a cycle at five cycles each, and leave registers on AVX2's
// sixteen.
double MultiplyAdds(size_t rounds, float seed, float* sink) {
  const D d;
  const auto factor = hn::Set(d, 1.0f - seed), term = hn::Set(d, seed);
  // Chains that began alike would be one to the compiler.
  auto start = [&](int i) HWY_ATTR { return hn::Set(d, seed * static_cast<float>(i)); };
  auto a0 = start(0), a1 = start(1), a2 = start(2), a3 = start(3), a4 = start(4), a5 = start(5);
  auto a6 = start(6), a7 = start(7), a8 = start(8), a9 = start(9), a10 = start(10), a11 = start(11);
  for (size_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, term);
    a1 = hn::MulAdd(a1, factor, term);
    a2 = hn::MulAdd(a2, factor, term);
    a3 = hn::MulAdd(a3, factor, term);
    a4 = hn::MulAdd(a4, factor, term);
    a5 = hn::MulAdd(a5, factor, term);
    a6 = hn::MulAdd(a6, factor, term);
    a7 = hn::MulAdd(a7, factor, term);
    a8 = hn::MulAdd(a8, factor, term);
    a9 = hn::MulAdd(a9, factor, term);
    a10 = hn::MulAdd(a10, factor, term);
    a11 = hn::MulAdd(a11, factor, term);
  }
  const auto low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const auto high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return 2.0 * 12.0 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

void CopyPlain(const float* from, float* to, size_t count) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += 2 * lanes) {
    hn::Store(hn::Load(d, from + i), d, to + i);
    hn::Store(hn::Load(d, from + i + lanes), d, to + i + lanes);
  }
}

void CopyStreaming(const float* from, float* to, size_t count) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += 2 * lanes) {
    hn::Stream(hn::Load(d, from + i), d, to + i);
    hn::Stream(hn::Load(d, from + i + lanes), d, to + i + lanes);
  }
  hwy::FlushStream();
}

void Read(const float* from, size_t count, float* sink) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i < count; i += 4 * lanes) {
    a = hn::Add(a, hn::Load(d, from + i));
    b = hn::Add(b, hn::Load(d, from + i + lanes));
    c = hn::Add(c, hn::Load(d, from + i + 2 * lanes));
    e = hn::Add(e, hn::Load(d, from + i + 3 * lanes));
  }
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace HWY_NAMESPACE
}  // namespace limits
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace limits {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(CopyPlain);
HWY_EXPORT(CopyStreaming);
HWY_EXPORT(Read);

constexpr size_t kBytes = size_t{192} << 20;  // of each array, all threads together
constexpr size_t kBlock = 4096;               // floats; a whole number of these for each thread
constexpr size_t kMultiplyAddRounds = size_t{1} << 19;
constexpr int kSamples = 3;

// Zeroed memory in large pages where the system gives them, so that address translation is no part of the limit.
hwy::AlignedFreeUniquePtr<float[]> Allocate(size_t count) {
  auto array = hwy::AllocateAligned<float>(count);
#ifdef __linux__
  constexpr uintptr_t kLarge = uintptr_t{2} << 20;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(array.get()) + kLarge - 1) / kLarge * kLarge;
  const uintptr_t end = reinterpret_cast<uintptr_t>(array.get() + count) / kLarge * kLarge;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish: what comes of it is measured
#endif
  std::fill_n(array.get(), count, 0.0f);
  return array;
}

// The most `work(thread)` units per second over a few samples in which each thread works once.
template <typename Work>
double Best(int threads, double units, Work work) {
  double best = 0;
  for (int sample = 0; sample < kSamples; ++sample) {
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) {
      others.emplace_back(work, t);
    }
    work(0);
    for (std::thread& other : others) {
      other.join();
    }
    best = std::max(best, units / std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  return best;
}

int Main(int threads) {
  const size_t share = kBytes / sizeof(float) / static_cast<size_t>(threads) / kBlock * kBlock;
  const size_t count = share * static_cast<size_t>(threads);
  auto from = Allocate(count), to = Allocate(count);
  std::vector<float> sinks(static_cast<size_t>(threads) * 64);
  auto sink = [&](int t) { return &sinks[static_cast<size_t>(t) * 64]; };
  const float seed = (from[0] + 1.0f) * 1e-3f;  // the compiler does not know it
  const double operations = HWY_DYNAMIC_DISPATCH(MultiplyAdds)(1, seed, sink(0)) * kMultiplyAddRounds * threads;
  const double bytes = static_cast<double>(count * sizeof(float));

  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    const double flops = Best(threads, operations,
                              [&](int t) { HWY_DYNAMIC_DISPATCH(MultiplyAdds)(kMultiplyAddRounds, seed, sink(t)); });
    auto copied = [&](auto copy) {
      return Best(threads, 2 * bytes, [&](int t) {
        const size_t begin = share * static_cast<size_t>(t);
        copy(from.get() + begin, to.get() + begin, share);
      });
    };
    const double copy = std::max(copied(HWY_DYNAMIC_DISPATCH(CopyPlain)), copied(HWY_DYNAMIC_DISPATCH(CopyStreaming)));
    const double read = Best(threads, bytes, [&](int t) {
      HWY_DYNAMIC_DISPATCH(Read)(from.get() + share * static_cast<size_t>(t), share, sink(t));
    });
    std::printf("{\"flops\": %.6g, \"copy\": %.6g, \"read\": %.6g}\n", flops, copy, read);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace limits

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: limits THREADS\n");
    return 2;
  }
  return limits::Main(threads);
}
#endif  // HWY_ONCE
