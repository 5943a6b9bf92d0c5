// Arrays of tensors: what is read from an array adds to the same element of the array of its gradients, and what was
// written has the gradient that is found there. The flow's derivative orders the one after the other.
#include <algorithm>

#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

// Two calls of gradients() have arrays of their own, told apart by the scope of the gradient nodes.
std::string source_of(const Builder& b) {
  const std::string& prefix = b.prefix();
  size_t end = prefix.size();
  for (size_t at = 0; at < prefix.size();) {
    const size_t slash = std::min(prefix.find('/', at), prefix.size());
    if (prefix.compare(at, 9, "gradients") == 0) end = slash;
    at = slash + 1;
  }
  return prefix.substr(0, end);
}

struct Gradients {
  Val handle, flow;
};

// The array of gradients, for use after `flow`.
Gradients gradients_of(Vjp& v, Val flow) {
  const Vals made = call_n("TensorArrayGradV3", 2, {v.x(0), flow}, {{"source", AttrValue(source_of(v.b))}});
  return {made[0], made[1]};
}

}  // namespace

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
