"""Long short-term memories with coupled gates, with normalised sums or weights, in groups, and with an oscillation that
opens them."""

import math

from thalweg.contrib.layers import normalization
from thalweg.contrib.rnn.cells import Linear
from thalweg.contrib.rnn.gated_cells import known_depth
from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import (array_ops, clip_ops, init_ops, math_ops, nn_impl, nn_ops, random_ops,
                         variable_scope as vs)
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import LSTMStateTuple, RNNCell


class _LSTM(RNNCell):
  """What the cells here share: sizes, and an output that may be projected and clipped."""

  def __init__(self, num_units, num_proj=None, reuse=None, **kwargs):
    super().__init__(_reuse=reuse, **kwargs)
    self._num_units = num_units
    self._num_proj = num_proj

  @property
  def output_size(self):
    return self._num_proj or self._num_units

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self.output_size)


def _normalized(inputs, gain, shift, scope):
  """layer_norm with these first values of gamma and beta."""
  shape = inputs.get_shape()[-1:]
  with vs.variable_scope(scope):
    vs.get_variable("gamma", shape=shape, initializer=init_ops.constant_initializer(gain))
    vs.get_variable("beta", shape=shape, initializer=init_ops.constant_initializer(shift))
  return normalization.layer_norm(inputs, reuse=True, scope=scope)


def sharded_variable(name, shape, dtype, num_shards):
  """A variable in num_shards parts along its first axis, side by side."""
  if num_shards > shape[0]:
    raise ValueError("Too many shards: shape=%s, num_shards=%d" % (shape, num_shards))
  size, larger = divmod(shape[0], num_shards)
  parts = [vs.get_variable("%s_%d" % (name, i), [size + (i < larger)] + shape[1:], dtype=dtype)
           for i in range(num_shards)]
  if num_shards == 1:
    return parts[0]
  full_name = "%s/%s/concat:0" % (vs.get_variable_scope().name, name)
  for made in ops.get_collection(ops.GraphKeys.CONCATENATED_VARIABLES):
    if made.name == full_name:
      return made
  made = array_ops.concat(parts, 0, name=name + "/concat")
  ops.add_to_collection(ops.GraphKeys.CONCATENATED_VARIABLES, made)
  return made


class CoupledInputForgetGateLSTMCell(_LSTM):
  """LSTMCell that forgets as much as it takes in (Greff et al. 2015)."""

  def __init__(self, num_units, use_peepholes=False, initializer=None, num_proj=None, proj_clip=None, num_unit_shards=1,
               num_proj_shards=1, forget_bias=1.0, state_is_tuple=True, activation=math_ops.tanh, reuse=None,
               layer_norm=False, norm_gain=1.0, norm_shift=0.0):
    super().__init__(num_units, num_proj, reuse)
    if not state_is_tuple:
      logging.warn("%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.",
                   self)
    self._use_peepholes = use_peepholes
    self._initializer = initializer
    self._proj_clip = proj_clip
    self._num_unit_shards = num_unit_shards
    self._num_proj_shards = num_proj_shards
    self._forget_bias = forget_bias
    self._state_is_tuple = state_is_tuple
    self._activation = activation
    self._layer_norm = layer_norm
    self._norm_gain = norm_gain
    self._norm_shift = norm_shift

  @property
  def state_size(self):
    sizes = super().state_size
    return sizes if self._state_is_tuple else sum(sizes)

  def _norm(self, inputs, scope):
    return _normalized(inputs, self._norm_gain, self._norm_shift, scope)

  def call(self, inputs, state):
    sigmoid, units, outputs = math_ops.sigmoid, self._num_units, self.output_size
    if self._state_is_tuple:
      c_prev, m_prev = state
    else:
      c_prev = array_ops.slice(state, [0, 0], [-1, units])
      m_prev = array_ops.slice(state, [0, units], [-1, outputs])
    dtype = inputs.dtype
    kernel = sharded_variable("W", [known_depth(inputs) + outputs, 3 * units], dtype, self._num_unit_shards)
    bias = vs.get_variable("B", shape=[3 * units], initializer=init_ops.zeros_initializer(), dtype=dtype)
    sums = math_ops.matmul(array_ops.concat([inputs, m_prev], 1), kernel)
    if not self._layer_norm:
      sums = nn_ops.bias_add(sums, bias)
    j, f, o = array_ops.split(value=sums, num_or_size_splits=3, axis=1)
    if self._layer_norm:
      j, f, o = (self._norm(x, scope) for x, scope in ((j, "transform"), (f, "forget"), (o, "output")))
    if self._use_peepholes:
      w_f_diag = vs.get_variable("W_F_diag", shape=[units], dtype=dtype)
      w_o_diag = vs.get_variable("W_O_diag", shape=[units], dtype=dtype)
      forget = sigmoid(f + self._forget_bias + w_f_diag * c_prev)
    else:
      forget = sigmoid(f + self._forget_bias)
    c = (forget * c_prev + (1 - forget) * self._activation(j))
    if self._layer_norm:
      c = self._norm(c, "state")
    m = sigmoid(o + w_o_diag * c if self._use_peepholes else o) * self._activation(c)
    if self._num_proj is not None:
      projection = sharded_variable("W_P", [units, self._num_proj], dtype, self._num_proj_shards)
      m = math_ops.matmul(m, projection)
      if self._proj_clip is not None:
        m = clip_ops.clip_by_value(m, -self._proj_clip, self._proj_clip)
    return m, LSTMStateTuple(c, m) if self._state_is_tuple else array_ops.concat([c, m], 1)


