#include <cmath>
#include <complex>
#include <limits>

#include "core/kernels/map/index_space.h"
#include "core/kernels/map/special.h"
#include "core/kernels/ref/map_ref.h"

namespace tw::ref {
namespace {

using Complex = std::complex<double>;

Number real(double v) { return {v, 0, 0}; }
Number boolean(bool v) { return {0, 0, v}; }
Number of(Complex c) { return {c.real(), c.imag(), 0}; }

// Brings a result into its dtype's range and precision.
Number rounded(DType t, const Number& v) {
  alignas(16) unsigned char cell[16];
  store(t, v, cell, 0);
  return load(t, cell, 0);
}

Result<Number> floating(MicroOp op, double x, double y, double z) {
  switch (op) {
    case MicroOp::k_add: return real(x + y);
    case MicroOp::k_sub: return real(x - y);
    case MicroOp::k_mul: return real(x * y);
    case MicroOp::k_div: return real(x / y);
    case MicroOp::k_floordiv: return real(std::floor(x / y));
    case MicroOp::k_truncdiv: return real(std::trunc(x / y));
    case MicroOp::k_mod: return real(std::fmod(x, y));
    case MicroOp::k_floormod: {
      const double r = std::fmod(x, y);
      return real((x < 0) == (y < 0) ? r : std::fmod(r + y, y));
    }
    case MicroOp::k_pow: return real(std::pow(x, y));
    case MicroOp::k_minimum: return real(std::min(x, y));
    case MicroOp::k_maximum: return real(std::max(x, y));
    case MicroOp::k_atan2: return real(std::atan2(x, y));
    case MicroOp::k_squared_difference: return real((x - y) * (x - y));
    case MicroOp::k_div_no_nan: return real(y == 0 ? 0 : x / y);
    case MicroOp::k_mul_no_nan: return real(y == 0 ? 0 : x * y);
    case MicroOp::k_xdivy: return real(x == 0 ? 0 : x / y);
    case MicroOp::k_xlogy: return real(x == 0 ? 0 : x * std::log(y));
    case MicroOp::k_fma: return real(x * y + z);
    case MicroOp::k_neg: return real(-x);
    case MicroOp::k_abs: return real(std::abs(x));
    case MicroOp::k_sign: return real((x > 0) - (x < 0));
    case MicroOp::k_square: return real(x * x);
    case MicroOp::k_reciprocal: return real(1 / x);
    case MicroOp::k_sqrt: return real(std::sqrt(x));
    case MicroOp::k_rsqrt: return real(1 / std::sqrt(x));
    case MicroOp::k_floor: return real(std::floor(x));
    case MicroOp::k_ceil: return real(std::ceil(x));
    case MicroOp::k_round:
    case MicroOp::k_rint: return real(std::nearbyint(x));
    case MicroOp::k_exp: return real(std::exp(x));
    case MicroOp::k_expm1: return real(std::expm1(x));
    case MicroOp::k_log: return real(std::log(x));
    case MicroOp::k_log1p: return real(std::log1p(x));
    case MicroOp::k_sin: return real(std::sin(x));
    case MicroOp::k_cos: return real(std::cos(x));
    case MicroOp::k_tan: return real(std::tan(x));
    case MicroOp::k_asin: return real(std::asin(x));
    case MicroOp::k_acos: return real(std::acos(x));
    case MicroOp::k_atan: return real(std::atan(x));
    case MicroOp::k_sinh: return real(std::sinh(x));
    case MicroOp::k_cosh: return real(std::cosh(x));
    case MicroOp::k_tanh: return real(std::tanh(x));
    case MicroOp::k_asinh: return real(std::asinh(x));
    case MicroOp::k_acosh: return real(std::acosh(x));
    case MicroOp::k_atanh: return real(std::atanh(x));
    case MicroOp::k_erf: return real(std::erf(x));
    case MicroOp::k_erfc: return real(std::erfc(x));
    case MicroOp::k_lgamma: return real(special::lgamma(x));
    case MicroOp::k_digamma: return real(special::digamma(x));
    case MicroOp::k_sigmoid: return real(x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)));
    case MicroOp::k_softplus: return real(std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))));
    case MicroOp::k_eq: return boolean(x == y);
    case MicroOp::k_ne: return boolean(x != y);
    case MicroOp::k_lt: return boolean(x < y);
    case MicroOp::k_le: return boolean(x <= y);
    case MicroOp::k_gt: return boolean(x > y);
    case MicroOp::k_ge: return boolean(x >= y);
    case MicroOp::k_isnan: return boolean(std::isnan(x));
    case MicroOp::k_isinf: return boolean(std::isinf(x));
    case MicroOp::k_isfinite: return boolean(std::isfinite(x));
    case MicroOp::k_make_complex: return Number{x, y, 0};
    default: return unimplemented("ref has no ", micro_op_name(op), " on floats");
  }
}

