// Chains of arithmetic on floats: up to three micro-ops, each on the result of the one before, in one loop. What passes
// between them stays in registers; as loops of their own they would be bound by their stores to the first-level cache.
// The results are those of the single ops, bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tw {

// What is done to the value so far, v, and the next operand, x.
enum class Link : uint8_t { kAdd, kMul, kMax, kSub /* v - x */, kReverseSub /* x - v; not the first */, kCount };
// Instead of kReverseSub, the first may be (v - x)^2.
inline constexpr Link kSquaredDifference = Link::kReverseSub;

inline constexpr size_t kMaxLinks = 3;
// The elements that an operand of step 0 has: the same value throughout, a vector's worth.
inline constexpr size_t kRepeated = 16;

struct ChainOperands {
  const float* data[kMaxLinks + 1];
  size_t step[kMaxLinks + 1];  // 1: element i; 0: the first kRepeated elements stand for all
};
// out[i] = (data[0][i] link data[1][i]) link data[2][i] ..., for i < n, a multiple of kRepeated. `out` may be one of
// the operands.
using ChainFn = void (*)(const ChainOperands& operands, float* out, size_t n);

ChainFn find_chain(std::span<const Link> links);
// Any n.
void run_chain(ChainFn fn, size_t operands, const ChainOperands& from, float* out, size_t n);

}  // namespace tw
