"""The plain recurrent cell, the gated recurrent unit, and the long short-term memory in two forms."""

from thalweg.framework import constant_op, dtypes
from thalweg.layers import base, utils
from thalweg.ops import array_ops, clip_ops, init_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import LayerRNNCell, LSTMStateTuple, OneState, depth_of
from thalweg.util import nest


def _check_type(dtype):
  if dtype is not None and not (dtypes.as_dtype(dtype).is_floating or dtypes.as_dtype(dtype).is_complex):
    raise ValueError("RNN cell only supports floating point inputs, but saw dtype: %s" % dtype)


def _check_inputs(*inputs):
  for t in nest.flatten(list(inputs)):
    _check_type(t.dtype)


class _Cell(OneState, LayerRNNCell):
  """What the cells of this module share."""

  def __init__(self, num_units, activation, reuse, name, dtype, **kwargs):
    super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
    _check_type(self.dtype)
    self.input_spec = base.InputSpec(ndim=2)
    self._num_units = num_units
    self._activation = utils.get_activation(activation) if activation else math_ops.tanh

  def _zeros(self):
    return init_ops.zeros_initializer(dtype=self.dtype)

  def _affine(self, parts, kernel, bias):
    return nn_ops.bias_add(math_ops.matmul(array_ops.concat(parts, 1), kernel), bias)

  def get_config(self):
    return {"num_units": self._num_units, "activation": utils.activation_name(self._activation), "reuse": self._reuse,
            "name": self.name, "trainable": self.trainable, "dtype": self.dtype}

  @classmethod
  def from_config(cls, config):
    return cls(**config)


class BasicRNNCell(_Cell):
  """output = activation(W [inputs, state] + b)."""

  def __init__(self, num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs):
    super().__init__(num_units, activation, reuse, name, dtype, **kwargs)

  def build(self, inputs_shape):
    depth = depth_of(inputs_shape)
    _check_type(self.dtype)
    self._kernel = self.add_variable("kernel", shape=[depth + self._num_units, self._num_units])
    self._bias = self.add_variable("bias", shape=[self._num_units], initializer=self._zeros())
    self.built = True

  def call(self, inputs, state):
    _check_inputs(inputs, state)
    output = self._activation(self._affine([inputs, state], self._kernel, self._bias))
    return output, output


class GRUCell(_Cell):
  """Gated recurrent unit (Cho et al. 2014)."""

  def __init__(self, num_units, activation=None, reuse=None, kernel_initializer=None, bias_initializer=None, name=None,
               dtype=None, **kwargs):
    super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
    self._kernel_initializer = utils.get_initializer(kernel_initializer)
    self._bias_initializer = utils.get_initializer(bias_initializer)

  def build(self, inputs_shape):
    depth, units = depth_of(inputs_shape), self._num_units
    _check_type(self.dtype)
    # Gates begin open: a bias of 1 keeps the state at first.
    gate_bias = self._bias_initializer
    if gate_bias is None:
      gate_bias = init_ops.constant_initializer(1.0, dtype=self.dtype)
    candidate_bias = self._bias_initializer if self._bias_initializer is not None else self._zeros()
    self._gate_kernel = self.add_variable("gates/kernel", shape=[depth + units, 2 * units],
                                          initializer=self._kernel_initializer)
    self._gate_bias = self.add_variable("gates/bias", shape=[2 * units], initializer=gate_bias)
    self._candidate_kernel = self.add_variable("candidate/kernel", shape=[depth + units, units],
                                               initializer=self._kernel_initializer)
    self._candidate_bias = self.add_variable("candidate/bias", shape=[units], initializer=candidate_bias)
    self.built = True

  def call(self, inputs, state):
    _check_inputs(inputs, state)
    gates = math_ops.sigmoid(self._affine([inputs, state], self._gate_kernel, self._gate_bias))
    reset, update = array_ops.split(value=gates, num_or_size_splits=2, axis=1)
    kept = reset * state
    candidate = self._activation(self._affine([inputs, kept], self._candidate_kernel, self._candidate_bias))
    output = update * state + (1 - update) * candidate
    return output, output

  def get_config(self):
    return dict(super().get_config(), kernel_initializer=self._kernel_initializer,
                bias_initializer=self._bias_initializer)


def _warn_of_concatenated(cell):
  logging.warn("%s: Using a concatenated state is slower and will soon be deprecated.  Use state_is_tuple=True.", cell)


class BasicLSTMCell(_Cell):
  """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate, whose bias begins at `forget_bias`."""

  def __init__(self, num_units, forget_bias=1.0, state_is_tuple=True, activation=None, reuse=None, name=None,
               dtype=None, **kwargs):
    super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
    if not state_is_tuple:
      _warn_of_concatenated(self)
    self._forget_bias = forget_bias
    self._state_is_tuple = state_is_tuple

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

  def build(self, inputs_shape):
    depth, units = depth_of(inputs_shape), self._num_units
    _check_type(self.dtype)
    self._kernel = self.add_variable("kernel", shape=[depth + units, 4 * units])
    self._bias = self.add_variable("bias", shape=[4 * units], initializer=self._zeros())
    self.built = True

  def call(self, inputs, state):
    _check_inputs(inputs, state)
    axis = constant_op.constant(1, dtype=dtypes.int32)
    c, h = state if self._state_is_tuple else array_ops.split(value=state, num_or_size_splits=2, axis=axis)
    gates = self._affine([inputs, h], self._kernel, self._bias)
    # The gates of input, new value, forgetting and output lie side by side in the kernel.
    i, j, f, o = array_ops.split(value=gates, num_or_size_splits=4, axis=axis)
    forget_bias = constant_op.constant(self._forget_bias, dtype=f.dtype)
    kept = math_ops.multiply(c, math_ops.sigmoid(math_ops.add(f, forget_bias)))
    new_c = math_ops.add(kept, math_ops.multiply(math_ops.sigmoid(i), self._activation(j)))
    new_h = math_ops.multiply(self._activation(new_c), math_ops.sigmoid(o))
    if self._state_is_tuple:
      return new_h, LSTMStateTuple(new_c, new_h)
    return new_h, array_ops.concat([new_c, new_h], 1)

  def get_config(self):
    return dict(super().get_config(), forget_bias=self._forget_bias, state_is_tuple=self._state_is_tuple)


