"""Recurrent cells with one state, or with the gates of an LSTM arranged in another way."""

from thalweg.framework import constant_op, dtypes, tensor_shape
from thalweg.layers import base, utils
from thalweg.ops import array_ops, init_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.contrib.rnn.cells import Linear
from thalweg.rnn.cell import LayerRNNCell, LSTMStateTuple, OneState, RNNCell, depth_of


def known_depth(inputs):
  """The size of the last axis of inputs [batch, depth], which must be known."""
  depth = inputs.get_shape().with_rank(2).dims[1].value
  if depth is None:
    raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
  return depth


class _Units(OneState, LayerRNNCell):
  """A cell of num_units whose state, unless it says otherwise, is its output."""

  def __init__(self, num_units, activation, **kwargs):
    super().__init__(**kwargs)
    self.input_spec = base.InputSpec(ndim=2)
    self._num_units = num_units
    self._activation = activation or math_ops.tanh


class NASCell(LayerRNNCell):
  """The cell that a search for architectures found (Zoph and Le 2017): eight sums of inputs and state, combined in a tree
  of three layers."""

  def __init__(self, num_units, num_proj=None, use_bias=False, reuse=None, **kwargs):
    super().__init__(_reuse=reuse, **kwargs)
    self._num_units = num_units
    self._num_proj = num_proj
    self._use_bias = use_bias

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self.output_size)

  @property
  def output_size(self):
    return self._num_proj if self._num_proj is not None else self._num_units

  def build(self, inputs_shape):
    depth = tensor_shape.dimension_value(tensor_shape.as_shape(inputs_shape).with_rank(2)[1])
    if depth is None:
      raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
    width = 8 * self._num_units
    self.recurrent_kernel = self.add_variable("recurrent_kernel", [self.output_size, width])
    self.kernel = self.add_variable("kernel", [depth, width])
    if self._use_bias:
      self.bias = self.add_variable("bias", shape=[width], initializer=init_ops.zeros_initializer)
    if self._num_proj is not None:
      self.projection_weights = self.add_variable("projection_weights", [self._num_units, self._num_proj])
    self.built = True

  def call(self, inputs, state):
    sigmoid, tanh, relu = math_ops.sigmoid, math_ops.tanh, nn_ops.relu
    memory, hidden = state
    recurrent = math_ops.matmul(hidden, self.recurrent_kernel)
    feed = math_ops.matmul(inputs, self.kernel)
    if self._use_bias:
      recurrent = nn_ops.bias_add(recurrent, self.bias)
    h = array_ops.split(axis=1, num_or_size_splits=8, value=recurrent)
    x = array_ops.split(axis=1, num_or_size_splits=8, value=feed)
    leaves = [sigmoid(x[0] + h[0]), relu(x[1] + h[1]), sigmoid(x[2] + h[2]), relu(x[3] * h[3]), tanh(x[4] + h[4]),
              sigmoid(x[5] + h[5]), tanh(x[6] + h[6]), sigmoid(x[7] + h[7])]
    pairs = [tanh(leaves[0] * leaves[1]), tanh(leaves[2] + leaves[3]), tanh(leaves[4] * leaves[5]),
             sigmoid(leaves[6] + leaves[7])]
    new_memory = tanh(pairs[0] + memory) * pairs[1]
    output = tanh(new_memory * tanh(pairs[2] + pairs[3]))
    if self._num_proj is not None:
      output = math_ops.matmul(output, self.projection_weights)
    return output, LSTMStateTuple(new_memory, output)


class UGRNNCell(OneState, RNNCell):
  """Update gate RNN (Collins et al. 2017): one gate between the state and a candidate."""

  def __init__(self, num_units, initializer=None, forget_bias=1.0, activation=math_ops.tanh, reuse=None):
    super().__init__(_reuse=reuse)
    self._num_units = num_units
    self._initializer = initializer
    self._forget_bias = forget_bias
    self._activation = activation
    self._linear = None

  def call(self, inputs, state):
    known_depth(inputs)
    with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
      both = array_ops.concat([inputs, state], 1)
      if self._linear is None:
        self._linear = Linear(both, 2 * self._num_units)
      gate, candidate = array_ops.split(axis=1, num_or_size_splits=2, value=self._linear(both))
      candidate = self._activation(candidate)
      gate = math_ops.sigmoid(gate + self._forget_bias)
      new_state = gate * state + (1.0 - gate) * candidate
    return new_state, new_state


