// Local response normalisation across the channels (the last dimension), and its gradient:
//   norm = bias + alpha * sum of squares of the channels within depth_radius, y = x * norm^-beta.
#include <algorithm>
#include <cmath>

#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/cpu/nn/float_view.h"

namespace tw {
namespace {

struct LrnState : KernelState {
  int64_t rows = 0, depth = 0, radius = 0;
  float bias = 1, alpha = 1, beta = 0.5f;
  FloatView in[3], out;
};

Status prepare_lrn(PrepareContext& ctx) {
  const Shape& x = ctx.input_shape(0);
  if (x.rank() != 4) return invalid_argument("in must be 4-dimensional, got ", x);
  auto& s = ctx.emplace_state<LrnState>();
  s.depth = x[3];
  s.rows = x.product(0, 3);
  const AttrReader& attrs = ctx.attrs();
  // Beyond the depth a larger radius changes nothing.
  s.radius = std::clamp<int64_t>(attrs.integer("depth_radius"), 0, s.depth);
  s.bias = attrs.real("bias");
  s.alpha = attrs.real("alpha");
  s.beta = attrs.real("beta");
  size_t workspace = 0;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    if (!(ctx.input_shape(i) == x)) {
      return invalid_argument("input_grads, input_image and output_image must have one shape, got ", x, " and ",
                              ctx.input_shape(i));
    }
    TW_ASSIGN_OR_RETURN(s.in[i], FloatView::reader(ctx.input_dtype(i), x.num_elements(), &workspace));
  }
  TW_ASSIGN_OR_RETURN(s.out, FloatView::writer(ctx.output_dtype(0), x.num_elements(), &workspace));
  ctx.set_workspace(workspace);
  ctx.set_cost({20.0 * static_cast<double>(x.num_elements()), operand_bytes(ctx)});
  return {};
}

// Calls fn(c, sum) with the sum of term(k) over |k - c| <= radius, as a running sum in double.
template <class Term, class Fn>
void windows(const LrnState& s, const Term& term, const Fn& fn) {
  double sum = 0;
  for (int64_t k = 0; k < std::min(s.radius, s.depth); ++k) sum += term(k);
  for (int64_t c = 0; c < s.depth; ++c) {
    if (c + s.radius < s.depth) sum += term(c + s.radius);
    if (c > s.radius) sum -= term(c - s.radius - 1);
    fn(c, sum);
  }
}

double norm_of(const LrnState& s, double squares) { return s.bias + s.alpha * std::max(squares, 0.0); }

Status run_lrn(const RunContext& ctx) {
  const auto& s = ctx.state<LrnState>();
  TW_ASSIGN_OR_RETURN(const void* in, s.in[0].read(ctx.input(0).data, ctx.workspace(), ctx.pool()));
  float* out = static_cast<float*>(s.out.target(ctx.output(0).data, ctx.workspace()));
  ctx.pool().parallel_for(s.rows, grain_for_ns(20.0 * static_cast<double>(s.depth)), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      const float* x = static_cast<const float*>(in) + r * s.depth;
      float* y = out + r * s.depth;
      windows(
          s, [&](int64_t k) { return static_cast<double>(x[k]) * x[k]; },
          [&](int64_t c, double squares) { y[c] = static_cast<float>(x[c] * std::pow(norm_of(s, squares), -s.beta)); });
    }
  });
  return s.out.write(ctx.output(0).data, ctx.workspace(), ctx.pool());
}

// dx[c] = dy[c] norm[c]^-beta - 2 alpha beta x[c] * sum over the window of dy[k] y[k] / norm[k].
Status run_lrn_grad(const RunContext& ctx) {
  const auto& s = ctx.state<LrnState>();
  const float* in[3];
  for (int i = 0; i < 3; ++i) {
    TW_ASSIGN_OR_RETURN(const void* data, s.in[i].read(ctx.input(i).data, ctx.workspace(), ctx.pool()));
    in[i] = static_cast<const float*>(data);
  }
  float* out = static_cast<float*>(s.out.target(ctx.output(0).data, ctx.workspace()));
  ctx.pool().parallel_for(s.rows, grain_for_ns(60.0 * static_cast<double>(s.depth)), [&](int64_t b, int64_t e) {
    for (int64_t r = b; r < e; ++r) {
      const float *dy = in[0] + r * s.depth, *x = in[1] + r * s.depth, *y = in[2] + r * s.depth;
      float* dx = out + r * s.depth;
      const auto square = [&](int64_t k) { return static_cast<double>(x[k]) * x[k]; };
      const auto norm_at = [&](int64_t k) {
        double squares = 0;
        for (int64_t j = std::max<int64_t>(0, k - s.radius); j <= std::min(s.depth - 1, k + s.radius); ++j)
          squares += square(j);
        return norm_of(s, squares);
      };
      windows(
          s, [&](int64_t k) { return static_cast<double>(dy[k]) * y[k] / norm_at(k); },
          [&](int64_t c, double sum) {
            dx[c] = static_cast<float>(dy[c] * std::pow(norm_at(c), -s.beta) - 2.0 * s.alpha * s.beta * x[c] * sum);
          });
    }
  });
  return s.out.write(ctx.output(0).data, ctx.workspace(), ctx.pool());
}

}  // namespace

TW_KERNEL(LRN, prepare_lrn, run_lrn);
TW_KERNEL(LRNGrad, prepare_lrn, run_lrn_grad);

}  // namespace tw
