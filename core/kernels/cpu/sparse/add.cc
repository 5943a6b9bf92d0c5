// Two sparse tensors merged: SparseAdd and its gradient, SparseSparseMaximum and SparseSparseMinimum.
#include <cmath>

#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

// Calls fn(row of a, row of b) in row-major order; -1 where one has no such entry. Both must be in that order.
template <typename Fn>
void merge_rows(const Coo& a, const Coo& b, const Fn& fn) {
  int64_t i = 0, j = 0;
  while (i < a.count || j < b.count) {
    const int order = i == a.count ? 1 : j == b.count ? -1 : a.compare(i, b, j);
    fn(order <= 0 ? i : -1, order >= 0 ? j : -1);
    i += order <= 0;
    j += order >= 0;
  }
}

Result<std::pair<Coo, Coo>> read_pair(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Coo a, Coo::read(ctx, 0));
  TW_ASSIGN_OR_RETURN(Coo b, Coo::read(ctx, 3));
  if (a.shape != b.shape) {
    return invalid_argument("Operands' shapes do not match: got ",
                            a.dense_shape().ok() ? a.dense_shape()->to_string() : "", " and ",
                            b.dense_shape().ok() ? b.dense_shape()->to_string() : "");
  }
  return std::make_pair(std::move(a), std::move(b));
}

struct Merged {
  int64_t a, b;
};

template <typename T>
Status put(const RunContext& ctx, const Coo& a, const Coo& b, const std::vector<Merged>& rows,
           const std::vector<T>& values, int shape) {
  TW_ASSIGN_OR_RETURN(const CooOut out, allocate_coo(ctx, 0, 1, shape, static_cast<int64_t>(rows.size()), a.shape));
  for (size_t i = 0; i < rows.size(); ++i) {
    for (int d = 0; d < a.rank; ++d) {
      out.indices[static_cast<int64_t>(i) * a.rank + d] =
          rows[i].a >= 0 ? a.index(rows[i].a, d) : b.index(rows[i].b, d);
    }
    static_cast<T*>(out.values)[i] = values[i];
  }
  return {};
}

// Calls fn(a's value, b's value, rows); absent ones are 0.
template <typename T, typename Fn>
void merge_values(const Coo& a, const Coo& b, const Fn& fn) {
  const T *x = static_cast<const T*>(a.values->data), *y = static_cast<const T*>(b.values->data);
  merge_rows(a, b, [&](int64_t i, int64_t j) { fn(i < 0 ? T(0) : x[i], j < 0 ? T(0) : y[j], Merged{i, j}); });
}

template <typename T>
auto magnitude(const T& v) {
  if constexpr (std::is_unsigned_v<T>) return v;
  else if constexpr (std::is_class_v<T> && sizeof(T) == 2) return std::abs(static_cast<float>(v));
  else return std::abs(v);
}

// Sums smaller than the threshold are dropped, but not entries of one tensor alone.
Status run_add(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const auto pair, read_pair(ctx));
  const auto& [a, b] = pair;
  const Value& threshold = ctx.input(6);
  if (!threshold.shape->is_scalar()) {
    return invalid_argument("The magnitude threshold must be a scalar: got shape ", *threshold.shape);
  }
  double limit = 0;
  visit_real(threshold.dtype, [&](auto tag) {
    limit = static_cast<double>(*static_cast<const typename decltype(tag)::type*>(threshold.data));
  });
  Status status;
  const bool known = visit_number(a.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<Merged> rows;
    std::vector<T> values;
    merge_values<T>(a, b, [&](T x, T y, Merged m) {
      const T sum = static_cast<T>(x + y);
      if (m.a >= 0 && m.b >= 0 && static_cast<double>(magnitude(sum)) < limit) return;
      rows.push_back(m);
      values.push_back(sum);
    });
    status = put(ctx, a, b, rows, values, 2);
  });
  return known ? status : unimplemented("SparseAdd has no kernel for ", dtype_name(a.values->dtype));
}

template <bool kMaximum>
Status run_extreme(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const auto pair, read_pair(ctx));
  const auto& [a, b] = pair;
  Status status;
  const bool known = visit_real(a.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<Merged> rows;
    std::vector<T> values;
    merge_values<T>(a, b, [&](T x, T y, Merged m) {
      rows.push_back(m);
      values.push_back((x < y) == kMaximum ? y : x);
    });
    status = put(ctx, a, b, rows, values, -1);
  });
  return known ? status : unimplemented("There is no kernel for ", dtype_name(a.values->dtype));
}

// Inputs: the gradient of the sum's values, and the indices of a, b and the sum. An entry that the sum lacks gets 0.
Status run_add_grad(const RunContext& ctx) {
  const Value& grad = ctx.input(0);
  const Value& sum = ctx.input(3);
  for (int i = 1; i < 4; ++i) {
    if (ctx.input(i).shape->rank() != 2 || (*ctx.input(i).shape)[1] != (*sum.shape)[1]) {
      return invalid_argument("Inputs {a,b,sum}_indices must be matrices of the same width, but one has shape ",
                              *ctx.input(i).shape);
    }
  }
  const int64_t rank = (*sum.shape)[1], sums = (*sum.shape)[0];
  if (*grad.shape != Shape{sums}) {
    return invalid_argument("# elements in backprop_val_grad and # rows in sum_indices should match: got ", *grad.shape,
                            " vs. ", sums);
  }
  for (int side = 0; side < 2; ++side) {
    const Value& own = ctx.input(1 + side);
    const int64_t count = (*own.shape)[0];
    TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(side, Shape{count}));
    const bool known = visit_number(grad.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      int64_t at = 0;
      for (int64_t i = 0; i < count; ++i) {
        const auto order = [&] {
          for (int64_t d = 0; d < rank; ++d) {
            const int64_t p = index_at(sum, at * rank + d), q = index_at(own, i * rank + d);
            if (p != q) return p < q ? -1 : 1;
          }
          return 0;
        };
        int where = 1;
        while (at < sums && (where = order()) < 0) ++at;
        static_cast<T*>(out)[i] = at < sums && where == 0 ? static_cast<const T*>(grad.data)[at] : T(0);
      }
    });
    if (!known) return unimplemented("SparseAddGrad has no kernel for ", dtype_name(grad.dtype));
  }
  return {};
}

}  // namespace

TW_KERNEL(SparseAdd, prepare_nothing, run_add);
TW_KERNEL(SparseAddGrad, prepare_nothing, run_add_grad);
TW_KERNEL(SparseSparseMaximum, prepare_nothing, run_extreme<true>);
TW_KERNEL(SparseSparseMinimum, prepare_nothing, run_extreme<false>);

}  // namespace tw
