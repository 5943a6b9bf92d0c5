// Activations, softmax and losses, bias.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

// --- activations whose gradient is an op of its own: first of dy and the output or input, then linear in dy ---
TW_GRADIENT(Relu) { v.give(0, call("ReluGrad", {v.dy(), v.y()})); }
TW_GRADIENT(Relu6) { v.give(0, call("Relu6Grad", {v.dy(), v.y()})); }
TW_GRADIENT(Elu) { v.give(0, call("EluGrad", {v.dy(), v.y()})); }
TW_GRADIENT(Selu) { v.give(0, call("SeluGrad", {v.dy(), v.y()})); }
TW_GRADIENT(LeakyRelu) { v.give(0, call("LeakyReluGrad", {v.dy(), v.x()}, v.attrs({"alpha"}))); }
TW_GRADIENT(Softplus) { v.give(0, call("SoftplusGrad", {v.dy(), v.x()})); }
TW_GRADIENT(Softsign) { v.give(0, call("SoftsignGrad", {v.dy(), v.x()})); }

TW_GRADIENT(ReluGrad) {
  v.give(0, call("ReluGrad", {v.dy(), v.x(1)}));
  v.give(1, zeros_like(v.x(1)));
}
TW_GRADIENT(Relu6Grad) {
  v.give(0, call("Relu6Grad", {v.dy(), v.x(1)}));
  v.give(1, zeros_like(v.x(1)));
}
TW_GRADIENT(LeakyReluGrad) {
  v.give(0, call("LeakyReluGrad", {v.dy(), v.x(1)}, v.attrs({"alpha"})));
  v.give(1, zeros_like(v.x(1)));
}
// Of the output: below zero the slope is output + constant, which has slope 1.
static void exponential_unit(Vjp& v, const char* op) {
  const Val y = v.x(1);
  v.give(0, call(op, {v.dy(), y}));
  v.give(1, select(call("Less", {y, number(y, 0)}), v.dy() * v.x(0), zeros_like(y)));
}
TW_GRADIENT(EluGrad) { exponential_unit(v, "EluGrad"); }
TW_GRADIENT(SeluGrad) { exponential_unit(v, "SeluGrad"); }
TW_GRADIENT(SoftplusGrad) {
  const Val x = v.x(1);
  v.give(0, call("SoftplusGrad", {v.dy(), x}));
  v.give(1, v.dy() * v.x(0) / (call("Exp", {-x}) + 2.0 + call("Exp", {x})));
}
// dy / (1 + |x|)^2
TW_GRADIENT(SoftsignGrad) {
  const Val x = v.x(1), base = call("Abs", {x}) + 1.0;
  v.give(0, call("SoftsignGrad", {v.dy(), x}));
  v.give(1, -2.0 * (v.dy() * v.x(0) * call("Sign", {x})) / (call("Square", {base}) * base));
}

// --- softmax ---
TW_GRADIENT(Softmax) {
  const Val p = v.y();
  v.give(0, (v.dy() - sum(v.dy() * p, {-1}, true)) * p);
}
TW_GRADIENT(LogSoftmax) { v.give(0, v.dy() - sum(v.dy(), {-1}, true) * call("Exp", {v.y()})); }

// The derivative of rows of losses, each of which depends on one row of logits: the op's second output holds the first
// derivative. A derivative of that output itself arises in second order, and goes through softmax.
static Val cross_entropy(Vjp& v) {
  Val g;
  if (v.has_dy(0)) g = expand_dims(v.dy(0), -1) * v.y(1);
  if (v.has_dy(1)) {
    const Val p = call("Softmax", {v.x(0)});
    const Val through = (v.dy(1) - sum(v.dy(1) * p, {-1}, true)) * p;
    g = g ? g + through : through;
  }
  return g;
}
// Whether a dimension of `a` is known to be stretched to that of `b`, or the other way round.
static bool stretched(const Shape& a, const Shape& b) {
  if (!a.rank_known() || a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if ((a[i] == 1) != (b[i] == 1)) return true;
  }
  return false;
}
TW_GRADIENT(SoftmaxCrossEntropyWithLogits) {
  Val logits = cross_entropy(v), labels;
  if (v.has_dy(0)) labels = -(expand_dims(v.dy(0), -1) * call("LogSoftmax", {v.x(0)}));
  if (v.has_dy(1)) labels = labels ? labels - v.dy(1) : -v.dy(1);
  if (stretched(v.x(0).shape(), v.x(1).shape())) return give_broadcast(v, {logits, labels});
  v.give(0, logits);
  v.give(1, labels);
}
TW_GRADIENT(SparseSoftmaxCrossEntropyWithLogits) { v.give(0, cross_entropy(v)); }

TW_GRADIENT(L2Loss) { v.give(0, v.x() * v.dy()); }

// --- bias ---
TW_GRADIENT(BiasAdd) {
  v.give(0, v.dy());
  v.give(1, call("BiasAddGrad", {v.dy()}, v.attrs({"data_format"})));
}
TW_GRADIENT(BiasAddV1) {
  v.give(0, v.dy());
  v.give(1, call("BiasAddGrad", {v.dy()}));
}
TW_GRADIENT(BiasAddGrad) {
  Builder& b = v.b;
  const Val shape = shape_of(v.x());
  if (v.attr().string("data_format") != "NCHW") {
    v.give(0, broadcast_to(v.dy(), shape));
    return;
  }
  const Val spatial = part(shape, 2);
  const Val column = concat({ints(b, {1}), shape_of(v.dy()), ones_like(spatial)}, 0);
  v.give(0, broadcast_to(reshape(v.dy(), column), shape));
}

// --- the largest entries of each row ---
TW_GRADIENT(TopKV2) {
  Builder& b = v.b;
  const Val x = v.x(0), shape = shape_of(x);
  const Val columns = at(shape, -1);
  const Val first = range(integer(b, 0), size_of(x), columns);  // of each row
  const Val index = reshape(v.y(1), stack({size_of(first), at(shape_of(v.y(1)), -1)}));
  const Val flat = expand_dims(as_vector(index + expand_dims(first, -1)), -1);
  v.give(0, reshape(call("ScatterNd", {flat, as_vector(v.dy(0)), as_vector(size_of(x))}), shape));
}
TW_GRADIENT(TopK) { backprop_TopKV2(v); }

TW_GRADIENT(CTCLoss) {
  if (!v.has_dy(0)) return;
  const std::string why =
      "Currently there is no way to take the second derivative of ctc_loss due to the fused implementation's "
      "interaction with tf.gradients()";
  v.give(0, expand_dims(v.dy(), -1) * call("PreventGradient", {v.y(1)}, {{"message", why}}));
}

}  // namespace tw
