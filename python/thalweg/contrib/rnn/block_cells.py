"""Recurrent cells whose step is one op, and an LSTM whose whole sequence is one."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.layers import base
from thalweg.ops import array_ops, init_ops, math_ops
from thalweg.rnn.cell import LayerRNNCell, LSTMStateTuple


def _add_lstm_weights(layer, depth, units, use_peephole):
  """kernel, bias, and the vectors through which the gates see the memory; zeros stand in for those in call()."""
  layer._kernel = layer.add_variable("kernel", [depth + units, units * 4])
  layer._bias = layer.add_variable("bias", [units * 4], initializer=init_ops.constant_initializer(0.0))
  if use_peephole:
    layer._w_i_diag, layer._w_f_diag, layer._w_o_diag = (
        layer.add_variable(name, [units]) for name in ("w_i_diag", "w_f_diag", "w_o_diag"))


def _peepholes(layer, units, dtype):
  if layer._use_peephole:
    return layer._w_i_diag, layer._w_f_diag, layer._w_o_diag
  return (array_ops.zeros([units], dtype=dtype),) * 3


class LSTMBlockCell(LayerRNNCell):
  """BasicLSTMCell, or LSTMCell with peepholes, with a step in one op; takes their checkpoints. `cell_clip` bounds the
  memory."""

  def __init__(self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, dtype=None, reuse=None,
               name="lstm_cell"):
    super().__init__(_reuse=reuse, dtype=dtype, name=name)
    self._num_units = num_units
    self._forget_bias = forget_bias
    self._use_peephole = use_peephole
    self._cell_clip = cell_clip if cell_clip is not None else -1
    self.input_spec = base.InputSpec(ndim=2)

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self._num_units)

  @property
  def output_size(self):
    return self._num_units

  def build(self, inputs_shape):
    depth = tensor_shape.dimension_value(inputs_shape[1])
    if not depth:
      raise ValueError("Expecting inputs_shape[1] to be set: %s" % inputs_shape)
    _add_lstm_weights(self, depth, self._num_units, self._use_peephole)
    self.built = True

  def call(self, inputs, state):
    if len(state) != 2:
      raise ValueError("Expecting state to be a tuple with length 2.")
    wci, wcf, wco = _peepholes(self, self._num_units, self.dtype)
    c_prev, h_prev = state
    step = ops.op("LSTMBlockCell", None, [inputs, c_prev, h_prev, self._kernel, wci, wcf, wco, self._bias], {
        "forget_bias": self._forget_bias, "cell_clip": self._cell_clip, "use_peephole": self._use_peephole})
    return step.h, LSTMStateTuple(step.cs, step.h)


class LSTMBlockWrapper(base.Layer):
  """The base of LSTMs over a whole sequence, [time, batch, depth] or a list of [batch, depth]. A subclass defines
  num_units and _call_cell(inputs, initial_cell_state, initial_output, dtype, sequence_length), which gives the memories
  and the outputs of all steps."""

  @property
  def num_units(self):
    raise NotImplementedError("%s defines no num_units" % type(self).__name__)

  def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
    raise NotImplementedError("%s defines no _call_cell" % type(self).__name__)

  def call(self, inputs, initial_state=None, dtype=None, sequence_length=None):
    """(outputs, final state). Outputs beyond an example's sequence_length [batch] are zero, and its final state is that of
    its own last step."""
    is_list = isinstance(inputs, list)
    if is_list:
      inputs = array_ops.stack(inputs)
    time, batch, depth = (d.value for d in inputs.get_shape().with_rank(3).dims)
    if not depth:
      raise ValueError("Expecting inputs_shape[2] to be set: %s" % inputs.get_shape())
    if batch is None:
      batch = array_ops.shape(inputs)[1]
    if time is None:
      time = array_ops.shape(inputs)[0]
    if initial_state is None:
      if dtype is None:
        raise ValueError("Either initial_state or dtype needs to be specified")
      zeros = array_ops.zeros(array_ops.stack([batch, self.num_units]), dtype=dtype)
      initial_state = zeros, zeros
    elif len(initial_state) != 2:
      raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
    elif dtype is None:
      dtype = initial_state[0].dtype
    if sequence_length is not None:
      sequence_length = ops.convert_to_tensor(sequence_length)
    first_memory, first_output = initial_state
    memories, outputs = self._call_cell(inputs, first_memory, first_output, dtype, sequence_length)
    if sequence_length is None:
      final = memories[-1], outputs[-1]
    else:
      within = array_ops.transpose(array_ops.sequence_mask(sequence_length, time, dtype=dtype), [1, 0])
      outputs *= array_ops.tile(array_ops.expand_dims(within, [-1]), [1, 1, self.num_units])
      # An example of length 0 ends where it began, so the initial states come before those of the steps.
      memories, all_outputs = (
          array_ops.concat([array_ops.expand_dims(first, [0]), rest], 0)
          for first, rest in ((first_memory, memories), (first_output, outputs)))
      final = [array_ops.gather_nd(states, array_ops.stack([sequence_length, math_ops.range(batch)], axis=1))
               for states in (memories, all_outputs)]
    return array_ops.unstack(outputs) if is_list else outputs, LSTMStateTuple(*final)


class LSTMBlockFusedCell(LSTMBlockWrapper):
  """LSTMBlockCell over a whole sequence in one op."""

  def __init__(self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, reuse=None, dtype=None,
               name="lstm_fused_cell"):
    super().__init__(_reuse=reuse, name=name, dtype=dtype)
    self._num_units = num_units
    self._forget_bias = forget_bias
    self._cell_clip = cell_clip if cell_clip is not None else -1
    self._use_peephole = use_peephole
    self.input_spec = base.InputSpec(ndim=3)

  @property
  def num_units(self):
    return self._num_units

  def build(self, input_shape):
    _add_lstm_weights(self, tensor_shape.dimension_value(input_shape[2]), self._num_units, self._use_peephole)
    self.built = True

  def _call_cell(self, inputs, initial_cell_state=None, initial_output=None, dtype=None, sequence_length=None):
    time = inputs.get_shape().with_rank(3).dims[0].value
    if time is None:
      time = array_ops.shape(inputs)[0]
    wci, wcf, wco = _peepholes(self, self._num_units, dtype)
    longest = math_ops.cast(time if sequence_length is None else math_ops.reduce_max(sequence_length), dtypes.int64)
    steps = ops.op("BlockLSTM", None, [longest, inputs, initial_cell_state, initial_output, self._kernel, wci, wcf, wco,
                                       self._bias], {
        "forget_bias": self._forget_bias, "cell_clip": self._cell_clip, "use_peephole": self._use_peephole})
    return steps.cs, steps.h


class GRUBlockCell(LayerRNNCell):
  """GRUCell with a step in one op, its variables w_ru, b_ru, w_c and b_c."""

  _names = ("w_ru", "b_ru", "w_c", "b_c")

  def __init__(self, num_units=None, cell_size=None, reuse=None, name="gru_cell"):
    super().__init__(_reuse=reuse, name=name)
    if (cell_size is None) == (num_units is None):
      raise ValueError("Exactly one of num_units or cell_size must be provided.")
    self._cell_size = cell_size if num_units is None else num_units
    self.input_spec = base.InputSpec(ndim=2)

  @property
  def state_size(self):
    return self._cell_size

  @property
  def output_size(self):
    return self._cell_size

  def build(self, input_shape):
    depth, units = tensor_shape.dimension_value(input_shape[1]), self._cell_size
    if depth is None:
      raise ValueError("Expecting input_size to be set.")
    gates, gate_bias, candidate, candidate_bias = self._names
    self._gate_kernel = self.add_variable(gates, [depth + units, units * 2])
    self._gate_bias = self.add_variable(gate_bias, [units * 2], initializer=init_ops.constant_initializer(1.0))
    self._candidate_kernel = self.add_variable(candidate, [depth + units, units])
    self._candidate_bias = self.add_variable(candidate_bias, [units], initializer=init_ops.constant_initializer(0.0))
    self.built = True

  def call(self, inputs, h_prev):
    size = h_prev.get_shape().with_rank(2)[1]
    if size != self._cell_size:
      raise ValueError("Shape of h_prev[1] incorrect: cell_size %i vs %s" % (self._cell_size, size))
    step = ops.op("GRUBlockCell", None, [inputs, h_prev, self._gate_kernel, self._candidate_kernel, self._gate_bias,
                                         self._candidate_bias])
    return step.h, step.h


class GRUBlockCellV2(GRUBlockCell):
  """GRUBlockCell with the variables of GRUCell, whose checkpoints it takes."""

  _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
