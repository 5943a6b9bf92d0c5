// A sparse tensor with a dense one: SparseTensorDenseAdd, SparseDenseCwiseAdd, -Mul and -Div, SparseTensorDenseMatMul;
// and SparseSoftmax.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

struct DenseState : KernelState {
  bool adjoint_a = false, adjoint_b = false;
};

Status prepare_matmul(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<DenseState>();
  s.adjoint_a = ctx.attrs().boolean("adjoint_a");
  s.adjoint_b = ctx.attrs().boolean("adjoint_b");
  return {};
}

template <typename T>
T conjugate(const T& v) {
  if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) return std::conj(v);
  else return v;
}

// The product's sums gather in float for 16-bit floats.
template <typename T>
using Sum = std::conditional_t<std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, float, T>;

Status run_matmul(const RunContext& ctx) {
  const auto& s = ctx.state<DenseState>();
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  const Value& b = ctx.input(3);
  if (a.rank != 2) return invalid_argument("Tensor 'a_shape' must have 2 elements, but has ", a.rank);
  if (b.shape->rank() != 2) return invalid_argument("Tensor 'b' is not a matrix, but has shape ", *b.shape);
  TW_RETURN_IF_ERROR(a.check_bounds());
  const int out_axis = s.adjoint_a ? 1 : 0;
  const int64_t rows = a.shape[static_cast<size_t>(out_axis)], inner = a.shape[static_cast<size_t>(1 - out_axis)];
  const int64_t b_inner = (*b.shape)[s.adjoint_b ? 1 : 0], columns = (*b.shape)[s.adjoint_b ? 0 : 1];
  if (inner != b_inner) {
    return invalid_argument("Cannot multiply A and B because inner dimension does not match: ", inner, " vs. ", b_inner,
                            ".  Did you forget a transpose?  Dimensions of A: [", a.shape[0], ", ", a.shape[1],
                            ").  Dimensions of B: ", *b.shape);
  }
  TW_ASSIGN_OR_RETURN(void* const storage, ctx.allocate_output(0, Shape{rows, columns}));
  const bool known = visit_number(b.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using S = Sum<T>;
    const T *values = static_cast<const T*>(a.values->data), *dense = static_cast<const T*>(b.data);
    // Columns are shared out, so that no two threads write one element.
    const double ns = 0.5 * static_cast<double>(a.count);
    ctx.pool().parallel_for(columns, grain_for_ns(ns), [&](int64_t begin, int64_t end) {
      std::vector<S> sums;
      S* to = nullptr;
      int64_t pitch = columns, shift = 0;
      if constexpr (std::is_same_v<S, T>) {
        to = static_cast<T*>(storage);
      } else {
        sums.resize(static_cast<size_t>(rows * (end - begin)));
        to = sums.data(), pitch = end - begin, shift = begin;
      }
      for (int64_t r = 0; r < rows; ++r) std::fill(to + r * pitch + begin - shift, to + r * pitch + end - shift, S(0));
      for (int64_t i = 0; i < a.count; ++i) {
        S* row = to + a.index(i, out_axis) * pitch - shift;
        const int64_t k = a.index(i, 1 - out_axis);
        const S v = static_cast<S>(values[i]);  // of adjoint_a, TensorFlow transposes a and does not conjugate it
        if (s.adjoint_b) {
          for (int64_t c = begin; c < end; ++c) {
            row[c] = static_cast<S>(row[c] + v * static_cast<S>(conjugate(dense[c * b_inner + k])));
          }
        } else {
          const T* from = dense + k * columns;
          for (int64_t c = begin; c < end; ++c) row[c] = static_cast<S>(row[c] + v * static_cast<S>(from[c]));
        }
      }
      if constexpr (!std::is_same_v<S, T>) {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = begin; c < end; ++c) {
            static_cast<T*>(storage)[r * columns + c] = T(sums[static_cast<size_t>(r * pitch + c - begin)]);
          }
        }
      }
    });
  });
  return known ? Status() : unimplemented("SparseTensorDenseMatMul has no kernel for ", dtype_name(b.dtype));
}

