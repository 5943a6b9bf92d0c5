"""Batch and layer normalisation."""

from thalweg.contrib.framework import variables as contrib_variables
from thalweg.contrib.framework.arg_scope import add_arg_scope
from thalweg.contrib.layers import base, utils
from thalweg.framework import dtypes, ops
from thalweg.layers import normalization
from thalweg.layers import utils as layer_utils
from thalweg.ops import array_ops, init_ops, math_ops, nn_impl, variable_scope as vs
from thalweg.train import moving_averages

_ZEROS, _ONES = init_ops.zeros_initializer(), init_ops.ones_initializer()
_INITIALIZERS = {"beta": _ZEROS, "gamma": _ONES, "moving_mean": _ZEROS, "moving_variance": _ONES}


@add_arg_scope
def batch_norm(inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None,
               param_initializers=None, param_regularizers=None, updates_collections=ops.GraphKeys.UPDATE_OPS,
               is_training=True, reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
               batch_weights=None, fused=None, data_format=base.NHWC, zero_debias_moving_mean=False, scope=None,
               renorm=False, renorm_clipping=None, renorm_decay=0.99, adjustment=None):
  """Batch normalisation (Ioffe and Szegedy 2015). The updates of the averages go into `updates_collections`; None ties
  them to the output. `batch_weights` weigh the examples in the statistics."""
  base.check_layout(data_format)
  fused = True if fused is None else fused
  inputs = ops.convert_to_tensor(inputs)
  rank = inputs.get_shape().ndims
  can_fuse = batch_weights is None and not renorm and rank in (2, 4) and adjustment is None
  in_update_ops = updates_collections is ops.GraphKeys.UPDATE_OPS
  given = dict(_INITIALIZERS, **(param_initializers or {}))
  regularizers = param_regularizers or {}
  fuse = fused and can_fuse and (zero_debias_moving_mean or rank == 2 or not in_update_ops)
  if not fuse and batch_weights is None and in_update_ops and not zero_debias_moving_mean:
    with base.layer_scope(scope, "BatchNorm", inputs, reuse) as sc:
      layer = normalization.BatchNormalization(
          axis=1 if data_format == base.NCHW else -1, momentum=decay, epsilon=epsilon, center=center, scale=scale,
          beta_initializer=given["beta"], gamma_initializer=given["gamma"],
          moving_mean_initializer=given["moving_mean"], moving_variance_initializer=given["moving_variance"],
          beta_regularizer=regularizers.get("beta"), gamma_regularizer=regularizers.get("gamma"), trainable=trainable,
          renorm=renorm, renorm_clipping=renorm_clipping, renorm_momentum=renorm_decay, adjustment=adjustment,
          name=sc.name, _scope=sc, _reuse=reuse, fused=fused)
      outputs = layer.apply(inputs, training=is_training)
      for name in ("moving_mean", "moving_variance", "beta", "gamma"):
        base.collect(getattr(layer, name), variables_collections, name)
      return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)
  if renorm:
    raise ValueError("renorm is not supported with batch_weights, updates_collections or zero_debias_moving_mean")
  with vs.variable_scope(scope, "BatchNorm", [inputs], reuse=reuse,
                         custom_getter=None if fuse else base._model_variable_getter) as sc:
    norm = _Norm(inputs, data_format, given, regularizers, variables_collections, trainable, fuse)
    outputs, mean, variance = norm.normalise(center, scale, epsilon, batch_weights, is_training)
    updates = norm.updates(mean, variance, decay, is_training, zero_debias_moving_mean)
    if updates and updates_collections is None:
      with ops.control_dependencies(updates):
        outputs = array_ops.identity(outputs)
    for update in updates:
      if updates_collections is not None:
        ops.add_to_collections(updates_collections, update)
    outputs.set_shape(norm.inputs.get_shape())
    if fuse and rank == 2:
      outputs = array_ops.reshape(outputs, array_ops.shape(inputs))
    return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)


