// Element-wise ops of one input, and the second derivatives of their fused gradients.
#include <cmath>
#include <numbers>

#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

// --- ops whose gradient is an op of its own, in terms of the output ---
TW_GRADIENT(Sqrt) { v.give(0, call("SqrtGrad", {v.y(), v.dy()})); }
TW_GRADIENT(Rsqrt) { v.give(0, call("RsqrtGrad", {v.y(), v.dy()})); }
TW_GRADIENT(Reciprocal) { v.give(0, call("ReciprocalGrad", {v.y(), v.dy()})); }
TW_GRADIENT(Inv) { v.give(0, call("ReciprocalGrad", {v.y(), v.dy()})); }
TW_GRADIENT(Tanh) { v.give(0, call("TanhGrad", {conj(v.y()), v.dy()})); }
TW_GRADIENT(Sigmoid) { v.give(0, call("SigmoidGrad", {conj(v.y()), v.dy()})); }

// --- powers, exponentials, logarithms ---
TW_GRADIENT(Abs) { v.give(0, v.dy() * call("Sign", {v.x()})); }
TW_GRADIENT(Neg) { v.give(0, -v.dy()); }
TW_GRADIENT(Sign) { v.give(0, zeros_like(v.x())); }
TW_GRADIENT(Square) { v.give(0, v.dy() * (2.0 * conj(v.x()))); }
TW_GRADIENT(Exp) { v.give(0, mul_no_nan(conj(v.y()), v.dy())); }
TW_GRADIENT(Expm1) { v.give(0, mul_no_nan(call("Exp", {conj(v.x())}), v.dy())); }
TW_GRADIENT(Log) { v.give(0, xdivy(v.dy(), conj(v.x()))); }
TW_GRADIENT(Log1p) { v.give(0, xdivy(v.dy(), conj(v.x()) + 1.0)); }

// --- trigonometric and hyperbolic ---
TW_GRADIENT(Sin) { v.give(0, v.dy() * call("Cos", {conj(v.x())})); }
TW_GRADIENT(Cos) { v.give(0, -v.dy() * call("Sin", {conj(v.x())})); }
TW_GRADIENT(Tan) {
  const Val sec = call("Reciprocal", {call("Cos", {conj(v.x())})});
  v.give(0, mul_no_nan(call("Square", {sec}), v.dy()));
}
static Val arc_slope(Vjp& v) {  // dy / sqrt(1 - x^2), zero where dy is
  const Val x = conj(v.x());
  return xdivy(v.dy(), call("Sqrt", {1.0 - call("Square", {x})}));
}
TW_GRADIENT(Asin) { v.give(0, arc_slope(v)); }
TW_GRADIENT(Acos) { v.give(0, -arc_slope(v)); }
TW_GRADIENT(Atan) { v.give(0, v.dy() * call("Reciprocal", {call("Square", {conj(v.x())}) + 1.0})); }
TW_GRADIENT(Sinh) { v.give(0, v.dy() * call("Cosh", {conj(v.x())})); }
TW_GRADIENT(Cosh) { v.give(0, v.dy() * call("Sinh", {conj(v.x())})); }
TW_GRADIENT(Asinh) { v.give(0, v.dy() / call("Cosh", {conj(v.y())})); }
TW_GRADIENT(Acosh) { v.give(0, xdivy(v.dy(), call("Sinh", {conj(v.y())}))); }
TW_GRADIENT(Atanh) { v.give(0, v.dy() * call("Reciprocal", {1.0 - call("Square", {conj(v.x())})})); }

// --- special functions ---
static Val gaussian_slope(Vjp& v) {  // d erf = 2/sqrt(pi) exp(-x^2)
  const Val bell = call("Exp", {-call("Square", {conj(v.x())})});
  return v.dy() * (2.0 / std::sqrt(std::numbers::pi) * bell);
}
TW_GRADIENT(Erf) { v.give(0, gaussian_slope(v)); }
TW_GRADIENT(Erfc) { v.give(0, -gaussian_slope(v)); }
TW_GRADIENT(Lgamma) { v.give(0, mul_no_nan(call("Digamma", {conj(v.x())}), v.dy())); }

