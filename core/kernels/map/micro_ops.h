// The micro-ops' block functions: each computes one micro-op over contiguous operands. They are compiled per vector
// target in the families below, and looked up once when a tape is planned.
#pragma once

#include <cstddef>

#include "core/framework/tape.h"

namespace tw {

// out[i] = op(a[i], b[i], c[i]) for i < n; operands beyond the op's arity are ignored. `out` may be one of the operands
// when the element sizes are equal. Reads and writes nothing outside the n elements; any alignment.
using BlockFn = void (*)(const void* a, const void* b, const void* c, void* out, size_t n);
// True when an element of the second operand makes the op an error (a zero divisor, a negative integer exponent).
using CheckFn = bool (*)(const void* b, size_t n);

struct MicroOpEntry {
  BlockFn fn = nullptr;
  CheckFn check = nullptr;
  const char* check_message = nullptr;  // of the InvalidArgument when `check` holds
  double ns = 0;                        // per element on one thread, for splitting work
};

// The dtype an op computes in: float for half and bfloat16, the integer a quantised number is stored as.
constexpr DType compute_dtype(DType t) {
  switch (t) {
    case DType::kHalf:
    case DType::kBfloat16: return DType::kFloat;
    case DType::kQint8: return DType::kInt8;
    case DType::kQuint8: return DType::kUint8;
    case DType::kQint16: return DType::kInt16;
    case DType::kQuint16: return DType::kUint16;
    case DType::kQint32: return DType::kInt32;
    default: return t;
  }
}

// `operand` is the operand dtype as tape.h defines it, never half or bfloat16 except in casts; bool for logical ops.
// An entry without fn: the engine has no such op.
MicroOpEntry find_micro_op(MicroOp op, DType operand, DType result);

// True for the ops that flops() counts as ten.
bool is_transcendental(MicroOp op);

// The documented bound of the op's error in units in the last place (ulps.inc), for float and double; 0 for ops whose
// results are rounded correctly, or that are not listed.
double ulp_bound(MicroOp op, DType t);

namespace micro {
// The families, one file each; null for ops outside of them.
BlockFn find_arithmetic(MicroOp op, DType t);  // float, double
BlockFn find_integer(MicroOp op, DType t);
CheckFn find_integer_check(MicroOp op, DType t);
BlockFn find_compare(MicroOp op, DType t);  // comparisons, tests, logic; result bool
BlockFn find_select(size_t element_size);
BlockFn find_cast(DType from, DType to);
BlockFn find_complex(MicroOp op, DType operand, DType result);
BlockFn find_transcendental_f32(MicroOp op);
BlockFn find_transcendental_f64(MicroOp op);
}  // namespace micro

}  // namespace tw
