// Products and factorisations of matrices.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

TW_GRADIENT(MatMul) {
  const bool ta = v.attr().boolean("transpose_a"), tb = v.attr().boolean("transpose_b");
  const Val a = conj(v.x(0)), b = conj(v.x(1)), g = v.dy();
  v.give(0, ta ? matmul(b, g, tb, true) : matmul(g, b, false, !tb));
  v.give(1, tb ? matmul(g, a, true, ta) : matmul(a, g, !ta, false));
}

static Val batch_matmul(Val a, Val b, bool adjoint_a = false, bool adjoint_b = false) {
  return call("BatchMatMulV2", {a, b}, {{"adj_x", adjoint_a}, {"adj_y", adjoint_b}});
}
static std::pair<Val, Val> batch_matmul_gradient(Vjp& v) {
  const bool ax = v.attr().boolean("adj_x"), ay = v.attr().boolean("adj_y");
  const Val x = v.x(0), y = v.x(1), g = v.dy();
  return {ax ? batch_matmul(y, g, ay, true) : batch_matmul(g, y, false, !ay),
          ay ? batch_matmul(g, x, true, ax) : batch_matmul(x, g, !ax, false)};
}
TW_GRADIENT(BatchMatMul) {
  const auto [dx, dy] = batch_matmul_gradient(v);
  v.give(0, dx);
  v.give(1, dy);
}
// The batch dimensions broadcast.
TW_GRADIENT(BatchMatMulV2) {
  const auto [dx, dy] = batch_matmul_gradient(v);
  const Shape a = v.x(0).shape(), b = v.x(1).shape();
  if (a.rank() >= 2 && a.rank() == b.rank()) {
    bool equal = true;
    for (int i = 0; i < a.rank() - 2; ++i) equal = equal && a[i] >= 0 && a[i] == b[i];
    if (equal) {
      v.give(0, dx);
      v.give(1, dy);
      return;
    }
  }
  const Val x_shape = shape_of(v.x(0)), y_shape = shape_of(v.x(1));
  const Vals axes = call_n("BroadcastGradientArgs", 2, {part(x_shape, 0, -2), part(y_shape, 0, -2)});
  v.give(0, reshape(sum(dx, axes[0]), x_shape));
  v.give(1, reshape(sum(dy, axes[1]), y_shape));
}

static Val as_matrices(Val per_matrix) {  // [...] as [..., 1, 1]
  return expand_dims(expand_dims(per_matrix, -1), -1);
}
static Val inverse(Val a, bool adjoint) { return call("MatrixInverse", {a}, {{"adjoint", adjoint}}); }

TW_GRADIENT(MatrixInverse) {
  const Val inv = v.y();
  const Val g = batch_matmul(batch_matmul(inv, v.dy(), true, false), inv, false, true);
  v.give(0, -(v.attr().boolean("adjoint") ? swap_last_two(g) : g));
}
TW_GRADIENT(MatrixDeterminant) { v.give(0, as_matrices(v.dy() * conj(v.y())) * inverse(v.x(), true)); }
TW_GRADIENT(LogMatrixDeterminant) {
  if (v.has_dy(1)) v.give(0, as_matrices(v.dy(1)) * inverse(v.x(), true));
}

static AttrMap adjoint_of_solve(Vjp& v) {
  AttrMap attrs = v.attrs({"lower"});
  attrs.emplace("adjoint", !v.attr().boolean("adjoint"));
  return attrs;
}
static Val matrix_of_solve(Vjp& v, Val rhs) {
  return -(v.attr().boolean("adjoint") ? batch_matmul(v.y(), rhs, false, true) : batch_matmul(rhs, v.y(), false, true));
}
TW_GRADIENT(MatrixSolve) {
  const Val rhs = call("MatrixSolve", {v.x(0), v.dy()}, adjoint_of_solve(v));
  v.give(0, matrix_of_solve(v, rhs));
  v.give(1, rhs);
}
static Val triangle(Val a, bool lower) {
  Builder& b = a.builder();
  const Val all{b, b.scalar<int64_t>(-1)}, none{b, b.scalar<int64_t>(0)};
  return call("MatrixBandPart", {a, lower ? all : none, lower ? none : all});
}
TW_GRADIENT(MatrixTriangularSolve) {
  const Val rhs = call("MatrixTriangularSolve", {v.x(0), v.dy()}, adjoint_of_solve(v));
  v.give(0, triangle(matrix_of_solve(v, rhs), v.attr().boolean("lower")));
  v.give(1, rhs);
}
// a = l l': with p = the lower triangle of l' dl, its diagonal halved, da is the symmetric part of l'^-1 p l^-1.
TW_GRADIENT(Cholesky) {
  const Val l = v.y();
  const AttrMap solve{{"lower", true}, {"adjoint", true}};
  Val p = triangle(batch_matmul(l, v.dy(), true, false), true);
  p = call("MatrixSetDiag", {p, 0.5 * call("MatrixDiagPart", {p})});
  const Val half = call("MatrixTriangularSolve", {l, p}, solve);                       // l'^-1 p
  const Val full = call("MatrixTriangularSolve", {l, swap_last_two(half)}, solve);     // (l'^-1 p l^-1)'
  v.give(0, 0.5 * (full + swap_last_two(full)));
}

}  // namespace tw
