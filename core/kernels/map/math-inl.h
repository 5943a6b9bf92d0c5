// Vector math for float and double: exponentials, logarithms and what follows from them. The polynomials are our own
// Chebyshev fits. Worst errors found by the tests over each range: exp, log, log1p, expm1, erf 2 ulp; tanh, sigmoid,
// softplus 3 ulp. Subnormal arguments and results, infinities and NaN come out as in <cmath>.
#if defined(CORE_KERNELS_MAP_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CORE_KERNELS_MAP_MATH_INL_H_
#undef CORE_KERNELS_MAP_MATH_INL_H_
#else
#define CORE_KERNELS_MAP_MATH_INL_H_
#endif

#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/kernels/part-inl.h"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// c[0] + c[1] x + c[2] x^2 + ...
template <class D, class V, class T, size_t N>
HWY_INLINE V polynomial(D d, V x, const T (&c)[N]) {
  V y = hn::Set(d, c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) y = hn::MulAdd(y, x, hn::Set(d, c[i]));
  return y;
}

template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  using Int = int32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr Int kBias = 127;
  static constexpr float kMagic = 0x1.8p23f;  // adding it leaves the nearest integer in the low mantissa bits
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  static constexpr float kExpLow = -105.f, kExpHigh = 90.f, kExpm1Low = -18.f;
  static constexpr Int kSqrtHalf = 0x3f3504f3;
  static constexpr float kSubnormalScale = 0x1p24f, kSubnormalExponent = 24.f;
};
template <>
struct FloatFormat<double> {
  using Int = int64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr Int kBias = 1023;
  static constexpr double kMagic = 0x1.8p52;
  static constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kExpLow = -747., kExpHigh = 711., kExpm1Low = -40.;
  static constexpr Int kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kSubnormalScale = 0x1p54, kSubnormalExponent = 54.;
};

// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2.
template <class D, class V>
HWY_INLINE V exp_tail(D d, V r) {
  if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
    constexpr float c[] = {0.5f, 0.166665734f, 0.0416665501f, 0.00836377387f, 0.00139269266f};
    return polynomial(d, r, c);
  } else {
    constexpr double c[] = {0.5,
                            0.16666666666666671,
                            0.04166666666666667,
                            0.0083333333333255447,
                            0.0013888888888883327,
                            0.00019841269876864355,
                            2.4801587327007187e-5,
                            2.755725283351691e-6,
                            2.75572718102198e-7,
                            2.5106274733573295e-8,
                            2.0915442297780115e-9};
    return polynomial(d, r, c);
  }
}

// 2^k for integral k held as the float k + kMagic; the exponent must be that of a normal number.
template <class D, class V>
HWY_INLINE V power_of_two(D d, V magic_k) {
  using F = FloatFormat<hn::TFromD<D>>;
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<F::kMantissaBits>(hn::Add(hn::BitCast(di, magic_k), hn::Set(di, F::kBias))));
}

// x = k ln(2) + r for the integer k nearest to x / ln(2); k + kMagic.
template <class D, class V>
HWY_INLINE V exp_reduce(D d, V x, V* r) {
  using F = FloatFormat<hn::TFromD<D>>;
  const V magic = hn::Set(d, F::kMagic);
  const V magic_k = hn::MulAdd(x, hn::Set(d, hn::TFromD<D>(1.44269504088896340736)), magic);
  const V k = hn::Sub(magic_k, magic);
  *r = hn::NegMulAdd(k, hn::Set(d, F::kLn2Low), hn::NegMulAdd(k, hn::Set(d, F::kLn2High), x));
  return magic_k;
}

// About half of k, both held with kMagic added: 2^k is the product of two factors where k may be outside of the normal
// exponents.
template <class D, class V>
HWY_INLINE V half_of(D d, V magic_k) {
  using F = FloatFormat<hn::TFromD<D>>;
  const V magic = hn::Set(d, F::kMagic);
  return hn::MulAdd(hn::Sub(magic_k, magic), hn::Set(d, hn::TFromD<D>(0.5)), magic);
}

// x within bounds, and NaN as it is: of two operands of which one is NaN, x86's instructions give the second.
template <class D, class V>
HWY_INLINE V clamp_or_nan(D d, V x, hn::TFromD<D> low, hn::TFromD<D> high) {
#if HWY_ARCH_X86
  return hn::Min(hn::Set(d, high), hn::Max(hn::Set(d, low), x));
#else
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Min(hn::Max(x, hn::Set(d, low)), hn::Set(d, high)));
#endif
}

// y 2^k, also where that is infinite or subnormal.
#if HWY_TARGET <= HWY_AVX3
template <class D>
HWY_INLINE hn::Vec512<float> scale_by(D d, hn::Vec512<float> y, hn::Vec512<float> magic_k) {
  return {_mm512_scalef_ps(y.raw, hn::Sub(magic_k, hn::Set(d, FloatFormat<float>::kMagic)).raw)};
}
template <class D>
HWY_INLINE hn::Vec512<double> scale_by(D d, hn::Vec512<double> y, hn::Vec512<double> magic_k) {
  return {_mm512_scalef_pd(y.raw, hn::Sub(magic_k, hn::Set(d, FloatFormat<double>::kMagic)).raw)};
}
#endif
template <class D, class V>
HWY_INLINE V scale_by(D d, V y, V magic_k) {
  using F = FloatFormat<hn::TFromD<D>>;
  const V half = half_of(d, magic_k), magic = hn::Set(d, F::kMagic);
  const V rest = hn::Add(hn::Sub(magic_k, half), magic);
  return hn::Mul(hn::Mul(y, power_of_two(d, half)), power_of_two(d, rest));
}

