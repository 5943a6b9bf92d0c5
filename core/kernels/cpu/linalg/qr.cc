// Qr.
#include <Eigen/QR>

#include "core/kernels/cpu/linalg/factor.h"

namespace tw {
namespace {

using namespace linalg;

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

}  // namespace

TW_KERNEL(Qr, prepare_factor, run_qr);

}  // namespace tw
