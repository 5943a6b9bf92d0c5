// MatrixExponential, MatrixLogarithm and MatrixSquareRoot.
#include <unsupported/Eigen/MatrixFunctions>

#include "core/kernels/cpu/linalg/matrices.h"

namespace tw {
namespace {

using namespace linalg;

Status prepare_square(PrepareContext& ctx) { return check_matrices(ctx, 0, true); }

template <typename Visit, typename Fn>
Status each_square(const RunContext& ctx, const Visit& visit, const Fn& fn) {
  const Batch b = Batch::matrices(*ctx.input(0).shape);
  const int64_t size = b.rows * b.columns;
  return visit(ctx.input(0).dtype, [&](auto t, auto c) {
    using T = typename decltype(t)::type;
    using C = typename decltype(c)::type;
    return each_matrix(ctx.pool(), b.count, 20 * cubic_ns(b.rows), [&](int64_t i) -> Status {
      if (size == 0) return {};
      const Matrix<C> m = load<C>(ctx.in<T>(0) + i * size, b.rows, b.columns);
      if (!m.allFinite()) return invalid_argument("Matrix ", i, " of the batch has elements that are not finite");
      store(Matrix<C>(fn(m)), ctx.out<T>(0) + i * size);
      return {};
    });
  });
}

constexpr auto kAnyScalar = [](DType t, const auto& fn) { return visit_scalar(t, fn); };

Status run_exponential(const RunContext& ctx) {
  return each_square(ctx, kAnyScalar, [](const auto& m) { return m.exp(); });
}
Status run_square_root(const RunContext& ctx) {
  return each_square(ctx, kAnyScalar, [](const auto& m) { return m.sqrt(); });
}
Status run_logarithm(const RunContext& ctx) {
  const auto complex_only = [](DType t, const auto& fn) -> Status {
    using Complex = std::complex<double>;
    if (t == DType::kComplex64) return fn(TypeTag<std::complex<float>>{}, TypeTag<Complex>{});
    if (t == DType::kComplex128) return fn(TypeTag<Complex>{}, TypeTag<Complex>{});
    return unimplemented("There is no logarithm of matrices of ", dtype_name(t));
  };
  return each_square(ctx, complex_only, [](const auto& m) { return m.log(); });
}

}  // namespace

TW_KERNEL(MatrixExponential, prepare_square, run_exponential);
TW_KERNEL(MatrixLogarithm, prepare_square, run_logarithm);
TW_KERNEL(MatrixSquareRoot, prepare_square, run_square_root);

}  // namespace tw
