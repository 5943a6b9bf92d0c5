// Chains of arithmetic on floats: micro-ops, each on the result of the one before. A few vectors of elements go through
// all of a chain together and stay in registers; as loops of their own the micro-ops would be bound by their stores to
// the first-level cache. The results are those of the single ops, bit for bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tw {

// What is done to the value so far, v, and the next operand, x.
enum class Link : uint8_t {
  kAdd,
  kMul,
  kSub,         // v - x
  kReverseSub,  // x - v
  kDiv,
  kReverseDiv,
  kMax,  // v where one is NaN
  kReverseMax,
  kMin,
  kReverseMin,
  kSquaredDifference,
  // Of the value alone.
  kSquare,
  kAbs,
  kSqrt,
  kReciprocal,
  kCount,
};

inline constexpr size_t kMaxLinks = 15;
// The elements that an operand of step 0 has: the same value throughout, a vector's worth.
inline constexpr size_t kRepeated = 16;

struct Chain {
  std::array<Link, kMaxLinks> links{};
  uint8_t count = 0;
};

// Operand 0 is the first value, operand k + 1 what link k takes; links of the value alone take none.
struct ChainOperands {
  const float* data[kMaxLinks + 1];
  size_t step[kMaxLinks + 1];  // 1: element i; 0: the first kRepeated elements stand for all
};

// A link and whether its operand is the same throughout; behind all of those a product and a sum in one, four codes.
constexpr uint8_t code_of(Link link, bool once) { return static_cast<uint8_t>(2 * static_cast<int>(link) + once); }
inline constexpr uint8_t kMulAdd = code_of(Link::kCount, false);

// A chain for operands of known steps: `codes` tells one or two links each, and `links` which is the first of them.
struct ChainCode {
  std::array<uint8_t, kMaxLinks> codes{}, links{};
  uint8_t count = 0;
};
// `steps`: of the operands.
ChainCode compile_chain(const Chain& chain, const std::array<size_t, kMaxLinks + 1>& steps);

// out[i] = (data[0][i] link data[1][i]) link data[2][i] ..., for i < n. `out` may be one of the operands. `operands`
// have the steps that the chain was compiled for; there are `count` of them.
void run_chain(const ChainCode& chain, size_t count, const ChainOperands& operands, float* out, size_t n);

}  // namespace tw
