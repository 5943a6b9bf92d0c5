// Arithmetic, comparisons and selections on floats that run together. A few vectors of elements go through all of it,
// in registers or in a few cache lines beside them; as loops of their own the micro-ops would be bound by their loads
// and stores to the first-level cache. The results are those of the single ops, bit for bit.
#pragma once

#include <array>
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
  // Of three: a comparison and the selection by it. x has an element for each.
  kWhereEqual,  // x == y ? v : z
  kWhereLess,
  kWhereLessEqual,
  kWhereGreater,
  kWhereGreaterEqual,
  kUnlessEqual,  // x == y ? z : v
  kUnlessLess,
  kUnlessLessEqual,
  kUnlessGreater,
  kUnlessGreaterEqual,
  kCount,
};

constexpr bool takes_none(Link link) {
  return link == Link::kKeep || (link >= Link::kNot && link <= Link::kReciprocal);
}
constexpr bool is_store(Link link) { return link >= Link::kStore && link <= Link::kStream; }
// Those that may find their value in a first operand.
constexpr bool is_cheap(Link link) { return link >= Link::kAdd && link <= Link::kSquaredDifference; }
constexpr bool takes_two(Link link) { return link >= Link::kSelect; }
constexpr bool takes_three(Link link) { return link >= Link::kWhereEqual; }

// The elements that an operand of step 0 has: the same value throughout, a vector's worth.
inline constexpr size_t kRepeated = 16;
// Of a program: inputs, outputs and locals; and locals by themselves.
inline constexpr size_t kMaxLinkOperands = 64, kMaxLinkLocals = 24;
inline constexpr uint8_t kKeptOperand = 255;  // the value that is kept in registers

struct LinkStep {
  Link link;
  uint8_t x = 0, y = 0, z = 0;  // operands: inputs, then outputs, then locals; or kKeptOperand
};

struct LinkProgram {
  std::vector<LinkStep> steps;
  uint8_t inputs = 0, outputs = 0, locals = 0;
};

// Where a step finds an operand: in memory, an element for each; there, the same for all of them; in the registers.
enum class Source : uint8_t { kEach, kOnce, kKept };
// The special form of a store ends the program; that of cheap arithmetic finds its value in its first operand, as if
// that had been loaded before; that of kLoadKept loads the value at hand too; that of a link of three operands compares
// the kept value, which otherwise has an element for each.
enum class Form : uint8_t { kPlain, kSpecial };

// How many operands a step has.
constexpr int operands_of(Link link, Form form) {
  if (takes_three(link)) return 3;
  return takes_none(link) ? 0 : takes_two(link) || (is_cheap(link) && form == Form::kSpecial) ? 2 : 1;
}
constexpr bool keeps(Link link, Form form, Source x, Source y) {
  return link == Link::kKeep || link == Link::kLoadKept || x == Source::kKept || y == Source::kKept ||
         (takes_three(link) && form == Form::kSpecial);
}
// How many codes the steps of a link have: one for each form and the sources that there may be.
constexpr int codes_of(Link link) {
  if (takes_three(link) || is_cheap(link)) return 12;
  if (takes_two(link)) return 9;
  if (is_store(link) || link == Link::kLoadBool || link == Link::kLoadKept) return 2;
  return takes_none(link) ? 1 : 3;
}
// The first code of each link, and behind them the number of all.
inline constexpr auto kFirstCodes = [] {
  std::array<int, static_cast<size_t>(Link::kCount) + 1> first{};
  for (size_t k = 0; k + 1 < first.size(); ++k) first[k + 1] = first[k] + codes_of(static_cast<Link>(k));
  return first;
}();
// x and y: the sources of the operands; of three, those of the last two.
constexpr int code_of(Link link, Form form, Source x, Source y) {
  const int code = kFirstCodes[static_cast<size_t>(link)];
  const int special = form == Form::kSpecial, first = static_cast<int>(x), both = 3 * first + static_cast<int>(y);
  if (takes_three(link)) return code + 6 * special + both;
  if (takes_two(link)) return code + both;
  if (is_cheap(link)) return code + (special ? 3 + both : first);
  if (is_store(link) || link == Link::kLoadKept) return code + special;
  return code + first;
}

// A program for inputs of known steps.
struct LinkCode {
  struct Step {
    uint16_t code;
    uint8_t x, y, z;
  };
  std::vector<Step> steps;  // the last one ends the program
  uint8_t inputs = 0, outputs = 0, locals = 0;
  bool streams = false;  // some output passes the caches by
  bool keeps = false;    // a second value is kept in registers
  int cost = 0;          // about how many cycles sixteen vectors take that are bound by memory instructions
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
