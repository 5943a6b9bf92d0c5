// CheckNumerics and PopulationCount.
#include <bit>
#include <cmath>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct State : KernelState {
  bool dynamic = false;
  std::string message;
};

Status prepare(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<State>();
  state.dynamic = output_is_dynamic(ctx, 0);
  if (ctx.attrs().has("message")) state.message = ctx.attrs().string("message");
  return {};
}

Status prepare_check(PrepareContext& ctx) {
  ctx.allow_in_place(0, 0);
  return prepare(ctx);
}

template <typename T>
void classify(const T* x, int64_t n, bool* nan, bool* inf) {
  // x - x is zero for finite numbers only; the sum of zeros tells in one pass that all is well.
  using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
  F sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<F>(x[i]) - static_cast<F>(x[i]);
  if (sum == 0) return;
  for (int64_t i = 0; i < n; ++i) {
    *nan |= std::isnan(static_cast<F>(x[i]));
    *inf |= std::isinf(static_cast<F>(x[i]));
  }
}

Status run_check_numerics(const RunContext& ctx) {
  const auto& state = ctx.state<State>();
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  bool nan = false, inf = false;
  visit_floating(in.dtype, [&](auto tag) {
    classify(static_cast<const typename decltype(tag)::type*>(in.data), shape.num_elements(), &nan, &inf);
  });
  if (nan || inf) {
    return invalid_argument(state.message, " : Tensor had ",
                            nan && inf ? "Inf and NaN"
                            : nan      ? "NaN"
                                       : "Inf",
                            " values");
  }
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, state.dynamic));
  if (to != in.data) copy_elements(in.dtype, in.data, to, shape.num_elements());
  return {};
}

Status run_population_count(const RunContext& ctx) {
  const Value in = ctx.input(0);
  const Shape shape = *in.shape;
  TW_ASSIGN_OR_RETURN(void* const to, output_storage(ctx, 0, shape, ctx.state<State>().dynamic));
  visit_real(in.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const T* x = static_cast<const T*>(in.data);
      for (int64_t i = 0; i < shape.num_elements(); ++i) {
        static_cast<uint8_t*>(to)[i] = static_cast<uint8_t>(std::popcount(static_cast<std::make_unsigned_t<T>>(x[i])));
      }
    }
  });
  return {};
}

}  // namespace

TW_KERNEL(CheckNumerics, prepare_check, run_check_numerics);
TW_KERNEL(PopulationCount, prepare, run_population_count);

}  // namespace tw
