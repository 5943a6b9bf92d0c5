// Kernels of the special functions: each element in double precision.
#include <cmath>

#include "core/framework/kernel.h"
#include "core/kernels/cpu/array/broadcast_index.h"
#include "core/kernels/cpu/map/special_functions.h"

namespace tw {
namespace {

Status prepare(PrepareContext& ctx) {
  ctx.set_cost({100.0 * static_cast<double>(ctx.output_shape(0).num_elements()), 0});
  return {};
}

constexpr double kNs = 150;  // of one element, roughly

template <double (*kFn)(double)>
Status run_unary(const RunContext& ctx) {
  visit_floating(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(ctx.output(0).shape->num_elements(), grain_for_ns(kNs), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) ctx.out<T>(0)[i] = static_cast<T>(kFn(static_cast<double>(ctx.in<T>(0)[i])));
    });
  });
  return {};
}

template <typename Fn>
Status run_elements(const RunContext& ctx, const Fn& fn) {
  const Shape& shape = *ctx.output(0).shape;
  std::array<BroadcastIndex, 3> index{BroadcastIndex(*ctx.input(0).shape, shape),
                                      BroadcastIndex(*ctx.input(1).shape, shape),
                                      BroadcastIndex(*ctx.input(ctx.num_inputs() - 1).shape, shape)};
  const bool known = visit_floating(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (sizeof(T) >= 4) {
      ctx.pool().parallel_for(shape.num_elements(), grain_for_ns(kNs), [&](int64_t b, int64_t e) {
        for (int64_t i = b; i < e; ++i) {
          const auto in = [&](int k) { return ctx.in<T>(k)[index[static_cast<size_t>(k)](i)]; };
          ctx.out<T>(0)[i] = fn(in);
        }
      });
    }
  });
  return known ? Status() : unimplemented("No special function of ", dtype_name(ctx.output(0).dtype));
}

template <double (*kFn)(double, double)>
Status run_binary(const RunContext& ctx) {
  return run_elements(ctx, [](const auto& in) {
    return static_cast<decltype(in(0))>(kFn(static_cast<double>(in(0)), static_cast<double>(in(1))));
  });
}

Status run_beta(const RunContext& ctx) {
  return run_elements(ctx, [](const auto& in) {
    return static_cast<decltype(in(0))>(
        special::beta_inc(static_cast<double>(in(0)), static_cast<double>(in(1)), static_cast<double>(in(2))));
  });
}

Status run_next_after(const RunContext& ctx) {
  return run_elements(ctx, [](const auto& in) { return std::nextafter(in(0), in(1)); });
}

}  // namespace

TW_KERNEL(Zeta, prepare, run_binary<special::zeta>);
TW_KERNEL(Polygamma, prepare, run_binary<special::polygamma>);
TW_KERNEL(Igamma, prepare, run_binary<special::gamma_p>);
TW_KERNEL(Igammac, prepare, run_binary<special::gamma_q>);
TW_KERNEL(IgammaGradA, prepare, run_binary<special::gamma_p_grad_a>);
TW_KERNEL(RandomGammaGrad, prepare, run_binary<special::gamma_sample_grad_a>);
TW_KERNEL(Betainc, prepare, run_beta);
TW_KERNEL(BesselI0e, prepare, run_unary<special::bessel_i0e>);
TW_KERNEL(BesselI1e, prepare, run_unary<special::bessel_i1e>);
TW_KERNEL(NextAfter, prepare, run_next_after);

}  // namespace tw
