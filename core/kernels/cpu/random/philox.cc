#include "core/kernels/cpu/random/philox.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/cpu/random/philox.cc"
#include "core/kernels/simd.h"

// Included once per vector target.
#ifndef CORE_KERNELS_CPU_RANDOM_PHILOX_CONSTANTS
#define CORE_KERNELS_CPU_RANDOM_PHILOX_CONSTANTS
namespace tw::philox {
constexpr uint32_t kMul0 = 0xD2511F53, kMul1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;
}  // namespace tw::philox
#endif

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<uint32_t>;
using V = hn::Vec<D>;

// The halves of the 64-bit products of all lanes.
HWY_INLINE void multiply(D d, V a, V b, V* high, V* low) {
  const hn::Repartition<uint64_t, D> wide;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(a, hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, b))));
  *low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  *high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
}

// The words of Lanes(d) consecutive counters, of which only the lowest word differs.
HWY_INLINE void rounds(D d, V* c, uint32_t k0, uint32_t k1) {
  const V m0 = hn::Set(d, philox::kMul0), m1 = hn::Set(d, philox::kMul1);
  for (int r = 0; r < philox::kRounds; ++r) {
    V high0, low0, high1, low1;
    multiply(d, m0, c[0], &high0, &low0);
    multiply(d, m1, c[2], &high1, &low1);
    c[0] = hn::Xor(hn::Xor(high1, c[1]), hn::Set(d, k0));
    c[2] = hn::Xor(hn::Xor(high0, c[3]), hn::Set(d, k1));
    c[1] = low1;
    c[3] = low0;
    k0 += philox::kWeyl0;
    k1 += philox::kWeyl1;
  }
}

// As many of `blocks` as come in whole vectors; the caller has seen to it that the lowest word does not overflow.
int64_t fill_words(const uint32_t* counter, const uint32_t* key, int64_t blocks, bool unit, void* out) {
  const D d;
  const hn::RebindToFloat<D> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t done = 0;
  // Two vectors at a time, since each round waits for the one before.
  for (; done + 2 * lanes <= blocks; done += 2 * lanes) {
    const V first = hn::Iota(d, counter[0] + static_cast<uint32_t>(done));
    V a[4] = {first, hn::Set(d, counter[1]), hn::Set(d, counter[2]), hn::Set(d, counter[3])};
    V b[4] = {hn::Add(first, hn::Set(d, static_cast<uint32_t>(lanes))), a[1], a[2], a[3]};
    rounds(d, a, key[0], key[1]);
    rounds(d, b, key[0], key[1]);
    if (unit) {
      // The low bits become the mantissa of a number in [1, 2).
      const V mask = hn::Set(d, 0x7fffff), exponent = hn::Set(d, uint32_t{127} << 23);
      const auto one = hn::Set(df, 1.0f);
      for (V* v : {a, b}) {
        for (int i = 0; i < 4; ++i) {
          v[i] = hn::BitCast(d, hn::Sub(hn::BitCast(df, hn::Or(hn::And(v[i], mask), exponent)), one));
        }
      }
    }
    uint32_t* to = static_cast<uint32_t*>(out) + 4 * done;
    hn::StoreInterleaved4(a[0], a[1], a[2], a[3], d, to);
    hn::StoreInterleaved4(b[0], b[1], b[2], b[3], d, to + 4 * lanes);
  }
  return done;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {

HWY_EXPORT(fill_words);

Philox::Block Philox::rounds(Block c, std::array<uint32_t, 2> k) {
  for (int r = 0; r < philox::kRounds; ++r) {
    const uint64_t p0 = uint64_t{philox::kMul0} * c[0], p1 = uint64_t{philox::kMul1} * c[2];
    c = {high(p1) ^ c[1] ^ k[0], low(p1), high(p0) ^ c[3] ^ k[1], low(p0)};
    k = {k[0] + philox::kWeyl0, k[1] + philox::kWeyl1};
  }
  return c;
}

template <typename Element>
void Philox::fill_as(Element* out, int64_t blocks) {
  while (blocks > 0) {
    // Up to where the lowest word of the counter overflows.
    const int64_t straight = std::min<int64_t>(blocks, (int64_t{1} << 32) - counter_[0]);
    const int64_t done =
        HWY_DYNAMIC_DISPATCH(fill_words)(counter_.data(), key_.data(), straight, std::is_same_v<Element, float>, out);
    skip(static_cast<uint64_t>(done));
    for (int64_t i = done; i < straight; ++i) {
      const Block b = (*this)();
      for (size_t k = 0; k < 4; ++k) {
        if constexpr (std::is_same_v<Element, float>) out[4 * i + static_cast<int64_t>(k)] = unit_float(b[k]);
        else out[4 * i + static_cast<int64_t>(k)] = b[k];
      }
    }
    out += 4 * straight;
    blocks -= straight;
  }
}

void Philox::fill(uint32_t* out, int64_t blocks) { fill_as(out, blocks); }
void Philox::fill(float* out, int64_t blocks) { fill_as(out, blocks); }

}  // namespace tw
#endif