// int64 arithmetic that wraps; unsigned types compare and divide as such.
Result<Number> integral(MicroOp op, DType t, int64_t a, int64_t b, int64_t c) {
  const auto result = [](auto v) { return Number{0, 0, static_cast<int64_t>(v)}; };
  const uint64_t x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b), z = static_cast<uint64_t>(c);
  const bool is_unsigned = t == DType::kUint64;  // the narrower ones are not negative as int64
  const auto less = [&](int64_t p, int64_t q) {
    return is_unsigned ? static_cast<uint64_t>(p) < static_cast<uint64_t>(q) : p < q;
  };
  const auto quotient = [&]() -> int64_t {
    if (is_unsigned) return static_cast<int64_t>(x / y);
    return b == -1 ? static_cast<int64_t>(0 - x) : a / b;
  };
  const auto remainder = [&]() -> int64_t {
    if (is_unsigned) return static_cast<int64_t>(x % y);
    return b == -1 ? 0 : a % b;
  };
  const bool divides = op == MicroOp::k_div || op == MicroOp::k_truncdiv || op == MicroOp::k_floordiv ||
                       op == MicroOp::k_mod || op == MicroOp::k_floormod;
  if (divides && b == 0) return invalid_argument("Integer division by zero");
  const int bits = static_cast<int>(dtype_size(t) * 8);
  const int shift = less(b, 0) ? 0 : less(b, bits) ? static_cast<int>(b) : bits - 1;
  switch (op) {
    case MicroOp::k_add: return result(x + y);
    case MicroOp::k_sub: return result(x - y);
    case MicroOp::k_mul: return result(x * y);
    case MicroOp::k_div:
    case MicroOp::k_truncdiv: return result(quotient());
    case MicroOp::k_div_no_nan: return result(b == 0 ? 0 : quotient());
    case MicroOp::k_mul_no_nan: return result(b == 0 ? 0 : x * y);
    case MicroOp::k_floordiv: {
      const bool adjust = !is_unsigned && remainder() != 0 && (a < 0) != (b < 0);
      return result(quotient() - (adjust ? 1 : 0));
    }
    case MicroOp::k_mod: return result(remainder());
    case MicroOp::k_floormod: {
      const bool adjust = !is_unsigned && remainder() != 0 && (remainder() < 0) != (b < 0);
      return result(remainder() + (adjust ? b : 0));
    }
    case MicroOp::k_pow: {
      if (less(b, 0)) return invalid_argument("Integers to negative integer powers are not allowed");
      uint64_t r = 1;
      for (uint64_t i = 0; i < y; ++i) r *= x;
      return result(r);
    }
    case MicroOp::k_minimum: return result(less(b, a) ? b : a);
    case MicroOp::k_maximum: return result(less(a, b) ? b : a);
    case MicroOp::k_squared_difference: return result((x - y) * (x - y));
    case MicroOp::k_fma: return result(x * y + z);
    case MicroOp::k_neg: return result(0 - x);
    case MicroOp::k_abs: return result(less(a, 0) ? 0 - x : x);
    case MicroOp::k_sign: return result(static_cast<int>(less(0, a)) - static_cast<int>(less(a, 0)));
    case MicroOp::k_square: return result(x * x);
    case MicroOp::k_floor:
    case MicroOp::k_ceil:
    case MicroOp::k_round:
    case MicroOp::k_rint: return result(a);
    case MicroOp::k_eq: return boolean(a == b);
    case MicroOp::k_ne: return boolean(a != b);
    case MicroOp::k_lt: return boolean(less(a, b));
    case MicroOp::k_le: return boolean(!less(b, a));
    case MicroOp::k_gt: return boolean(less(b, a));
    case MicroOp::k_ge: return boolean(!less(a, b));
    case MicroOp::k_logical_and:
    case MicroOp::k_bit_and: return result(x & y);
    case MicroOp::k_logical_or:
    case MicroOp::k_bit_or: return result(x | y);
    case MicroOp::k_bit_xor: return result(x ^ y);
    case MicroOp::k_bit_not: return result(~x);
    case MicroOp::k_logical_not: return result(a == 0);
    case MicroOp::k_shift_left: return result(x << shift);
    case MicroOp::k_shift_right: return result(is_unsigned ? static_cast<int64_t>(x >> shift) : a >> shift);
    default: return unimplemented("ref has no ", micro_op_name(op), " on integers");
  }
}

