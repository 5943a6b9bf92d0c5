// Svd.
#include <Eigen/SVD>

#include "core/kernels/cpu/linalg/factor.h"

namespace tw {
namespace {

using namespace linalg;

// Divide and conquer, whose complex form would take a minute to compile: complex matrices go through Jacobi rotations.
template <typename M>
using Decomposition = std::conditional_t<Eigen::NumTraits<typename M::Scalar>::IsComplex,
                                         Eigen::JacobiSVD<M, Eigen::HouseholderQRPreconditioner>, Eigen::BDCSVD<M>>;

Status run_svd(const RunContext& ctx) {
  const auto& k = ctx.state<FactorState>();
  return each_input(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    const Eigen::Index rows = m.rows(), columns = m.cols(), rank = std::min(rows, columns);
    M u = M::Identity(rows, k.full ? rows : rank), v = M::Identity(columns, k.full ? columns : rank);
    T* const s = ctx.out<T>(0) + i * rank;
    if (rank > 0) {
      if (!m.allFinite()) return invalid_argument("Svd: matrix ", i, " of the batch has elements that are not finite");
      const unsigned options = !k.vectors ? 0
                               : k.full   ? Eigen::ComputeFullU | Eigen::ComputeFullV
                                          : Eigen::ComputeThinU | Eigen::ComputeThinV;
      const Decomposition<M> svd(m, options);
      for (Eigen::Index j = 0; j < rank; ++j) s[j] = static_cast<T>(typename M::Scalar(svd.singularValues()[j]));
      if (k.vectors) u = svd.matrixU(), v = svd.matrixV();
    }
    if (!k.vectors) return {};
    store(u, ctx.out<T>(1) + i * u.size());
    store(v, ctx.out<T>(2) + i * v.size());
    return {};
  });
}

}  // namespace

TW_KERNEL(Svd, prepare_factor, run_svd);

}  // namespace tw
