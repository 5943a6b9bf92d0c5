// Batch and local response normalisation.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

void fused(Vjp& v, const char* grad_op) {
  if (!v.has_dy(0)) return;  // the statistics carry no derivative
  const bool training = v.attr().boolean("is_training");
  AttrMap attrs = v.attrs({"epsilon", "data_format", "is_training"});
  Vals in{v.dy(0), v.x(0), v.x(1), training ? v.y(3) : v.x(3), training ? v.y(4) : v.x(4)};
  if (v.num_outputs() > 5) in.push_back(v.y(5));
  const Vals g = call_n(grad_op, 3, in, std::move(attrs));
  for (int i = 0; i < 3; ++i) v.give(i, g[static_cast<size_t>(i)]);
}

// What FusedBatchNormGrad computes, in plain ops, which have derivatives of their own.
struct Parts {
  Val dx, dscale, doffset;
};
Parts plain_gradient(Vjp& v, Val dy, Val x, Val scale) {
  Builder& b = v.b;
  const bool training = v.attr().boolean("is_training");
  const bool channels_first = v.attr().string("data_format") == "NCHW";
  const Val axes = channels_first ? ints(b, {0, 2, 3}) : ints(b, {0, 1, 2});
  const Val row = channels_first ? ints(b, {1, -1, 1, 1}) : ints(b, {1, 1, 1, -1});
  const double epsilon = v.attr().real("epsilon");
  const auto mean_of = [&](Val a) { return call("Mean", {a, axes}, {{"keep_dims", true}}); };

  // Half precision is too coarse for the sums.
  const DType t = x.dtype();
  x = cast(x, DType::kFloat);
  dy = cast(dy, DType::kFloat);
  scale = reshape(scale, row);
  const Val mean = training ? mean_of(x) : reshape(v.x(3), row);
  const Val centred = x - mean;
  const Val variance = training ? mean_of(call("Square", {centred})) : reshape(v.x(4), row);
  const Val inverse = call("Rsqrt", {variance + epsilon});
  const Val weighted = dy * centred;
  Val dx = dy;
  if (training) dx = dy - mean_of(dy) - centred * (mean_of(weighted) * call("Square", {inverse}));
  return {cast(scale * inverse * dx, t), sum(weighted * inverse, axes), sum(dy, axes)};
}

void fused_again(Vjp& v) {
  Builder& b = v.b;
  // The derivative is with respect to these three alone, though they may depend on one another further back.
  const Val dy = call("Identity", {v.x(0)}), x = call("Identity", {v.x(1)}), scale = call("Identity", {v.x(2)});
  const Parts parts = plain_gradient(v, dy, x, scale);
  const Val results[] = {parts.dx, parts.dscale, parts.doffset};
  std::vector<Output> ys;
  GradientOptions options;
  options.name = b.prefix() + "/plain";
  for (int i = 0; i < 3; ++i) {
    if (!v.has_dy(i)) continue;
    ys.push_back(results[i]);
    options.grad_ys.push_back(v.dy(i));
  }
  if (ys.empty() || !b.status().ok()) return;
  const std::vector<Output> xs{dy, x, scale};
  auto g = add_gradients(&b.graph(), ys, xs, options);
  if (!g.ok()) return v.fail(g.status());
  for (int i = 0; i < 3; ++i) v.give(i, Val(b, densify(b, (*g)[static_cast<size_t>(i)])));
}

}  // namespace

TW_GRADIENT(FusedBatchNorm) { fused(v, "FusedBatchNormGrad"); }
TW_GRADIENT(FusedBatchNormV2) { fused(v, "FusedBatchNormGradV2"); }
TW_GRADIENT(FusedBatchNormV3) { fused(v, "FusedBatchNormGradV3"); }
TW_GRADIENT(FusedBatchNormGrad) { fused_again(v); }
TW_GRADIENT(FusedBatchNormGradV2) { fused_again(v); }
TW_GRADIENT(FusedBatchNormGradV3) { fused_again(v); }

TW_GRADIENT(LRN) {
  v.give(0, call("LRNGrad", {v.dy(), v.x(), v.y()}, v.attrs({"depth_radius", "bias", "alpha", "beta"})));
}

}  // namespace tw
