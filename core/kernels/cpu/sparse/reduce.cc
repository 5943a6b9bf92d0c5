// SparseReduceSum and SparseReduceMax with dense and sparse results, SparseFillEmptyRows and its gradient.
#include <algorithm>
#include <array>

#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

struct ReduceState : KernelState {
  bool keep = false;
};

Status prepare_reduce(PrepareContext& ctx) {
  ctx.emplace_state<ReduceState>().keep = ctx.attrs().boolean("keep_dims");
  return {};
}

// Entries by the group they fall into: the flat position among the dimensions that stay.
struct Groups {
  std::vector<int64_t> shape;                        // of the result
  std::vector<int> dims;                             // that stay
  std::vector<std::pair<int64_t, int64_t>> entries;  // group and row, by group
};

Result<Groups> group(const RunContext& ctx, const Coo& a, bool keep) {
  const Value& axes = ctx.input(3);
  if (axes.shape->rank() > 1) {
    return invalid_argument("the dimensions to reduce must be a scalar or a vector, but have shape ", *axes.shape);
  }
  std::vector<bool> reduced(static_cast<size_t>(a.rank), false);
  for (int64_t i = 0; i < axes.shape->num_elements(); ++i) {
    const int64_t axis = index_at(axes, i);
    if (axis < -a.rank || axis >= a.rank) {
      return invalid_argument("Invalid reduction dimension ", axis, ", for input with ", a.rank, " dimensions.");
    }
    reduced[static_cast<size_t>(axis < 0 ? axis + a.rank : axis)] = true;
  }
  Groups g;
  for (int d = 0; d < a.rank; ++d) {
    if (!reduced[static_cast<size_t>(d)]) {
      g.dims.push_back(d);
      g.shape.push_back(a.shape[static_cast<size_t>(d)]);
    } else if (keep) {
      g.shape.push_back(1);
    }
  }
  // Where entries lie in the reduced dimensions does not matter.
  for (const int d : g.dims) TW_RETURN_IF_ERROR(a.check_bounds(d));
  for (int64_t i = 0; i < a.count; ++i) {
    int64_t at = 0;
    for (const int d : g.dims) at = at * a.shape[static_cast<size_t>(d)] + a.index(i, d);
    g.entries.push_back({at, i});
  }
  std::sort(g.entries.begin(), g.entries.end());
  return g;
}

// Calls fn(group, value) for each group that has entries.
template <bool kMax, typename T, typename Fn>
void each_group(const Coo& a, const Groups& g, const Fn& fn) {
  using S = std::conditional_t<std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, float, T>;
  const T* values = static_cast<const T*>(a.values->data);
  for (size_t i = 0; i < g.entries.size();) {
    const int64_t at = g.entries[i].first;
    S sum = static_cast<S>(values[g.entries[i].second]);
    for (++i; i < g.entries.size() && g.entries[i].first == at; ++i) {
      const S v = static_cast<S>(values[g.entries[i].second]);
      if constexpr (kMax) sum = std::max(sum, v);
      else sum = static_cast<S>(sum + v);
    }
    fn(at, static_cast<T>(sum));
  }
}

// Maxima are of real numbers.
template <bool kMax, typename Fn>
bool visit_reducible(DType t, const Fn& fn) {
  if constexpr (kMax) return visit_real(t, fn);
  else return visit_number(t, fn);
}

template <bool kMax>
Status run_dense(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  TW_ASSIGN_OR_RETURN(const Groups g, group(ctx, a, ctx.state<ReduceState>().keep));
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(g.shape));
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, shape));
  const bool known = visit_reducible<kMax>(a.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::fill_n(static_cast<T*>(out), shape.num_elements(), T(0));
    each_group<kMax, T>(a, g, [&](int64_t at, T v) { static_cast<T*>(out)[at] = v; });
  });
  return known ? Status() : unimplemented("There is no sparse reduction of ", dtype_name(a.values->dtype));
}

template <bool kMax>
Status run_sparse(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  const bool keep = ctx.state<ReduceState>().keep;
  TW_ASSIGN_OR_RETURN(const Groups g, group(ctx, a, keep));
  int64_t count = 0;
  for (size_t i = 0; i < g.entries.size(); ++i) count += i == 0 || g.entries[i].first != g.entries[i - 1].first;
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, 2, count, g.shape));
  const auto rank = static_cast<int64_t>(g.shape.size());
  const bool known = visit_reducible<kMax>(a.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    int64_t i = 0;
    each_group<kMax, T>(a, g, [&](int64_t at, T v) {
      std::fill_n(out.indices + i * rank, rank, int64_t{0});
      for (size_t d = g.dims.size(); d-- > 0;) {
        const int64_t size = a.shape[static_cast<size_t>(g.dims[d])];
        out.indices[i * rank + (keep ? g.dims[d] : static_cast<int64_t>(d))] = at % size;
        at /= size;
      }
      static_cast<T*>(out.values)[i++] = v;
    });
  });
  return known ? Status() : unimplemented("There is no sparse reduction of ", dtype_name(a.values->dtype));
}

