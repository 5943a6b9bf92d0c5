// Finds the instructions of a lowered tape that run together as links, and orders each set of them so that most values
// go from link to link in the registers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/framework/tape.h"
#include "core/kernels/map/links.h"
#include "core/kernels/map/micro_ops.h"

namespace tw {

struct LoweredInst {
  BlockFn fn = nullptr;
  CheckFn check = nullptr;
  const char* check_message = nullptr;
  LinkProgram links;  // instead of fn, where it has steps
  LinkCode code, streaming;
  std::vector<uint16_t> args;  // slots; of `fn` at least three, those past the operands repeat the first
  std::vector<uint16_t> outs;
  bool linked() const { return !links.steps.empty(); }
};

// What joining asks of a slot.
struct SlotFacts {
  bool is_bool = false;  // of those that links read or write; the others are floats
  bool result = false;   // read after the body
  bool repeats = false;  // may be the same for many elements
};

// Whether a micro-op can be a link, computing with `operand` as tape.h defines it and giving `result`.
bool may_link(MicroOp op, DType operand, DType result);

// `body` in an order that lets instructions be joined, and with those joined that gain from it. `ops`: by instruction,
// the micro-op of one that can be a link. Each instruction has one result, made before it is read. `large`: results
// are beyond the caches, past which links write without a buffer between.
std::vector<LoweredInst> join_links(std::vector<LoweredInst> body, std::span<const std::optional<MicroOp>> ops,
                                    std::span<const SlotFacts> slots, bool large);

}  // namespace tw
