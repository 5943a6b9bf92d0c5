// Simulated quantisation: rounding is passed straight through (Bengio et al., "Estimating or propagating gradients
// through stochastic neurons").
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

TW_GRADIENT(FakeQuantWithMinMaxArgs) {
  v.give(0,
         call("FakeQuantWithMinMaxArgsGradient", {v.dy(), v.x()}, v.attrs({"min", "max", "num_bits", "narrow_range"})));
}
static void with_bounds(Vjp& v, const char* op) {
  const Vals g = call_n(op, 3, {v.dy(), v.x(0), v.x(1), v.x(2)}, v.attrs({"num_bits", "narrow_range"}));
  for (int i = 0; i < 3; ++i) v.give(i, g[static_cast<size_t>(i)]);
}
TW_GRADIENT(FakeQuantWithMinMaxVars) { with_bounds(v, "FakeQuantWithMinMaxVarsGradient"); }
TW_GRADIENT(FakeQuantWithMinMaxVarsPerChannel) { with_bounds(v, "FakeQuantWithMinMaxVarsPerChannelGradient"); }

}  // namespace tw
