"""Cells beside tf.nn.rnn_cell's: with embeddings or projections around, and with layer normalisation inside."""

import math

from thalweg.contrib.layers import normalization
from thalweg.framework import constant_op, dtypes, ops
from thalweg.ops import (array_ops, embedding_ops, init_ops, math_ops, nn_ops, variable_scope as vs)
from thalweg.platform import tf_logging as logging
from thalweg.rnn.cell import CellAround, LSTMStateTuple, RNNCell


class EmbeddingWrapper(CellAround):
  """Feeds a cell with the embeddings of ids [batch]."""

  def __init__(self, cell, embedding_classes, embedding_size, initializer=None, reuse=None):
    super().__init__(cell, reuse)
    if embedding_classes <= 0 or embedding_size <= 0:
      raise ValueError("Both embedding_classes and embedding_size must be > 0: %d, %d." % (
          embedding_classes, embedding_size))
    self._embedding_classes = embedding_classes
    self._embedding_size = embedding_size
    self._initializer = initializer

  def call(self, inputs, state):
    with ops.device("/cpu:0"):
      initializer = self._initializer or vs.get_variable_scope().initializer
      if not initializer:
        # A variance of 1.
        initializer = init_ops.random_uniform_initializer(-math.sqrt(3), math.sqrt(3))
      embedding = vs.get_variable("embedding", [self._embedding_classes, self._embedding_size],
                                  initializer=initializer,
                                  dtype=state[0].dtype if isinstance(state, tuple) else state.dtype)
      embedded = embedding_ops.embedding_lookup(embedding, array_ops.reshape(inputs, [-1]))
      return self._cell(embedded, state)


class Linear(object):
  """[inputs] * kernel + bias, with variables made from the first inputs: one tensor or a list of them, side by side."""

  def __init__(self, inputs, output_size, use_bias=True):
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    shapes = [x.get_shape() for x in inputs]
    depth = 0
    for shape in shapes:
      if shape.ndims != 2:
        raise ValueError("linear is expecting 2D arguments: %s" % shapes)
      if shape.dims[1].value is None:
        raise ValueError("linear expects shape[1] to be provided for shape %s, but saw %s" % (shape, shape[1]))
      depth += shape.dims[1].value
    dtype = inputs[0].dtype
    with vs.variable_scope(vs.get_variable_scope()) as outer:
      self._weights = vs.get_variable("kernel", [depth, output_size], dtype=dtype)
      self._biases = None
      if not use_bias:
        return
      with vs.variable_scope(outer) as inner:
        inner.set_partitioner(None)
        self._biases = vs.get_variable("bias", [output_size], dtype=dtype,
                                       initializer=init_ops.constant_initializer(0.0, dtype=dtype))

  def __call__(self, inputs):
    if isinstance(inputs, (list, tuple)):
      inputs = inputs[0] if len(inputs) == 1 else array_ops.concat(inputs, constant_op.constant(1, dtype=dtypes.int32))
    sums = math_ops.matmul(inputs, self._weights)
    return sums if self._biases is None else nn_ops.bias_add(sums, self._biases)


class InputProjectionWrapper(CellAround):
  """Projects the inputs before a cell."""

  def __init__(self, cell, num_proj, activation=None, input_size=None, reuse=None):
    super().__init__(cell, reuse)
    if input_size is not None:
      logging.warn("%s: The input_size parameter is deprecated.", self)
    self._num_proj = num_proj
    self._projection_activation = activation
    self._linear = None

  def call(self, inputs, state):
    if self._linear is None:
      self._linear = Linear(inputs, self._num_proj)
    projected = self._linear(inputs)
    if self._projection_activation:
      projected = self._projection_activation(projected)
    return self._cell(projected, state)


class OutputProjectionWrapper(CellAround):
  """Projects the outputs of a cell."""

  def __init__(self, cell, output_size, activation=None, reuse=None):
    super().__init__(cell, reuse)
    if output_size < 1:
      raise ValueError("Parameter output_size must be > 0: %d." % output_size)
    self._projected_size = output_size
    self._projection_activation = activation
    self._linear = None

  @property
  def output_size(self):
    return self._projected_size

  def call(self, inputs, state):
    output, new_state = self._cell(inputs, state)
    if self._linear is None:
      self._linear = Linear(output, self._projected_size)
    projected = self._linear(output)
    if self._projection_activation:
      projected = self._projection_activation(projected)
    return projected, new_state


class LayerNormBasicLSTMCell(RNNCell):
  """Long short-term memory with layer normalisation of gates and memory (Ba et al. 2016) and dropout of what is
  remembered anew (Semeniuta et al. 2016)."""

  def __init__(self, num_units, forget_bias=1.0, input_size=None, activation=math_ops.tanh, layer_norm=True,
               norm_gain=1.0, norm_shift=0.0, dropout_keep_prob=1.0, dropout_prob_seed=None, reuse=None):
    super().__init__(_reuse=reuse)
    if input_size is not None:
      logging.warn("%s: The input_size parameter is deprecated.", self)
    self._num_units = num_units
    self._activation = activation
    self._forget_bias = forget_bias
    self._keep_prob = dropout_keep_prob
    self._seed = dropout_prob_seed
    self._layer_norm = layer_norm
    self._norm_gain = norm_gain
    self._norm_shift = norm_shift

  @property
  def state_size(self):
    return LSTMStateTuple(self._num_units, self._num_units)

  @property
  def output_size(self):
    return self._num_units

  def _norm(self, inp, scope, dtype=dtypes.float32):
    shape = inp.get_shape()[-1:]
    # Made here for the sake of their initial values.
    with vs.variable_scope(scope):
      vs.get_variable("gamma", shape=shape, initializer=init_ops.constant_initializer(self._norm_gain), dtype=dtype)
      vs.get_variable("beta", shape=shape, initializer=init_ops.constant_initializer(self._norm_shift), dtype=dtype)
    return normalization.layer_norm(inp, reuse=True, scope=scope)

  def _linear(self, args):
    weights = vs.get_variable("kernel", [args.get_shape().dims[-1].value, 4 * self._num_units], dtype=args.dtype)
    out = math_ops.matmul(args, weights)
    if self._layer_norm:
      return out
    return nn_ops.bias_add(out, vs.get_variable("bias", [4 * self._num_units], dtype=args.dtype))

  def call(self, inputs, state):
    c, h = state
    args = array_ops.concat([inputs, h], 1)
    i, j, f, o = array_ops.split(value=self._linear(args), num_or_size_splits=4, axis=1)
    if self._layer_norm:
      i, j, f, o = (self._norm(gate, name, dtype=args.dtype)
                    for gate, name in ((i, "input"), (j, "transform"), (f, "forget"), (o, "output")))
    g = self._activation(j)
    if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
      g = nn_ops.dropout(g, self._keep_prob, seed=self._seed)
    new_c = c * math_ops.sigmoid(f + self._forget_bias) + math_ops.sigmoid(i) * g
    if self._layer_norm:
      new_c = self._norm(new_c, "state", dtype=args.dtype)
    new_h = self._activation(new_c) * math_ops.sigmoid(o)
    return new_h, LSTMStateTuple(new_c, new_h)
