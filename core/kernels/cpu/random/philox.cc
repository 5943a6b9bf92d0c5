#include "core/kernels/cpu/random/philox.h"

#include <algorithm>

namespace tw {
namespace {

constexpr uint64_t kMul0 = 0xD2511F53, kMul1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

}  // namespace

Philox::Block Philox::rounds(Block c, std::array<uint32_t, 2> k) {
  for (int r = 0; r < kRounds; ++r) {
    const uint64_t p0 = kMul0 * c[0], p1 = kMul1 * c[2];
    c = {high(p1) ^ c[1] ^ k[0], low(p1), high(p0) ^ c[3] ^ k[1], low(p0)};
    k = {k[0] + kWeyl0, k[1] + kWeyl1};
  }
  return c;
}

void Philox::fill(uint32_t* out, int64_t blocks) {
  // Eight counters at a time, word by word, in loops that compilers turn into vector code.
  constexpr int kLanes = 8;
  while (blocks > 0) {
    uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      c0[i] = counter_[0];
      c1[i] = counter_[1];
      c2[i] = counter_[2];
      c3[i] = counter_[3];
      if (i < blocks) skip(1);
    }
    uint32_t k0 = key_[0], k1 = key_[1];
    for (int r = 0; r < kRounds; ++r) {
      for (int i = 0; i < kLanes; ++i) {
        const uint64_t p0 = kMul0 * c0[i], p1 = kMul1 * c2[i];
        c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
        c1[i] = static_cast<uint32_t>(p1);
        c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
        c3[i] = static_cast<uint32_t>(p0);
      }
      k0 += kWeyl0;
      k1 += kWeyl1;
    }
    const auto n = static_cast<int>(std::min<int64_t>(blocks, kLanes));
    for (int i = 0; i < n; ++i) {
      out[4 * i] = c0[i];
      out[4 * i + 1] = c1[i];
      out[4 * i + 2] = c2[i];
      out[4 * i + 3] = c3[i];
    }
    out += 4 * n;
    blocks -= n;
  }
}

}  // namespace tw