class _NormedLSTM(_LSTM):
  """LSTMCell with its sums or its weights normalised, as a subclass says in _norm() or _scaled()."""

  # Whether the sums have their bias from the normalisation, and whether its addition is named with the product.
  _layer_norm = False
  _bias_in_scope = True

  def __init__(self, num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation,
               reuse):
    super().__init__(num_units, num_proj, reuse)
    self._use_peepholes = use_peepholes
    self._cell_clip = cell_clip
    self._initializer = initializer
    self._proj_clip = proj_clip
    self._forget_bias = forget_bias
    self._activation = activation or math_ops.tanh

  def _norm(self, inputs, scope):
    return inputs

  def _scaled(self, kernel, depths):
    return kernel

  def _peepholes(self, dtype):
    return [vs.get_variable(name, shape=[self._num_units], dtype=dtype)
            for name in ("w_f_diag", "w_i_diag", "w_o_diag")]

  def _linear(self, parts, size, use_bias):
    depths = [known_depth(x) for x in parts]
    with vs.variable_scope(vs.get_variable_scope()):
      kernel = vs.get_variable("kernel", [sum(depths), size], dtype=parts[0].dtype)
      kernel = self._scaled(kernel, depths)
      sums = math_ops.matmul(array_ops.concat(parts, 1) if len(parts) > 1 else parts[0], kernel)
      if not use_bias:
        return sums
      # Made with normalisation too, which has no use for it.
      bias = _bias(size, parts[0].dtype)
      if self._bias_in_scope:
        return nn_ops.bias_add(sums, bias)
    return sums if self._layer_norm else nn_ops.bias_add(sums, bias)

  def _step(self, inputs, state):
    """The cell's step, in the variable scope it is called in."""
    sigmoid, (c_prev, m_prev) = math_ops.sigmoid, state
    sums = self._linear([inputs, m_prev], 4 * self._num_units, True)
    i, j, f, o = array_ops.split(value=sums, num_or_size_splits=4, axis=1)
    i, j, f, o = (self._norm(x, scope) for x, scope in (
        (i, "input"), (j, "transform"), (f, "forget"), (o, "output")))
    if self._use_peepholes:
      w_f_diag, w_i_diag, w_o_diag = self._peepholes(inputs.dtype)
      c = (sigmoid(f + self._forget_bias + w_f_diag * c_prev) * c_prev +
           sigmoid(i + w_i_diag * c_prev) * self._activation(j))
    else:
      c = (sigmoid(f + self._forget_bias) * c_prev + sigmoid(i) * self._activation(j))
    c = self._norm(c, "state")
    if self._cell_clip is not None:
      c = clip_ops.clip_by_value(c, -self._cell_clip, self._cell_clip)
    m = sigmoid(o + w_o_diag * c if self._use_peepholes else o) * self._activation(c)
    if self._num_proj is not None:
      with vs.variable_scope("projection"):
        m = self._linear([m], self._num_proj, False)
      if self._proj_clip is not None:
        m = clip_ops.clip_by_value(m, -self._proj_clip, self._proj_clip)
    return m, LSTMStateTuple(c, m)


