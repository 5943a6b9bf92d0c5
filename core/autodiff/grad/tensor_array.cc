// Arrays of tensors: what is read from an array adds to the same element of the array of its gradients, and what was
// written has the gradient that is found there. The flow's derivative orders the one after the other.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

struct Gradients {
  Val handle, flow;
};

// The array of gradients, for use after `flow`. Two calls of gradients() have arrays of their own.
Gradients gradients_of(Vjp& v, Val flow) {
  const Vals made = call_n("TensorArrayGradV3", 2, {v.x(0), flow}, {{"source", AttrValue(v.scope())}});
  return {made[0], made[1]};
}

}  // namespace

// TensorFlow's own gradients of loops save values on stacks. Differentiated once more, without this they would count as
// constants.
TW_GRADIENT(StackPopV2) {
  v.fail(unimplemented("Second-order gradient for while loops not supported where TensorFlow made the first one: '",
                       v.op.name, "' takes a value that a loop saved. Take both gradients here, of the loop itself"));
}

// The array of gradients has gradients of its own, which its readers and writers look after; the flow leads to them.
TW_GRADIENT(TensorArrayGradV3) {
  if (v.has_dy(1)) v.give(1, v.dy(1));
}

TW_GRADIENT(TensorArrayReadV3) {
  const Gradients g = gradients_of(v, v.x(2));
  v.give(2, call("TensorArrayWriteV3", {g.handle, v.x(1), v.dy(), g.flow}));
}
TW_GRADIENT(TensorArrayWriteV3) {
  const Gradients g = gradients_of(v, v.dy());
  v.give(2, call("TensorArrayReadV3", {g.handle, v.x(1), g.flow}, {{"dtype", v.x(2).dtype()}}));
  v.give(3, v.dy());
}
TW_GRADIENT(TensorArrayGatherV3) {
  const Gradients g = gradients_of(v, v.x(2));
  v.give(2, call("TensorArrayScatterV3", {g.handle, v.x(1), v.dy(), g.flow}));
}
TW_GRADIENT(TensorArrayScatterV3) {
  const Gradients g = gradients_of(v, v.dy());
  v.give(2, call("TensorArrayGatherV3", {g.handle, v.x(1), g.flow}, {{"dtype", v.x(2).dtype()}}));
  v.give(3, v.dy());
}
TW_GRADIENT(TensorArrayConcatV3) {
  if (!v.has_dy(0)) return;
  const Gradients g = gradients_of(v, v.x(1));
  v.give(1, call("TensorArraySplitV3", {g.handle, v.dy(0), v.y(1), g.flow}));
}
TW_GRADIENT(TensorArraySplitV3) {
  const Gradients g = gradients_of(v, v.dy());
  v.give(1, call("TensorArrayConcatV3", {g.handle, g.flow}, {{"dtype", v.x(1).dtype()}}));
  v.give(3, v.dy());
}

}  // namespace tw