Result<Number> complex(MicroOp op, Complex x, Complex y, Complex z) {
  switch (op) {
    case MicroOp::k_add: return of(x + y);
    case MicroOp::k_sub: return of(x - y);
    case MicroOp::k_mul: return of(x * y);
    case MicroOp::k_div: return of(x / y);
    case MicroOp::k_div_no_nan: return of(y == 0.0 ? 0.0 : x / y);
    case MicroOp::k_mul_no_nan: return of(y == 0.0 ? 0.0 : x * y);
    case MicroOp::k_xdivy: return of(x == 0.0 ? 0.0 : x / y);
    case MicroOp::k_xlogy: return of(x == 0.0 ? 0.0 : x * std::log(y));
    case MicroOp::k_pow: return of(std::pow(x, y));
    case MicroOp::k_squared_difference: return of((x - y) * std::conj(x - y));
    case MicroOp::k_fma: return of(x * y + z);
    case MicroOp::k_neg: return of(-x);
    case MicroOp::k_square: return of(x * x);
    case MicroOp::k_reciprocal: return of(1.0 / x);
    case MicroOp::k_sign: return of(x == 0.0 ? 0.0 : x / std::abs(x));
    case MicroOp::k_sqrt: return of(std::sqrt(x));
    case MicroOp::k_rsqrt: return of(1.0 / std::sqrt(x));
    case MicroOp::k_exp: return of(std::exp(x));
    case MicroOp::k_expm1: return of(std::exp(x) - 1.0);
    case MicroOp::k_log: return of(std::log(x));
    case MicroOp::k_log1p: return of(std::log(1.0 + x));
    case MicroOp::k_sin: return of(std::sin(x));
    case MicroOp::k_cos: return of(std::cos(x));
    case MicroOp::k_tan: return of(std::tan(x));
    case MicroOp::k_asin: return of(std::asin(x));
    case MicroOp::k_acos: return of(std::acos(x));
    case MicroOp::k_atan: return of(std::atan(x));
    case MicroOp::k_sinh: return of(std::sinh(x));
    case MicroOp::k_cosh: return of(std::cosh(x));
    case MicroOp::k_tanh: return of(std::tanh(x));
    case MicroOp::k_asinh: return of(std::asinh(x));
    case MicroOp::k_acosh: return of(std::acosh(x));
    case MicroOp::k_atanh: return of(std::atanh(x));
    case MicroOp::k_sigmoid: return of(1.0 / (1.0 + std::exp(-x)));
    case MicroOp::k_conj: return of(std::conj(x));
    case MicroOp::k_real: return real(x.real());
    case MicroOp::k_imag: return real(x.imag());
    case MicroOp::k_abs: return real(std::abs(x));
    case MicroOp::k_angle: return real(std::arg(x));
    case MicroOp::k_eq: return boolean(x == y);
    case MicroOp::k_ne: return boolean(x != y);
    default: return unimplemented("ref has no ", micro_op_name(op), " on complex numbers");
  }
}

