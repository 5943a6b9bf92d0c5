// Qr, Svd and SelfAdjointEigV2.
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <limits>

#include "core/kernels/cpu/linalg/matrices.h"

namespace tw {
namespace {

using namespace linalg;

struct FactorState : KernelState {
  bool full = false, vectors = true;
};

Status prepare_factor(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<FactorState>();
  if (ctx.attrs().has("full_matrices")) s.full = ctx.attrs().boolean("full_matrices");
  if (ctx.attrs().has("compute_uv")) s.vectors = ctx.attrs().boolean("compute_uv");
  if (ctx.attrs().has("compute_v")) s.vectors = ctx.attrs().boolean("compute_v");
  return check_matrices(ctx, 0, ctx.op().name == "SelfAdjointEigV2");
}

// Calls fn(matrix, index, TypeTag<T>) for each matrix of input 0.
template <bool kNative = false, typename Fn>
Status each_input(const RunContext& ctx, const Fn& fn) {
  const Batch b = Batch::matrices(*ctx.input(0).shape);
  const auto run = [&](auto t, auto c) {
    using T = typename decltype(t)::type;
    using C = typename decltype(c)::type;
    return each_matrix(ctx.pool(), b.count, 4 * cubic_ns(std::max(b.rows, b.columns)), [&](int64_t i) {
      return fn(load<C>(ctx.in<T>(0) + i * b.rows * b.columns, b.rows, b.columns), i, t);
    });
  };
  if constexpr (kNative) return visit_native(ctx.input(0).dtype, run);
  else return visit_scalar(ctx.input(0).dtype, run);
}

Status run_qr(const RunContext& ctx) {
  const bool full = ctx.state<FactorState>().full;
  return each_input(ctx, [&](const auto& m, int64_t i, auto tag) -> Status {
    using T = typename decltype(tag)::type;
    using M = std::decay_t<decltype(m)>;
    const Eigen::Index rows = m.rows(), columns = m.cols(), inner = full ? rows : std::min(rows, columns);
    if (rows == 0) return {};
    M q = M::Identity(rows, inner), r = M::Zero(inner, columns);
    if (columns > 0) {
      const Eigen::HouseholderQR<M> qr(m);
      q = M(qr.householderQ() * q);
      r = M(qr.matrixQR().topRows(inner).template triangularView<Eigen::Upper>());
    }
    store(q, ctx.out<T>(0) + i * rows * inner);
    store(r, ctx.out<T>(1) + i * inner * columns);
    return {};
  });
}

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
      const Eigen::BDCSVD<M> svd(m, options);
      for (Eigen::Index j = 0; j < rank; ++j) s[j] = static_cast<T>(typename M::Scalar(svd.singularValues()[j]));
      if (k.vectors) u = svd.matrixU(), v = svd.matrixV();
    }
    if (!k.vectors) return {};
    store(u, ctx.out<T>(1) + i * u.size());
    store(v, ctx.out<T>(2) + i * v.size());
    return {};
  });
}

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

TW_KERNEL(Qr, prepare_factor, run_qr);
TW_KERNEL(Svd, prepare_factor, run_svd);
TW_KERNEL(SelfAdjointEigV2, prepare_factor, run_eig);

}  // namespace tw
