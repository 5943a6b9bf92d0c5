#include "core/platform/limits.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "core/platform/alloc.h"
#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/platform/limits.cc"
#include "hwy/foreach_target.h"  // comes before the next: includes this file once per vector target
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tw::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Independent sums, so that the latency of a multiply-add (4 or 5 cycles at two each cycle) is hidden, and that leave
// registers on AVX2's sixteen.
constexpr int kSums = 12;

// Does `rounds` multiply-adds in each lane of each sum; returns how many operations that were. `seed`: a small number
// that the compiler does not know.
double multiply_add(int64_t rounds, float seed, float* result) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 1.0f - seed), term = hn::Set(d, seed);
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

// `count` is a multiple of four vectors in what follows.
void copy_plain(const float* from, float* to, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += 2 * lanes) {
    hn::Store(hn::Load(d, from + i), d, to + i);
    hn::Store(hn::Load(d, from + i + lanes), d, to + i + lanes);
  }
}

void copy_streaming(const float* from, float* to, size_t count) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += 2 * lanes) {
    hn::Stream(hn::Load(d, from + i), d, to + i);
    hn::Stream(hn::Load(d, from + i + lanes), d, to + i + lanes);
  }
  hwy::FlushStream();
}

void add_up(const float* from, size_t count, float* result) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i < count; i += 4 * lanes) {
    a = hn::Add(a, hn::Load(d, from + i));
    b = hn::Add(b, hn::Load(d, from + i + lanes));
    c = hn::Add(c, hn::Load(d, from + i + 2 * lanes));
    e = hn::Add(e, hn::Load(d, from + i + 3 * lanes));
  }
  *result = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace tw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(multiply_add);
HWY_EXPORT(copy_plain);
HWY_EXPORT(copy_streaming);
HWY_EXPORT(add_up);

namespace {

constexpr size_t kBlock = 4096;       // floats, of which each thread gets a whole number
constexpr int64_t kRounds = 1 << 18;  // of multiply-adds: about a millisecond

// Where threads leave results, which must be used; lines apart.
struct alignas(64) Slot {
  float value;
};

// Units per second when each thread of the pool does its share once.
template <typename Share>
double rate(WorkerPool& pool, double units, const Share& share) {
  const auto begin = std::chrono::steady_clock::now();
  pool.parallel_for(pool.threads(), 1, [&](int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) share(static_cast<size_t>(t));
  });
  return units / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

LimitMeter::LimitMeter(WorkerPool& pool, size_t bytes) : pool_(pool) {
  const size_t threads = static_cast<size_t>(pool.threads());
  const size_t share = bytes / sizeof(float) / threads / kBlock * kBlock;
  from_ = static_cast<float*>(system_memory(share * threads * sizeof(float)));
  to_ = static_cast<float*>(system_memory(share * threads * sizeof(float)));
  if (from_ == nullptr || to_ == nullptr) return;
  count_ = share * threads;
  std::fill_n(from_, count_, 1.0f);
  std::fill_n(to_, count_, 1.0f);
}

LimitMeter::~LimitMeter() {
  std::free(from_);
  std::free(to_);
}

double LimitMeter::flops() const {
  std::vector<Slot> results(static_cast<size_t>(pool_.threads()));
  const float seed = 1e-3f * (count_ > 0 ? from_[0] : 1.0f);
  const double each = HWY_DYNAMIC_DISPATCH(multiply_add)(1, seed, &results[0].value) * static_cast<double>(kRounds);
  return rate(pool_, each * pool_.threads(),
              [&](size_t t) { HWY_DYNAMIC_DISPATCH(multiply_add)(kRounds, seed, &results[t].value); });
}

double LimitMeter::copy() const {
  const size_t share = count_ / static_cast<size_t>(pool_.threads());
  const double bytes = 2.0 * static_cast<double>(count_ * sizeof(float));
  const auto with = [&](auto fn) {
    return rate(pool_, bytes, [&](size_t t) { fn(from_ + t * share, to_ + t * share, share); });
  };
  return std::max(with(HWY_DYNAMIC_DISPATCH(copy_plain)), with(HWY_DYNAMIC_DISPATCH(copy_streaming)));
}

double LimitMeter::read() const {
  const size_t share = count_ / static_cast<size_t>(pool_.threads());
  std::vector<Slot> results(static_cast<size_t>(pool_.threads()));
  return rate(pool_, static_cast<double>(count_ * sizeof(float)),
              [&](size_t t) { HWY_DYNAMIC_DISPATCH(add_up)(from_ + t * share, share, &results[t].value); });
}

MachineLimits LimitMeter::best(int samples) const {
  MachineLimits limits;
  limits.threads = pool_.threads();
  for (int i = 0; i < samples; ++i) {
    limits.flops = std::max(limits.flops, flops());
    limits.copy_bytes = std::max(limits.copy_bytes, copy());
    limits.read_bytes = std::max(limits.read_bytes, read());
  }
  return limits;
}

MachineLimits machine_limits(WorkerPool& pool) {
  constexpr size_t kBytes = size_t{64} << 20;  // with its copy more than last-level caches hold
  static std::mutex mutex;
  static std::map<int, MachineLimits> known;
  std::lock_guard lock(mutex);
  const auto [at, is_new] = known.try_emplace(pool.threads());
  if (is_new) at->second = LimitMeter(pool, kBytes).best(3);
  return at->second;
}

}  // namespace tw
#endif  // HWY_ONCE
