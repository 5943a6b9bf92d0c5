// Distributions over the classes [0, range) that candidate samplers draw from.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/kernels/cpu/random/rng_state.h"
#include "core/kernels/cpu/random/simple_philox.h"

namespace tw {

class RangeSampler : public Resource {
 public:
  explicit RangeSampler(int64_t range) : range_(range) {}
  int64_t range() const { return range_; }
  std::string describe() const override { return "candidate sampler"; }

  // Draws batch.size() classes, no one twice when `unique`, and tells how often each of them, and each of `extras`, is
  // expected in a batch. Distributions that learn have then seen `extras`. Thread-safe.
  virtual void sample_batch(SimplePhilox& rng, bool unique, std::span<int64_t> batch, std::span<float> batch_expected,
                            std::span<const int64_t> extras, std::span<float> extras_expected);

  static Ref<RangeSampler> uniform(int64_t range);
  static Ref<RangeSampler> log_uniform(int64_t range);
  static Ref<RangeSampler> unigram(int64_t range);             // learns: every class begins with a count of 1
  static Ref<RangeSampler> fixed(std::vector<float> weights);  // in proportion to these

 protected:
  virtual int64_t sample(SimplePhilox& rng) = 0;
  virtual float probability(int64_t value) const = 0;

 private:
  int64_t range_;
};

}  // namespace tw
