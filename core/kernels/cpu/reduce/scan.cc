// Running sums, products and logarithms of sums of exponentials along an axis.
#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

struct ScanState : KernelState {
  bool product = false, exclusive = false, reverse = false;
  int64_t outer = 1, steps = 1, inner = 1;
};

Status prepare_scan(PrepareContext& ctx) {
  const Shape& x = ctx.input_shape(0);
  const int64_t axis = index_value(*ctx.constant(1), 0);
  if (axis < -x.rank() || axis >= x.rank()) {
    return invalid_argument("ScanOp: Expected scan axis in the range [", -x.rank(), ", ", x.rank(), "), but got ",
                            axis);
  }
  const int a = static_cast<int>(axis < 0 ? axis + x.rank() : axis);
  auto& s = ctx.emplace_state<ScanState>();
  s.product = ctx.op().name == "Cumprod";
  s.exclusive = ctx.attrs().boolean("exclusive");
  s.reverse = ctx.attrs().boolean("reverse");
  s.outer = x.product(0, a);
  s.steps = x[a];
  s.inner = x.product(a + 1, x.rank());
  ctx.allow_in_place(0, 0);
  ctx.set_cost({static_cast<double>(x.num_elements()), operand_bytes(ctx)});
  return {};
}

template <class T>
struct SumType {
  using type = T;
};
template <>
struct SumType<half> {
  using type = float;
};
template <>
struct SumType<bfloat16> {
  using type = float;
};
template <class T>
  requires std::is_integral_v<T>
struct SumType<T> {
  using type = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;  // wraps
};

struct Add {
  static constexpr double kStart = 0;
  template <class S>
  static S join(S a, S b) {
    return a + b;
  }
};
struct Multiply {
  static constexpr double kStart = 1;
  template <class S>
  static S join(S a, S b) {
    return a * b;
  }
};
// log(exp(a) + exp(b)); it begins with the least number, as TensorFlow's does, not with minus infinity.
struct LogAddExp {
  static constexpr double kStart = 0;
  template <class S>
  static S join(S a, S b) {
    const S high = std::max(a, b), low = std::min(a, b);
    return high == low ? high + std::log(S(2)) : high + std::log1p(std::exp(low - high));
  }
};

template <class Op, class T, class Sum>
Sum start() {
  if constexpr (std::is_same_v<Op, LogAddExp>) {
    return std::is_same_v<T, half> ? Sum(-65504) : std::numeric_limits<Sum>::lowest();
  } else {
    return Sum(Op::kStart);
  }
}

// Columns [begin, end) of one outer block.
template <class Op, class T>
void scan_block(const ScanState& s, const T* x, T* y, int64_t begin, int64_t end) {
  using Sum = typename SumType<T>::type;
  constexpr int64_t kColumns = 256;
  for (int64_t b = begin; b < end; b += kColumns) {
    const int64_t n = std::min(kColumns, end - b);
    Sum carry[kColumns];
    std::fill_n(carry, n, start<Op, T, Sum>());
    for (int64_t k = 0; k < s.steps; ++k) {
      const int64_t at = (s.reverse ? s.steps - 1 - k : k) * s.inner + b;
      for (int64_t j = 0; j < n; ++j) {
        const Sum before = carry[j], v = static_cast<Sum>(x[at + j]);
        carry[j] = Op::join(before, v);
        y[at + j] = T(s.exclusive ? before : carry[j]);
      }
    }
  }
}

template <class Op, class T>
void scan(const RunContext& ctx, const ScanState& s, double element_ns) {
  const double column_ns = element_ns * static_cast<double>(s.steps);
  ctx.pool().parallel_for(s.outer * s.inner, grain_for_ns(column_ns), [&](int64_t b, int64_t e) {
    while (b < e) {
      const int64_t o = b / s.inner, column = b % s.inner, n = std::min(s.inner - column, e - b);
      const int64_t base = o * s.steps * s.inner;
      scan_block<Op>(s, ctx.in<T>(0) + base, ctx.out<T>(0) + base, column, column + n);
      b += n;
    }
  });
}

Status run_scan(const RunContext& ctx) {
  const auto& s = ctx.state<ScanState>();
  if (s.outer * s.steps * s.inner == 0) return {};
  visit_number(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    s.product ? scan<Multiply, T>(ctx, s, 1) : scan<Add, T>(ctx, s, 1);
  });
  return {};
}

Status run_log_sum_exp(const RunContext& ctx) {
  const auto& s = ctx.state<ScanState>();
  if (s.outer * s.steps * s.inner == 0) return {};
  visit_floating(ctx.input(0).dtype, [&](auto tag) { scan<LogAddExp, typename decltype(tag)::type>(ctx, s, 20); });
  return {};
}

}  // namespace

TW_KERNEL(Scan, prepare_scan, run_scan);
TW_KERNEL(CumulativeLogsumexp, prepare_scan, run_log_sum_exp);

}  // namespace tw
