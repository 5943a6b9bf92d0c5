"""Long short-term memories over time and frequency: the inputs of a step are cut into overlapping pieces, and memory goes
from piece to piece as well as from step to step (Li et al. 2015; Kalchbrenner et al. 2015)."""

import collections

from thalweg.contrib.rnn.lstm_cells import sharded_variable
from thalweg.framework import constant_op, dtypes, tensor_shape
from thalweg.ops import array_ops, clip_ops, init_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import RNNCell


def _width(inputs):
  width = inputs.get_shape().with_rank(2).dims[-1].value
  if width is None:
    raise ValueError("Cannot infer input_size from static shape inference.")
  return width


class _OverPieces(RNNCell):
  """What the cells here share."""

  def __init__(self, num_units, use_peepholes, cell_clip, initializer, num_unit_shards, forget_bias, feature_size,
               frequency_skip, reuse):
    super().__init__(_reuse=reuse)
    self._num_units = num_units
    self._use_peepholes = use_peepholes
    self._cell_clip = cell_clip
    self._initializer = initializer
    self._num_unit_shards = num_unit_shards
    self._forget_bias = forget_bias
    self._feature_size = feature_size
    self._frequency_skip = frequency_skip

  def _count(self, width):
    """How many pieces of feature_size lie in `width`, each frequency_skip after the one before."""
    return int((width - self._feature_size) / self._frequency_skip) + 1

  def _pieces(self, inputs, begin, count):
    return [array_ops.slice(inputs, [0, begin + i * self._frequency_skip], [-1, self._feature_size])
            for i in range(count)]

  def _clipped(self, memory):
    if self._cell_clip is None:
      return memory
    return clip_ops.clip_by_value(memory, -self._cell_clip, self._cell_clip)

  def _vector(self, name, dtype):
    return vs.get_variable(name, shape=[self._num_units], dtype=dtype)


class TimeFreqLSTMCell(_OverPieces):
  """An LSTM whose output for a piece goes into the next piece. The state is the memory and output of each piece, side by
  side."""

  def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_unit_shards=1,
               forget_bias=1.0, feature_size=None, frequency_skip=1, reuse=None):
    super().__init__(num_units, use_peepholes, cell_clip, initializer, num_unit_shards, forget_bias, feature_size,
                     frequency_skip, reuse)

  @property
  def output_size(self):
    return self._num_units

  @property
  def state_size(self):
    return 2 * self._num_units

  def call(self, inputs, state):
    sigmoid, tanh, units, dtype = math_ops.sigmoid, math_ops.tanh, self._num_units, inputs.dtype
    pieces = self._pieces(inputs, 0, self._count(_width(inputs)))
    kernel = sharded_variable("W", [self._feature_size + 2 * units, 4 * units], dtype, self._num_unit_shards)
    bias = vs.get_variable("B", shape=[4 * units], initializer=init_ops.zeros_initializer(), dtype=dtype)
    if self._use_peepholes:
      w_f_diag, w_i_diag, w_o_diag = (self._vector(name, dtype) for name in ("W_F_diag", "W_I_diag", "W_O_diag"))
    batch = tensor_shape.dimension_value(inputs.shape[0])
    below = array_ops.zeros([array_ops.shape(inputs)[0] if batch is None else batch, units], dtype)
    states, outputs = [], []
    for i, piece in enumerate(pieces):
      c_prev = array_ops.slice(state, [0, 2 * i * units], [-1, units])
      m_prev = array_ops.slice(state, [0, (2 * i + 1) * units], [-1, units])
      sums = nn_ops.bias_add(math_ops.matmul(array_ops.concat([piece, m_prev, below], 1), kernel), bias)
      i, j, f, o = array_ops.split(value=sums, num_or_size_splits=4, axis=1)
      if self._use_peepholes:
        c = (sigmoid(f + self._forget_bias + w_f_diag * c_prev) * c_prev + sigmoid(i + w_i_diag * c_prev) * tanh(j))
      else:
        c = (sigmoid(f + self._forget_bias) * c_prev + sigmoid(i) * tanh(j))
      c = self._clipped(c)
      below = sigmoid(o + w_o_diag * c if self._use_peepholes else o) * tanh(c)
      states += [c, below]
      outputs.append(below)
    return array_ops.concat(outputs, 1), array_ops.concat(states, 1)


# The weights of one direction: the sums' kernel and bias, and gate -> (vector for the frequency's memory, vector for the
# time's).
_Direction = collections.namedtuple("_Direction", ("kernel", "bias", "peepholes"))


