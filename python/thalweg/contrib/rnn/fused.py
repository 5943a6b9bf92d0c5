"""Recurrent nets over whole sequences as objects: called with inputs [time, batch, depth], or a list of [batch, depth],
they give (outputs, final state) with outputs in the form of the inputs."""

from thalweg.ops import array_ops
from thalweg.rnn import dynamic, static


class FusedRNNCell(object):
  """The base: a subclass defines __call__."""

  def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    raise NotImplementedError("%s defines no __call__" % type(self).__name__)


class FusedRNNCellAdaptor(FusedRNNCell):
  """A cell of single steps as a net over sequences, unrolled or in a loop."""

  def __init__(self, cell, use_dynamic_rnn=False):
    self._cell = cell
    self._use_dynamic_rnn = use_dynamic_rnn

  def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    is_list = isinstance(inputs, list)
    if self._use_dynamic_rnn:
      outputs, state = dynamic.dynamic_rnn(
          self._cell, array_ops.stack(inputs) if is_list else inputs, sequence_length=sequence_length,
          initial_state=initial_state, dtype=dtype, time_major=True, scope=scope)
      return array_ops.unstack(outputs) if is_list else outputs, state
    outputs, state = static.static_rnn(
        self._cell, inputs if is_list else array_ops.unstack(inputs), initial_state=initial_state, dtype=dtype,
        sequence_length=sequence_length, scope=scope)
    return outputs if is_list else array_ops.stack(outputs), state


class TimeReversedFusedRNN(FusedRNNCell):
  """A net that reads its inputs from their end. Sequences shorter than the batch are turned around within their own
  length."""

  def __init__(self, cell):
    self._cell = cell

  @staticmethod
  def _reverse(sequence, lengths):
    if isinstance(sequence, list):
      return list(reversed(sequence))
    if lengths is None:
      return array_ops.reverse_v2(sequence, [0])
    return array_ops.reverse_sequence(sequence, lengths, 0, 1)

  def __call__(self, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    outputs, state = self._cell(self._reverse(inputs, sequence_length), initial_state=initial_state, dtype=dtype,
                                sequence_length=sequence_length, scope=scope)
    return self._reverse(outputs, sequence_length), state
