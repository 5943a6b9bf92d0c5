"""Batch normalisation (Ioffe and Szegedy 2015)."""

from thalweg.framework import dtypes, node_count, ops, tensor_shape
from thalweg.layers import base, utils
from thalweg.ops import array_ops, init_ops, math_ops, nn_impl, nn_ops, state_ops


# What is between two conds of values from outside, and one that makes the values from one that is outside.
_NODES_OF_CHOICE = 5


class BatchNormalization(base.Layer):
  """Normalises over all axes but `axis` with the batch's statistics in training, and with moving averages of them
  otherwise. The updates of the averages go into the UPDATE_OPS collection. Images with channels in one axis take the
  fused op.

  With `renorm` a training step corrects towards the averages, within the limits `renorm_clipping` (Ioffe 2017, "Batch
  Renormalization"). With `virtual_batch_size` parts of the batch of that size have statistics of their own (Hoffer et
  al. 2017). `adjustment(shape of the inputs)` gives a scale and a bias for what is normalised, in training only.
  """

  def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
               beta_initializer=init_ops.zeros_initializer(), gamma_initializer=init_ops.ones_initializer(),
               moving_mean_initializer=init_ops.zeros_initializer(),
               moving_variance_initializer=init_ops.ones_initializer(), beta_regularizer=None, gamma_regularizer=None,
               beta_constraint=None, gamma_constraint=None, renorm=False, renorm_clipping=None, renorm_momentum=0.99,
               fused=None, trainable=True, virtual_batch_size=None, adjustment=None, name=None, **kwargs):
    super(BatchNormalization, self).__init__(name=name, trainable=trainable, **kwargs)
    if not isinstance(axis, (int, list, tuple)):
      raise TypeError("axis must be int or list, type given: %s" % type(axis))
    clipping = dict(renorm_clipping or {})
    if renorm and set(clipping) - {"rmax", "rmin", "dmax"}:
      raise ValueError("renorm_clipping %s contains keys not in %s" % (renorm_clipping, ["rmax", "rmin", "dmax"]))
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
    self.renorm = renorm
    self.renorm_clipping = clipping
    self.renorm_momentum = renorm_momentum
    self.fused = fused
    self.virtual_batch_size = virtual_batch_size
    self.adjustment = adjustment

  def build(self, input_shape):
    if not input_shape.ndims:
      raise ValueError("Input has undefined rank: %s" % input_shape)
    rank = input_shape.ndims
    axes = [a + rank if a < 0 else a for a in self.axis]
    for a in axes:
      if a < 0 or a >= rank:
        raise ValueError("Invalid axis: %d" % a)
    if len(set(axes)) != len(axes):
      raise ValueError("Duplicate axis: %s" % axes)
    self._check_virtual_batches(axes)
    # As in TensorFlow 1, `fused=True` where the op does not fit takes the general way.
    self._use_fused = (self.fused is not False and rank == 4 and axes in ([1], [3]) and not self.renorm and
                       self.virtual_batch_size is None and self.adjustment is None)
    self._layout = "NHWC" if axes == [3] else "NCHW"
    sizes = {a: tensor_shape.dimension_value(input_shape[a]) for a in axes}
    if None in sizes.values():
      raise ValueError("Input has undefined `axis` dimension. Input shape: %s" % input_shape)
    self.input_spec = base.InputSpec(ndim=rank, axes=sizes)
    # Parameters of several axes, or beside virtual batches, keep the rank, so that they broadcast.
    self._keep_rank = len(axes) > 1 or self.virtual_batch_size is not None
    shape = [sizes.get(i, 1) for i in range(rank)] if self._keep_rank else [sizes[axes[0]]]
    if self.virtual_batch_size is not None:
      shape.insert(1, 1)
      axes = [a + 1 for a in axes]
    self._axes = axes
    # Statistics of 16-bit inputs are kept in 32 bits.
    dtype = "float32" if self.dtype in ("float16", "bfloat16") else self.dtype
    self.gamma = self.beta = None
    if self.scale:
      self.gamma = self.add_weight("gamma", shape=shape, dtype=dtype, initializer=self.gamma_initializer,
                                   regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
    if self.center:
      self.beta = self.add_weight("beta", shape=shape, dtype=dtype, initializer=self.beta_initializer,
                                  regularizer=self.beta_regularizer, constraint=self.beta_constraint)
    # Statistics are kept whole.
    partitioner = self._scope.partitioner
    self._scope.set_partitioner(None)
    try:
      statistic = lambda name, initializer: self.add_weight(name, shape=shape, dtype=dtype, trainable=False,
                                                            initializer=initializer)
      self.moving_mean = statistic("moving_mean", self.moving_mean_initializer)
      self.moving_variance = statistic("moving_variance", self.moving_variance_initializer)
      if self.renorm:
        deviation = lambda *args, **kwargs: math_ops.sqrt(self.moving_variance_initializer(*args, **kwargs))
        with ops.colocate_with(self.moving_variance.op):
          self.moving_stddev = statistic("moving_stddev", deviation)
        with ops.colocate_with(self.moving_mean.op):
          self.renorm_mean = statistic("renorm_mean", self.moving_mean_initializer)
        with ops.colocate_with(self.moving_stddev.op):
          self.renorm_stddev = statistic("renorm_stddev", deviation)
    finally:
      self._scope.set_partitioner(partitioner)

  def _check_virtual_batches(self, axes):
    if self.virtual_batch_size is None:
      return
    if self.virtual_batch_size <= 0:
      raise ValueError("virtual_batch_size must be a positive integer that divides the true batch size of the input "
                       "Tensor")
    if 0 in axes:
      raise ValueError("When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot include 0")
    if self.adjustment is not None:
      raise ValueError("When using virtual_batch_size, adjustment cannot be specified")

  def _move(self, variable, value, momentum):
    """variable += (1 - momentum) * (value - variable); the new value."""
    with ops.name_scope("AssignMovingAvg", values=[variable, value, momentum]) as scope:
      with ops.colocate_with(variable):
        decay = ops.convert_to_tensor(1.0 - momentum, name="decay", dtype=variable.dtype.base_dtype)
        delta = (variable - math_ops.cast(value, variable.dtype.base_dtype)) * decay
        return state_ops.assign_sub(variable, delta, name=scope)

  def _add_updates(self, mean, variance, training):
    """Moves the averages that inference takes towards the statistics of a batch, in training only."""
    if utils.constant_value(training) is False:
      return

    def move(variable, value):
      return utils.smart_cond(training, lambda: self._move(variable, value, self.momentum), lambda: variable)

    def assign_from(moved):
      with ops.name_scope("AssignNewValue") as scope, ops.colocate_with(self.moving_variance):
        # Rounding may take the difference below zero.
        return state_ops.assign(self.moving_variance, nn_ops.relu(moved * moved - self.epsilon), name=scope)

    self.add_update(move(self.moving_mean, mean))
    if not self.renorm:
      self.add_update(move(self.moving_variance, variance))
      return
    # The average is one of deviations, with epsilon in them as they are in training.
    moved = move(self.moving_stddev, math_ops.sqrt(variance + self.epsilon))
    self.add_update(utils.smart_cond(training, lambda: assign_from(moved), lambda: self.moving_variance))

  def _fused(self, inputs, training):
    dtype = self.moving_mean.dtype.base_dtype
    gamma = self.gamma if self.scale else array_ops.ones(self.moving_mean.get_shape(), dtype)
    beta = self.beta if self.center else array_ops.zeros(self.moving_mean.get_shape(), dtype)

    def with_batch():
      return tuple(nn_impl.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=self._layout))

    def with_average():
      return tuple(nn_impl.fused_batch_norm(inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                                            epsilon=self.epsilon, is_training=False, data_format=self._layout))

    outputs, mean, variance = utils.smart_cond(training, with_batch, with_average)
    known = utils.constant_value(training)
    if known is None:
      momentum = utils.smart_cond(training, lambda: self.momentum, lambda: 1.0)
    else:
      momentum = ops.convert_to_tensor(self.momentum)
    if known is not False:
      self.add_update(self._move(self.moving_mean, mean, momentum))
      self.add_update(self._move(self.moving_variance, variance, momentum))
    return outputs

  def _correct(self, mean, variance, training):
    """The scale r and offset d of batch renormalisation, and the moments to go on with once its averages moved."""
    stddev = math_ops.sqrt(variance + self.epsilon)
    # The averages start at no deviation at all.
    average = math_ops.maximum(self.renorm_stddev, math_ops.sqrt(self.epsilon))
    r = stddev / average
    d = (mean - self.renorm_mean) / average
    # The corrections are against the averages as they were.
    with ops.control_dependencies([r, d]):
      mean, stddev = array_ops.identity(mean), array_ops.identity(stddev)
    lowest, highest, farthest = (self.renorm_clipping.get(k) for k in ("rmin", "rmax", "dmax"))
    if lowest is not None:
      r = math_ops.maximum(r, lowest)
    if highest is not None:
      r = math_ops.minimum(r, highest)
    if farthest is not None:
      d = math_ops.minimum(math_ops.maximum(d, -farthest), farthest)
    r, d = utils.smart_cond(training, lambda: (r, d), lambda: (array_ops.ones_like(r), array_ops.zeros_like(d)))
    def move(variable, value):
      value = array_ops.identity(value)
      return utils.smart_cond(training, lambda: self._move(variable, value, self.renorm_momentum),
                              lambda: array_ops.identity(variable))

    moved = [move(self.renorm_mean, mean), move(self.renorm_stddev, stddev)]
    with ops.control_dependencies(moved):
      return r, d, array_ops.identity(mean), array_ops.identity(variance)

  def call(self, inputs, training=False):
    if self._use_fused:
      return self._fused(inputs, training)
    given_shape = inputs.get_shape()
    if self.virtual_batch_size is not None:
      # Fails in the step when the batch cannot be divided so.
      inputs = array_ops.reshape(inputs, [self.virtual_batch_size, -1] + given_shape.as_list()[1:])
    outputs = self._normalise(inputs, training)
    if self.virtual_batch_size is not None:
      outputs = array_ops.reshape(outputs, [-1] + given_shape.as_list()[1:])
    outputs.set_shape(given_shape)
    return outputs

  def _normalise(self, inputs, training):
    dtype = dtypes.as_dtype(self.moving_mean.dtype.base_dtype)
    rank = inputs.get_shape().ndims
    reduced = [i for i in range(rank) if i not in self._axes]
    if self.virtual_batch_size is not None:
      del reduced[1]

    def aligned(v):
      if v is None or self._keep_rank or self._axes == [rank - 1]:
        return v
      return array_ops.reshape(v, [inputs.get_shape().as_list()[self._axes[0]] if i == self._axes[0] else 1
                                   for i in range(rank)])

    scale, offset = aligned(self.gamma), aligned(self.beta)
    if utils.constant_value(training) is False:
      mean, variance = self.moving_mean, self.moving_variance
    else:
      if self.adjustment:
        by, plus = self.adjustment(array_ops.shape(inputs))
        by, plus = utils.smart_cond(training, lambda: (by, plus),
                                      lambda: (array_ops.ones_like(by), array_ops.zeros_like(plus)))
        scale, offset = _compose(by, plus, scale, offset)

      graph = ops.get_default_graph()
      scope = graph.get_name_scope()

      def batch_moments():
        with ops.name_scope(scope + "/"):
          return tuple(nn_impl.moments(math_ops.cast(inputs, dtype), reduced, keep_dims=self._keep_rank))

      def averages():
        return ops.convert_to_tensor(self.moving_mean), ops.convert_to_tensor(self.moving_variance)

      mean, variance = utils.smart_cond(training, batch_moments, averages)
      if utils.constant_value(training) is None:
        # TensorFlow computes the moments in any case, and has a cond() for each.
        node_count.add(graph, _NODES_OF_CHOICE)
        with ops.name_scope("cond"):
          pass
      new_mean, new_variance = mean, variance
      if self.virtual_batch_size is not None:
        new_mean = math_ops.reduce_mean(mean, axis=1, keepdims=True)
        new_variance = math_ops.reduce_mean(variance, axis=1, keepdims=True)
      if self.renorm:
        r, d, new_mean, new_variance = self._correct(new_mean, new_variance, training)
        scale, offset = _compose(aligned(array_ops.stop_gradient(r, name="renorm_r")),
                                 aligned(array_ops.stop_gradient(d, name="renorm_d")), scale, offset)
      self._add_updates(new_mean, new_variance, training)
    cast = lambda v: None if v is None else math_ops.cast(v, inputs.dtype)
    return nn_impl.batch_normalization(inputs, aligned(cast(mean)), aligned(cast(variance)), cast(offset), cast(scale),
                                       self.epsilon)


def _compose(scale, offset, then_scale, then_offset):
  """The one scale and offset that two after each other amount to; None stands for no change."""
  if then_scale is not None:
    scale, offset = scale * then_scale, offset * then_scale
  if then_offset is not None:
    offset = offset + then_offset
  return scale, offset


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