// e^r for |r| <= ln(2) / 2.
template <class D, class V>
HWY_INLINE V exp_core(D d, V r) {
  const V one = hn::Set(d, hn::TFromD<D>(1));
  return hn::MulAdd(r, hn::MulAdd(r, exp_tail(d, r), one), one);
}

template <class D, class V>
HWY_INLINE V vexp(D d, V x) {
  using F = FloatFormat<hn::TFromD<D>>;
  V r;
  const V k = exp_reduce(d, clamp_or_nan(d, x, F::kExpLow, F::kExpHigh), &r);
  return scale_by(d, exp_core(d, r), k);
}

// e^x for x <= 0, as softmax has it after the maximum was taken off: one scale factor; 0 where the result would be
// subnormal. NaN stays NaN.
template <class D, class V>
HWY_INLINE V vexp_negative(D d, V x) {
  using T = hn::TFromD<D>;
  const V least = hn::Set(d, std::is_same_v<T, float> ? T(-87) : T(-708));
  V r;
  const V k = exp_reduce(d, x, &r);
  return hn::IfThenZeroElse(hn::Lt(x, least), hn::Mul(exp_core(d, r), power_of_two(d, k)));
}

template <class D, class V>
HWY_INLINE V vexpm1(D d, V x) {
  using T = hn::TFromD<D>;
  using F = FloatFormat<T>;
  V r;
  const V k = exp_reduce(d, clamp_or_nan(d, x, F::kExpm1Low, F::kExpHigh), &r);
  const V half = half_of(d, k), magic = hn::Set(d, F::kMagic);
  const V rest = hn::Add(hn::Sub(k, half), magic);
  const V s1 = power_of_two(d, half), s2 = power_of_two(d, rest);
  const V inverse = power_of_two(d, hn::Sub(hn::Set(d, 2 * F::kMagic), rest));  // 1 / s2
  const V p = hn::MulAdd(hn::Mul(r, r), exp_tail(d, r), r);
  const V y = hn::Mul(hn::MulAdd(p, s1, hn::Sub(s1, inverse)), s2);
  // A zero keeps its sign.
  return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
}

// ln(x) + correction for positive finite x; other x give garbage.
template <class D, class V>
HWY_INLINE V log_core(D d, V x, V correction) {
  using T = hn::TFromD<D>;
  using F = FloatFormat<T>;
  using Int = typename F::Int;
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  constexpr Int kOne = F::kBias << F::kMantissaBits;
  const auto subnormal = hn::Lt(x, hn::Set(d, std::numeric_limits<T>::min()));
  x = hn::IfThenElse(subnormal, hn::Mul(x, hn::Set(d, F::kSubnormalScale)), x);
  // Biased exponent and mantissa, the mantissa in [sqrt(1/2), sqrt(2)).
  const auto bits = hn::BitCast(di, x);
  const auto shifted = hn::Add(bits, hn::Set(di, kOne - F::kSqrtHalf));
  const auto e = hn::BitCast(di, hn::ShiftRight<F::kMantissaBits>(hn::BitCast(du, shifted)));
  const V m = hn::BitCast(d, hn::Sub(hn::Add(bits, hn::Set(di, kOne)), hn::ShiftLeft<F::kMantissaBits>(e)));
  constexpr T kExponentBase = std::is_same_v<T, float> ? T(0x1p23) : T(0x1p52);
  const auto base = hn::BitCast(di, hn::Set(d, kExponentBase));
  V k = hn::Sub(hn::BitCast(d, hn::Or(e, base)), hn::Set(d, kExponentBase + T(F::kBias)));
  k = hn::Sub(k, hn::IfThenElseZero(subnormal, hn::Set(d, F::kSubnormalExponent)));

  // ln(1 + f) = 2 atanh(s) with s = f / (2 + f).
  const V f = hn::Sub(m, hn::Set(d, T(1)));
  const V s = hn::Div(f, hn::Add(f, hn::Set(d, T(2))));
  const V z = hn::Mul(s, s);
  V series;
  if constexpr (std::is_same_v<T, float>) {
    constexpr float c[] = {0.666666666f, 0.400001239f, 0.28550587f, 0.23336811f};
    series = polynomial(d, z, c);
  } else {
    constexpr double c[] = {0.66666666666666698, 0.3999999999989607,  0.28571428627528796, 0.22222210881932927,
                            0.18182907497671218, 0.15331112587960168, 0.14623956608211879};
    series = polynomial(d, z, c);
  }
  // f - s (f - z series), with the quadratic term f^2 / 2 apart because it is the larger part of the difference.
  const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, T(0.5)));
  const V tail = hn::Mul(s, hn::MulAdd(z, series, half_square));
  const V low = hn::Add(tail, hn::MulAdd(k, hn::Set(d, F::kLn2Low), correction));
  return hn::MulAdd(k, hn::Set(d, F::kLn2High), hn::Sub(f, hn::Sub(half_square, low)));
}

