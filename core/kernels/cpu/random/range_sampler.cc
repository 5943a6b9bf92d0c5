#include "core/kernels/cpu/random/range_sampler.h"

#include <bit>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace tw {
namespace {

// How often a class of probability p is among `count` draws, of which there were `tries` with repeated ones thrown
// away: 1 - (1 - p)^tries, computed so that small p keep their digits.
float expected_count(float p, int64_t count, int64_t tries) {
  if (tries == count) return p * static_cast<float>(count);
  return static_cast<float>(-std::expm1(static_cast<double>(tries) * std::log1p(static_cast<double>(-p))));
}

class Uniform final : public RangeSampler {
 public:
  using RangeSampler::RangeSampler;

 private:
  int64_t sample(SimplePhilox& rng) override {
    return static_cast<int64_t>(rng.below64(static_cast<uint64_t>(range())));
  }
  float probability(int64_t) const override { return static_cast<float>(1.0 / static_cast<double>(range())); }
};

// P(k) = log((k + 2) / (k + 1)) / log(range + 1), the distribution of words sorted by falling frequency.
class LogUniform final : public RangeSampler {
 public:
  explicit LogUniform(int64_t range) : RangeSampler(range), log_range_(std::log1p(static_cast<double>(range))) {}

 private:
  int64_t sample(SimplePhilox& rng) override {
    // Rounding may reach `range`.
    return (static_cast<int64_t>(std::exp(rng.uniform_double() * log_range_)) - 1) % range();
  }
  float probability(int64_t value) const override {
    const auto v = static_cast<double>(value);
    return static_cast<float>(std::log((v + 2.0) / (v + 1.0)) / log_range_);
  }
  double log_range_;
};

// Counts in a Fenwick tree: a draw and an update take logarithmic time.
class Unigram final : public RangeSampler {
 public:
  explicit Unigram(int64_t range)
      : RangeSampler(range), counts_(static_cast<size_t>(range), 0), tree_(static_cast<size_t>(range + 1), 0) {
    for (int64_t i = 0; i < range; ++i) add(i);
  }
  void sample_batch(SimplePhilox& rng, bool unique, std::span<int64_t> batch, std::span<float> batch_expected,
                    std::span<const int64_t> extras, std::span<float> extras_expected) override {
    std::lock_guard lock(mutex_);
    RangeSampler::sample_batch(rng, unique, batch, batch_expected, extras, extras_expected);
    for (const int64_t v : extras) {
      if (v >= 0 && v < range() && total_ < std::numeric_limits<int32_t>::max()) add(v);
    }
  }

 private:
  void add(int64_t value) {
    ++total_;
    ++counts_[static_cast<size_t>(value)];
    for (int64_t i = value + 1; i <= range(); i += i & -i) ++tree_[static_cast<size_t>(i)];
  }
  // The class at which the counts of all before it first exceed a number below their sum.
  int64_t sample(SimplePhilox& rng) override {
    int64_t rest = rng.below32(static_cast<uint32_t>(total_)), at = 0;
    for (auto step = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(range()))); step > 0; step /= 2) {
      if (at + step <= range() && tree_[static_cast<size_t>(at + step)] <= rest) {
        at += step;
        rest -= tree_[static_cast<size_t>(at)];
      }
    }
    return at;
  }
  float probability(int64_t value) const override {
    if (value < 0 || value >= range()) return 0;
    return static_cast<float>(counts_[static_cast<size_t>(value)]) / static_cast<float>(total_);
  }

  std::mutex mutex_;
  int64_t total_ = 0;
  std::vector<int32_t> counts_, tree_;
};

// Walker's alias method: each of the equal buckets holds a class and the one that fills it up.
class Fixed final : public RangeSampler {
 public:
  explicit Fixed(std::vector<float> weights)
      : RangeSampler(static_cast<int64_t>(weights.size())), weights_(std::move(weights)), buckets_(weights_.size()) {
    const size_t n = weights_.size();
    double sum = 0;
    for (const float w : weights_) sum += w, total_ += w;
    std::vector<double> share(n);
    std::vector<size_t> high, low;
    for (size_t i = 0; i < n; ++i) {
      share[i] = static_cast<double>(weights_[i] * static_cast<float>(n)) / sum;
      (share[i] < 1 ? low : high).push_back(i);
    }
    while (!high.empty() && !low.empty()) {
      const size_t l = low.back(), h = high.back();
      low.pop_back();
      high.pop_back();
      buckets_[l].other = static_cast<int64_t>(h);
      share[h] -= 1 - share[l];
      (share[h] < 1 ? low : high).push_back(h);
    }
    for (size_t i = 0; i < n; ++i) buckets_[i].share = static_cast<float>(share[i]);
    // What is left is full but for rounding.
    for (const auto* rest : {&high, &low}) {
      for (const size_t i : *rest) buckets_[i] = {1, static_cast<int64_t>(i)};
    }
  }

 private:
  struct Bucket {
    float share = 0;
    int64_t other = 0;
  };
  int64_t sample(SimplePhilox& rng) override {
    const float r = rng.uniform_float();
    const uint32_t i = rng.below32(static_cast<uint32_t>(range()));
    return r < buckets_[i].share ? static_cast<int64_t>(i) : buckets_[i].other;
  }
  float probability(int64_t value) const override {
    return value < 0 || value >= range() ? 0 : weights_[static_cast<size_t>(value)] / total_;
  }

  std::vector<float> weights_;
  std::vector<Bucket> buckets_;
  float total_ = 0;
};

}  // namespace

void RangeSampler::sample_batch(SimplePhilox& rng, bool unique, std::span<int64_t> batch,
                                std::span<float> batch_expected, std::span<const int64_t> extras,
                                std::span<float> extras_expected) {
  const auto count = static_cast<int64_t>(batch.size());
  int64_t tries = count;
  if (unique) {
    std::unordered_set<int64_t> taken;
    tries = 0;
    for (size_t picked = 0; picked < batch.size(); ++tries) {
      const int64_t value = sample(rng);
      if (taken.insert(value).second) batch[picked++] = value;
    }
  } else {
    for (int64_t& v : batch) v = sample(rng);
  }
  for (size_t i = 0; i < batch.size(); ++i) batch_expected[i] = expected_count(probability(batch[i]), count, tries);
  for (size_t i = 0; i < extras.size(); ++i) extras_expected[i] = expected_count(probability(extras[i]), count, tries);
}

Ref<RangeSampler> RangeSampler::uniform(int64_t range) { return Ref<RangeSampler>(make_ref<Uniform>(range)); }
Ref<RangeSampler> RangeSampler::log_uniform(int64_t range) { return Ref<RangeSampler>(make_ref<LogUniform>(range)); }
Ref<RangeSampler> RangeSampler::unigram(int64_t range) { return Ref<RangeSampler>(make_ref<Unigram>(range)); }
Ref<RangeSampler> RangeSampler::fixed(std::vector<float> weights) {
  return Ref<RangeSampler>(make_ref<Fixed>(std::move(weights)));
}

}  // namespace tw
