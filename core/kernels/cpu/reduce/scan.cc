// Running sums and products along an axis.
#include <algorithm>
#include <complex>

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

// Columns [begin, end) of one outer block.
template <bool kProduct, class T>
void scan_block(const ScanState& s, const T* x, T* y, int64_t begin, int64_t end) {
  using Sum = typename SumType<T>::type;
  constexpr int64_t kColumns = 256;
  for (int64_t b = begin; b < end; b += kColumns) {
    const int64_t n = std::min(kColumns, end - b);
    Sum carry[kColumns];
    std::fill_n(carry, n, Sum(kProduct ? 1 : 0));
    for (int64_t k = 0; k < s.steps; ++k) {
      const int64_t at = (s.reverse ? s.steps - 1 - k : k) * s.inner + b;
      for (int64_t j = 0; j < n; ++j) {
        const Sum before = carry[j], v = static_cast<Sum>(x[at + j]);
        carry[j] = kProduct ? before * v : before + v;
        y[at + j] = T(s.exclusive ? before : carry[j]);
      }
    }
  }
}

Status run_scan(const RunContext& ctx) {
  const auto& s = ctx.state<ScanState>();
  if (s.outer * s.steps * s.inner == 0) return {};
  visit_number(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const double column_ns = 1.0 * static_cast<double>(s.steps);
    ctx.pool().parallel_for(s.outer * s.inner, grain_for_ns(column_ns), [&](int64_t b, int64_t e) {
      while (b < e) {
        const int64_t o = b / s.inner, column = b % s.inner, n = std::min(s.inner - column, e - b);
        const int64_t base = o * s.steps * s.inner;
        const T* x = ctx.in<T>(0) + base;
        T* y = ctx.out<T>(0) + base;
        s.product ? scan_block<true>(s, x, y, column, column + n) : scan_block<false>(s, x, y, column, column + n);
        b += n;
      }
    });
  });
  return {};
}

}  // namespace

TW_KERNEL(Scan, prepare_scan, run_scan);

}  // namespace tw
