// Batches of matrices for Eigen. Decompositions are compiled for double and complex<double> only and serve the narrower
// types by conversion: half the code, and results as exact as the type can hold.
#pragma once

#include <Eigen/Core>

#include "core/framework/kernel.h"

namespace tw::linalg {

template <typename C>
using Matrix = Eigen::Matrix<C, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A batch of matrices [..., rows, columns], or of vectors [..., columns] with rows 1.
struct Batch {
  int64_t count = 0, rows = 0, columns = 0;
  static Batch matrices(const Shape& s) {
    const int r = s.rank();
    return {s.product(0, r - 2), s[r - 2], s[r - 1]};
  }
};

inline Status check_matrices(const PrepareContext& ctx, int i, bool square) {
  const Shape& s = ctx.input_shape(i);
  if (s.rank() < 2) return invalid_argument("Input must have rank >= 2, got ", s.rank());
  if (s.rank() > kMaxRank) return invalid_argument("Input has too many dimensions: ", s);
  if (square && s[s.rank() - 2] != s[s.rank() - 1]) {
    return invalid_argument("Input matrix must be square, but has shape ", s);
  }
  return {};
}
inline Status check_same_batch(const PrepareContext& ctx, int i, int j) {
  const Shape &a = ctx.input_shape(i), &b = ctx.input_shape(j);
  bool same = a.rank() == b.rank();
  for (int d = 0; same && d < a.rank() - 2; ++d) same = a[d] == b[d];
  if (same) return {};
  return invalid_argument("Batch dimensions of inputs must agree, but the inputs have shapes ", a, " and ", b);
}

// Calls fn(TypeTag of the elements, TypeTag of what is computed with) for the dtypes of linear algebra.
template <typename Fn>
Status visit_scalar(DType t, const Fn& fn) {
  switch (t) {
    case DType::kFloat: return fn(TypeTag<float>{}, TypeTag<double>{});
    case DType::kDouble: return fn(TypeTag<double>{}, TypeTag<double>{});
    case DType::kHalf: return fn(TypeTag<half>{}, TypeTag<double>{});
    case DType::kComplex64: return fn(TypeTag<std::complex<float>>{}, TypeTag<std::complex<double>>{});
    case DType::kComplex128: return fn(TypeTag<std::complex<double>>{}, TypeTag<std::complex<double>>{});
    default: return unimplemented("There is no linear algebra of ", dtype_name(t));
  }
}

// The same, computing in the elements' own precision: for results whose signs hang on rounding, as TensorFlow rounds.
template <typename Fn>
Status visit_native(DType t, const Fn& fn) {
  switch (t) {
    case DType::kFloat: return fn(TypeTag<float>{}, TypeTag<float>{});
    case DType::kHalf: return fn(TypeTag<half>{}, TypeTag<float>{});
    case DType::kComplex64: return fn(TypeTag<std::complex<float>>{}, TypeTag<std::complex<float>>{});
    default: return visit_scalar(t, fn);
  }
}

template <typename C, typename T>
Matrix<C> load(const T* from, int64_t rows, int64_t columns) {
  Matrix<C> m(rows, columns);
  for (int64_t i = 0; i < rows * columns; ++i) m.data()[i] = static_cast<C>(from[i]);
  return m;
}
// From any matrix or expression of Eigen, row by row.
template <typename T, typename M>
void store(const M& m, T* to) {
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    for (Eigen::Index j = 0; j < m.cols(); ++j) *to++ = static_cast<T>(m(i, j));
  }
}

// A batch with work for several threads. fn(index) returns a Status; one of the failures is returned.
template <typename Fn>
Status each_matrix(WorkerPool& pool, int64_t count, double ns, const Fn& fn) {
  std::mutex mutex;
  Status first;
  pool.parallel_for(count, grain_for_ns(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Status s = fn(i);
      if (s.ok()) continue;
      std::lock_guard lock(mutex);
      first = std::move(s);
    }
  });
  return first;
}
inline double cubic_ns(int64_t n) { return static_cast<double>(n * n * n) + 200; }

}  // namespace tw::linalg
