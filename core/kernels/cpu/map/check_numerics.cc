// CheckNumerics: the input, or an error when it holds an infinity or NaN.
#include <atomic>
#include <cmath>
#include <cstring>

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct CheckState : KernelState {
  std::string message;
};

Status prepare_check(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<CheckState>();
  s.message = ctx.attrs().string("message");
  ctx.allow_in_place(0, 0);
  ctx.set_cost({static_cast<double>(ctx.input_shape(0).num_elements()), operand_bytes(ctx)});
  return {};
}

// Bit 0: an infinity, bit 1: a NaN. 0 * x is 0 for finite x only, so that a sum finds out quickly.
template <class T>
int scan(const T* x, int64_t n) {
  using F = std::conditional_t<std::is_same_v<T, double>, double, float>;
  F poison = 0;
  for (int64_t i = 0; i < n; ++i) poison += static_cast<F>(x[i]) * F(0);
  if (poison == F(0)) return 0;
  int found = 0;
  for (int64_t i = 0; i < n; ++i) {
    const F v = static_cast<F>(x[i]);
    found |= std::isinf(v) ? 1 : std::isnan(v) ? 2 : 0;
  }
  return found;
}

Status run_check(const RunContext& ctx) {
  const auto& s = ctx.state<CheckState>();
  const int64_t n = ctx.input(0).shape->num_elements();
  std::atomic<int> found{0};
  visit_floating(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = ctx.in<T>(0);
    T* y = ctx.out<T>(0);
    ctx.pool().parallel_for(n, grain_for_ns(0.5), [&](int64_t b, int64_t e) {
      found.fetch_or(scan(x + b, e - b), std::memory_order_relaxed);
      if (x != y) std::memcpy(y + b, x + b, static_cast<size_t>(e - b) * sizeof(T));
    });
  });
  if (found == 0) return {};
  return invalid_argument(s.message, " : Tensor had ", found == 3 ? "Inf and NaN" : found == 1 ? "Inf" : "NaN", " values");
}

}  // namespace

TW_KERNEL(CheckNumerics, prepare_check, run_check);

}  // namespace tw
