"""Batch normalisation (Ioffe and Szegedy 2015)."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.layers import base, utils
from thalweg.ops import array_ops, init_ops, math_ops, nn_impl, state_ops


class BatchNormalization(base.Layer):
  """Normalises over all axes but `axis` with the batch's statistics in training, and with moving averages of them
  otherwise. The updates of the averages go into the UPDATE_OPS collection. Images with channels in one axis take the fused
  op. Batch renormalisation, virtual batches and adjustments are refused.
  """

  def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
               beta_initializer=init_ops.zeros_initializer(), gamma_initializer=init_ops.ones_initializer(),
               moving_mean_initializer=init_ops.zeros_initializer(),
               moving_variance_initializer=init_ops.ones_initializer(), beta_regularizer=None, gamma_regularizer=None,
               beta_constraint=None, gamma_constraint=None, renorm=False, renorm_clipping=None, renorm_momentum=0.99,
               fused=None, trainable=True, virtual_batch_size=None, adjustment=None, name=None, **kwargs):
    super(BatchNormalization, self).__init__(name=name, trainable=trainable, **kwargs)
    if renorm or virtual_batch_size is not None or adjustment is not None:
      raise ValueError("BatchNormalization takes no renorm, virtual_batch_size or adjustment")
    self.axis = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    self.momentum = momentum
    self.epsilon = epsilon
    self.center = center
    self.scale = scale
    self.beta_initializer = beta_initializer
    self.gamma_initializer = gamma_initializer
    self.moving_mean_initializer = moving_mean_initializer
    self.moving_variance_initializer = moving_variance_initializer
    self.beta_regularizer = beta_regularizer
    self.gamma_regularizer = gamma_regularizer
    self.beta_constraint = beta_constraint
    self.gamma_constraint = gamma_constraint
    self.fused = fused

  def build(self, input_shape):
    if input_shape.ndims is None:
      raise ValueError("Input has undefined rank: %s" % input_shape)
    rank = input_shape.ndims
    self._axes = [a + rank if a < 0 else a for a in self.axis]
    if any(a < 0 or a >= rank for a in self._axes) or len(set(self._axes)) != len(self._axes):
      raise ValueError("Invalid axis: %s for an input of rank %d" % (self.axis, rank))
    images = rank == 4 and self._axes in ([1], [3])
    if self.fused and not images:
      raise ValueError("Fused batch normalisation takes inputs of rank 4 and axis 1 or 3, not %s and %s" %
                       (input_shape, self.axis))
    self._use_fused = images if self.fused is None else bool(self.fused)
    self._layout = "NHWC" if self._axes == [3] else "NCHW"
    sizes = [tensor_shape.dimension_value(input_shape[a]) for a in self._axes]
    if any(s is None for s in sizes):
      raise ValueError("Input has undefined `axis` dimension. Input shape: %s" % input_shape)
    self.input_spec = base.InputSpec(ndim=rank, axes=dict(zip(self._axes, sizes)))
    if len(self._axes) == 1:
      shape = sizes
    else:
      # Parameters of several axes keep the rank, so that they broadcast.
      shape = [sizes[self._axes.index(i)] if i in self._axes else 1 for i in range(rank)]
    # Statistics of 16-bit inputs are kept in 32 bits.
    dtype = "float32" if self.dtype in ("float16", "bfloat16") else self.dtype
    self.gamma = self.beta = None
    if self.scale:
      self.gamma = self.add_weight("gamma", shape=shape, dtype=dtype, initializer=self.gamma_initializer,
                                   regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
    if self.center:
      self.beta = self.add_weight("beta", shape=shape, dtype=dtype, initializer=self.beta_initializer,
                                  regularizer=self.beta_regularizer, constraint=self.beta_constraint)
    self.moving_mean = self.add_weight("moving_mean", shape=shape, dtype=dtype, trainable=False,
                                       initializer=self.moving_mean_initializer)
    self.moving_variance = self.add_weight("moving_variance", shape=shape, dtype=dtype, trainable=False,
                                           initializer=self.moving_variance_initializer)

  def _update_average(self, variable, value, training):
    """variable += (1 - momentum) * (value - variable), in training only."""
    def update():
      with ops.name_scope("AssignMovingAvg", values=[variable, value, self.momentum]) as scope:
        with ops.colocate_with(variable):
          decay = ops.convert_to_tensor(1.0 - self.momentum, name="decay", dtype=variable.dtype.base_dtype)
          if utils.constant_value(training) is None:
            decay = decay * math_ops.cast(training, decay.dtype)
          delta = (variable - math_ops.cast(value, variable.dtype.base_dtype)) * decay
          return state_ops.assign_sub(variable, delta, name=scope)
    if utils.constant_value(training) is not False:
      self.add_update(update())

  def _fused(self, inputs, training):
    dtype = self.moving_mean.dtype.base_dtype
    gamma = self.gamma if self.scale else array_ops.ones(self.moving_mean.get_shape(), dtype)
    beta = self.beta if self.center else array_ops.zeros(self.moving_mean.get_shape(), dtype)

    def with_batch():
      return tuple(nn_impl.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=self._layout))

    def with_average():
      return tuple(nn_impl.fused_batch_norm(inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                                            epsilon=self.epsilon, is_training=False, data_format=self._layout))

    outputs, mean, variance = utils.smart_select(training, with_batch, with_average)
    self._update_average(self.moving_mean, mean, training)
    self._update_average(self.moving_variance, variance, training)
    return outputs

  def call(self, inputs, training=False):
    if self._use_fused:
      return self._fused(inputs, training)
    dtype = dtypes.as_dtype(self.moving_mean.dtype.base_dtype)
    rank = inputs.get_shape().ndims
    reduced = [i for i in range(rank) if i not in self._axes]
    several = len(self._axes) > 1
    values = math_ops.cast(inputs, dtype)

    def batch_moments():
      return tuple(nn_impl.moments(values, reduced, keep_dims=several))

    def averages():
      return ops.convert_to_tensor(self.moving_mean), ops.convert_to_tensor(self.moving_variance)

    mean, variance = utils.smart_select(training, batch_moments, averages)
    self._update_average(self.moving_mean, mean, training)
    self._update_average(self.moving_variance, variance, training)

    def aligned(v):
      if v is None or several or self._axes == [rank - 1]:
        return v
      return array_ops.reshape(v, [inputs.get_shape().as_list()[self._axes[0]] if i == self._axes[0] else 1
                                   for i in range(rank)])
    outputs = nn_impl.batch_normalization(values, aligned(mean), aligned(variance), aligned(self.beta),
                                          aligned(self.gamma), self.epsilon)
    outputs = math_ops.cast(outputs, inputs.dtype)
    outputs.set_shape(inputs.get_shape())
    return outputs


def batch_normalization(inputs, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
                        beta_initializer=init_ops.zeros_initializer(), gamma_initializer=init_ops.ones_initializer(),
                        moving_mean_initializer=init_ops.zeros_initializer(),
                        moving_variance_initializer=init_ops.ones_initializer(), beta_regularizer=None,
                        gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, training=False,
                        trainable=True, name=None, reuse=None, renorm=False, renorm_clipping=None, renorm_momentum=0.99,
                        fused=None, virtual_batch_size=None, adjustment=None):
  """BatchNormalization as a function: makes the layer and applies it."""
  layer = BatchNormalization(
      axis=axis, momentum=momentum, epsilon=epsilon, center=center, scale=scale, beta_initializer=beta_initializer,
      gamma_initializer=gamma_initializer, moving_mean_initializer=moving_mean_initializer,
      moving_variance_initializer=moving_variance_initializer, beta_regularizer=beta_regularizer,
      gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint,
      renorm=renorm, renorm_clipping=renorm_clipping, renorm_momentum=renorm_momentum, fused=fused,
      trainable=trainable, virtual_batch_size=virtual_batch_size, adjustment=adjustment, name=name, _reuse=reuse,
      _scope=name)
  return layer.apply(inputs, training=training)