Status run_tensor_add(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  TW_ASSIGN_OR_RETURN(const Shape shape, a.dense_shape());
  const Value& b = ctx.input(3);
  if (*b.shape != shape) {
    return invalid_argument("Dimensions of a and b must be equal, but are ", shape, " and ", *b.shape);
  }
  TW_RETURN_IF_ERROR(a.check_bounds());
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, shape));
  copy_elements(b.dtype, b.data, out, shape.num_elements());
  const auto strides = strides_of(shape);
  const bool known = visit_number(b.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < a.count; ++i) {
      int64_t at = 0;
      for (int d = 0; d < a.rank; ++d) at += a.index(i, d) * strides[static_cast<size_t>(d)];
      T& to = static_cast<T*>(out)[at];
      to = static_cast<T>(to + static_cast<const T*>(a.values->data)[i]);
    }
  });
  return known ? Status() : unimplemented("SparseTensorDenseAdd has no kernel for ", dtype_name(b.dtype));
}

enum class Cwise { kAdd, kMul, kDiv };

// The values combined with the dense tensor's elements at their indices; the dense one broadcasts to the sparse one.
template <Cwise kOp>
Status run_cwise(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  const Value& b = ctx.input(3);
  const int lead = a.rank - b.shape->rank();
  std::vector<int64_t> strides(static_cast<size_t>(a.rank), 0);
  const auto own = strides_of(*b.shape);
  bool fits = lead >= 0;
  for (int d = 0; fits && d < b.shape->rank(); ++d) {
    const int64_t size = (*b.shape)[d], sparse = a.shape[static_cast<size_t>(lead + d)];
    fits = size == sparse || size == 1;
    if (size != 1) strides[static_cast<size_t>(lead + d)] = own[static_cast<size_t>(d)];
  }
  if (!fits) {
    return invalid_argument(
        "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: dense ", *b.shape,
        " against a sparse tensor of rank ", a.rank);
  }
  TW_RETURN_IF_ERROR(a.check_bounds());
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, Shape{a.count}));
  Status status;
  const bool known = visit_number(b.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < a.count; ++i) {
      int64_t at = 0;
      for (int d = 0; d < a.rank; ++d) at += a.index(i, d) * strides[static_cast<size_t>(d)];
      const T x = static_cast<const T*>(a.values->data)[i], y = static_cast<const T*>(b.data)[at];
      T& to = static_cast<T*>(out)[i];
      if constexpr (kOp == Cwise::kAdd) to = static_cast<T>(x + y);
      if constexpr (kOp == Cwise::kMul) to = static_cast<T>(x * y);
      if constexpr (kOp == Cwise::kDiv) {
        if constexpr (std::is_integral_v<T>) {
          if (y == 0) {
            status = invalid_argument("Integer division by zero");
            to = 0;
            continue;
          }
          if constexpr (std::is_signed_v<T>) {
            if (y == -1) {
              to = static_cast<T>(std::make_unsigned_t<T>(0) - static_cast<std::make_unsigned_t<T>>(x));
              continue;
            }
          }
        }
        to = static_cast<T>(x / y);
      }
    }
  });
  return known ? status : unimplemented("There is no kernel for ", dtype_name(b.dtype));
}

// Over the entries of each innermost row, which lie together.
Status run_softmax(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo a, Coo::read(ctx, 0));
  if (a.rank < 2) return invalid_argument("Input should have rank >= 2, but got: ", a.rank);
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(0, Shape{a.count}));
  visit_floating(a.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (sizeof(T) >= 4) {
      const T* in = static_cast<const T*>(a.values->data);
      T* to = static_cast<T*>(out);
      const auto same_row = [&](int64_t i, int64_t j) {
        for (int d = 0; d + 1 < a.rank; ++d) {
          if (a.index(i, d) != a.index(j, d)) return false;
        }
        return true;
      };
      for (int64_t begin = 0, end; begin < a.count; begin = end) {
        for (end = begin + 1; end < a.count && same_row(begin, end);) ++end;
        const T most = *std::max_element(in + begin, in + end);
        T sum = 0;
        for (int64_t i = begin; i < end; ++i) sum += to[i] = std::exp(in[i] - most);
        for (int64_t i = begin; i < end; ++i) to[i] /= sum;
      }
    }
  });
  return {};
}

}  // namespace

TW_KERNEL(SparseTensorDenseMatMul, prepare_matmul, run_matmul);
TW_KERNEL(SparseTensorDenseAdd, prepare_nothing, run_tensor_add);
TW_KERNEL(SparseDenseCwiseAdd, prepare_nothing, run_cwise<Cwise::kAdd>);
TW_KERNEL(SparseDenseCwiseMul, prepare_nothing, run_cwise<Cwise::kMul>);
TW_KERNEL(SparseDenseCwiseDiv, prepare_nothing, run_cwise<Cwise::kDiv>);
TW_KERNEL(SparseSoftmax, prepare_nothing, run_softmax);

}  // namespace tw
