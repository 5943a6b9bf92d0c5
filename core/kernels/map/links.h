// Arithmetic, comparisons and selections on floats that run together. A few vectors of elements go through all of it,
// in registers or in a few cache lines beside them; as loops of their own the micro-ops would be bound by their loads
// and stores to the first-level cache. The results are those of the single ops, bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tw {

// What is done with the value at hand, v, and operands x and y. A second value may be kept in registers beside it. A
// bool is 0 or 1 there, a byte in memory.
enum class Link : uint8_t {
  kLoad,       // v = x
  kLoadBool,   // v = x, a bool
  kLoadKept,   // kept = x
  kKeep,       // kept = v
  kStore,      // x = v; x is an output or a local
  kStoreBool,  // the same of a bool
  kStream,     // x = v past the caches
  kAdd,
  kMul,
  kSub,         // v - x
  kReverseSub,  // x - v
  kMax,         // v where one is NaN
  kReverseMax,
  kMin,
  kReverseMin,
  kSquaredDifference,
  kDiv,
  kReverseDiv,
  kEqual,
  kNotEqual,
  kLess,  // v < x
  kLessEqual,
  kGreater,
  kGreaterEqual,
  // Of the value alone.
  kNot,
  kSquare,
  kAbs,
  kSqrt,
  kRsqrt,
  kReciprocal,
  // Of two operands.
  kSelect,  // v ? x : y
  kMulAdd,  // v * x + y, rounded twice
  kCount,
};

constexpr bool takes_none(Link link) {
  return link == Link::kKeep || (link >= Link::kNot && link <= Link::kReciprocal);
}
constexpr bool is_store(Link link) { return link >= Link::kStore && link <= Link::kStream; }
// Those that may find their value in a first operand.
constexpr bool is_cheap(Link link) { return link >= Link::kAdd && link <= Link::kSquaredDifference; }
constexpr bool takes_two(Link link) { return link == Link::kSelect || link == Link::kMulAdd; }

// The elements that an operand of step 0 has: the same value throughout, a vector's worth.
inline constexpr size_t kRepeated = 16;
// Of a program: inputs, outputs and locals; and locals by themselves.
inline constexpr size_t kMaxLinkOperands = 64, kMaxLinkLocals = 24;
inline constexpr uint8_t kKeptOperand = 255;  // the value that is kept in registers

struct LinkStep {
  Link link;
  uint8_t x = 0, y = 0;  // operands: inputs, then outputs, then locals; or kKeptOperand
};

struct LinkProgram {
  std::vector<LinkStep> steps;
  uint8_t inputs = 0, outputs = 0, locals = 0;
};

// Where a step finds an operand: in memory, an element for each; there, the same for all of them; in the registers.
enum class Source : uint8_t { kEach, kOnce, kKept };
// The special form of a store ends the program; that of cheap arithmetic finds its value in its first operand, as if
// that had been loaded before; that of kLoadKept loads the value at hand too.
enum class Form : uint8_t { kPlain, kSpecial };

constexpr bool keeps(Link link, Source x, Source y) {
  return link == Link::kKeep || link == Link::kLoadKept || x == Source::kKept || y == Source::kKept;
}
// A step's codes: by link, its form, and the sources of its operands.
constexpr int code_of(Link link, Form form, Source x, Source y) {
  return 18 * static_cast<int>(link) + 9 * static_cast<int>(form) + 3 * static_cast<int>(x) + static_cast<int>(y);
}

// A program for inputs of known steps.
struct LinkCode {
  struct Step {
    uint16_t code;
    uint8_t x, y;
  };
  std::vector<Step> steps;  // the last one ends the program
  uint8_t inputs = 0, outputs = 0, locals = 0;
  bool streams = false;  // some output passes the caches by
  bool keeps = false;    // a second value is kept in registers
};
// Whether this processor has the registers to keep a second value.
bool links_keep();
// `steps`: bytes from element to element of each input, 0 where its first kRepeated elements stand for all. Bit k
// of `streams`: output k, of floats, passes the caches by; it must begin at a multiple of 64 bytes, and stream_fence()
// follows.
LinkCode compile_links(const LinkProgram& program, std::span<const size_t> steps, uint64_t streams);

struct LinkOperands {
  char* data[kMaxLinkOperands];
  size_t step[kMaxLinkOperands];  // bytes: 4 of floats, 1 of bools, 0
};

// Elements [0, n). Inputs and outputs are given by `operands`, with the steps that the code was compiled for. An output
// may be one of the inputs of its element size where the program reads no input after it stored that output. What lies
// behind inputs and outputs in `operands` is overwritten.
void run_links(const LinkCode& code, LinkOperands& operands, size_t n);

}  // namespace tw
