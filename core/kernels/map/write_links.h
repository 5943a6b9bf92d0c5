// Writes a set of instructions that run together as a program of links.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/kernels/map/join_links.h"

namespace tw {

// The instructions of a tape, of one result each, and what reads what.
struct LinkBody {
  std::vector<LoweredInst> insts;
  std::vector<std::optional<MicroOp>> ops;  // of those that can be links
  std::span<const SlotFacts> slots;
  std::vector<int> made_by;             // by slot, the instruction; -1: none
  std::vector<std::vector<int>> users;  // by slot, once for every operand
  size_t operands(int i) const { return static_cast<size_t>(arity(*ops[static_cast<size_t>(i)])); }
};

// The link of a micro-op whose operand `value_at` is the value at hand.
std::optional<Link> link_of(MicroOp op, size_t value_at = 0);

// The program of `set`, in the order of the body, with the slots that it reads and those that are read behind it.
// Nothing where it becomes larger than one may be.
std::optional<LoweredInst> write_links(const LinkBody& body, std::span<const int> set);

}  // namespace tw
