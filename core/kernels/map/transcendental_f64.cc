// Transcendental micro-ops on double: those of math-inl.h in lanes, the others from <cmath>.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/map/transcendental_f64.cc"
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
TW_OP1(Sin, std::sin(x))
TW_OP1(Cos, std::cos(x))
TW_OP1(Tan, std::tan(x))
TW_OP1(Asin, std::asin(x))
TW_OP1(Acos, std::acos(x))
TW_OP1(Atan, std::atan(x))
TW_OP1(Sinh, std::sinh(x))
TW_OP1(Cosh, std::cosh(x))
TW_OP1(Asinh, std::asinh(x))
TW_OP1(Acosh, std::acosh(x))
TW_OP1(Atanh, std::atanh(x))
TW_OP1(Erf, std::erf(x))
TW_OP1(Erfc, std::erfc(x))
TW_OP1(Lgamma, special::lgamma(x))
TW_OP1(Digamma, special::digamma(x))
TW_OP2(Pow, std::pow(x, y))
TW_OP2(Atan2, std::atan2(x, y))
TW_OP2(Xlogy, x == T(0) ? T(0) : x * std::log(y))

}  // namespace

BlockFn get_transcendental_f64(MicroOp op) {
  switch (op) {
    case MicroOp::k_exp: return vector_block1<Exp, double>;
    case MicroOp::k_expm1: return vector_block1<Expm1, double>;
    case MicroOp::k_log: return vector_block1<Log, double>;
    case MicroOp::k_log1p: return vector_block1<Log1p, double>;
    case MicroOp::k_tanh: return vector_block1<Tanh, double>;
    case MicroOp::k_sigmoid: return vector_block1<Sigmoid, double>;
    case MicroOp::k_softplus: return vector_block1<Softplus, double>;
    case MicroOp::k_sin: return block1<Sin, double>;
    case MicroOp::k_cos: return block1<Cos, double>;
    case MicroOp::k_tan: return block1<Tan, double>;
    case MicroOp::k_asin: return block1<Asin, double>;
    case MicroOp::k_acos: return block1<Acos, double>;
    case MicroOp::k_atan: return block1<Atan, double>;
    case MicroOp::k_sinh: return block1<Sinh, double>;
    case MicroOp::k_cosh: return block1<Cosh, double>;
    case MicroOp::k_asinh: return block1<Asinh, double>;
    case MicroOp::k_acosh: return block1<Acosh, double>;
    case MicroOp::k_atanh: return block1<Atanh, double>;
    case MicroOp::k_erf: return block1<Erf, double>;
    case MicroOp::k_erfc: return block1<Erfc, double>;
    case MicroOp::k_lgamma: return block1<Lgamma, double>;
    case MicroOp::k_digamma: return block1<Digamma, double>;
    case MicroOp::k_pow: return block2<Pow, double>;
    case MicroOp::k_atan2: return block2<Atan2, double>;
    case MicroOp::k_xlogy: return block2<Xlogy, double>;
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_transcendental_f64);
BlockFn micro::find_transcendental_f64(MicroOp op) { return HWY_DYNAMIC_DISPATCH(get_transcendental_f64)(op); }
}  // namespace tw
#endif
