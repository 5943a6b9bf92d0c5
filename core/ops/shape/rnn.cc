// Shapes of the fused recurrent cells.
#include "core/ops/shape/shape_util.h"

namespace tw {
using namespace shape_util;

// x [batch, in], h_prev [batch, cell]: every output [batch, cell].
static Status cell_state(ShapeContext& c, int x, int h, Shape* state) {
  Shape xs, hs;
  TW_RETURN_IF_ERROR(c.with_rank(x, 2, &xs));
  TW_RETURN_IF_ERROR(c.with_rank(h, 2, &hs));
  TW_ASSIGN_OR_RETURN(const int64_t batch, merge_dim(xs[0], hs[0]));
  *state = Shape{batch, hs[1]};
  return {};
}

Status shape_rnn_cell(ShapeContext& c) {
  Shape state;
  TW_RETURN_IF_ERROR(cell_state(c, 0, 1, &state));
  all_outputs(c, state);
  return {};
}

Status shape_lstm_cell_grad(ShapeContext& c) {
  Shape state;
  TW_RETURN_IF_ERROR(cell_state(c, 0, 1, &state));
  c.set_output(0, state);
  c.set_output(1, Shape{state[0], multiply_dims(state[1], 4)});
  for (int i = 2; i < 5; ++i) {
    Shape peephole;
    TW_RETURN_IF_ERROR(c.with_rank(i + 2, 1, &peephole));
    c.set_output(i, peephole);
  }
  return {};
}

Status shape_gru_cell_grad(ShapeContext& c) {
  Shape state;
  TW_RETURN_IF_ERROR(cell_state(c, 0, 1, &state));
  TW_ASSIGN_OR_RETURN(const Shape x, merge(c.input(0), Shape::unknown_of_rank(2)));
  c.set_output(0, x);
  c.set_output(1, state);
  c.set_output(2, state);
  c.set_output(3, Shape{state[0], multiply_dims(state[1], 2)});
  return {};
}

// x [time, batch, in], b [4 * cell]: every output [time, batch, cell].
Status shape_block_lstm(ShapeContext& c) {
  Shape x, b;
  TW_RETURN_IF_ERROR(check_one_element(c, 0));
  TW_RETURN_IF_ERROR(c.with_rank(1, 3, &x));
  TW_RETURN_IF_ERROR(c.with_rank(8, 1, &b));
  all_outputs(c, Shape{x[0], x[1], b[0] < 0 ? kUnknownDim : b[0] / 4});
  return {};
}

// x_grad, cs_prev_grad, h_prev_grad, w_grad, wci_grad, wcf_grad, wco_grad, b_grad: each like its input.
Status shape_block_lstm_grad(ShapeContext& c) {
  static constexpr int kRanks[] = {3, 2, 2, 2, 1, 1, 1, 1};
  for (int i = 0; i < 8; ++i) {
    Shape s;
    TW_RETURN_IF_ERROR(c.with_rank(i + 1, kRanks[i], &s));
    c.set_output(i, s);
  }
  return {};
}

}  // namespace tw
