// The long short-term memory cell (Hochreiter and Schmidhuber; peepholes by Gers et al.):
//   [i, ci, f, o] = [x, h] * w + b, as sigmoid, tanh, sigmoid and sigmoid of their parts,
//   with peepholes i and f see the state before, o the one after,
//   cs = clip(ci * i + cs_before * sigmoid(f + forget_bias)), co = tanh(cs), h = o * co.
// One step (LSTMBlockCell), or all steps of a batch of sequences (BlockLSTM, BlockLSTMV2).
#pragma once

#include "core/kernels/cpu/rnn/gates.h"

namespace tw::rnn {

// The weights' gates in the order in which they lie: i, ci, f, o, and in the second versions i, f, ci, o.
struct GateOrder {
  int i = 0, ci = 1, f = 2, o = 3;
};

// What shapes and attributes say. Inputs of the op from `first` on: x, cs_prev, h_prev, w, wci, wcf, wco, b.
struct LstmShape {
  DType dtype = DType::kFloat;
  size_t size = 4;  // of an element
  int first = 0;    // 1 where seq_len_max comes before
  int64_t steps = 1, batch = 0, inputs = 0, cell = 0;
  double forget_bias = 0, cell_clip = 0;
  bool peephole = false;
  GateOrder order;

  int64_t state() const { return batch * cell; }
  // How many steps to run, from the input seq_len_max.
  Result<int64_t> length(const RunContext& ctx) const;
};

Result<LstmShape> lstm_shape(const PrepareContext& ctx);

}  // namespace tw::rnn
