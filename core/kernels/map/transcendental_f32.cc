// Transcendental micro-ops on float. The frequent ones run in float lanes (math-inl.h); the others are computed in
// double lanes and rounded once, which makes them right to about half an ulp.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/transcendental_f32.cc"
#include "core/kernels/simd.h"

#include <cmath>

#include "core/kernels/map/loops-inl.h"
#include "core/kernels/map/math-inl.h"
#include "core/kernels/map/micro_ops.h"
#include "core/kernels/map/special.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

TW_VECTOR1(Exp, vexp)
TW_VECTOR1(Expm1, vexpm1)
TW_VECTOR1(Log, vlog)
TW_VECTOR1(Log1p, vlog1p)
TW_VECTOR1(Tanh, vtanh)
TW_VECTOR1(Sigmoid, vsigmoid)
TW_VECTOR1(Softplus, vsoftplus)
TW_VECTOR1(Erf, verf)

struct Xlogy {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V f(D d, V x, V y) {
    return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), hn::Mul(x, vlog(d, y)));
  }
};

// Functions of double lanes. fast(d, x) says whether the lanes are in the range of f; else scalar() computes them.
using D64 = hn::ScalableTag<double>;
using V64 = hn::Vec<D64>;

HWY_INLINE bool always(D64, V64) { return true; }
HWY_INLINE bool small_angle(D64 d, V64 x) { return hn::AllTrue(d, hn::Lt(hn::Abs(x), hn::Set(d, 1e6))); }

// x = q pi/2 + r; `bits` holds q in its low bits.
HWY_INLINE V64 reduce_angle(D64 d, V64 x, hn::VFromD<hn::RebindToSigned<D64>>* bits) {
  const hn::RebindToSigned<D64> di;
  const V64 magic = hn::Set(d, 0x1.8p52);
  const V64 m = hn::MulAdd(x, hn::Set(d, 0.63661977236758134308), magic);
  *bits = hn::BitCast(di, m);
  const V64 q = hn::Sub(m, magic);
  // pi/2 in two parts, the first with enough zero bits that q times it is exact.
  return hn::NegMulAdd(q, hn::Set(d, 6.07710050650619224932e-11),
                       hn::NegMulAdd(q, hn::Set(d, 1.57079632673412561417), x));
}
// sin(r + (q + turn) pi/2).
HWY_INLINE V64 sin_quadrant(D64 d, V64 r, hn::VFromD<hn::RebindToSigned<D64>> q) {
  const hn::RebindToSigned<D64> di;
  constexpr double s[] = {-0.16666666666663814, 0.0083333333310329156, -0.00019841266872067171, 2.7555977373119764e-6,
                          -2.4804383749899738e-8};
  constexpr double c[] = {0.041666666666664627, -0.0013888888887244228, 2.4801585178868211e-5, -2.7556360000924492e-7,
                          2.0699704774520155e-9};
  const V64 z = hn::Mul(r, r);
  const V64 sine = hn::MulAdd(hn::Mul(r, z), polynomial(d, z, s), r);
  const V64 cosine = hn::MulAdd(hn::Mul(z, z), polynomial(d, z, c), hn::NegMulAdd(z, hn::Set(d, 0.5), hn::Set(d, 1.0)));
  const auto odd = hn::RebindMask(d, hn::Eq(hn::And(q, hn::Set(di, 1)), hn::Set(di, 1)));
  const V64 sign = hn::BitCast(d, hn::ShiftLeft<62>(hn::And(q, hn::Set(di, 2))));
  return hn::Xor(hn::IfThenElse(odd, cosine, sine), sign);
}

struct Sin {
  static HWY_INLINE V64 f(D64 d, V64 x) {
    hn::VFromD<hn::RebindToSigned<D64>> q;
    const V64 r = reduce_angle(d, x, &q);
    return sin_quadrant(d, r, q);
  }
  static HWY_INLINE bool fast(D64 d, V64 x) { return small_angle(d, x); }
  static float scalar(float x) { return std::sin(x); }
};
struct Cos {
  static HWY_INLINE V64 f(D64 d, V64 x) {
    const hn::RebindToSigned<D64> di;
    hn::VFromD<hn::RebindToSigned<D64>> q;
    const V64 r = reduce_angle(d, x, &q);
    return sin_quadrant(d, r, hn::Add(q, hn::Set(di, 1)));
  }
  static HWY_INLINE bool fast(D64 d, V64 x) { return small_angle(d, x); }
  static float scalar(float x) { return std::cos(x); }
};
struct Tan {
  static HWY_INLINE V64 f(D64 d, V64 x) {
    const hn::RebindToSigned<D64> di;
    hn::VFromD<hn::RebindToSigned<D64>> q;
    const V64 r = reduce_angle(d, x, &q);
    return hn::Div(sin_quadrant(d, r, q), sin_quadrant(d, r, hn::Add(q, hn::Set(di, 1))));
  }
  static HWY_INLINE bool fast(D64 d, V64 x) { return small_angle(d, x); }
  static float scalar(float x) { return std::tan(x); }
};

