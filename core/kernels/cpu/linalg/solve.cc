// MatrixInverse, MatrixDeterminant, LogMatrixDeterminant, MatrixSolve, MatrixTriangularSolve, Cholesky, CholeskyGrad
// and Lu.
#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>

#include "core/kernels/cpu/linalg/matrices.h"

namespace tw {
namespace {

using namespace linalg;

struct SolveState : KernelState {
  bool adjoint = false, lower = true;
};

Status prepare_square(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<SolveState>();
  if (ctx.attrs().has("adjoint")) s.adjoint = ctx.attrs().boolean("adjoint");
  if (ctx.attrs().has("lower")) s.lower = ctx.attrs().boolean("lower");
  TW_RETURN_IF_ERROR(check_matrices(ctx, 0, true));
  if (ctx.num_inputs() == 1) return {};
  TW_RETURN_IF_ERROR(check_matrices(ctx, 1, false));
  TW_RETURN_IF_ERROR(check_same_batch(ctx, 0, 1));
  const Shape &a = ctx.input_shape(0), &b = ctx.input_shape(1);
  if (a[a.rank() - 1] == b[b.rank() - 2]) return {};
  return invalid_argument("Input matrix and right-hand side must have the same number of rows, but have shapes ", a,
                          " and ", b);
}

// Calls fn(matrix, index, TypeTag<T>) for each matrix of input 0.
template <typename Fn>
Status each_square(const RunContext& ctx, const Fn& fn) {
  const Batch b = Batch::matrices(*ctx.input(0).shape);
  return visit_scalar(ctx.input(0).dtype, [&](auto t, auto c) {
    using T = typename decltype(t)::type;
    using C = typename decltype(c)::type;
    return each_matrix(ctx.pool(), b.count, cubic_ns(b.rows), [&](int64_t i) {
      return fn(load<C>(ctx.in<T>(0) + i * b.rows * b.columns, b.rows, b.columns), i, t);
    });
  });
}

template <typename Lu>
bool singular(const Lu& lu) {
  const auto pivots = lu.matrixLU().diagonal().cwiseAbs();
  return pivots.size() > 0 && !(pivots.minCoeff() > 0);
}

Status run_inverse(const RunContext& ctx) {
  const bool adjoint = ctx.state<SolveState>().adjoint;
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    if (m.size() == 0) return {};
    using M = std::decay_t<decltype(m)>;
    const Eigen::PartialPivLU<M> lu(adjoint ? M(m.adjoint()) : m);
    if (singular(lu)) return invalid_argument("Input is not invertible.");
    store(M(lu.inverse()), ctx.out<T>(0) + i * m.size());
    return {};
  });
}

Status run_determinant(const RunContext& ctx) {
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    ctx.out<T>(0)[i] = m.size() == 0 ? T(1) : static_cast<T>(Eigen::PartialPivLU<M>(m).determinant());
    return {};
  });
}

// The sign (for complex matrices the phase) and the logarithm of the absolute value, which may be beyond any number.
Status run_log_determinant(const RunContext& ctx) {
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    using C = typename M::Scalar;
    C sign(1);
    double log_abs = 0;
    if (m.size() > 0) {
      const Eigen::PartialPivLU<M> lu(m);
      sign = C(static_cast<double>(lu.permutationP().determinant()));
      for (Eigen::Index k = 0; k < m.rows(); ++k) {
        const C pivot = lu.matrixLU()(k, k);
        const double size = std::abs(pivot);
        sign = size > 0 ? sign * pivot / size : C(0);
        log_abs += std::log(size);
      }
    }
    ctx.out<T>(0)[i] = static_cast<T>(sign);
    ctx.out<T>(1)[i] = static_cast<T>(C(log_abs));
    return {};
  });
}