// Rows of the first dimension that have no entry get the default value in their first place. Outputs: indices, values,
// which rows were empty, and where each entry given went.
Status run_fill(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  const Value& filler = ctx.input(3);
  if (!filler.shape->is_scalar()) {
    return invalid_argument("default_value must be a scalar, saw: ", *filler.shape);
  }
  if (a.rank == 0) return invalid_argument("Dense shape cannot be empty.");
  const int64_t rows = a.shape[0];
  std::vector<int64_t> next(static_cast<size_t>(rows), 0);
  for (int64_t i = 0; i < a.count; ++i) {
    const int64_t row = a.index(i, 0);
    if (row < 0 || row >= rows) {
      return invalid_argument("indices(", i, ", 0) is invalid: ", row, " >= ", rows);
    }
    ++next[static_cast<size_t>(row)];
  }
  TW_ASSIGN_OR_RETURN(void* const empty, ctx.allocate_output(2, Shape{rows}));
  TW_ASSIGN_OR_RETURN(void* const where, ctx.allocate_output(3, Shape{a.count}));
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t have = next[static_cast<size_t>(r)];
    static_cast<bool*>(empty)[r] = have == 0;
    next[static_cast<size_t>(r)] = count;
    count += std::max<int64_t>(have, 1);
  }
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, -1, count, a.shape));
  for (int64_t r = 0; r < rows; ++r) {
    if (!static_cast<bool*>(empty)[r]) continue;
    const int64_t to = next[static_cast<size_t>(r)];
    for (int d = 0; d < a.rank; ++d) out.indices[to * a.rank + d] = d == 0 ? r : 0;
    copy_value(filler.dtype, filler.data, 0, out.values, to);
  }
  for (int64_t i = 0; i < a.count; ++i) {
    const int64_t to = next[static_cast<size_t>(a.index(i, 0))]++;
    static_cast<int64_t*>(where)[i] = to;
    for (int d = 0; d < a.rank; ++d) out.indices[to * a.rank + d] = a.index(i, d);
    copy_value(filler.dtype, a.values->data, i, out.values, to);
  }
  return {};
}

Status run_fill_grad(const RunContext& ctx) {
  const Value &where = ctx.input(0), &grad = ctx.input(1);
  if (where.shape->rank() != 1) return invalid_argument("reverse_index_map must be a vector, saw: ", *where.shape);
  if (grad.shape->rank() != 1) return invalid_argument("grad_values must be a vector, saw: ", *grad.shape);
  const int64_t count = (*where.shape)[0], all = (*grad.shape)[0];
  TW_ASSIGN_OR_RETURN(void* const values, ctx.allocate_output(0, Shape{count}));
  TW_ASSIGN_OR_RETURN(void* const filler, ctx.allocate_output(1, Shape{}));
  std::vector<bool> visited(static_cast<size_t>(all), false);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = index_at(where, i);
    if (at < 0 || at >= all) {
      return invalid_argument("Elements in reverse index must be in [0, ", all, ") but got ", at);
    }
    visited[static_cast<size_t>(at)] = true;
  }
  const bool known = visit_number(grad.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = static_cast<const T*>(grad.data);
    for (int64_t i = 0; i < count; ++i) static_cast<T*>(values)[i] = from[index_at(where, i)];
    T sum(0);
    for (int64_t i = 0; i < all; ++i) {
      if (!visited[static_cast<size_t>(i)]) sum = static_cast<T>(sum + from[i]);
    }
    *static_cast<T*>(filler) = sum;
  });
  return known ? Status() : unimplemented("SparseFillEmptyRowsGrad has no kernel for ", dtype_name(grad.dtype));
}

}  // namespace

TW_KERNEL(SparseReduceSum, prepare_reduce, run_dense<false>);
TW_KERNEL(SparseReduceMax, prepare_reduce, run_dense<true>);
TW_KERNEL(SparseReduceSumSparse, prepare_reduce, run_sparse<false>);
TW_KERNEL(SparseReduceMaxSparse, prepare_reduce, run_sparse<true>);
TW_KERNEL(SparseFillEmptyRows, prepare_nothing, run_fill);
TW_KERNEL(SparseFillEmptyRowsGrad, prepare_nothing, run_fill_grad);

}  // namespace tw
