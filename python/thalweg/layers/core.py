"""Dense, Dropout and Flatten."""

from thalweg.framework import ops, tensor_shape
from thalweg.layers import base, utils
from thalweg.layers.functional import as_function
from thalweg.ops import array_ops, init_ops, math_ops, nn_ops


class Dense(base.Layer):
  """activation(inputs * kernel + bias) over the last axis; kernel is [last axis, units]."""

  def __init__(self, units, activation=None, use_bias=True, kernel_initializer=None,
               bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
               activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(Dense, self).__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
    self.units = int(units)
    self.activation = utils.get_activation(activation)
    self.use_bias = use_bias
    self.kernel_initializer = utils.get_initializer(kernel_initializer)
    self.bias_initializer = utils.get_initializer(bias_initializer)
    self.kernel_regularizer = kernel_regularizer
    self.bias_regularizer = bias_regularizer
    self.kernel_constraint = kernel_constraint
    self.bias_constraint = bias_constraint
    self.input_spec = base.InputSpec(min_ndim=2)

  def build(self, input_shape):
    last = tensor_shape.dimension_value(input_shape[-1])
    if last is None:
      raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
    self.input_spec = base.InputSpec(min_ndim=2, axes={-1: last})
    self.kernel = self.add_weight("kernel", shape=[last, self.units], initializer=self.kernel_initializer,
                                  regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
                                  dtype=self.dtype, trainable=True)
    self.bias = None
    if self.use_bias:
      self.bias = self.add_weight("bias", shape=[self.units], initializer=self.bias_initializer,
                                  regularizer=self.bias_regularizer, constraint=self.bias_constraint,
                                  dtype=self.dtype, trainable=True)

  def call(self, inputs):
    rank = inputs.get_shape().ndims
    if rank > 2:
      outputs = math_ops.tensordot(inputs, self.kernel, [[rank - 1], [0]])
      outputs.set_shape(inputs.get_shape().as_list()[:-1] + [self.units])
    else:
      outputs = math_ops.matmul(inputs, self.kernel)
    if self.use_bias:
      outputs = nn_ops.bias_add(outputs, self.bias)
    return self.activation(outputs) if self.activation is not None else outputs


dense = as_function(Dense, "dense")


class Dropout(base.Layer):
  """In training sets a fraction `rate` of the inputs to zero and scales the others by 1 / (1 - rate)."""

  def __init__(self, rate=0.5, noise_shape=None, seed=None, name=None, **kwargs):
    super(Dropout, self).__init__(name=name, **kwargs)
    self.rate = rate
    self.noise_shape = noise_shape
    self.seed = seed

  def _noise_shape(self, inputs):
    if self.noise_shape is None:
      return None
    sizes = array_ops.shape(inputs)
    return [sizes[i] if n is None else n for i, n in enumerate(self.noise_shape)]

  def call(self, inputs, training=False):
    def dropped():
      return nn_ops.dropout(inputs, rate=self.rate, noise_shape=self._noise_shape(inputs), seed=self.seed)
    return utils.smart_cond(training, dropped, lambda: array_ops.identity(inputs))


def dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None):
  """Dropout as a function."""
  return Dropout(rate, noise_shape=noise_shape, seed=seed, name=name).apply(inputs, training=training)


class Flatten(base.Layer):
  """[batch, ...] to [batch, size]."""

  def __init__(self, data_format=None, **kwargs):
    super(Flatten, self).__init__(**kwargs)
    self._channels_first = data_format is not None and utils.channels_first(data_format)
    self.input_spec = base.InputSpec(min_ndim=1)

  def call(self, inputs):
    rank = inputs.get_shape().ndims
    if self._channels_first and rank is not None and rank > 1:
      inputs = array_ops.transpose(inputs, [0] + list(range(2, rank)) + [1])
    sizes = inputs.get_shape().as_list()
    outputs = array_ops.reshape(inputs, (sizes[0] or array_ops.shape(inputs)[0], -1))
    size = 1
    for s in sizes[1:]:
      size = None if s is None or size is None else size * s
    outputs.set_shape([sizes[0], size])
    return outputs


def flatten(inputs, name=None, data_format="channels_last"):
  """Flatten as a function."""
  return Flatten(name=name, data_format=data_format).apply(ops.convert_to_tensor(inputs))