template <bool kTriangular>
Status run_solve(const RunContext& ctx) {
  const auto& s = ctx.state<SolveState>();
  const Batch b = Batch::matrices(*ctx.input(1).shape);
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    if (m.size() == 0 || b.columns == 0) return {};
    const int64_t at = i * b.rows * b.columns;
    M x = load<typename M::Scalar>(ctx.in<T>(1) + at, b.rows, b.columns);
    if constexpr (kTriangular) {
      if (!(m.diagonal().cwiseAbs().minCoeff() > 0)) return invalid_argument("Input matrix is not invertible.");
      if (s.lower && s.adjoint) m.template triangularView<Eigen::Lower>().adjoint().solveInPlace(x);
      else if (s.lower) m.template triangularView<Eigen::Lower>().solveInPlace(x);
      else if (s.adjoint) m.template triangularView<Eigen::Upper>().adjoint().solveInPlace(x);
      else m.template triangularView<Eigen::Upper>().solveInPlace(x);
    } else {
      const Eigen::PartialPivLU<M> lu(s.adjoint ? M(m.adjoint()) : m);
      if (singular(lu)) return invalid_argument("Input matrix is not invertible.");
      x = M(lu.solve(x));
    }
    store(x, ctx.out<T>(0) + at);
    return {};
  });
}

Status run_cholesky(const RunContext& ctx) {
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    if (m.size() == 0) return {};
    const Eigen::LLT<M, Eigen::Lower> llt(m);
    if (llt.info() != Eigen::Success) {
      return invalid_argument("Cholesky decomposition was not successful. The input might not be valid.");
    }
    store(M(llt.matrixL()), ctx.out<T>(0) + i * m.size());
    return {};
  });
}

Status prepare_cholesky_grad(PrepareContext& ctx) {
  TW_RETURN_IF_ERROR(check_matrices(ctx, 0, true));
  if (ctx.input_shape(0) == ctx.input_shape(1)) return {};
  return invalid_argument("Inputs l and grad must have one shape, but have ", ctx.input_shape(0), " and ",
                          ctx.input_shape(1));
}

// With P the lower triangle of l^H grad and half its diagonal, the symmetric part of l^-H P l^-1 (Murray,
// "Differentiation of the Cholesky decomposition").
Status run_cholesky_grad(const RunContext& ctx) {
  return each_square(ctx, [&](const auto& l, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(l)>;
    if (l.size() == 0) return {};
    const M lower = l.template triangularView<Eigen::Lower>();
    const M grad = load<typename M::Scalar>(ctx.in<T>(1) + i * l.size(), l.rows(), l.cols());
    M p = lower.adjoint() * M(grad.template triangularView<Eigen::Lower>());
    p.diagonal() *= 0.5;
    p = M(p.template triangularView<Eigen::Lower>());
    lower.template triangularView<Eigen::Lower>().adjoint().solveInPlace(p);
    M result = p.adjoint();
    lower.template triangularView<Eigen::Lower>().adjoint().solveInPlace(result);
    store(M((result + result.adjoint()) * 0.5), ctx.out<T>(0) + i * l.size());
    return {};
  });
}

// The factors in one matrix, and where each row came from.
Status run_lu(const RunContext& ctx) {
  const bool narrow = ctx.output(1).dtype == DType::kInt32;
  return each_square(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    if (m.size() == 0) return {};
    const Eigen::PartialPivLU<M> lu(m);
    if (singular(lu)) return invalid_argument("Input is not invertible.");
    store(lu.matrixLU(), ctx.out<T>(0) + i * m.size());
    // Row k of the input becomes row indices()[k] of the permuted one.
    for (Eigen::Index k = 0; k < m.rows(); ++k) {
      const int64_t to = i * m.rows() + lu.permutationP().indices()[k];
      if (narrow) ctx.out<int32_t>(1)[to] = static_cast<int32_t>(k);
      else ctx.out<int64_t>(1)[to] = k;
    }
    return {};
  });
}

}  // namespace

TW_KERNEL(MatrixInverse, prepare_square, run_inverse);
TW_KERNEL(MatrixDeterminant, prepare_square, run_determinant);
TW_KERNEL(LogMatrixDeterminant, prepare_square, run_log_determinant);
TW_KERNEL(MatrixSolve, prepare_square, run_solve<false>);
TW_KERNEL(MatrixTriangularSolve, prepare_square, run_solve<true>);
TW_KERNEL(Cholesky, prepare_square, run_cholesky);
TW_KERNEL(CholeskyGrad, prepare_cholesky_grad, run_cholesky_grad);
TW_KERNEL(Lu, prepare_square, run_lu);

}  // namespace tw