class LSTMCell(_Cell):
  """Long short-term memory with, on request, peepholes from the memory to the gates (Gers and Schmidhuber 2000), a
  projection of the output (Sak et al. 2014), and clipping of the memory and of the projection."""

  def __init__(self, num_units, use_peepholes=False, cell_clip=None, initializer=None, num_proj=None, proj_clip=None,
               num_unit_shards=None, num_proj_shards=None, forget_bias=1.0, state_is_tuple=True, activation=None,
               reuse=None, name=None, dtype=None, **kwargs):
    super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
    if not state_is_tuple:
      _warn_of_concatenated(self)
    if num_unit_shards is not None or num_proj_shards is not None:
      logging.warn("%s: The num_unit_shards and proj_unit_shards parameters are deprecated. Use a variable scope with a "
                   "partitioner instead.", self)
    self._use_peepholes = use_peepholes
    self._cell_clip = cell_clip
    self._initializer = utils.get_initializer(initializer)
    self._num_proj = num_proj
    self._proj_clip = proj_clip
    self._num_unit_shards = num_unit_shards
    self._num_proj_shards = num_proj_shards
    self._forget_bias = forget_bias
    self._state_is_tuple = state_is_tuple

  @property
  def output_size(self):
    return self._num_proj or self._num_units

  @property
  def state_size(self):
    sizes = LSTMStateTuple(self._num_units, self.output_size)
    return sizes if self._state_is_tuple else sum(sizes)

  def build(self, inputs_shape):
    depth, units = depth_of(inputs_shape), self._num_units
    _check_type(self.dtype)

    def shards(n):
      return vs.fixed_size_partitioner(n) if n is not None else None

    self._kernel = self.add_variable("kernel", shape=[depth + self.output_size, 4 * units],
                                     initializer=self._initializer, partitioner=shards(self._num_unit_shards))
    self._bias = self.add_variable("bias", shape=[4 * units], initializer=self._zeros() if self.dtype else
                                   init_ops.zeros_initializer)
    if self._use_peepholes:
      self._w_f_diag, self._w_i_diag, self._w_o_diag = (
          self.add_variable(name, shape=[units], initializer=self._initializer)
          for name in ("w_f_diag", "w_i_diag", "w_o_diag"))
    if self._num_proj is not None:
      self._proj_kernel = self.add_variable(
          "projection/kernel", shape=[units, self._num_proj], initializer=self._initializer,
          partitioner=shards(self._num_proj_shards))
    self.built = True

  def call(self, inputs, state):
    _check_inputs(inputs, state)
    sigmoid = math_ops.sigmoid
    if self._state_is_tuple:
      c_prev, m_prev = state
    else:
      c_prev = array_ops.slice(state, [0, 0], [-1, self._num_units])
      m_prev = array_ops.slice(state, [0, self._num_units], [-1, self.output_size])
    if inputs.get_shape().with_rank(2).dims[1].value is None:
      raise ValueError("Could not infer input size from inputs.get_shape()[-1]")
    gates = self._affine([inputs, m_prev], self._kernel, self._bias)
    i, j, f, o = array_ops.split(value=gates, num_or_size_splits=4, axis=1)
    if self._use_peepholes:
      c = (sigmoid(f + self._forget_bias + self._w_f_diag * c_prev) * c_prev +
           sigmoid(i + self._w_i_diag * c_prev) * self._activation(j))
    else:
      c = sigmoid(f + self._forget_bias) * c_prev + sigmoid(i) * self._activation(j)
    if self._cell_clip is not None:
      c = clip_ops.clip_by_value(c, -self._cell_clip, self._cell_clip)
    if self._use_peepholes:
      m = sigmoid(o + self._w_o_diag * c) * self._activation(c)
    else:
      m = sigmoid(o) * self._activation(c)
    if self._num_proj is not None:
      m = math_ops.matmul(m, self._proj_kernel)
      if self._proj_clip is not None:
        m = clip_ops.clip_by_value(m, -self._proj_clip, self._proj_clip)
    return m, LSTMStateTuple(c, m) if self._state_is_tuple else array_ops.concat([c, m], 1)

  def get_config(self):
    return dict(super().get_config(), use_peepholes=self._use_peepholes, cell_clip=self._cell_clip,
                initializer=self._initializer, num_proj=self._num_proj, proj_clip=self._proj_clip,
                num_unit_shards=self._num_unit_shards, num_proj_shards=self._num_proj_shards,
                forget_bias=self._forget_bias, state_is_tuple=self._state_is_tuple)