class GridLSTMCell(_OverPieces):
  """An LSTM along frequency and one along time, which see each other's memory and output.

  num_frequency_blocks holds the number of pieces, or of those of each stretch from start_freqindex_list to
  end_freqindex_list, which have weights of their own. The state is a tuple of memory and output of each piece; the output
  is the output in time and in frequency of each piece, side by side.
  """

  def __init__(self, num_units, use_peepholes=False, share_time_frequency_weights=False, cell_clip=None,
               initializer=None, num_unit_shards=1, forget_bias=1.0, feature_size=None, frequency_skip=None,
               num_frequency_blocks=None, start_freqindex_list=None, end_freqindex_list=None,
               couple_input_forget_gates=False, state_is_tuple=True, reuse=None):
    super().__init__(num_units, use_peepholes, cell_clip, initializer, num_unit_shards, forget_bias, feature_size,
                     frequency_skip, reuse)
    if not state_is_tuple:
      logging.warn("%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.",
                   self)
    if num_frequency_blocks is None:
      raise ValueError("Must specify num_frequency_blocks")
    self._share_time_frequency_weights = share_time_frequency_weights
    self._couple_input_forget_gates = couple_input_forget_gates
    self._state_is_tuple = state_is_tuple
    self._num_frequency_blocks = [int(count) for count in num_frequency_blocks]
    self._start_freqindex_list = start_freqindex_list
    self._end_freqindex_list = end_freqindex_list
    self._total_blocks = sum(self._num_frequency_blocks)
    self._state_tuple_type = self._tuple_type("GridLSTMStateTuple", ["state"]) if state_is_tuple else None

  def _tuple_type(self, name, prefixes):
    return collections.namedtuple(name, [
        "%s_f%02d_b%02d_%s" % (prefix, i, block, part) for prefix in prefixes
        for block, count in enumerate(self._num_frequency_blocks) for i in range(count) for part in "cm"])

  @property
  def output_size(self):
    return self._num_units * self._total_blocks * 2

  @property
  def state_size(self):
    if not self._state_is_tuple:
      return self._num_units * self._total_blocks * 2
    return self._state_tuple_type(*[self._num_units] * len(self._state_tuple_type._fields))

  @property
  def state_tuple_type(self):
    return self._state_tuple_type

  def call(self, inputs, state):
    outputs, states = self._over_blocks(self._blocks(inputs), state, self._batch(inputs), "state")
    state = self._state_tuple_type(*states) if self._state_is_tuple else array_ops.concat(states, 1)
    return array_ops.concat(outputs, 1), state

  @staticmethod
  def _batch(inputs):
    return tensor_shape.dimension_value(inputs.shape[0]) or array_ops.shape(inputs)[0]

  def _blocks(self, inputs, offset=0):
    """The pieces of each block, the inputs moved by an offset with zeros for what is not there."""
    width = _width(inputs)
    if offset:
      zeros = [[0, 0], [max(-offset, 0), max(offset, 0)]]
      inputs = array_ops.pad(inputs, constant_op.constant(zeros, dtype=dtypes.int32), "CONSTANT")
      offset = max(offset, 0)
    counts = self._num_frequency_blocks
    if not self._start_freqindex_list:
      if len(counts) != 1:
        raise ValueError("Length of num_frequency_blocks is not 1, but instead is %d" % len(counts))
      stretches = [(0, width)]
    else:
      starts, ends = self._start_freqindex_list, self._end_freqindex_list
      if len(starts) != len(ends):
        raise ValueError("Length of start and end freqindex_list does not match %d %d" % (len(starts), len(ends)))
      if len(counts) != len(starts):
        raise ValueError("Length of num_frequency_blocks is not equal to start_freqindex_list %d %d" % (
            len(counts), len(starts)))
      stretches = list(zip(starts, ends))
    blocks = []
    for wanted, (start, end) in zip(counts, stretches):
      if self._count(end - start) != wanted:
        raise ValueError("Invalid num_frequency_blocks, requires %d but gets %d, please check the input size and filter "
                         "config are correct." % (wanted, self._count(end - start)))
      blocks.append(self._pieces(inputs, start + offset, wanted))
    return blocks

  def _over_blocks(self, blocks, state, batch, prefix):
    outputs, states = [], []
    for block, pieces in enumerate(blocks):
      more_outputs, more_states = self._compute(pieces, block, state, batch, prefix)
      outputs += more_outputs
      states += more_states
    return outputs, states

  def _directions(self, block, dtype):
    """The weights along frequency and along time, which may be the same."""
    gates = "ijo" if self._couple_input_forget_gates else "ijfo"
    shape = [self._feature_size + 2 * self._num_units, len(gates) * self._num_units]
    names = ["f"] if self._share_time_frequency_weights else ["f", "t"]
    sums = [(sharded_variable("W_%s_%d" % (name, block), shape, dtype, self._num_unit_shards),
             vs.get_variable("B_%s_%d" % (name, block), shape=shape[1:], initializer=init_ops.zeros_initializer(),
                             dtype=dtype)) for name in names]
    made = []
    for name, (kernel, bias) in zip(("freq", "time"), sums):
      peepholes = None
      if self._use_peepholes:
        peepholes = {gate: tuple(self._vector("W_%s_diag_%s%s_%d" % (gate.upper(), name, of, block), dtype)
                                 for of in "ft")
                     for gate in "fio" if gate in gates}
      made.append(_Direction(kernel, bias, peepholes))
    return made if len(made) == 2 else made * 2

  def _seen(self, gate, direction, x, in_frequency, in_time):
    """A gate's sum with what it sees of the memories."""
    if direction.peepholes is None:
      return x
    of_frequency, of_time = direction.peepholes[gate]
    return x + of_frequency * in_frequency + of_time * in_time

  def _gates(self, direction, inputs):
    """(input, candidate, forget, output) sums; the forget gate's is None where it is coupled to the input's."""
    sums = nn_ops.bias_add(math_ops.matmul(inputs, direction.kernel), direction.bias)
    if self._couple_input_forget_gates:
      i, j, o = array_ops.split(value=sums, num_or_size_splits=3, axis=1)
      return i, j, None, o
    return array_ops.split(value=sums, num_or_size_splits=4, axis=1)

  def _memory(self, direction, gates, c_freq, c_time, old):
    i, j, f, _ = gates
    i = math_ops.sigmoid(self._seen("i", direction, i, c_freq, c_time))
    if f is None:
      f = 1.0 - i
    else:
      f = math_ops.sigmoid(self._seen("f", direction, f + self._forget_bias, c_freq, c_time))
    return self._clipped(f * old + i * math_ops.tanh(j))

  def _compute(self, pieces, block, state, batch, prefix):
    """The outputs and the states of the pieces of one block."""
    units, dtype = self._num_units, pieces[0].dtype
    frequency, time = self._directions(block, dtype)
    m_freq = array_ops.zeros([batch, units], dtype)
    c_freq = array_ops.zeros([batch, units], dtype)
    outputs, states = [], []
    for i, piece in enumerate(pieces):
      if self._state_is_tuple:
        c_time, m_time = (getattr(state, "%s_f%02d_b%02d_%s" % (prefix, i, block, part)) for part in "cm")
      else:
        c_time, m_time = (array_ops.slice(state, [0, (2 * i + k) * units], [-1, units]) for k in range(2))
      seen = array_ops.concat([piece, m_time, m_freq], 1)
      freq_gates = self._gates(frequency, seen)
      time_gates = freq_gates if time is frequency else self._gates(time, seen)
      new_c_freq = self._memory(frequency, freq_gates, c_freq, c_time, c_freq)
      new_c_time = self._memory(time, time_gates, c_freq, c_time, c_time)
      c_freq, c_time = new_c_freq, new_c_time
      m_freq = math_ops.sigmoid(self._seen("o", frequency, freq_gates[3], c_freq, c_time)) * math_ops.tanh(c_freq)
      m_time = math_ops.sigmoid(self._seen("o", time, time_gates[3], c_freq, c_time)) * math_ops.tanh(c_time)
      states += [c_time, m_time]
      outputs += [m_time, m_freq]
    return outputs, states


