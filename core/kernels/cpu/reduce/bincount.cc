// Counting by value, and finding the bucket of a value.
#include <algorithm>

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct BinState : KernelState {
  int64_t bins = 0;
  bool weighted = false;
  std::vector<float> boundaries;
};

Status prepare_bincount(PrepareContext& ctx) {
  if (ctx.input_shape(1).rank() != 0) {
    return invalid_argument("Shape must be rank 0 but is rank ", ctx.input_shape(1).rank());
  }
  auto& s = ctx.emplace_state<BinState>();
  s.bins = index_value(*ctx.constant(1), 0);
  if (s.bins < 0) return invalid_argument("size (", s.bins, ") must be non-negative");
  const int64_t n = ctx.input_shape(0).num_elements(), weights = ctx.input_shape(2).num_elements();
  s.weighted = weights > 0;
  // As in TensorFlow there may be more weights, which are not read.
  if (s.weighted && weights < n) {
    return invalid_argument("If weights are passed there must be one for each element of arr, got ", ctx.input_shape(2),
                            " and ", ctx.input_shape(0));
  }
  ctx.set_cost({static_cast<double>(n), operand_bytes(ctx)});
  return {};
}

Status run_bincount(const RunContext& ctx) {
  const auto& s = ctx.state<BinState>();
  const int32_t* x = ctx.in<int32_t>(0);
  const int64_t n = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] < 0) return invalid_argument("Input arr must be non-negative!");
  }
  visit_real(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_class_v<T>) {
      T* bins = ctx.out<T>(0);
      const T* weights = ctx.in<T>(2);
      std::fill_n(bins, s.bins, T(0));
      for (int64_t i = 0; i < n; ++i) {
        if (x[i] < s.bins) bins[x[i]] = static_cast<T>(bins[x[i]] + (s.weighted ? weights[i] : T(1)));
      }
    }
  });
  return {};
}

Status prepare_histogram(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<BinState>();
  if (!ctx.input_shape(2).is_scalar()) {
    return invalid_argument("nbins should be a scalar, but has shape ", ctx.input_shape(2));
  }
  if (ctx.input_shape(1) != Shape{2}) {
    return invalid_argument("value_range should be a vector of 2 elements, but has shape ", ctx.input_shape(1));
  }
  s.bins = index_value(*ctx.constant(2), 0);
  if (s.bins <= 0) return invalid_argument("nbins should be a positive number, but got ", s.bins);
  ctx.set_cost({4.0 * static_cast<double>(ctx.input_shape(0).num_elements()), operand_bytes(ctx)});
  return {};
}

// Counts in bins of equal width; what lies outside the range is counted in the outermost ones.
Status run_histogram(const RunContext& ctx) {
  const auto& s = ctx.state<BinState>();
  const bool narrow = ctx.output(0).dtype == DType::kInt32;
  Status status;
  visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const double low = static_cast<double>(ctx.in<T>(1)[0]), high = static_cast<double>(ctx.in<T>(1)[1]);
    if (!(low < high)) {
      status = invalid_argument("value_range should satisfy value_range[0] < value_range[1], but got [", low, ", ",
                                high, "]");
      return;
    }
    const double step = (high - low) / static_cast<double>(s.bins), last = static_cast<double>(s.bins - 1);
    if (narrow) std::fill_n(ctx.out<int32_t>(0), s.bins, 0);
    else std::fill_n(ctx.out<int64_t>(0), s.bins, 0);
    const int64_t count = ctx.input(0).shape->num_elements();
    for (int64_t i = 0; i < count; ++i) {
      const double at = std::clamp((static_cast<double>(ctx.in<T>(0)[i]) - low) / step, 0.0, last);
      const int64_t bin = at >= 0 ? static_cast<int64_t>(at) : 0;  // NaN counts as the lowest
      if (narrow) ++ctx.out<int32_t>(0)[bin];
      else ++ctx.out<int64_t>(0)[bin];
    }
  });
  return status;
}

Status prepare_bucketize(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<BinState>();
  TW_ASSIGN_OR_RETURN(s.boundaries, ctx.attrs().get<std::vector<float>>("boundaries"));
  if (!std::is_sorted(s.boundaries.begin(), s.boundaries.end())) return invalid_argument("Expected sorted boundaries");
  ctx.set_cost({8.0 * static_cast<double>(ctx.input_shape(0).num_elements()), operand_bytes(ctx)});
  return {};
}

Status run_bucketize(const RunContext& ctx) {
  const auto& s = ctx.state<BinState>();
  int32_t* out = ctx.out<int32_t>(0);
  visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = ctx.in<T>(0);
    ctx.pool().parallel_for(ctx.input(0).shape->num_elements(), grain_for_ns(10), [&](int64_t b, int64_t e) {
      for (int64_t i = b; i < e; ++i) {
        out[i] = static_cast<int32_t>(std::upper_bound(s.boundaries.begin(), s.boundaries.end(), x[i]) -
                                      s.boundaries.begin());
      }
    });
  });
  return {};
}

}  // namespace

TW_KERNEL(Bincount, prepare_bincount, run_bincount);
TW_KERNEL(HistogramFixedWidth, prepare_histogram, run_histogram);
TW_KERNEL(Bucketize, prepare_bucketize, run_bucketize);

}  // namespace tw