class IntersectionRNNCell(OneState, RNNCell):
  """Intersection RNN (Collins et al. 2017): gates for what passes through time and for what passes through depth."""

  def __init__(self, num_units, num_in_proj=None, initializer=None, forget_bias=1.0, y_activation=nn_ops.relu,
               reuse=None):
    super().__init__(_reuse=reuse)
    self._num_units = num_units
    self._num_input_proj = num_in_proj
    self._initializer = initializer
    self._forget_bias = forget_bias
    self._y_activation = y_activation
    self._projection = None
    self._linear = None

  def call(self, inputs, state):
    depth, n = known_depth(inputs), self._num_units
    with vs.variable_scope(vs.get_variable_scope(), initializer=self._initializer):
      if depth != n:
        if not self._num_input_proj:
          raise ValueError("Must have input size == output size for Intersection RNN. To fix, num_in_proj should be set "
                           "to num_units at cell init.")
        with vs.variable_scope("in_projection"):
          if self._projection is None:
            self._projection = Linear(inputs, n)
          inputs = self._projection(inputs)
      both = array_ops.concat([inputs, state], 1)
      if self._linear is None:
        self._linear = Linear(both, 4 * n)
      sums = self._linear(both)
      h_gate, h, y_gate, y = (sums[:, k * n:(k + 1) * n] if k else sums[:, :n] for k in range(4))
      h, y = math_ops.tanh(h), self._y_activation(y)
      h_gate = math_ops.sigmoid(h_gate + self._forget_bias)
      y_gate = math_ops.sigmoid(y_gate + self._forget_bias)
      new_state = h_gate * state + (1.0 - h_gate) * h
      output = y_gate * inputs + (1.0 - y_gate) * y
    return output, new_state


class SRUCell(_Units):
  """Simple recurrent unit (Lei et al. 2017): gates of the inputs alone, and a path of the inputs around the state."""

  def __init__(self, num_units, activation=None, reuse=None, name=None, **kwargs):
    super().__init__(num_units, activation, _reuse=reuse, name=name, **kwargs)

  def build(self, inputs_shape):
    self._kernel = self.add_variable("kernel", shape=[depth_of(inputs_shape), 4 * self._num_units])
    self._bias = self.add_variable("bias", shape=[2 * self._num_units], initializer=init_ops.zeros_initializer)
    self.built = True

  def call(self, inputs, state):
    candidate, forget, reset, direct = array_ops.split(
        value=math_ops.matmul(inputs, self._kernel), num_or_size_splits=4, axis=1)
    gates = math_ops.sigmoid(nn_ops.bias_add(array_ops.concat([forget, reset], 1), self._bias))
    forget, reset = array_ops.split(value=gates, num_or_size_splits=2, axis=1)
    memory = forget * state + (1.0 - forget) * candidate
    return reset * self._activation(memory) + (1.0 - reset) * direct, memory


class _NamedUnits(_Units):
  """A cell whose activation and initializers may be given by name."""

  def __init__(self, units, activation="tanh", kernel_initializer="glorot_uniform", bias_initializer="ones", name=None,
               dtype=None, **kwargs):
    super().__init__(units, None, name=name, dtype=dtype, **kwargs)
    self.units = units
    self.activation = utils.get_activation(activation) or array_ops.identity
    self.kernel_initializer = utils.get_initializer(kernel_initializer)
    self.bias_initializer = utils.get_initializer(bias_initializer)


class MinimalRNNCell(_NamedUnits):
  """MinimalRNN (Chen 2017): one gate between the state and a projection of the inputs."""

  def build(self, inputs_shape):
    self.kernel = self.add_weight("kernel", shape=[depth_of(inputs_shape) + 2 * self.units, self.units],
                                  initializer=self.kernel_initializer)
    self.bias = self.add_weight("bias", shape=[self.units], initializer=self.bias_initializer)
    self.built = True

  def call(self, inputs, state):
    feed_kernel, gate_kernel = array_ops.split(
        value=self.kernel, num_or_size_splits=[known_depth(inputs), 2 * self.units], axis=0)
    feed = self.activation(math_ops.matmul(inputs, feed_kernel))
    gate = math_ops.matmul(array_ops.concat([feed, state], 1), gate_kernel)
    gate = math_ops.sigmoid(nn_ops.bias_add(gate, self.bias))
    new_state = gate * state + (1 - gate) * feed
    return new_state, new_state


class CFNCell(_NamedUnits):
  """Chaos free network (Laurent and von Brecht 2016): without inputs its state decays to zero."""

  def build(self, inputs_shape):
    self.kernel = self.add_weight("kernel", shape=[depth_of(inputs_shape), 3 * self.units],
                                  initializer=self.kernel_initializer)
    self.recurrent_kernel = self.add_weight("recurrent_kernel", shape=[self.units, 2 * self.units],
                                            initializer=self.kernel_initializer)
    self.bias = self.add_weight("bias", shape=[2 * self.units], initializer=self.bias_initializer)
    self.built = True

  def call(self, inputs, state):
    known_depth(inputs)
    gate_kernel, feed_kernel = array_ops.split(
        value=self.kernel, num_or_size_splits=[2 * self.units, self.units], axis=1)
    gates = math_ops.matmul(state, self.recurrent_kernel) + math_ops.matmul(inputs, gate_kernel)
    gates = math_ops.sigmoid(nn_ops.bias_add(gates, self.bias))
    forget, block = array_ops.split(value=gates, num_or_size_splits=2, axis=1)
    feed = math_ops.matmul(inputs, feed_kernel)
    new_state = forget * self.activation(state) + (1 - block) * self.activation(feed)
    return new_state, new_state


