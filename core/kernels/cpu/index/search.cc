// LowerBound, UpperBound, UnravelIndex and NthElement.
#include <algorithm>
#include <functional>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct SearchState : KernelState {
  bool dynamic = false, reverse = false;
  int64_t n = -1;
};

Status prepare_bound(PrepareContext& ctx) {
  const Shape &sorted = ctx.input_shape(0), &values = ctx.input_shape(1);
  if (sorted.rank() == 2 && values.rank() == 2 && sorted[0] == values[0]) return {};
  return invalid_argument("Leading dim_size of both tensors must match, but they have shapes ", sorted, " and ",
                          values);
}

// For each value the number of elements of its sorted row that are smaller (or, for the upper bound, not larger).
template <bool kUpper>
Status run_bound(const RunContext& ctx) {
  const Shape &sorted = *ctx.input(0).shape, &values = *ctx.input(1).shape;
  const int64_t width = sorted[1], columns = values[1];
  const bool narrow = ctx.output(0).dtype == DType::kInt32;
  const bool known = visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t r = 0; r < values[0]; ++r) {
      const T *begin = ctx.in<T>(0) + r * width, *end = begin + width, *v = ctx.in<T>(1) + r * columns;
      for (int64_t i = 0; i < columns; ++i) {
        const int64_t at = (kUpper ? std::upper_bound(begin, end, v[i]) : std::lower_bound(begin, end, v[i])) - begin;
        if (narrow) ctx.out<int32_t>(0)[r * columns + i] = static_cast<int32_t>(at);
        else ctx.out<int64_t>(0)[r * columns + i] = at;
      }
    }
  });
  return known ? Status() : unimplemented("There is no kernel for ", dtype_name(ctx.input(0).dtype));
}

Status prepare_unravel(PrepareContext& ctx) {
  if (ctx.input_shape(1).rank() != 1) {
    return invalid_argument("The dims must be a vector, but have shape ", ctx.input_shape(1));
  }
  if (ctx.input_shape(0).rank() > 1) {
    return invalid_argument("The indices can only be scalar or vector, got ", ctx.input_shape(0));
  }
  return {};
}

Status run_unravel(const RunContext& ctx) {
  const Value &indices = ctx.input(0), &dims = ctx.input(1);
  const int64_t rank = (*dims.shape)[0], count = indices.shape->num_elements();
  int64_t size = 1;
  for (int64_t d = 0; d < rank; ++d) {
    if (index_at(dims, d) <= 0) return invalid_argument("Input dims cannot contain a dim of zero or less");
    if (__builtin_mul_overflow(size, index_at(dims, d), &size)) {
      return invalid_argument("Input dims product is causing integer overflow");
    }
  }
  const auto put = [&](int64_t i, int64_t v) {
    if (indices.dtype == DType::kInt32) ctx.out<int32_t>(0)[i] = static_cast<int32_t>(v);
    else ctx.out<int64_t>(0)[i] = v;
  };
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = index_at(indices, i);
    if (rest < 0 || rest >= size) {
      return invalid_argument("index is out of bound as with dims: indices[", i, "] = ", rest, " is not in [0, ", size,
                              ")");
    }
    for (int64_t d = rank; d-- > 0;) {
      put(d * count + i, rest % index_at(dims, d));
      rest /= index_at(dims, d);
    }
  }
  return {};
}

Status prepare_nth(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<SearchState>();
  s.reverse = ctx.attrs().boolean("reverse");
  s.n = index_value(*ctx.constant(1), 0);
  const Shape& in = ctx.input_shape(0);
  if (in.rank() < 1) return invalid_argument("Input must be >= 1-D, got shape ", in);
  const int64_t width = in[in.rank() - 1];
  if (s.n < 0 || s.n >= width) {
    return invalid_argument("Input must have at least n+1 = ", s.n + 1, " columns, but has shape ", in);
  }
  if (s.reverse) s.n = width - 1 - s.n;
  ctx.set_workspace(static_cast<size_t>(width) * dtype_size(ctx.input_dtype(0)));
  return {};
}

// The element that sorting would put at place n of each row.
Status run_nth(const RunContext& ctx) {
  const auto& s = ctx.state<SearchState>();
  const Shape& in = *ctx.input(0).shape;
  const int64_t width = in[in.rank() - 1], rows = in.product(0, in.rank() - 1);
  const bool known = visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* row = static_cast<T*>(ctx.workspace());
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(ctx.in<T>(0) + r * width, width, row);
      std::nth_element(row, row + s.n, row + width);
      ctx.out<T>(0)[r] = row[s.n];
    }
  });
  return known ? Status() : unimplemented("There is no kernel for ", dtype_name(ctx.input(0).dtype));
}

}  // namespace

TW_KERNEL(LowerBound, prepare_bound, run_bound<false>);
TW_KERNEL(UpperBound, prepare_bound, run_bound<true>);
TW_KERNEL(UnravelIndex, prepare_unravel, run_unravel);
TW_KERNEL(NthElement, prepare_nth, run_nth);

}  // namespace tw
