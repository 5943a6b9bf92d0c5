// A Philox stream as sampling code draws from it, with TensorFlow's conversions, so that equal seeds pick equal things.
#pragma once

#include "core/kernels/cpu/random/distributions.h"

namespace tw {

class SimplePhilox {
 public:
  explicit SimplePhilox(const Philox& gen) : words_(gen) {}

  uint32_t rand32() { return words_(); }
  uint64_t rand64() {
    const uint64_t low = words_();
    return low | static_cast<uint64_t>(words_()) << 32;
  }
  float uniform_float() { return unit_float(words_()); }
  double uniform_double() {
    const uint32_t x0 = words_();
    return unit_double(x0, words_());
  }
  // In [0, n), without the modulo's bias: draws that would favour small results are rejected.
  uint32_t below32(uint32_t n) {
    return below(n, [this] { return rand32(); });
  }
  uint64_t below64(uint64_t n) {
    return below(n, [this] { return rand64(); });
  }

 private:
  template <typename U, typename Draw>
  static U below(U n, const Draw& draw) {
    if (n == 0) return draw() * n;
    if ((n & (n - 1)) == 0) return draw() & (n - 1);
    const U rejected = ~U{0} % n + 1;
    U x;
    do x = draw();
    while (x < rejected);
    return x % n;
  }

  PhiloxWords words_;
};

}  // namespace tw
