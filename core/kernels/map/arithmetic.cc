// Arithmetic micro-ops on float and double.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/arithmetic.cc"
#include "core/kernels/simd.h"

#include <cmath>

#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/micro_ops.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

TW_OP2(Add, x + y)
TW_OP2(Sub, x - y)
TW_OP2(Mul, x* y)
TW_OP2(Div, x / y)
TW_OP2(FloorDiv, std::floor(x / y))
TW_OP2(TruncDiv, std::trunc(x / y))
TW_OP2(TruncMod, std::fmod(x, y))
// When an operand is NaN the first one is the result, as std::min and std::max have it.
TW_OP2(Minimum, y < x ? y : x)
TW_OP2(Maximum, x < y ? y : x)
TW_OP2(SquaredDifference, (x - y) * (x - y))
TW_OP2(DivNoNan, y == T(0) ? T(0) : x / y)
TW_OP2(MulNoNan, y == T(0) ? T(0) : x * y)
TW_OP2(Xdivy, x == T(0) ? T(0) : x / y)
TW_OP1(Neg, -x)
TW_OP1(Abs, std::abs(x))
TW_OP1(Sign, T(T(x > T(0)) - T(x < T(0))))
TW_OP1(Square, x* x)
TW_OP1(Reciprocal, T(1) / x)
TW_OP1(Sqrt, std::sqrt(x))
TW_OP1(Rsqrt, T(1) / std::sqrt(x))
TW_OP1(Floor, std::floor(x))
TW_OP1(Ceil, std::ceil(x))
TW_OP1(Round, std::nearbyint(x))
TW_OP3(Fma, x* y + z)

struct FloorMod {
  template <class T>
  static T f(T x, T y) {
    const T r = std::fmod(x, y);
    return (x < T(0)) == (y < T(0)) ? r : std::fmod(r + y, y);
  }
};

template <class T>
BlockFn arithmetic_of(MicroOp op) {
  switch (op) {
    case MicroOp::k_add: return block2<Add, T>;
    case MicroOp::k_sub: return block2<Sub, T>;
    case MicroOp::k_mul: return block2<Mul, T>;
    case MicroOp::k_div: return block2<Div, T>;
    case MicroOp::k_floordiv: return block2<FloorDiv, T>;
    case MicroOp::k_truncdiv: return block2<TruncDiv, T>;
    case MicroOp::k_mod: return block2<TruncMod, T>;
    case MicroOp::k_floormod: return block2<FloorMod, T>;
    case MicroOp::k_minimum: return block2<Minimum, T>;
    case MicroOp::k_maximum: return block2<Maximum, T>;
    case MicroOp::k_squared_difference: return block2<SquaredDifference, T>;
    case MicroOp::k_div_no_nan: return block2<DivNoNan, T>;
    case MicroOp::k_mul_no_nan: return block2<MulNoNan, T>;
    case MicroOp::k_xdivy: return block2<Xdivy, T>;
    case MicroOp::k_neg: return block1<Neg, T>;
    case MicroOp::k_abs: return block1<Abs, T>;
    case MicroOp::k_sign: return block1<Sign, T>;
    case MicroOp::k_square: return block1<Square, T>;
    case MicroOp::k_reciprocal: return block1<Reciprocal, T>;
    case MicroOp::k_sqrt: return block1<Sqrt, T>;
    case MicroOp::k_rsqrt: return block1<Rsqrt, T>;
    case MicroOp::k_floor: return block1<Floor, T>;
    case MicroOp::k_ceil: return block1<Ceil, T>;
    case MicroOp::k_round:
    case MicroOp::k_rint: return block1<Round, T>;
    case MicroOp::k_fma: return block3<Fma, T>;
    default: return nullptr;
  }
}

}  // namespace

BlockFn get_arithmetic(MicroOp op, DType t) {
  if (t == DType::kFloat) return arithmetic_of<float>(op);
  return t == DType::kDouble ? arithmetic_of<double>(op) : nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_arithmetic);
BlockFn micro::find_arithmetic(MicroOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_arithmetic)(op, t); }
}  // namespace tw
#endif
