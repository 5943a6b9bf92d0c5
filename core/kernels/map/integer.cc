// Arithmetic and bit micro-ops on integers. Overflow wraps; a zero divisor gives 0 here, and the check functions let
// the engine report it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/integer.cc"
#include "core/kernels/simd.h"

#include <type_traits>

#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/micro_ops.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

// Wide enough that the promotions of C++ cause no signed overflow, unsigned so that it wraps.
template <class T>
using Wrap = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;

#define TW_WRAP2(name, op) TW_OP2(name, T(Wrap<T>(x) op Wrap<T>(y)))
TW_WRAP2(IAdd, +)
TW_WRAP2(ISub, -)
TW_WRAP2(IMul, *)
TW_WRAP2(BitAnd, &)
TW_WRAP2(BitOr, |)
TW_WRAP2(BitXor, ^)
TW_OP1(BitNot, T(~x))
TW_OP2(IMinimum, y < x ? y : x)
TW_OP2(IMaximum, x < y ? y : x)
TW_OP2(ISquaredDifference, T((Wrap<T>(x) - Wrap<T>(y)) * (Wrap<T>(x) - Wrap<T>(y))))
TW_OP2(IMulNoNan, y == T(0) ? T(0) : T(Wrap<T>(x) * Wrap<T>(y)))
TW_OP1(INeg, T(Wrap<T>(0) - Wrap<T>(x)))
TW_OP1(IAbs, x < T(0) ? T(Wrap<T>(0) - Wrap<T>(x)) : x)
TW_OP1(ISign, T(T(x > T(0)) - T(x < T(0))))
TW_OP1(ISquare, T(Wrap<T>(x) * Wrap<T>(x)))
TW_OP1(ISame, x)
TW_OP3(IFma, T(Wrap<T>(x) * Wrap<T>(y) + Wrap<T>(z)))

// The processor traps on a zero divisor and on the smallest value divided by -1.
template <class T>
HWY_INLINE T safe_div(T x, T y) {
  if (y == T(0)) return T(0);
  if constexpr (std::is_signed_v<T>) {
    if (y == T(-1)) return T(Wrap<T>(0) - Wrap<T>(x));
  }
  return T(x / y);
}
template <class T>
HWY_INLINE T safe_mod(T x, T y) {
  if (y == T(0)) return T(0);
  if constexpr (std::is_signed_v<T>) {
    if (y == T(-1)) return T(0);
  }
  return T(x % y);
}
TW_OP2(ITruncDiv, safe_div(x, y))
TW_OP2(ITruncMod, safe_mod(x, y))
struct IFloorDiv {
  template <class T>
  static T f(T x, T y) {
    const T q = safe_div(x, y);
    return std::is_signed_v<T> && (x < T(0)) != (y < T(0)) && safe_mod(x, y) != T(0) ? T(q - 1) : q;
  }
};
struct IFloorMod {
  template <class T>
  static T f(T x, T y) {
    const T r = safe_mod(x, y);
    return std::is_signed_v<T> && r != T(0) && (r < T(0)) != (y < T(0)) ? T(r + y) : r;
  }
};
struct IPow {
  template <class T>
  static T f(T x, T y) {
    if (std::is_signed_v<T> && y < T(0)) return T(0);
    Wrap<T> result = 1, base = Wrap<T>(x);
    for (Wrap<T> e = Wrap<T>(std::make_unsigned_t<T>(y)); e != 0; e >>= 1) {
      if (e & 1) result *= base;
      base *= base;
    }
    return T(result);
  }
};
// Shift counts outside of [0, bits) are brought to the nearest end of that range.
template <class T>
HWY_INLINE int shift_count(T y) {
  constexpr int kBits = static_cast<int>(sizeof(T) * 8);
  if (std::is_signed_v<T> && y < T(0)) return 0;
  return y >= T(kBits) ? kBits - 1 : static_cast<int>(y);
}
TW_OP2(ShiftLeft, T(Wrap<T>(x) << shift_count(y)))
TW_OP2(ShiftRight, T(x >> shift_count(y)))

