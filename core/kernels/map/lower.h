// Tapes lowered to block functions: 16-bit floats widened to float, outputs given their own instructions, values that
// are the same for every element computed apart, and the others assigned to a few block buffers.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/kernels/map/join_links.h"

namespace tw {

// How the engine reads an input.
enum class InputKind : uint8_t {
  kDirect,    // as many elements as the space: in place
  kUniform,   // one element for the whole space
  kExpanded,  // anything else: into a buffer, block by block
};

struct Slot {
  enum class Kind : uint8_t { kInput, kConstant, kBuffer, kOutput };
  Kind kind;
  uint8_t element_size;
  uint16_t index;  // of the input, constant, buffer or output
};

struct LoweredTape {
  std::vector<Slot> slots;
  std::vector<bool> repeated;        // per slot: the same value for every element
  std::vector<LoweredInst> uniform;  // once for a range of blocks, over values that are the same for every element
  std::vector<LoweredInst> body;     // for every block
  struct Flush {
    uint16_t from, to;  // slots: buffer, output
  };
  std::vector<Flush> flushes;  // after the body: outputs that may not be written while inputs are still read
  int buffers = 0;             // block buffers, each of `width` bytes per element
  size_t width = 0;
  struct ConstantBits {
    unsigned char bytes[16];
  };
  std::vector<ConstantBits> constants;
  double ns = 0;     // per element, all of the body
  double flops = 0;  // per element, as MapPlan::flops counts
  bool can_fail = false;
  bool links = false;  // whether some instruction is of links
};

// `count` elements are computed: fewer than links take at once would be copied in and out. What was found for a tape is
// kept, for networks repeat a few tapes many times, and every plan asks for them again. Thread-safe.
Result<std::shared_ptr<const LoweredTape>> lower(const Tape& tape, std::span<const InputKind> kinds, int64_t count);

}  // namespace tw
