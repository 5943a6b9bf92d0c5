// Micro-ops on complex numbers. Products and quotients are the plain formulas, which the compiler can vectorise; the
// library's versions rescue overflows at many times the cost.
#ifndef TW_RARE_TYPES
#define TW_RARE_TYPES
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/complex.cc"
#include "core/kernels/simd.h"

#include <cmath>
#include <complex>

#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/micro_ops.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

template <class T>
HWY_INLINE T times(T x, T y) {
  return T(x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real());
}
template <class T>
HWY_INLINE T over(T x, T y) {
  const auto norm = y.real() * y.real() + y.imag() * y.imag();
  const T p = times(x, T(y.real(), -y.imag()));
  return T(p.real() / norm, p.imag() / norm);
}
template <class T>
HWY_INLINE T unit(T x) {
  const auto a = std::abs(x);
  return a == 0 ? T(0) : T(x.real() / a, x.imag() / a);
}

TW_OP2(CAdd, T(x.real() + y.real(), x.imag() + y.imag()))
TW_OP2(CSub, T(x.real() - y.real(), x.imag() - y.imag()))
TW_OP2(CMul, times(x, y))
TW_OP2(CDiv, over(x, y))
TW_OP2(CDivNoNan, y == T(0) ? T(0) : over(x, y))
TW_OP2(CMulNoNan, y == T(0) ? T(0) : times(x, y))
TW_OP2(CXdivy, x == T(0) ? T(0) : over(x, y))
TW_OP2(CXlogy, x == T(0) ? T(0) : times(x, std::log(y)))
TW_OP2(CPow, std::pow(x, y))
TW_OP2(CSquaredDifference, T(std::norm(x - y)))
TW_OP3(CFma, times(x, y) + z)
TW_OP1(CNeg, -x)
TW_OP1(CSquare, times(x, x))
TW_OP1(CReciprocal, over(T(1), x))
TW_OP1(CSign, unit(x))
TW_OP1(CSqrt, std::sqrt(x))
TW_OP1(CRsqrt, over(T(1), std::sqrt(x)))
TW_OP1(CExp, std::exp(x))
TW_OP1(CExpm1, std::exp(x) - T(1))
TW_OP1(CLog, std::log(x))
TW_OP1(CLog1p, std::log(T(1) + x))
TW_OP1(CSin, std::sin(x))
TW_OP1(CCos, std::cos(x))
TW_OP1(CTan, std::tan(x))
TW_OP1(CAsin, std::asin(x))
TW_OP1(CAcos, std::acos(x))
TW_OP1(CAtan, std::atan(x))
TW_OP1(CSinh, std::sinh(x))
TW_OP1(CCosh, std::cosh(x))
TW_OP1(CTanh, std::tanh(x))
TW_OP1(CAsinh, std::asinh(x))
TW_OP1(CAcosh, std::acosh(x))
TW_OP1(CAtanh, std::atanh(x))
TW_OP1(CSigmoid, over(T(1), T(1) + std::exp(-x)))
TW_OP1(CConj, T(x.real(), -x.imag()))
TW_OP1(CReal, x.real())
TW_OP1(CImag, x.imag())
TW_OP1(CAbs, std::abs(x))
TW_OP1(CAngle, std::arg(x))
TW_OP2(CEq, uint8_t(x == y))
TW_OP2(CNe, uint8_t(x != y))
TW_OP2(MakeComplex, std::complex<T>(x, y))

template <class R>
BlockFn complex_of(MicroOp op, bool complex_result) {
  using T = std::complex<R>;
  switch (op) {
    case MicroOp::k_add: return block2<CAdd, T>;
    case MicroOp::k_sub: return block2<CSub, T>;
    case MicroOp::k_mul: return block2<CMul, T>;
    case MicroOp::k_div: return block2<CDiv, T>;
    case MicroOp::k_div_no_nan: return block2<CDivNoNan, T>;
    case MicroOp::k_mul_no_nan: return block2<CMulNoNan, T>;
    case MicroOp::k_xdivy: return block2<CXdivy, T>;
    case MicroOp::k_xlogy: return block2<CXlogy, T>;
    case MicroOp::k_pow: return block2<CPow, T>;
    case MicroOp::k_squared_difference: return block2<CSquaredDifference, T>;
    case MicroOp::k_fma: return block3<CFma, T>;
    case MicroOp::k_neg: return block1<CNeg, T>;
    case MicroOp::k_square: return block1<CSquare, T>;
    case MicroOp::k_reciprocal: return block1<CReciprocal, T>;
    case MicroOp::k_sign: return block1<CSign, T>;
    case MicroOp::k_sqrt: return block1<CSqrt, T>;
    case MicroOp::k_rsqrt: return block1<CRsqrt, T>;
    case MicroOp::k_exp: return block1<CExp, T>;
    case MicroOp::k_expm1: return block1<CExpm1, T>;
    case MicroOp::k_log: return block1<CLog, T>;
    case MicroOp::k_log1p: return block1<CLog1p, T>;
    case MicroOp::k_sin: return block1<CSin, T>;
    case MicroOp::k_cos: return block1<CCos, T>;
    case MicroOp::k_tan: return block1<CTan, T>;
    case MicroOp::k_asin: return block1<CAsin, T>;
    case MicroOp::k_acos: return block1<CAcos, T>;
    case MicroOp::k_atan: return block1<CAtan, T>;
    case MicroOp::k_sinh: return block1<CSinh, T>;
    case MicroOp::k_cosh: return block1<CCosh, T>;
    case MicroOp::k_tanh: return block1<CTanh, T>;
    case MicroOp::k_asinh: return block1<CAsinh, T>;
    case MicroOp::k_acosh: return block1<CAcosh, T>;
    case MicroOp::k_atanh: return block1<CAtanh, T>;
    case MicroOp::k_sigmoid: return block1<CSigmoid, T>;
    case MicroOp::k_conj: return block1<CConj, T>;
    case MicroOp::k_real: return block1<CReal, T, R>;
    case MicroOp::k_imag: return block1<CImag, T, R>;
    case MicroOp::k_angle: return block1<CAngle, T, R>;
    case MicroOp::k_abs: return complex_result ? nullptr : BlockFn(block1<CAbs, T, R>);
    case MicroOp::k_eq: return block2<CEq, T, uint8_t>;
    case MicroOp::k_ne: return block2<CNe, T, uint8_t>;
    default: return nullptr;
  }
}

}  // namespace

BlockFn get_complex(MicroOp op, DType operand, DType result) {
  if (op == MicroOp::k_make_complex) {
    if (operand == DType::kFloat && result == DType::kComplex64) return block2<MakeComplex, float, std::complex<float>>;
    if (operand == DType::kDouble && result == DType::kComplex128) {
      return block2<MakeComplex, double, std::complex<double>>;
    }
    return nullptr;
  }
  if (operand == DType::kComplex64) return complex_of<float>(op, is_complex(result));
  return operand == DType::kComplex128 ? complex_of<double>(op, is_complex(result)) : nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_complex);
BlockFn micro::find_complex(MicroOp op, DType operand, DType result) {
  return HWY_DYNAMIC_DISPATCH(get_complex)(op, operand, result);
}
}  // namespace tw
#endif
