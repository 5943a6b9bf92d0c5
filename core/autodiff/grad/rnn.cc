// The fused recurrent cells. Derivatives reach them through the new state only, as the cells that are made of them use
// no other output.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val column_sums(Val a) { return sum(a, {0}); }
Val columns(Val a, Val begin, Val size) {
  Builder& b = a.builder();
  return call("Slice", {a, stack({integer(b, 0), begin}), stack({integer(b, -1), size})});
}

// x and h from the derivative of [x, h].
std::pair<Val, Val> give_both(Val xh, Val x, Val h) {
  const Val inputs = at(shape_of(x), 1), cell = at(shape_of(h), 1);
  return {columns(xh, integer(x.builder(), 0), inputs), columns(xh, inputs, cell)};
}

}  // namespace

// Inputs x, cs_prev, h_prev, w, wci, wcf, wco, b; outputs i, cs, f, o, ci, co, h.
TW_GRADIENT(LSTMBlockCell) {
  Vals in;
  for (int i = 0; i < 8; ++i) in.push_back(v.x(i));
  for (int i = 0; i < 6; ++i) in.push_back(v.y(i));
  in.push_back(v.dy_or_zeros(1));
  in.push_back(v.dy_or_zeros(6));
  const Vals g = call_n("LSTMBlockCellGrad", 5, in, v.attrs({"use_peephole"}));
  const Val sums = g[1];
  const auto [dx, dh] = give_both(matmul(sums, v.x(3), false, true), v.x(0), v.x(2));
  v.give(0, dx);
  v.give(1, g[0]);
  v.give(2, dh);
  v.give(3, matmul(concat({v.x(0), v.x(2)}, 1), sums, true));
  for (int i = 0; i < 3; ++i) v.give(4 + i, g[static_cast<size_t>(2 + i)]);
  v.give(7, column_sums(sums));
}

static void block_lstm(Vjp& v, const char* op) {
  Vals in;
  for (int i = 0; i < 9; ++i) in.push_back(v.x(i));
  for (int i = 0; i < 7; ++i) in.push_back(v.y(i));
  in.push_back(v.dy_or_zeros(1));
  in.push_back(v.dy_or_zeros(6));
  const Vals g = call_n(op, 8, in, v.attrs({"use_peephole"}));
  for (int i = 0; i < 8; ++i) v.give(1 + i, g[static_cast<size_t>(i)]);
}
TW_GRADIENT(BlockLSTM) { block_lstm(v, "BlockLSTMGrad"); }
TW_GRADIENT(BlockLSTMV2) { block_lstm(v, "BlockLSTMGradV2"); }

// Inputs x, h_prev, w_ru, w_c, b_ru, b_c; outputs r, u, c, h.
TW_GRADIENT(GRUBlockCell) {
  if (!v.has_dy(3)) return;
  Vals in;
  for (int i = 0; i < 6; ++i) in.push_back(v.x(i));
  for (int i = 0; i < 3; ++i) in.push_back(v.y(i));
  in.push_back(v.dy(3));
  const Vals g = call_n("GRUBlockCellGrad", 4, in);
  v.give(0, g[0]);
  v.give(1, g[1]);
  v.give(2, matmul(concat({v.x(0), v.x(1)}, 1), g[3], true));
  v.give(3, matmul(concat({v.x(0), v.x(1) * v.y(0)}, 1), g[2], true));
  v.give(4, column_sums(g[3]));
  v.give(5, column_sums(g[2]));
}

}  // namespace tw