def _bias(size, dtype):
  with vs.variable_scope(vs.get_variable_scope()) as scope:
    scope.set_partitioner(None)
    return vs.get_variable("bias", [size], dtype=dtype, initializer=init_ops.constant_initializer(0.0, dtype=dtype))


class LayerNormLSTMCell(_NormedLSTM):
  """LSTMCell with peepholes and projection, and layer normalisation of the sums and the memory (Ba et al. 2016)."""

  _bias_in_scope = False

  def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None, proj_clip=None,
               forget_bias=1.0, activation=None, layer_norm=False, norm_gain=1.0, norm_shift=0.0, reuse=None):
    super().__init__(num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation,
                     reuse)
    self._layer_norm = layer_norm
    self._norm_gain = norm_gain
    self._norm_shift = norm_shift

  def _norm(self, inputs, scope):
    return _normalized(inputs, self._norm_gain, self._norm_shift, scope) if self._layer_norm else inputs

  def _peepholes(self, dtype):
    with vs.variable_scope(vs.get_variable_scope()):
      return super()._peepholes(dtype)

  def call(self, inputs, state):
    known_depth(inputs)
    with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
      return self._step(inputs, state)


class WeightNormLSTMCell(_NormedLSTM):
  """LSTMCell whose weights are directions times lengths (Salimans and Kingma 2016)."""

  def __init__(self, num_units, norm=True, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None,
               proj_clip=None, forget_bias=1, activation=None, reuse=None):
    super().__init__(num_units, use_peepholes, cell_clip, initializer, num_proj, proj_clip, forget_bias, activation,
                     reuse)
    self._normalize = norm
    # The variables lie two scopes of this name deep, and cells in one scope share them only with `reuse`.
    self._scope = "wn_lstm_cell"

  def _scaled(self, kernel, depths):
    if not self._normalize:
      return kernel
    # Outside of loops and branches: the weights are the same in all steps.
    with ops.control_dependencies(None):
      rows, begin = [], 0
      for i, depth in enumerate(depths):
        part = kernel[begin:begin + depth, :]
        length = vs.get_variable("norm_%d" % i, [kernel.get_shape().as_list()[1]], dtype=kernel.dtype.base_dtype)
        rows.append(nn_impl.l2_normalize(part, axis=0) * length)
        begin += depth
      return array_ops.concat(rows, axis=0)

  def call(self, inputs, state):
    known_depth(inputs)
    with vs.variable_scope("wn_lstm_cell", initializer=self._initializer):
      return self._step(inputs, state)