class _Norm(object):
  """Normalisation whose updates are not those of tf.layers: at once, of weighted examples, or without a bias to zero."""

  def __init__(self, inputs, data_format, initializers, regularizers, variables_collections, trainable, fused):
    rank = inputs.get_shape().ndims
    if rank is None:
      raise ValueError("Inputs %s has undefined rank." % inputs.name)
    self._first = data_format == base.NCHW
    depth = inputs.get_shape().dims[1 if self._first else -1].value
    if depth is None:
      raise ValueError("Inputs %s has undefined channels dimension %s." % (inputs.name, inputs.get_shape()))
    if fused and rank == 2:
      inputs = array_ops.reshape(inputs, [-1, depth, 1, 1] if self._first else [-1, 1, 1, depth])
    self.inputs, self._depth, self._layout, self._fused = inputs, depth, data_format, fused
    self._dtype = dtypes.float32 if fused else inputs.dtype.base_dtype
    self._initializers, self._regularizers = initializers, regularizers
    self._collections, self._trainable = variables_collections, trainable

  def _variable(self, name, trainable=True):
    return contrib_variables.model_variable(
        name, shape=[self._depth], dtype=self._dtype, initializer=self._initializers[name],
        regularizer=self._regularizers.get(name) if self._fused else None,
        collections=utils.get_variable_collections(self._collections, name),
        trainable=trainable and self._trainable)

  def normalise(self, center, scale, epsilon, batch_weights, is_training):
    """(outputs, mean and variance of the batch)."""
    beta = self._variable("beta") if center else None
    gamma = self._variable("gamma") if scale else None
    with vs.variable_scope(vs.get_variable_scope()) as local_scope:
      local_scope.set_partitioner(None)
      self._mean = self._variable("moving_mean", trainable=False)
      self._variance = self._variable("moving_variance", trainable=False)
    if self._fused:
      return self._normalise_fused(beta, gamma, epsilon, is_training)
    rank = self.inputs.get_shape().ndims
    axes = [0] + list(range(2, rank)) if self._first else list(range(rank - 1))

    def of_batch():
      if batch_weights is None:
        return nn_impl.moments(self.inputs, axes)
      weights = ops.convert_to_tensor(batch_weights)
      self.inputs.get_shape()[0:1].assert_is_compatible_with(weights.get_shape())
      weights = array_ops.reshape(weights, [-1] + [1] * (rank - 1))
      return nn_impl.weighted_moments(self.inputs, axes, weights)

    def averages():
      return ops.convert_to_tensor(self._mean), ops.convert_to_tensor(self._variance)

    mean, variance = layer_utils.smart_cond(is_training, of_batch, averages)

    def aligned(v):
      return array_ops.reshape(v, [1, self._depth] + [1] * (rank - 2)) if self._first and v is not None else v

    outputs = nn_impl.batch_normalization(self.inputs, aligned(mean), aligned(variance), aligned(beta),
                                          aligned(gamma), epsilon)
    return outputs, mean, variance

  def _normalise_fused(self, beta, gamma, epsilon, is_training):
    beta = array_ops.zeros([self._depth], self._dtype) if beta is None else beta
    gamma = array_ops.ones([self._depth], self._dtype) if gamma is None else gamma

    def with_batch():
      return tuple(nn_impl.fused_batch_norm(self.inputs, gamma, beta, epsilon=epsilon, data_format=self._layout))

    def with_averages():
      return tuple(nn_impl.fused_batch_norm(self.inputs, gamma, beta, mean=self._mean, variance=self._variance,
                                            epsilon=epsilon, is_training=False, data_format=self._layout))

    return layer_utils.smart_cond(is_training, with_batch, with_averages)

  def updates(self, mean, variance, decay, is_training, zero_debias):
    """The operations that move the averages; none when it is known that this is no training."""
    known = layer_utils.constant_value(is_training)
    if known is False:
      return []

    def move():
      return [moving_averages.assign_moving_average(self._mean, mean, decay, zero_debias=zero_debias),
              moving_averages.assign_moving_average(self._variance, variance, decay, zero_debias=False)]

    if known:
      return move()
    return list(utils.smart_cond(is_training, move, lambda: [ops.convert_to_tensor(self._mean),
                                                             ops.convert_to_tensor(self._variance)]))


@add_arg_scope
def layer_norm(inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1, scope=None):
  """Normalises each example over the axes from `begin_norm_axis` on (Ba et al. 2016); parameters have the sizes of the
  axes from `begin_params_axis` on."""
  with vs.variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
    inputs = ops.convert_to_tensor(inputs)
    shape = inputs.get_shape()
    rank = shape.ndims
    if rank is None:
      raise ValueError("Inputs %s has undefined rank." % inputs.name)
    begin_norm_axis += rank if begin_norm_axis < 0 else 0
    if begin_params_axis >= rank or begin_norm_axis >= rank:
      raise ValueError("begin_params_axis (%d) and begin_norm_axis (%d) must be < rank(inputs) (%d)" % (
          begin_params_axis, begin_norm_axis, rank))
    params_shape = shape[begin_params_axis:]
    if not params_shape.is_fully_defined():
      raise ValueError("Inputs %s: shape(inputs)[%s:] is not fully defined: %s" % (
          inputs.name, begin_params_axis, shape))

    def parameter(name):
      return contrib_variables.model_variable(
          name, shape=params_shape, dtype=inputs.dtype.base_dtype, initializer=_INITIALIZERS[name],
          collections=utils.get_variable_collections(variables_collections, name), trainable=trainable)

    beta = parameter("beta") if center else None
    gamma = parameter("gamma") if scale else None
    mean, variance = nn_impl.moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
    epsilon = 1e-3 if inputs.dtype == dtypes.float16 else 1e-12
    outputs = nn_impl.batch_normalization(inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=epsilon)
    outputs.set_shape(shape)
    return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)


