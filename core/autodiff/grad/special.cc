// Special functions.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val exp(Val a) { return call("Exp", {a}); }
Val log(Val a) { return call("Log", {a}); }
Val lgamma(Val a) { return call("Lgamma", {a}); }

// The density of the gamma distribution at x.
Val gamma_density(Val a, Val x) { return exp((a - 1) * log(x) - x - lgamma(a)); }

}  // namespace

TW_GRADIENT(Digamma) { v.give(0, v.dy() * call("Polygamma", {number(v.x(), 1), v.x()})); }
// Only the second arguments can be differentiated to.
TW_GRADIENT(Polygamma) {
  Broadcast b(v.x(0), v.x(1));
  v.give(1, b.right(v.dy() * call("Polygamma", {v.x(0) + 1, v.x(1)})));
}
TW_GRADIENT(Zeta) {
  Broadcast b(v.x(0), v.x(1));
  v.give(1, b.right(-(v.dy() * v.x(0) * call("Zeta", {v.x(0) + 1, v.x(1)}))));
}
TW_GRADIENT(Igamma) {
  const Val a = v.x(0), x = v.x(1);
  give_broadcast(v, {v.dy() * call("IgammaGradA", {a, x}), v.dy() * gamma_density(a, x)});
}
TW_GRADIENT(Igammac) {
  const Val a = v.x(0), x = v.x(1);
  give_broadcast(v, {-(v.dy() * call("IgammaGradA", {a, x})), -(v.dy() * gamma_density(a, x))});
}
// Summed over the samples of each alpha, which lie along the leading dimensions.
TW_GRADIENT(RandomGamma) {
  Builder& b = v.b;
  const Val samples = size_of(v.x(0)), alpha = v.x(1);
  const Val slope = v.dy() * call("RandomGammaGrad", {alpha, v.y()});
  v.give(1, sum(slope, range(integer(b, 0), samples, integer(b, 1))));
}
TW_GRADIENT(Betainc) {
  const Val a = v.x(0), b = v.x(1), x = v.x(2);
  const Val log_beta = lgamma(a) + lgamma(b) - lgamma(a + b);
  const Val dx = v.dy() * exp((b - 1) * call("Log1p", {-x}) + (a - 1) * log(x) - log_beta);
  v.give(2, Broadcast(v.y(), x).right(dx));
}
TW_GRADIENT(BesselI0e) { v.give(0, v.dy() * (call("BesselI1e", {v.x()}) - call("Sign", {v.x()}) * v.y())); }
TW_GRADIENT(BesselI1e) {
  const Val x = v.x(), small = call("LessEqual", {call("Abs", {x}), number(x, 1e-30)});
  const Val safe = select(small, ones_like(x), x);
  const Val slope = call("BesselI0e", {safe}) - v.y() * (call("Sign", {safe}) + call("Reciprocal", {safe}));
  v.give(0, v.dy() * select(small, 0.5 * ones_like(x), slope));
}
TW_GRADIENT(NextAfter) { give_broadcast(v, {v.dy(), zeros_like(v.dy())}); }

}  // namespace tw
