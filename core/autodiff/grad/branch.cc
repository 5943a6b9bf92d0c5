// Switch and Merge of imported graphs: the derivative of a Merge goes to the input that was alive, and those of a
// Switch's outputs meet in a Merge. Lifting turns the new nodes into If with the rest.
#include "core/autodiff/body_gradient.h"
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

TW_GRADIENT(Switch) {
  if (!v.has_dy(0) && !v.has_dy(1)) return;
  const DType dtype = v.dy(v.has_dy(0) ? 0 : 1).dtype();
  Vals dy;
  for (int i = 0; i < 2; ++i) dy.push_back(v.has_dy(i) ? v.dy(i) : Val(v.b, zeros_for(v.b, v.y(i), dtype)));
  v.give(0, call("Merge", {dy[0], dy[1]}, {{"N", 2}}));
}

TW_GRADIENT(Merge) {
  for (int i = 0; i < v.num_inputs(); ++i) {
    const Val chosen = call("Equal", {v.y(1), integer(v.b, i)});
    v.give(i, call_n("Switch", 2, {v.dy(), chosen})[1]);
  }
}

}  // namespace tw
