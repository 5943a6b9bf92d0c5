// Tapes: straight-line element-wise programs in SSA form. A single element-wise op is a tape of one instruction,
// fusion concatenates tapes, and the map, reduce and contract engines interpret them block by block.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/framework/attr.h"

namespace tw {

// X(name, arity). The operand dtype of an instruction is the dtype of its first operand (of the second for select);
// comparisons and tests give bool; cast gives the instruction's `dtype`.
// clang-format off
#define TW_MICRO_OPS(X)                                                                                              \
  /* arithmetic */                                                                                                   \
  X(add, 2) X(sub, 2) X(mul, 2) X(div, 2) X(floordiv, 2) X(truncdiv, 2) X(mod, 2) X(floormod, 2) X(pow, 2)           \
  X(minimum, 2) X(maximum, 2) X(atan2, 2) X(squared_difference, 2) X(div_no_nan, 2) X(mul_no_nan, 2) X(xdivy, 2)     \
  X(xlogy, 2) X(fma, 3) /* a * b + c */                                                                              \
  X(neg, 1) X(abs, 1) X(sign, 1) X(square, 1) X(reciprocal, 1) X(sqrt, 1) X(rsqrt, 1)                                \
  X(floor, 1) X(ceil, 1) X(round, 1) /* to nearest even */ X(rint, 1)                                                \
  /* transcendental */                                                                                               \
  X(exp, 1) X(expm1, 1) X(log, 1) X(log1p, 1) X(sin, 1) X(cos, 1) X(tan, 1) X(asin, 1) X(acos, 1) X(atan, 1)         \
  X(sinh, 1) X(cosh, 1) X(tanh, 1) X(asinh, 1) X(acosh, 1) X(atanh, 1) X(erf, 1) X(erfc, 1) X(lgamma, 1)             \
  X(digamma, 1) X(sigmoid, 1) X(softplus, 1)                                                                         \
  /* tests: result bool */                                                                                           \
  X(eq, 2) X(ne, 2) X(lt, 2) X(le, 2) X(gt, 2) X(ge, 2) X(isnan, 1) X(isinf, 1) X(isfinite, 1)                       \
  /* bool */                                                                                                         \
  X(logical_and, 2) X(logical_or, 2) X(logical_not, 1)                                                               \
  /* integer bits */                                                                                                 \
  X(bit_and, 2) X(bit_or, 2) X(bit_xor, 2) X(bit_not, 1) X(shift_left, 2) X(shift_right, 2)                          \
  /* select(bool, a, b), and the conversions */                                                                      \
  X(select, 3) X(cast, 1)                                                                                            \
  /* complex */                                                                                                      \
  X(real, 1) X(imag, 1) X(conj, 1) X(make_complex, 2) X(angle, 1)
// clang-format on

enum class MicroOp : uint8_t {
#define X(name, arity) k_##name,
  TW_MICRO_OPS(X)
#undef X
};

int arity(MicroOp op);
std::string_view micro_op_name(MicroOp op);

// One instruction. Operands number the tape's values: 0 .. inputs-1 are the inputs, then the constants, then the
// results of the instructions in order.
struct TapeInst {
  MicroOp op;
  DType dtype;  // of the result
  uint16_t args[3] = {};
};

struct Tape {
  std::vector<DType> inputs;
  struct Constant {
    DType dtype;
    double value;         // real part, and all of it for real dtypes
    int64_t integer = 0;  // used instead of value for integer dtypes
  };
  std::vector<Constant> constants;
  std::vector<TapeInst> insts;
  std::vector<uint16_t> outputs;  // value numbers; an input may be an output

  int num_values() const { return static_cast<int>(inputs.size() + constants.size() + insts.size()); }
  DType value_dtype(int value) const;
  uint16_t add_input(DType t);  // only while there are no constants or instructions
  // Appends; returns the value number. Constants must come before instructions.
  uint16_t add_constant(DType t, double value);
  uint16_t emit(MicroOp op, DType result, uint16_t a, uint16_t b = 0, uint16_t c = 0);
  // Operands in range and defined before use, arities and dtypes right.
  Status verify() const;
  // "(float, float) { v2 = const float 1.5; v3 = add v0 v1; v4 = cast half v3 } -> v4": a result dtype is stated only
  // where it does not follow from the operands.
  std::string to_string() const;
  // The inverse. In the text of an op row, attributes of the node may stand for dtypes ("T"), and attr(name) for a
  // constant's number; they are read from `attrs`.
  static Result<Tape> parse(std::string_view text, const AttrMap& attrs = {});
};

// Appends the bytes of all that `tape` says, as platform/memo.h has keys.
void add_to_key(std::string* key, const Tape& tape);

// The tape that computes `producer`, then `consumer` with its input number `slot` replaced by output `out` of the
// producer. Inputs: those of the producer, then the consumer's other inputs in order. Outputs: the consumer's, then
// (when keep_producer_outputs) the producer's.
Tape concatenate(const Tape& producer, int out, const Tape& consumer, int slot, bool keep_producer_outputs);
// A tape of one micro-op on its arguments.
Tape tape_of(MicroOp op, DType operand, DType result);

}  // namespace tw
