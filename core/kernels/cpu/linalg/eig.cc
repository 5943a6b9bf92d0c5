// SelfAdjointEigV2.
#include <Eigen/Eigenvalues>

#include "core/kernels/cpu/linalg/factor.h"

namespace tw {
namespace {

using namespace linalg;

// Eigenvalues in ascending order; the lower triangle is read.
Status run_eig(const RunContext& ctx) {
  const bool vectors = ctx.state<FactorState>().vectors;
  return each_input<true>(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    if (m.size() == 0) return {};
    const Eigen::SelfAdjointEigenSolver<M> solver(m, vectors ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success) {
      return invalid_argument("Self-adjoint eigen decomposition was not successful. The input might not be valid.");
    }
    for (Eigen::Index j = 0; j < m.rows(); ++j) {
      ctx.out<T>(0)[i * m.rows() + j] = static_cast<T>(typename M::Scalar(solver.eigenvalues()[j]));
    }
    if (vectors) store(solver.eigenvectors(), ctx.out<T>(1) + i * m.size());
    return {};
  });
}

}  // namespace

TW_KERNEL(SelfAdjointEigV2, prepare_factor, run_eig);

}  // namespace tw