def _affine(channels, center, scale, dtype, given, variables_collections, trainable, shape):
  """(beta, gamma) of one value per channel, in a shape that broadcasts; None for those not wanted."""

  def parameter(name, wanted):
    if not wanted:
      return None
    made = contrib_variables.model_variable(
        name, shape=[channels], dtype=dtype, initializer=(given or {}).get(name, _INITIALIZERS[name]),
        collections=utils.get_variable_collections(variables_collections, name), trainable=trainable)
    return made if shape is None else array_ops.reshape(made, shape)

  return parameter("beta", center), parameter("gamma", scale)


@add_arg_scope
def instance_norm(inputs, center=True, scale=True, epsilon=1e-6, activation_fn=None, param_initializers=None,
                  reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                  data_format=base.NHWC, scope=None):
  """Normalises each channel of each example (Ulyanov et al. 2016)."""
  inputs = ops.convert_to_tensor(inputs)
  rank = inputs.shape.ndims
  if rank is None:
    raise ValueError("Inputs %s has undefined rank." % inputs.name)
  base.check_layout(data_format)
  with vs.variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
    axis = 1 if data_format == base.NCHW else rank - 1
    channels = inputs.shape.dims[axis].value
    if channels is None:
      raise ValueError("Inputs %s has undefined channels dimension %s." % (inputs.name, inputs.shape))
    shape = [1, channels] + [1] * (rank - 2) if data_format == base.NCHW else None
    beta, gamma = _affine(channels, center, scale, inputs.dtype.base_dtype, param_initializers, variables_collections,
                          trainable, shape)
    mean, variance = nn_impl.moments(inputs, [a for a in range(1, rank) if a != axis], keep_dims=True)
    outputs = nn_impl.batch_normalization(inputs, mean, variance, beta, gamma, epsilon, name="instancenorm")
    return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def group_norm(inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True, epsilon=1e-6,
               activation_fn=None, param_initializers=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, scope=None, mean_close_to_zero=False):
  """Normalises groups of channels of each example (Wu and He 2018). `mean_close_to_zero` takes the variance in one pass,
  which is exact enough then."""
  inputs = ops.convert_to_tensor(inputs)
  rank = inputs.shape.ndims
  if rank is None:
    raise ValueError("Inputs %s has undefined rank." % inputs.name)
  if channels_axis > rank - 1:
    raise ValueError("Axis is out of bounds.")
  channels_axis %= rank
  sizes, dynamic = inputs.shape.as_list(), array_ops.shape(inputs)
  channels = sizes[channels_axis]
  if channels is None:
    raise ValueError("Inputs %s has undefined channel dimension: %d." % (inputs.name, channels_axis))
  axes = [a + rank if a < 0 else a for a in reduction_axes]
  for a in axes:
    if a >= rank:
      raise ValueError("Axis is out of bounds.")
    if sizes[a] is None:
      raise ValueError("Inputs %s has undefined dimensions %d." % (inputs.name, a))
    if a == channels_axis:
      raise ValueError("reduction_axis must be mutually exclusive with channels_axis")
  if groups > channels:
    raise ValueError("Invalid groups %d for %d channels." % (groups, channels))
  if channels % groups:
    raise ValueError("%d channels is not commensurate with %d groups." % (channels, groups))
  original = [dynamic[i] if size is None else size for i, size in enumerate(sizes)]

  def split(before, after):
    return before + [groups, channels // groups] + after

  inputs = array_ops.reshape(inputs, split(original[:channels_axis], original[channels_axis + 1:]))
  with vs.variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:
    beta, gamma = _affine(channels, center, scale, inputs.dtype.base_dtype, param_initializers, variables_collections,
                          trainable, split([1] * channels_axis, [1] * (rank - channels_axis - 1)))
    axes = [channels_axis + 1] + [a + 1 if a > channels_axis else a for a in axes]
    if mean_close_to_zero:
      counts, mean_ss, variance_ss, _ = nn_impl.sufficient_statistics(inputs, axes, keep_dims=True)
      mean, variance = nn_impl.normalize_moments(counts, mean_ss, variance_ss, shift=None)
    else:
      mean, variance = nn_impl.moments(inputs, axes, keep_dims=True)
    outputs = array_ops.reshape(nn_impl.batch_normalization(inputs, mean, variance, beta, gamma, epsilon), original)
    outputs.set_shape(sizes)
    return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)