class GLSTMCell(_LSTM):
  """LSTM in groups, each with its part of inputs and state (Kuchaiev and Ginsburg 2017)."""

  def __init__(self, num_units, initializer=None, num_proj=None, number_of_groups=1, forget_bias=1.0,
               activation=math_ops.tanh, reuse=None):
    super().__init__(num_units, num_proj, reuse)
    if num_units % number_of_groups != 0:
      raise ValueError("num_units must be divisible by number_of_groups")
    if num_proj and num_proj % number_of_groups != 0:
      raise ValueError("num_proj must be divisible by number_of_groups")
    self._initializer = initializer
    self._number_of_groups = number_of_groups
    self._forget_bias = forget_bias
    self._activation = activation
    self._linears = [None] * number_of_groups
    self._projection = None

  def _part(self, inputs, group, size, batch):
    return array_ops.slice(inputs, [0, group * size], [batch, size], name="GLSTM_group%d_input_generation" % group)

  def call(self, inputs, state):
    c_prev, m_prev = state
    groups, dtype = self._number_of_groups, inputs.dtype
    batch = tensor_shape.dimension_value(inputs.shape[0]) or array_ops.shape(inputs)[0]
    depth = tensor_shape.dimension_value(inputs.shape[1])
    if depth is None:
      raise ValueError("input size must be statically known")
    if depth % groups != 0:
      raise ValueError("input size (%d) must be divisible by number_of_groups (%d)" % (depth, groups))
    with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
      parts = []
      for group in range(groups):
        with vs.variable_scope("group%d" % group):
          x = array_ops.concat([self._part(inputs, group, depth // groups, batch),
                                self._part(m_prev, group, self.output_size // groups, batch)], axis=1)
          if self._linears[group] is None:
            self._linears[group] = Linear(x, 4 * self._num_units // groups, False)
          parts.append(array_ops.split(self._linears[group](x), 4, 1))
      biases = [vs.get_variable("bias_" + gate, shape=[self._num_units], dtype=dtype,
                                initializer=init_ops.constant_initializer(0.0, dtype=dtype)) for gate in "ijfo"]
      i, j, f, o = (nn_ops.bias_add(array_ops.concat(list(gate), axis=1), bias)
                    for gate, bias in zip(zip(*parts), biases))
    c = (math_ops.sigmoid(f + self._forget_bias) * c_prev + math_ops.sigmoid(i) * math_ops.tanh(j))
    m = math_ops.sigmoid(o) * self._activation(c)
    if self._num_proj is not None:
      with vs.variable_scope("projection"):
        if self._projection is None:
          self._projection = Linear(m, self._num_proj, False)
        m = self._projection(m)
    return m, LSTMStateTuple(c, m)


class PhasedLSTMCell(_LSTM):
  """LSTM that each unit opens for a part of its own period only (Neil et al. 2016). Inputs are (time [batch, 1], x [batch,
  depth])."""

  def __init__(self, num_units, use_peepholes=False, leak=0.001, ratio_on=0.1, trainable_ratio_on=True,
               period_init_min=1.0, period_init_max=1000.0, reuse=None):
    super().__init__(num_units, reuse=reuse)
    self._use_peepholes = use_peepholes
    self._leak = leak
    self._ratio_on = ratio_on
    self._trainable_ratio_on = trainable_ratio_on
    self._period_init = math.log(period_init_min), math.log(period_init_max)
    self._mask_linear = self._input_linear = self._output_linear = None

  def _period_initializer(self, shape, dtype=dtypes.float32, partition_info=None):
    """Periods whose logarithms are uniform."""
    return math_ops.exp(random_ops.random_uniform(shape, *self._period_init, dtype=dtype))

  def _cycle_ratio(self, time, phase, period):
    """Where in its cycle each unit is at a time, from 0 to 1; gradients pass as if there were one cycle only."""
    shifted = time - math_ops.cast(phase, dtype=time.dtype)
    period = math_ops.cast(period, dtype=time.dtype)
    within = array_ops.stop_gradient(math_ops.mod(shifted, period) - shifted) + shifted
    return math_ops.cast(within / period, dtype=dtypes.float32)

  def call(self, inputs, state):
    c_prev, h_prev = state
    time, x = inputs
    units, sigmoid = self._num_units, math_ops.sigmoid
    seen = [x, h_prev] + ([c_prev] if self._use_peepholes else [])
    with vs.variable_scope("mask_gates"):
      if self._mask_linear is None:
        self._mask_linear = Linear(seen, 2 * units)
      i, f = array_ops.split(axis=1, num_or_size_splits=2, value=sigmoid(self._mask_linear(seen)))
    with vs.variable_scope("new_input"):
      if self._input_linear is None:
        self._input_linear = Linear([x, h_prev], units)
      candidate = math_ops.tanh(self._input_linear([x, h_prev]))
    new_c = (c_prev * f + i * candidate)
    seen = [x, h_prev] + ([new_c] if self._use_peepholes else [])
    with vs.variable_scope("output_gate"):
      if self._output_linear is None:
        self._output_linear = Linear(seen, units)
      o = sigmoid(self._output_linear(seen))
    new_h = math_ops.tanh(new_c) * o
    period = vs.get_variable("period", [units], initializer=self._period_initializer)
    phase = vs.get_variable("phase", [units], initializer=init_ops.random_uniform_initializer(
        0., period.initial_value))
    ratio_on = vs.get_variable("ratio_on", [units], initializer=init_ops.constant_initializer(self._ratio_on),
                               trainable=self._trainable_ratio_on)
    cycle = self._cycle_ratio(time, phase, period)
    # It opens and closes linearly, each for half the time that it is on, and leaks a little when closed.
    opening = 2 * cycle / ratio_on
    openness = array_ops.where(cycle < ratio_on, 2 - opening, self._leak * cycle)
    openness = array_ops.where(cycle < 0.5 * ratio_on, opening, openness)
    new_c = openness * new_c + (1 - openness) * c_prev
    new_h = openness * new_h + (1 - openness) * h_prev
    return new_h, LSTMStateTuple(new_c, new_h)