// --- second derivatives ---
// y = 1/2 b / conj(a)
TW_GRADIENT(SqrtGrad) {
  const Val ga = xdivy(v.dy(), v.x(0));
  v.give(0, -(mul_no_nan(v.y(), conj(ga))));
  v.give(1, 0.5 * ga);
}
// y = -1/2 b conj(a)^3
TW_GRADIENT(RsqrtGrad) {
  const Val ca = conj(v.x(0));
  v.give(0, -1.5 * (conj(v.dy()) * v.x(1) * call("Square", {ca})));
  v.give(1, call("RsqrtGrad", {ca, v.dy()}));
}
// y = -b conj(a)^2
TW_GRADIENT(ReciprocalGrad) {
  const Val ca = conj(v.x(0));
  v.give(0, -2.0 * (conj(v.dy()) * v.x(1) * ca));
  v.give(1, call("ReciprocalGrad", {ca, v.dy()}));
}
TW_GRADIENT(InvGrad) { backprop_ReciprocalGrad(v); }
// y = b (1 - a^2)
TW_GRADIENT(TanhGrad) {
  const Val a = conj(v.x(0));
  v.give(0, -2.0 * (v.dy() * conj(v.x(1)) * a));
  v.give(1, call("TanhGrad", {a, v.dy()}));
}
// y = b a (1 - a)
TW_GRADIENT(SigmoidGrad) {
  const Val a = conj(v.x(0));
  const Val gb = v.dy() * conj(v.x(1));
  v.give(0, gb - 2.0 * (gb * a));
  v.give(1, call("SigmoidGrad", {a, v.dy()}));
}

// --- complex numbers ---
TW_GRADIENT(Conj) { v.give(0, conj(v.dy())); }
TW_GRADIENT(Real) { v.give(0, call("Complex", {v.dy(), number(v.dy(), 0)}, {{"Tout", v.x().dtype()}})); }
TW_GRADIENT(Imag) { v.give(0, call("Complex", {number(v.dy(), 0), v.dy()}, {{"Tout", v.x().dtype()}})); }
TW_GRADIENT(Complex) {
  const DType part_type = v.x(0).dtype();
  give_broadcast(v, {call("Real", {v.dy()}, {{"Tout", part_type}}), call("Imag", {v.dy()}, {{"Tout", part_type}})});
}
static Val as_complex(Val re, DType t) { return call("Complex", {re, zeros_like(re)}, {{"Tout", t}}); }
TW_GRADIENT(ComplexAbs) {
  const DType t = v.x().dtype();
  v.give(0, call("DivNoNan", {as_complex(v.dy(), t) * v.x(), as_complex(v.y(), t)}));
}
TW_GRADIENT(Angle) {
  const DType t = v.x().dtype(), part_type = v.dy().dtype();
  const Val re = call("Real", {v.x()}, {{"Tout", part_type}}), im = call("Imag", {v.x()}, {{"Tout", part_type}});
  v.give(0, -as_complex(v.dy(), t) * call("Reciprocal", {call("Complex", {im, re}, {{"Tout", t}})}));
}

TW_GRADIENT(Cast) {
  const auto carries = [](DType t) { return is_floating(t) || is_complex(t); };
  if (carries(v.x().dtype()) && carries(v.dy().dtype())) v.give(0, cast(v.dy(), v.x().dtype()));
}
TW_GRADIENT(CheckNumerics) {
  v.give(0, call("CheckNumerics", {v.dy()},
                 {{"message", "Not a number (NaN) or infinity (Inf) values detected in gradient. " +
                                  v.attr().string("message")}}));
}

}  // namespace tw