HWY_INLINE V64 atan_lanes(D64 d, V64 x) {
  constexpr double c[] = {-0.33333333331438779,  0.19999998916343023,  -0.14285612438479525, 0.11107493108352956,
                          -0.090289583018078924, 0.071351820846856521, -0.040429226651597004};
  const V64 one = hn::Set(d, 1.0);
  const V64 a = hn::Abs(x);
  // Into [0, tan(pi/8)] by the differences to pi/4 and pi/2.
  const auto large = hn::Gt(a, hn::Set(d, 2.414213562373095));
  const auto middle = hn::AndNot(large, hn::Gt(a, hn::Set(d, 0.41421356237309503)));
  V64 t = hn::IfThenElse(middle, hn::Div(hn::Sub(a, one), hn::Add(a, one)), a);
  t = hn::IfThenElse(large, hn::Div(hn::Set(d, -1.0), a), t);
  V64 base = hn::IfThenElseZero(middle, hn::Set(d, 0.78539816339744831));
  base = hn::IfThenElse(large, hn::Set(d, 1.5707963267948966), base);
  const V64 z = hn::Mul(t, t);
  return hn::CopySign(hn::Add(base, hn::MulAdd(hn::Mul(t, z), polynomial(d, z, c), t)), x);
}
HWY_INLINE V64 asin_lanes(D64 d, V64 x) {
  const V64 one = hn::Set(d, 1.0);
  return atan_lanes(d, hn::Div(x, hn::Sqrt(hn::Mul(hn::Sub(one, x), hn::Add(one, x)))));
}
#define TW_DOUBLE_LANES(name, function, expression)                    \
  struct name {                                                        \
    static HWY_INLINE V64 f(D64 d, V64 x) { return expression; }       \
    static HWY_INLINE bool fast(D64 d, V64 x) { return always(d, x); } \
    static float scalar(float x) { return function(x); }               \
  };
TW_DOUBLE_LANES(Atan, std::atan, atan_lanes(d, x))
TW_DOUBLE_LANES(Asin, std::asin, asin_lanes(d, x))
TW_DOUBLE_LANES(Acos, std::acos, hn::Sub(hn::Set(d, 1.5707963267948966), asin_lanes(d, x)))

HWY_INLINE V64 sinh_lanes(D64 d, V64 x) {
  // Beyond the floats, and yet a number.
  const V64 e = vexpm1(d, hn::Min(hn::Abs(x), hn::Set(d, 200.0)));
  const V64 one = hn::Set(d, 1.0);
  const V64 y = hn::Mul(hn::Set(d, 0.5), hn::Add(e, hn::Div(e, hn::Add(e, one))));
  return hn::CopySign(y, x);
}
HWY_INLINE V64 cosh_lanes(D64 d, V64 x) {
  const V64 e = vexp(d, hn::Abs(x));
  return hn::Mul(hn::Set(d, 0.5), hn::Add(e, hn::Div(hn::Set(d, 1.0), e)));
}
HWY_INLINE V64 asinh_lanes(D64 d, V64 x) {
  const V64 a = hn::Abs(x), one = hn::Set(d, 1.0);
  const V64 root = hn::Sqrt(hn::MulAdd(a, a, one));
  return hn::CopySign(vlog1p(d, hn::Add(a, hn::Div(hn::Mul(a, a), hn::Add(one, root)))), x);
}
HWY_INLINE V64 acosh_lanes(D64 d, V64 x) {
  const V64 t = hn::Sub(x, hn::Set(d, 1.0));
  return vlog1p(d, hn::Add(t, hn::Sqrt(hn::MulAdd(t, t, hn::Add(t, t)))));
}
HWY_INLINE V64 atanh_lanes(D64 d, V64 x) {
  const V64 a = hn::Abs(x);
  const V64 y = vlog1p(d, hn::Div(hn::Add(a, a), hn::Sub(hn::Set(d, 1.0), a)));
  return hn::CopySign(hn::Mul(hn::Set(d, 0.5), y), x);
}
#define TW_FINITE_LANES(name, function, lanes)                                                                 \
  struct name {                                                                                                \
    static HWY_INLINE V64 f(D64 d, V64 x) { return lanes(d, x); }                                              \
    static HWY_INLINE bool fast(D64 d, V64 x) { return hn::AllTrue(d, hn::Lt(hn::Abs(x), hn::Set(d, 1e38))); } \
    static float scalar(float x) { return function(x); }                                                       \
  };
TW_FINITE_LANES(Sinh, std::sinh, sinh_lanes)
TW_FINITE_LANES(Cosh, std::cosh, cosh_lanes)
TW_FINITE_LANES(Asinh, std::asinh, asinh_lanes)
TW_FINITE_LANES(Acosh, std::acosh, acosh_lanes)
TW_FINITE_LANES(Atanh, std::atanh, atanh_lanes)