template <class D, class V>
HWY_INLINE V vlog(D d, V x) {
  using T = hn::TFromD<D>;
  const V inf = hn::Set(d, std::numeric_limits<T>::infinity());
  V y = log_core(d, x, hn::Zero(d));
  y = hn::IfThenElse(hn::Eq(x, inf), inf, y);
  y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(inf), y);
  // Negative and NaN: not greater than or equal to zero.
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), y, hn::Set(d, std::numeric_limits<T>::quiet_NaN()));
}

template <class D, class V>
HWY_INLINE V vlog1p(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  const V inf = hn::Set(d, std::numeric_limits<T>::infinity());
  const V u = hn::Add(one, x);
  // What rounding took from u, relative to u.
  const V lost = hn::IfThenElse(hn::Gt(x, one), hn::Sub(one, hn::Sub(u, x)), hn::Sub(x, hn::Sub(u, one)));
  V y = log_core(d, u, hn::Div(lost, u));
  y = hn::IfThenElse(hn::Eq(x, inf), inf, y);
  y = hn::IfThenElse(hn::Eq(u, hn::Zero(d)), hn::Neg(inf), y);
  y = hn::IfThenElse(hn::Ge(u, hn::Zero(d)), y, hn::Set(d, std::numeric_limits<T>::quiet_NaN()));
  // Below half an ulp of 1 the result is x itself, its sign included.
  return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, std::numeric_limits<T>::epsilon() / 4)), x, y);
}

// (e^2a - 1) / (e^2a + 1) of the magnitude a; e^2a - 1 takes one scale factor, since 2a is small.
template <class D, class V>
HWY_INLINE V vtanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = clamp_or_nan(d, hn::Abs(x), T(0), std::is_same_v<T, float> ? T(10) : T(20));
  V r;
  const V k = exp_reduce(d, hn::Add(a, a), &r);
  const V s = power_of_two(d, k), one = hn::Set(d, T(1));
  const V p = hn::MulAdd(hn::Mul(r, r), exp_tail(d, r), r);
  const V e = hn::MulAdd(p, s, hn::Sub(s, one));
  return hn::CopySign(hn::Div(e, hn::Add(e, hn::Set(d, T(2)))), x);
}

template <class D, class V>
HWY_INLINE V vsigmoid(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  const V e = vexp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

template <class D, class V>
HWY_INLINE V vsoftplus(D d, V x) {
  const V tail = vlog1p(d, vexp(d, hn::Neg(hn::Abs(x))));
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Add(hn::Max(x, hn::Zero(d)), tail));
}

// Float only. Below 1 an odd polynomial; above it 1 - exp(-g(x)), with g fitted to -ln(erfc).
template <class D, class V>
HWY_INLINE V verf(D d, V x) {
  constexpr float kInner[] = {0.128379166f,   -0.376126267f,    0.112835947f,  -0.026854212f,
                              0.00518908742f, -0.000801686429f, 7.87587506e-5f};
  constexpr float kOuter[] = {-0.000320914383f, 1.13023672f,      0.631820247f,   0.11008568f,    -0.0264243709f,
                              0.00476074771f,   -0.000597052946f, 4.60874473e-5f, -1.63863732e-6f};
  const V a = hn::Min(hn::Abs(x), hn::Set(d, 4.f));
  const V inner = hn::MulAdd(x, polynomial(d, hn::Mul(x, x), kInner), x);
  const V outer = hn::Sub(hn::Set(d, 1.f), vexp_negative(d, hn::Neg(polynomial(d, a, kOuter))));
  const V y = hn::IfThenElse(hn::Lt(a, hn::Set(d, 1.f)), inner, hn::CopySign(outer, x));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// Block functions over a vector function F::f(d, x). Lanes past the end compute f(1).
template <class F, class T>
void vector_block1(const void* a, const void*, const void*, void* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const T* x = static_cast<const T*>(a);
  T* o = static_cast<T*>(out);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F::f(d, hn::LoadU(d, x + i)), d, o + i);
  if (i < n) store_first(F::f(d, load_first(d, x + i, n - i, T(1))), d, o + i, n - i);
}
template <class F, class T>
void vector_block2(const void* a, const void* b, const void*, void* out, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  T* o = static_cast<T*>(out);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F::f(d, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, o + i);
  if (i < n) {
    const size_t rest = n - i;
    store_first(F::f(d, load_first(d, x + i, rest, T(1)), load_first(d, y + i, rest, T(1))), d, o + i, rest);
  }
}

#define TW_VECTOR1(name, function)           \
  struct name {                              \
    template <class D, class V = hn::Vec<D>> \
    static HWY_INLINE V f(D d, V x) {        \
      return function(d, x);                 \
    }                                        \
  };

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#endif
