"""tf.contrib.rnn."""

from thalweg.contrib.rnn.cells import (EmbeddingWrapper, InputProjectionWrapper, LayerNormBasicLSTMCell,
                                       OutputProjectionWrapper)
from thalweg.rnn.rnn_cell import (BasicLSTMCell, BasicRNNCell, DeviceWrapper, DropoutWrapper, GRUCell, LSTMCell,
                                  LSTMStateTuple, MultiRNNCell, ResidualWrapper, RNNCell)
from thalweg.rnn.cell import LayerRNNCell
from thalweg.rnn.static import static_bidirectional_rnn, static_rnn, static_state_saving_rnn


def stack_bidirectional_rnn(cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None, dtype=None,
                            sequence_length=None, scope=None):
  """Bidirectional layers upon each other: (outputs, final states forwards, final states backwards)."""
  from thalweg.ops import variable_scope as vs
  for name, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
    if not isinstance(cells, list) or not cells:
      raise ValueError("%s must be a list of cells (one for each layer)." % name)
  if len(cells_fw) != len(cells_bw):
    raise ValueError("Forward and Backward cells must have the same depth.")
  for name, states, cells in (("fw", initial_states_fw, cells_fw), ("bw", initial_states_bw, cells_bw)):
    if states is not None and (not isinstance(states, list) or len(states) != len(cells)):
      raise ValueError("initial_states_%s must be a list of state tensors (one for each layer)." % name)
  states_fw, states_bw, outputs = [], [], inputs
  with vs.variable_scope(scope or "stack_bidirectional_rnn"):
    for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw)):
      with vs.variable_scope("cell_%d" % i) as cell_scope:
        outputs, state_fw, state_bw = static_bidirectional_rnn(
            cell_fw, cell_bw, outputs, initial_states_fw[i] if initial_states_fw else None,
            initial_states_bw[i] if initial_states_bw else None, sequence_length=sequence_length, dtype=dtype,
            scope=cell_scope)
      states_fw.append(state_fw)
      states_bw.append(state_bw)
  return outputs, tuple(states_fw), tuple(states_bw)
