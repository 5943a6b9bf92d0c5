// MatrixSolveLs: regularised least squares by the normal equations, or the solution of least norm by a complete
// orthogonal decomposition.
#include <Eigen/Cholesky>
#include <Eigen/QR>

#include "core/kernels/cpu/linalg/matrices.h"

namespace tw {
namespace {

using namespace linalg;

struct LeastSquaresState : KernelState {
  bool fast = true;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<LeastSquaresState>().fast = ctx.attrs().boolean("fast");
  for (int i = 0; i < 2; ++i) TW_RETURN_IF_ERROR(check_matrices(ctx, i, false));
  TW_RETURN_IF_ERROR(check_same_batch(ctx, 0, 1));
  const Shape &a = ctx.input_shape(0), &b = ctx.input_shape(1);
  if (ctx.input_shape(2).rank() != 0) {
    return invalid_argument("l2_regularizer must be scalar, got shape ", ctx.input_shape(2));
  }
  if (a[a.rank() - 2] == b[b.rank() - 2]) return {};
  return invalid_argument("Input matrix and rhs are incompatible: they have ", a[a.rank() - 2], " and ",
                          b[b.rank() - 2], " rows");
}

Status run(const RunContext& ctx) {
  const bool fast = ctx.state<LeastSquaresState>().fast;
  const double regularizer = *ctx.in<double>(2);
  if (regularizer < 0) return invalid_argument("l2_regularizer must be >= 0, got ", regularizer);
  const Batch a = Batch::matrices(*ctx.input(0).shape), b = Batch::matrices(*ctx.input(1).shape);
  return visit_scalar(ctx.input(0).dtype, [&](auto t, auto c) {
    using T = typename decltype(t)::type;
    using M = Matrix<typename decltype(c)::type>;
    return each_matrix(ctx.pool(), a.count, cubic_ns(std::max(a.rows, a.columns)), [&](int64_t i) -> Status {
      T* const to = ctx.out<T>(0) + i * a.columns * b.columns;
      const M m = load<typename M::Scalar>(ctx.in<T>(0) + i * a.rows * a.columns, a.rows, a.columns);
      const M rhs = load<typename M::Scalar>(ctx.in<T>(1) + i * b.rows * b.columns, b.rows, b.columns);
      M x = M::Zero(a.columns, b.columns);
      if (m.size() == 0 || b.columns == 0) {
        store(x, to);
        return {};
      }
      if (!fast) {
        x = M(Eigen::CompleteOrthogonalDecomposition<M>(m).solve(rhs));
        store(x, to);
        return {};
      }
      const bool over = m.rows() >= m.cols();
      M gram = over ? M(m.adjoint() * m) : M(m * m.adjoint());
      gram.diagonal().array() += typename M::Scalar(regularizer);
      const Eigen::LLT<M> llt(gram);
      if (llt.info() != Eigen::Success) {
        return invalid_argument(
            "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide a larger "
            "l2_regularizer > 0.");
      }
      x = over ? M(llt.solve(M(m.adjoint() * rhs))) : M(m.adjoint() * M(llt.solve(rhs)));
      store(x, to);
      return {};
    });
  });
}

}  // namespace

TW_KERNEL(MatrixSolveLs, prepare, run);

}  // namespace tw