template <class T>
bool any_zero(const void* b, size_t n) {
  const T* y = static_cast<const T*>(b);
  T zero = 0;
  for (size_t i = 0; i < n; ++i) zero |= T(y[i] == T(0));
  return zero != 0;
}
template <class T>
bool any_negative(const void* b, size_t n) {
  const T* y = static_cast<const T*>(b);
  T negative = 0;
  for (size_t i = 0; i < n; ++i) negative |= T(y[i] < T(0));
  return negative != 0;
}

template <class T>
BlockFn integer_of(MicroOp op) {
  // Where the sign does not change the bits of the result one loop serves both types of a width.
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case MicroOp::k_add: return block2<IAdd, U>;
    case MicroOp::k_sub: return block2<ISub, U>;
    case MicroOp::k_mul: return block2<IMul, U>;
    case MicroOp::k_div:
    case MicroOp::k_truncdiv:
    case MicroOp::k_div_no_nan: return block2<ITruncDiv, T>;
    case MicroOp::k_floordiv: return block2<IFloorDiv, T>;
    case MicroOp::k_mod: return block2<ITruncMod, T>;
    case MicroOp::k_floormod: return block2<IFloorMod, T>;
    case MicroOp::k_pow: return block2<IPow, T>;
    case MicroOp::k_minimum: return block2<IMinimum, T>;
    case MicroOp::k_maximum: return block2<IMaximum, T>;
    case MicroOp::k_squared_difference: return block2<ISquaredDifference, U>;
    case MicroOp::k_mul_no_nan: return block2<IMulNoNan, U>;
    case MicroOp::k_neg: return block1<INeg, U>;
    case MicroOp::k_abs: return block1<IAbs, T>;
    case MicroOp::k_sign: return block1<ISign, T>;
    case MicroOp::k_square: return block1<ISquare, U>;
    case MicroOp::k_floor:
    case MicroOp::k_ceil:
    case MicroOp::k_round:
    case MicroOp::k_rint: return block1<ISame, U>;
    case MicroOp::k_fma: return block3<IFma, U>;
    case MicroOp::k_bit_and: return block2<BitAnd, U>;
    case MicroOp::k_bit_or: return block2<BitOr, U>;
    case MicroOp::k_bit_xor: return block2<BitXor, U>;
    case MicroOp::k_bit_not: return block1<BitNot, U>;
    case MicroOp::k_shift_left: return block2<ShiftLeft, T>;
    case MicroOp::k_shift_right: return block2<ShiftRight, T>;
    default: return nullptr;
  }
}

template <class T>
CheckFn check_of(MicroOp op) {
  switch (op) {
    case MicroOp::k_div:
    case MicroOp::k_truncdiv:
    case MicroOp::k_floordiv:
    case MicroOp::k_mod:
    case MicroOp::k_floormod: return any_zero<std::make_unsigned_t<T>>;
    case MicroOp::k_pow: return std::is_signed_v<T> ? any_negative<T> : nullptr;
    default: return nullptr;
  }
}

}  // namespace

BlockFn get_integer(MicroOp op, DType t) {
  switch (t) {
    case DType::kInt8: return integer_of<int8_t>(op);
    case DType::kInt16: return integer_of<int16_t>(op);
    case DType::kInt32: return integer_of<int32_t>(op);
    case DType::kInt64: return integer_of<int64_t>(op);
    case DType::kUint8: return integer_of<uint8_t>(op);
    case DType::kUint16: return integer_of<uint16_t>(op);
    case DType::kUint32: return integer_of<uint32_t>(op);
    case DType::kUint64: return integer_of<uint64_t>(op);
    default: return nullptr;
  }
}

CheckFn get_integer_check(MicroOp op, DType t) {
  switch (t) {
    case DType::kInt8: return check_of<int8_t>(op);
    case DType::kInt16: return check_of<int16_t>(op);
    case DType::kInt32: return check_of<int32_t>(op);
    case DType::kInt64: return check_of<int64_t>(op);
    case DType::kUint8: return check_of<uint8_t>(op);
    case DType::kUint16: return check_of<uint16_t>(op);
    case DType::kUint32: return check_of<uint32_t>(op);
    case DType::kUint64: return check_of<uint64_t>(op);
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_integer);
HWY_EXPORT(get_integer_check);
BlockFn micro::find_integer(MicroOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_integer)(op, t); }
CheckFn micro::find_integer_check(MicroOp op, DType t) { return HWY_DYNAMIC_DISPATCH(get_integer_check)(op, t); }
}  // namespace tw
#endif
