// Products of matrices.
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

}  // namespace tw
