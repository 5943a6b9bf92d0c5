"""Bidirectional layers upon each other."""

from thalweg.ops import array_ops, variable_scope as vs
from thalweg.rnn.dynamic import bidirectional_dynamic_rnn
from thalweg.rnn.static import static_bidirectional_rnn


def _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw):
  for name, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
    if not isinstance(cells, list) or not cells:
      raise ValueError("%s must be a list of cells (one for each layer)." % name)
  if len(cells_fw) != len(cells_bw):
    raise ValueError("Forward and Backward cells must have the same depth.")
  for name, states, cells in (("fw", initial_states_fw, cells_fw), ("bw", initial_states_bw, cells_bw)):
    if states is not None and (not isinstance(states, list) or len(states) != len(cells)):
      raise ValueError("initial_states_%s must be a list of state tensors (one for each layer)." % name)


def stack_bidirectional_rnn(cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None, dtype=None,
                            sequence_length=None, scope=None):
  """Layers over a list of inputs [batch, depth]: (outputs, final states forwards, final states backwards)."""
  _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
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


def stack_bidirectional_dynamic_rnn(cells_fw, cells_bw, inputs, initial_states_fw=None, initial_states_bw=None,
                                    dtype=None, sequence_length=None, parallel_iterations=None, time_major=False,
                                    scope=None, swap_memory=False):
  """stack_bidirectional_rnn over inputs [batch, time, depth], or [time, batch, depth] when time_major."""
  _check(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
  states_fw, states_bw = [], []
  with vs.variable_scope(scope or "stack_bidirectional_rnn"):
    for i, (cell_fw, cell_bw) in enumerate(zip(cells_fw, cells_bw)):
      with vs.variable_scope("cell_%d" % i):
        outputs, (state_fw, state_bw) = bidirectional_dynamic_rnn(
            cell_fw, cell_bw, inputs, initial_state_fw=initial_states_fw[i] if initial_states_fw else None,
            initial_state_bw=initial_states_bw[i] if initial_states_bw else None, sequence_length=sequence_length,
            parallel_iterations=parallel_iterations, dtype=dtype, swap_memory=swap_memory, time_major=time_major)
        inputs = array_ops.concat(outputs, 2)
      states_fw.append(state_fw)
      states_bw.append(state_bw)
  return inputs, tuple(states_fw), tuple(states_bw)
