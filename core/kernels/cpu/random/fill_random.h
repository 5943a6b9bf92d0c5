// Filling a tensor from a generator. Every group of elements has its place in the counter, so the numbers do not depend
// on how threads share the work.
#pragma once

#include <algorithm>
#include <cstring>

#include "core/kernels/cpu/random/distributions.h"
#include "core/platform/worker_pool.h"

namespace tw {

template <typename T, typename Dist>
void fill_random(const Philox& start, const Dist& dist, T* out, int64_t count, double ns_per_element,
                 WorkerPool& pool) {
  constexpr int64_t kGroup = Dist::kGroup, kBatch = 64;
  const int64_t groups = (count + kGroup - 1) / kGroup;
  pool.parallel_for(groups, grain_for_ns(ns_per_element * kGroup), [&](int64_t begin, int64_t end) {
    Philox gen = start;
    gen.skip(static_cast<uint64_t>(begin));
    if constexpr (std::is_same_v<Dist, UniformDist<float>>) {
      const int64_t whole = std::max(begin, std::min(end, count / kGroup));
      gen.fill(out + begin * kGroup, whole - begin);
      begin = whole;
    }
    uint32_t words[kBatch * 4];
    for (int64_t g = begin; g < end; g += kBatch) {
      const int64_t n = std::min(kBatch, end - g);
      gen.fill(words, n);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = (g + i) * kGroup;
        if (at + kGroup <= count) {
          dist(words + 4 * i, out + at);
        } else {
          T last[kGroup];
          dist(words + 4 * i, last);
          std::copy(last, last + (count - at), out + at);
        }
      }
    }
  });
}

template <typename T>
void fill_truncated_normal(const Philox& start, T* out, int64_t count, WorkerPool& pool) {
  using Dist = TruncatedNormalDist<T>;
  constexpr int64_t kGroup = Dist::kGroup;
  const int64_t groups = (count + kGroup - 1) / kGroup;
  pool.parallel_for(groups, grain_for_ns(40.0 * kGroup), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      Philox gen = start;
      gen.skip(static_cast<uint64_t>(g) * Dist::kBlocksPerGroup);
      PhiloxWords words(gen);
      T group[kGroup];
      Dist()(words, group);
      std::copy(group, group + std::min(kGroup, count - g * kGroup), out + g * kGroup);
    }
  });
}

}  // namespace tw