Number cast(const Number& v, DType from, DType to) {
  const bool whole_from = is_integer(from) || from == DType::kBool;
  if (to == DType::kBool) return boolean(whole_from ? v.integer != 0 : v.re != 0);
  if (is_integer(to)) {
    if (whole_from) return v;
    // Negative numbers wrap around; their direct conversion to an unsigned type is undefined.
    if (to == DType::kUint64 && v.re >= 0x1p63) return {0, 0, static_cast<int64_t>(static_cast<uint64_t>(v.re))};
    return {0, 0, static_cast<int64_t>(v.re)};
  }
  if (!whole_from) return {v.re, is_complex(to) ? v.im : 0, 0};
  return real(from == DType::kUint64 ? static_cast<double>(static_cast<uint64_t>(v.integer))
                                     : static_cast<double>(v.integer));
}

}  // namespace

Number load(DType t, const void* data, int64_t i) {
  if (t == DType::kBool) return boolean(static_cast<const uint8_t*>(data)[i] != 0);
  Number out;
  visit_number(t, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = static_cast<const T*>(data)[i];
    if constexpr (std::is_integral_v<T>) out.integer = static_cast<int64_t>(v);
    else if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, Complex>)
      out = {v.real(), v.imag(), 0};
    else out.re = static_cast<double>(v);
  });
  return out;
}

void store(DType t, const Number& value, void* data, int64_t i) {
  if (t == DType::kBool) {
    static_cast<uint8_t*>(data)[i] = value.integer != 0;
    return;
  }
  visit_number(t, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T& to = static_cast<T*>(data)[i];
    if constexpr (std::is_integral_v<T>) to = static_cast<T>(value.integer);
    else if constexpr (std::is_same_v<T, std::complex<float>>)
      to = T(static_cast<float>(value.re), static_cast<float>(value.im));
    else if constexpr (std::is_same_v<T, Complex>) to = T(value.re, value.im);
    else if constexpr (std::is_same_v<T, double>) to = value.re;
    else to = T(static_cast<float>(value.re));
  });
}

Status evaluate(const Tape& tape, std::span<const Number> inputs, std::vector<Number>* outputs) {
  std::vector<Number> values(inputs.begin(), inputs.end());
  for (const Tape::Constant& c : tape.constants) {
    values.push_back(is_integer(c.dtype)       ? Number{0, 0, c.integer}
                     : c.dtype == DType::kBool ? boolean(c.value != 0)
                                               : rounded(c.dtype, real(c.value)));
  }
  for (const TapeInst& inst : tape.insts) {
    Number args[3];
    for (int k = 0; k < arity(inst.op); ++k) args[k] = values[inst.args[k]];
    const DType t = tape.value_dtype(inst.args[inst.op == MicroOp::k_select ? 1 : 0]);
    Number out;
    if (inst.op == MicroOp::k_cast) {
      out = cast(args[0], t, inst.dtype);
    } else if (inst.op == MicroOp::k_select) {
      out = args[0].integer ? args[1] : args[2];
    } else if (is_complex(t)) {
      const auto z = [&](int k) { return Complex(args[k].re, args[k].im); };
      TW_ASSIGN_OR_RETURN(out, complex(inst.op, z(0), z(1), z(2)));
    } else if (is_integer(t) || t == DType::kBool) {
      TW_ASSIGN_OR_RETURN(out, integral(inst.op, t, args[0].integer, args[1].integer, args[2].integer));
    } else {
      TW_ASSIGN_OR_RETURN(out, floating(inst.op, args[0].re, args[1].re, args[2].re));
    }
    values.push_back(rounded(inst.dtype, out));
  }
  outputs->clear();
  for (uint16_t v : tape.outputs) outputs->push_back(values[v]);
  return {};
}

Status map(const Tape& tape, std::span<const Tensor> inputs, const Shape& space, std::span<Tensor> outputs) {
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs) shapes.push_back(t.shape());
  std::vector<OperandStrides> strides;
  const IndexSpace index = collapse(space, shapes, &strides);
  std::vector<Number> in(inputs.size()), out;
  for (int64_t i = 0; i < space.num_elements(); ++i) {
    for (size_t k = 0; k < inputs.size(); ++k) {
      in[k] = load(inputs[k].dtype(), inputs[k].raw(), operand_offset(index, strides[k], i));
    }
    TW_RETURN_IF_ERROR(evaluate(tape, in, &out));
    for (size_t k = 0; k < out.size(); ++k) store(outputs[k].dtype(), out[k], outputs[k].raw(), i);
  }
  return {};
}

}  // namespace tw::ref