template <class F>
void double_block1(const void* a, const void*, const void*, void* out, size_t n) {
  const D64 d;
  const hn::Rebind<float, D64> df;
  const size_t lanes = hn::Lanes(d);
  const float* x = static_cast<const float*>(a);
  float* o = static_cast<float*>(out);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V64 v = hn::PromoteTo(d, hn::LoadU(df, x + i));
    if (HWY_LIKELY(F::fast(d, v))) {
      hn::StoreU(hn::DemoteTo(df, F::f(d, v)), df, o + i);
    } else {
      for (size_t j = i; j < i + lanes; ++j) o[j] = F::scalar(x[j]);
    }
  }
  if (i == n) return;
  HWY_ALIGN float tail[HWY_MAX_BYTES / sizeof(double)] = {};
  for (size_t j = i; j < n; ++j) tail[j - i] = x[j];
  const V64 v = hn::PromoteTo(d, hn::Load(df, tail));
  if (HWY_LIKELY(F::fast(d, v))) {
    hn::Store(hn::DemoteTo(df, F::f(d, v)), df, tail);
    for (size_t j = i; j < n; ++j) o[j] = tail[j - i];
  } else {
    for (size_t j = i; j < n; ++j) o[j] = F::scalar(x[j]);
  }
}

// x^y = exp(y ln(x)) for positive finite x and finite y; the special cases go to std::pow.
void pow_block(const void* a, const void* b, const void*, void* out, size_t n) {
  const D64 d;
  const hn::Rebind<float, D64> df;
  const size_t lanes = hn::Lanes(d);
  const float* x = static_cast<const float*>(a);
  const float* y = static_cast<const float*>(b);
  float* o = static_cast<float*>(out);
  const V64 tiny = hn::Set(d, 1e-40), huge = hn::Set(d, 1e39);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V64 u = hn::PromoteTo(d, hn::LoadU(df, x + i)), v = hn::PromoteTo(d, hn::LoadU(df, y + i));
    const auto regular = hn::And(hn::And(hn::Gt(u, tiny), hn::Lt(u, huge)), hn::Lt(hn::Abs(v), huge));
    if (HWY_LIKELY(hn::AllTrue(d, regular))) {
      const V64 p = hn::Mul(v, log_core(d, u, hn::Zero(d)));
      hn::StoreU(hn::DemoteTo(df, vexp(d, hn::Min(hn::Max(p, hn::Set(d, -200.0)), hn::Set(d, 200.0)))), df, o + i);
    } else {
      for (size_t j = i; j < i + lanes; ++j) o[j] = std::pow(x[j], y[j]);
    }
  }
  for (; i < n; ++i) o[i] = std::pow(x[i], y[i]);
}

TW_OP2(Atan2, std::atan2(x, y))
TW_OP1(Erfc, std::erfc(x))
TW_OP1(Lgamma, static_cast<float>(special::lgamma(x)))
TW_OP1(Digamma, static_cast<float>(special::digamma(x)))

}  // namespace

BlockFn get_transcendental_f32(MicroOp op) {
  switch (op) {
    case MicroOp::k_exp: return vector_block1<Exp, float>;
    case MicroOp::k_expm1: return vector_block1<Expm1, float>;
    case MicroOp::k_log: return vector_block1<Log, float>;
    case MicroOp::k_log1p: return vector_block1<Log1p, float>;
    case MicroOp::k_tanh: return vector_block1<Tanh, float>;
    case MicroOp::k_sigmoid: return vector_block1<Sigmoid, float>;
    case MicroOp::k_softplus: return vector_block1<Softplus, float>;
    case MicroOp::k_erf: return vector_block1<Erf, float>;
    case MicroOp::k_xlogy: return vector_block2<Xlogy, float>;
    case MicroOp::k_sin: return double_block1<Sin>;
    case MicroOp::k_cos: return double_block1<Cos>;
    case MicroOp::k_tan: return double_block1<Tan>;
    case MicroOp::k_atan: return double_block1<Atan>;
    case MicroOp::k_asin: return double_block1<Asin>;
    case MicroOp::k_acos: return double_block1<Acos>;
    case MicroOp::k_sinh: return double_block1<Sinh>;
    case MicroOp::k_cosh: return double_block1<Cosh>;
    case MicroOp::k_asinh: return double_block1<Asinh>;
    case MicroOp::k_acosh: return double_block1<Acosh>;
    case MicroOp::k_atanh: return double_block1<Atanh>;
    case MicroOp::k_pow: return pow_block;
    case MicroOp::k_atan2: return block2<Atan2, float>;
    case MicroOp::k_erfc: return block1<Erfc, float>;
    case MicroOp::k_lgamma: return block1<Lgamma, float>;
    case MicroOp::k_digamma: return block1<Digamma, float>;
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_transcendental_f32);
BlockFn micro::find_transcendental_f32(MicroOp op) { return HWY_DYNAMIC_DISPATCH(get_transcendental_f32)(op); }
}  // namespace tw
#endif