class BidirectionalGridLSTMCell(GridLSTMCell):
  """GridLSTMCell from the first piece to the last and from the last to the first, where pieces may lie
  backward_slice_offset further on."""

  def __init__(self, num_units, use_peepholes=False, share_time_frequency_weights=False, cell_clip=None,
               initializer=None, num_unit_shards=1, forget_bias=1.0, feature_size=None, frequency_skip=None,
               num_frequency_blocks=None, start_freqindex_list=None, end_freqindex_list=None,
               couple_input_forget_gates=False, backward_slice_offset=0, reuse=None):
    super().__init__(num_units, use_peepholes, share_time_frequency_weights, cell_clip, initializer, num_unit_shards,
                     forget_bias, feature_size, frequency_skip, num_frequency_blocks, start_freqindex_list,
                     end_freqindex_list, couple_input_forget_gates, True, reuse)
    self._backward_slice_offset = int(backward_slice_offset)
    self._state_tuple_type = self._tuple_type("BidirectionalGridLSTMStateTuple", ["fwd_state", "bwd_state"])

  @property
  def output_size(self):
    return 2 * super().output_size

  def call(self, inputs, state):
    batch = self._batch(inputs)
    forwards = self._blocks(inputs)
    backwards = self._blocks(inputs, self._backward_slice_offset) if self._backward_slice_offset else forwards
    with vs.variable_scope("fwd"):
      outputs, states = self._over_blocks(forwards, state, batch, "fwd_state")
    with vs.variable_scope("bwd"):
      more_outputs, more_states = self._over_blocks([pieces[::-1] for pieces in backwards], state, batch, "bwd_state")
    return array_ops.concat(outputs + more_outputs, 1), self._state_tuple_type(*(states + more_states))
