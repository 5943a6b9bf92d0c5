#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/platform/limits.cc"
#include "hwy/foreach_target.h"  // comes first: includes this file once per vector target

#include "hwy/highway.h"

#include "core/platform/limits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "hwy/aligned_allocator.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace tw::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Independent sums, so that the latency of a multiply-add (4 or 5 cycles at two each cycle) is hidden.
constexpr int kSums = 12;

// Does `rounds` multiply-adds in each lane of each sum; returns how many operations that were.
double multiply_add(int64_t rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999f), term = hn::Set(d, 0.001f);
  auto s0 = hn::Iota(d, 0.0f), s1 = hn::Iota(d, 1.0f), s2 = hn::Iota(d, 2.0f), s3 = hn::Iota(d, 3.0f);
  auto s4 = hn::Iota(d, 4.0f), s5 = hn::Iota(d, 5.0f), s6 = hn::Iota(d, 6.0f), s7 = hn::Iota(d, 7.0f);
  auto s8 = hn::Iota(d, 8.0f), s9 = hn::Iota(d, 9.0f), s10 = hn::Iota(d, 10.0f), s11 = hn::Iota(d, 11.0f);
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, factor, term), s1 = hn::MulAdd(s1, factor, term), s2 = hn::MulAdd(s2, factor, term);
    s3 = hn::MulAdd(s3, factor, term), s4 = hn::MulAdd(s4, factor, term), s5 = hn::MulAdd(s5, factor, term);
    s6 = hn::MulAdd(s6, factor, term), s7 = hn::MulAdd(s7, factor, term), s8 = hn::MulAdd(s8, factor, term);
    s9 = hn::MulAdd(s9, factor, term), s10 = hn::MulAdd(s10, factor, term), s11 = hn::MulAdd(s11, factor, term);
  }
  const auto sum =
      hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
              hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)), hn::Add(hn::Add(s8, s9), hn::Add(s10, s11))));
  *result = hn::GetLane(hn::SumOfLanes(d, sum));
  return 2.0 * kSums * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// Past the caches both ways.
void copy_past_caches(const float* from, float* to, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i + lanes <= count; i += lanes) hn::Stream(hn::Load(d, from + i), d, to + i);
  hwy::FlushStream();
}

}  // namespace tw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(multiply_add);
HWY_EXPORT(copy_past_caches);

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// The best rate of `amount` per call over `seconds`.
template <typename Fn>
double best_rate(double seconds, const Fn& amount) {
  double best = 0;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    const double done = amount();
    best = std::max(best, done / since(start));
  } while (since(begin) < seconds);
  return best;
}

}  // namespace

MachineLimits measure_limits(WorkerPool& pool, double seconds) {
  MachineLimits limits;
  limits.threads = pool.threads();
  const int64_t threads = pool.threads();

  constexpr int64_t kRounds = 100000;  // a few milliseconds
  limits.flops = best_rate(seconds / 2, [&] {
    std::atomic<double> total{0};
    pool.parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        volatile float kept;
        float result;
        const double done = HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds, &result);
        kept = result;
        static_cast<void>(kept);
        total.fetch_add(done);
      }
    });
    return total.load();
  });

  constexpr size_t kBytes = size_t{64} << 20;  // of each array: with its copy more than last-level caches hold
  constexpr int64_t kCount = kBytes / sizeof(float);
  // Not from our own heap, which would keep it.
  const auto memory = hwy::AllocateAligned<float>(2 * kCount);
  if (memory == nullptr) return limits;
  std::fill(memory.get(), memory.get() + 2 * kCount, 1.0f);
  limits.copy_bytes = best_rate(seconds / 2, [&] {
    constexpr int64_t kLine = 64;  // floats; keeps the threads' parts aligned
    pool.parallel_for(kCount / kLine, kCount / kLine / threads, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(copy_past_caches)
      (memory.get() + begin * kLine, memory.get() + kCount + begin * kLine, static_cast<size_t>((end - begin) * kLine));
    });
    return 2.0 * kBytes;
  });
  return limits;
}

MachineLimits machine_limits(WorkerPool& pool) {
  static std::mutex mutex;
  static std::map<int, MachineLimits> known;
  std::lock_guard lock(mutex);
  const auto [at, is_new] = known.try_emplace(pool.threads());
  if (is_new) at->second = measure_limits(pool, 0.03);
  return at->second;
}

}  // namespace tw
#endif  // HWY_ONCE
