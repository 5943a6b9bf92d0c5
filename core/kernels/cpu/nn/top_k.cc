// The k largest entries of each row, and whether a class is among them.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct TopKState : KernelState {
  int64_t rows = 0, width = 0, k = 0;
};

// The k of the V2 forms is their last input, of the others an attribute.
int64_t k_of(const PrepareContext& ctx, int input) {
  return ctx.num_inputs() > input ? index_value(*ctx.constant(input), 0) : ctx.attrs().integer("k");
}

Status prepare_top_k(PrepareContext& ctx) {
  const Shape& x = ctx.input_shape(0);
  const int64_t k = k_of(ctx, 1);
  if (k < 0) return invalid_argument("Need k >= 0, got ", k);
  if (x.rank() < 1) return invalid_argument("input must be >= 1-D, got shape ", x);
  auto& s = ctx.emplace_state<TopKState>();
  s.width = x[x.rank() - 1];
  s.rows = x.product(0, x.rank() - 1);
  s.k = k;
  if (s.width < k) return invalid_argument("input must have at least k columns. Had ", s.width, ", needed ", k);
  ctx.set_workspace(static_cast<size_t>(ctx.threads()) * static_cast<size_t>(s.width) * sizeof(int32_t));
  const double n = static_cast<double>(x.num_elements());
  ctx.set_cost({n * (1 + std::log2(1.0 + static_cast<double>(k))), operand_bytes(ctx)});
  return {};
}

// Larger first; of equal values the one with the lower index; NaN last.
template <class T>
void top_row(const T* x, const TopKState& s, int32_t* order, T* values, int32_t* indices) {
  using Compared = std::conditional_t<std::is_class_v<T>, float, T>;
  const auto before = [x](int32_t a, int32_t b) {
    const auto u = static_cast<Compared>(x[a]), v = static_cast<Compared>(x[b]);
    if constexpr (!std::is_integral_v<T>) {
      const bool nan_u = u != u, nan_v = v != v;
      if (nan_u || nan_v) return nan_u == nan_v ? a < b : nan_v;
    }
    return u == v ? a < b : u > v;
  };
  if (s.k == 1) {
    int32_t best = 0;
    for (int32_t i = 1; i < s.width; ++i) best = before(i, best) ? i : best;
    order[0] = best;
  } else {
    std::iota(order, order + s.width, 0);
    if (s.k < s.width / 2) {
      // Small k of many: choose first, then sort the few.
      std::nth_element(order, order + s.k, order + s.width, before);
      std::sort(order, order + s.k, before);
    } else {
      std::partial_sort(order, order + s.k, order + s.width, before);
    }
  }
  for (int64_t i = 0; i < s.k; ++i) {
    values[i] = x[order[i]];
    indices[i] = order[i];
  }
}

Status run_top_k(const RunContext& ctx) {
  const auto& s = ctx.state<TopKState>();
  if (s.k == 0 || s.rows == 0) return {};
  // One scratch row for each range, of which there are no more than threads.
  const int64_t ranges = std::min<int64_t>(ctx.pool().threads(), s.rows);
  const double row_ns = 5.0 * static_cast<double>(s.width) + 50;
  const int64_t used =
      std::clamp<int64_t>(static_cast<int64_t>(row_ns * static_cast<double>(s.rows) / 20000), 1, ranges);
  visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    ctx.pool().parallel_for(used, 1, [&](int64_t b, int64_t e) {
      int32_t* order = static_cast<int32_t*>(ctx.workspace()) + b * s.width;
      for (int64_t r = s.rows * b / used; r < s.rows * e / used; ++r) {
        top_row(ctx.in<T>(0) + r * s.width, s, order, ctx.out<T>(0) + r * s.k, ctx.out<int32_t>(1) + r * s.k);
      }
    });
  });
  return {};
}

Status prepare_in_top_k(PrepareContext& ctx) {
  const Shape &x = ctx.input_shape(0), &targets = ctx.input_shape(1);
  if (x.rank() != 2) return invalid_argument("predictions must be 2-dimensional, got ", x);
  if (targets.rank() != 1) return invalid_argument("targets must be 1-dimensional, got ", targets);
  if (x[0] != targets[0]) {
    return invalid_argument("First dimension of predictions ", x[0], " must match length of targets ", targets[0]);
  }
  if (ctx.num_inputs() > 2 && !ctx.input_shape(2).is_scalar()) {
    return invalid_argument("k must be 0-D, got shape ", ctx.input_shape(2));
  }
  auto& s = ctx.emplace_state<TopKState>();
  s.rows = x[0];
  s.width = x[1];
  s.k = k_of(ctx, 2);
  ctx.set_cost({static_cast<double>(x.num_elements()), operand_bytes(ctx)});
  return {};
}

// Ties are in: a target is among the k when fewer than k classes score higher. A row with a score that is not finite,
// and a target outside of the classes, are not in.
Status run_in_top_k(const RunContext& ctx) {
  const auto& s = ctx.state<TopKState>();
  visit_index(ctx.input(1).dtype, [&](auto tag) {
    const auto* targets = ctx.in<typename decltype(tag)::type>(1);
    ctx.pool().parallel_for(s.rows, grain_for_ns(static_cast<double>(s.width)), [&](int64_t b, int64_t e) {
      for (int64_t r = b; r < e; ++r) {
        const float* x = ctx.in<float>(0) + r * s.width;
        const int64_t target = static_cast<int64_t>(targets[r]);
        bool in = target >= 0 && target < s.width;
        if (in) {
          const float score = x[target];
          int64_t higher = 0, bad = !std::isfinite(score);
          for (int64_t i = 0; i < s.width; ++i) {
            higher += x[i] > score;
            bad += !std::isfinite(x[i]);
          }
          in = bad == 0 && higher < s.k;
        }
        ctx.out<bool>(0)[r] = in;
      }
    });
  });
  return {};
}

}  // namespace

TW_KERNEL(TopK, prepare_top_k, run_top_k);
TW_KERNEL(InTopK, prepare_in_top_k, run_in_top_k);

}  // namespace tw
