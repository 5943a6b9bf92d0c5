// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), keyed and counted as TensorFlow does.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tw {

// The word's low bits become the mantissa of a number in [1, 2), from which 1 is taken.
inline float unit_float(uint32_t x) { return std::bit_cast<float>((uint32_t{127} << 23) | (x & 0x7fffff)) - 1.0f; }

class Philox {
 public:
  using Block = std::array<uint32_t, 4>;  // one step's 128 bits

  Philox() = default;
  // The first seed is the key, the second the upper half of the counter.
  Philox(uint64_t seed, uint64_t seed2) : counter_{0, 0, low(seed2), high(seed2)}, key_{low(seed), high(seed)} {}
  Philox(const Block& counter, std::array<uint32_t, 2> key) : counter_(counter), key_(key) {}

  // Steps over `blocks` blocks.
  void skip(uint64_t blocks) {
    const uint64_t at = join(counter_[0], counter_[1]), next = at + blocks;
    counter_[0] = low(next);
    counter_[1] = high(next);
    if (next >= at) return;
    const uint64_t above = join(counter_[2], counter_[3]) + 1;
    counter_[2] = low(above);
    counter_[3] = high(above);
  }
  Block operator()() {
    const Block b = rounds(counter_, key_);
    skip(1);
    return b;
  }
  // The next `blocks` blocks, one after another.
  void fill(uint32_t* out, int64_t blocks);
  // The same words as numbers in [0, 1).
  void fill(float* out, int64_t blocks);

 private:
  template <typename Element>
  void fill_as(Element* out, int64_t blocks);
  static uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }
  static uint64_t join(uint32_t lo, uint32_t hi) { return (static_cast<uint64_t>(hi) << 32) | lo; }
  static Block rounds(Block c, std::array<uint32_t, 2> k);

  Block counter_{};
  std::array<uint32_t, 2> key_{};
};

// Gives the generator's 32-bit words one by one.
class PhiloxWords {
 public:
  explicit PhiloxWords(const Philox& gen) : gen_(gen) {}
  uint32_t operator()() {
    if (used_ == 4) {
      block_ = gen_();
      used_ = 0;
    }
    return block_[used_++];
  }

 private:
  Philox gen_;
  Philox::Block block_{};
  std::size_t used_ = 4;
};

}  // namespace tw