class _Independent(_Units):
  """A cell in which each unit sees of the state only its own (Li et al. 2018)."""

  def __init__(self, num_units, activation, reuse, name, dtype, kernel_initializer=None, bias_initializer=None):
    super().__init__(num_units, activation, _reuse=reuse, name=name, dtype=dtype)
    self._kernel_initializer = kernel_initializer
    self._bias_initializer = bias_initializer

  def _add(self, kernel, recurrent, bias, depth, width, bias_value=0.0):
    """The kernel, the vector that states are multiplied by, and the bias of `width` sums."""
    bias_initializer = self._bias_initializer
    if bias_initializer is None:
      bias_initializer = (init_ops.constant_initializer(bias_value, dtype=self.dtype) if bias_value else
                          init_ops.zeros_initializer(dtype=self.dtype))
    return (self.add_variable(kernel, shape=[depth, width], initializer=self._kernel_initializer),
            self.add_variable(recurrent, shape=[1, width], initializer=init_ops.random_uniform_initializer(
                minval=-1, maxval=1, dtype=self.dtype)),
            self.add_variable(bias, shape=[width], initializer=bias_initializer))


class IndRNNCell(_Independent):
  """Independently recurrent neural network: activation(W x + u * state + b)."""

  def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None):
    super().__init__(num_units, activation, reuse, name, dtype)

  def build(self, inputs_shape):
    self._kernel_w, self._kernel_u, self._bias = self._add("kernel_w", "kernel_u", "bias", depth_of(inputs_shape),
                                                           self._num_units)
    self.built = True

  def call(self, inputs, state):
    sums = math_ops.matmul(inputs, self._kernel_w) + (state * self._kernel_u)
    output = self._activation(nn_ops.bias_add(sums, self._bias))
    return output, output


class IndyGRUCell(_Independent):
  """GRUCell with independent units."""

  def __init__(self, num_units, activation=None, reuse=None, kernel_initializer=None, bias_initializer=None, name=None,
               dtype=None):
    super().__init__(num_units, activation, reuse, name, dtype, kernel_initializer, bias_initializer)

  def build(self, inputs_shape):
    depth, units = depth_of(inputs_shape), self._num_units
    self._gates = self._add("gates/kernel_w", "gates/kernel_u", "gates/bias", depth, 2 * units, 1.0)
    self._candidate = self._add("candidate/kernel", "candidate/kernel_u", "candidate/bias", depth, units)
    self.built = True

  def call(self, inputs, state):
    kernel, recurrent, bias = self._gates
    sums = math_ops.matmul(inputs, kernel) + (array_ops.tile(state, [1, 2]) * recurrent)
    gates = math_ops.sigmoid(nn_ops.bias_add(sums, bias))
    reset, update = array_ops.split(value=gates, num_or_size_splits=2, axis=1)
    kept = reset * state
    kernel, recurrent, bias = self._candidate
    candidate = math_ops.matmul(inputs, kernel) + (kept * recurrent)
    candidate = self._activation(nn_ops.bias_add(candidate, bias))
    new_state = update * state + (1 - update) * candidate
    return new_state, new_state


class IndyLSTMCell(_Independent):
  """BasicLSTMCell with independent units."""

  def __init__(self, num_units, forget_bias=1.0, activation=None, reuse=None, kernel_initializer=None,
               bias_initializer=None, name=None, dtype=None):
    super().__init__(num_units, activation, reuse, name, dtype, kernel_initializer, bias_initializer)
    self._forget_bias = forget_bias

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self._num_units)

  def build(self, inputs_shape):
    self._kernel_w, self._kernel_u, self._bias = self._add("kernel_w", "kernel_u", "bias", depth_of(inputs_shape),
                                                           4 * self._num_units)
    self.built = True

  def call(self, inputs, state):
    axis = constant_op.constant(1, dtype=dtypes.int32)
    c, h = state
    sums = math_ops.matmul(inputs, self._kernel_w)
    sums += array_ops.tile(h, [1, 4]) * self._kernel_u
    i, j, f, o = array_ops.split(value=nn_ops.bias_add(sums, self._bias), num_or_size_splits=4, axis=axis)
    forget_bias = constant_op.constant(self._forget_bias, dtype=f.dtype)
    new_c = math_ops.add(math_ops.multiply(c, math_ops.sigmoid(math_ops.add(f, forget_bias))),
                         math_ops.multiply(math_ops.sigmoid(i), self._activation(j)))
    new_h = math_ops.multiply(self._activation(new_c), math_ops.sigmoid(o))
    return new_h, LSTMStateTuple(new_c, new_h)
