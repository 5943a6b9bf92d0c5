"""Convolutions, pooling and what belongs to images."""

import inspect

from thalweg.contrib.framework import variables as contrib_variables
from thalweg.contrib.framework.arg_scope import add_arg_scope
from thalweg.contrib.layers import base, initializers, utils
from thalweg.framework import dtypes, ops
from thalweg.layers import convolutional, pooling
from thalweg.ops import array_ops, init_ops, math_ops, nn_conv, nn_impl, nn_ops, variable_scope as vs
from thalweg.util.functions import named

_RENAME = {"bias": "biases", "kernel": "weights"}
_relu = nn_ops.relu


def _convolve(layer_class, scope_name, inputs, num_outputs, data_format, normalizer_fn, normalizer_params,
              activation_fn, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
              variables_collections, outputs_collections, trainable, scope, **kwargs):
  with base.layer_scope(scope, scope_name, inputs, reuse, _RENAME) as sc:
    inputs = ops.convert_to_tensor(inputs)
    layer = layer_class(inputs)(
        filters=num_outputs, data_format=base.channels(data_format), activation=None,
        use_bias=not normalizer_fn and biases_initializer is not None, kernel_initializer=weights_initializer,
        bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
        bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype,
        _scope=sc, _reuse=reuse, **kwargs)
    outputs = layer.apply(inputs)
    base.collect(layer.kernel, variables_collections, "weights")
    base.collect(layer.bias, variables_collections, "biases")
    return base.finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def convolution(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                activation_fn=_relu, normalizer_fn=None, normalizer_params=None,
                weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,
                biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,
                variables_collections=None, outputs_collections=None, trainable=True, scope=None, conv_dims=None):
  """Convolution over one to three axes (inputs of rank 3 to 5), with bias or normalisation, and activation."""
  if data_format not in (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW"):
    raise ValueError("Invalid data_format: %r" % (data_format,))

  def layer_class(inputs):
    rank = inputs.get_shape().ndims
    if conv_dims is not None and conv_dims + 2 != rank:
      raise ValueError("Convolution expects input with rank %d, got %s" % (conv_dims + 2, rank))
    if rank not in (3, 4, 5):
      raise ValueError("Convolution not supported for input with rank", rank)
    return (convolutional.Conv1D, convolutional.Conv2D, convolutional.Conv3D)[rank - 3]

  return _convolve(
      layer_class, "Conv", inputs, num_outputs, data_format, normalizer_fn, normalizer_params, activation_fn,
      weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse, variables_collections,
      outputs_collections, trainable, scope, kernel_size=kernel_size, strides=stride, padding=padding,
      dilation_rate=rate)


def _convolution_over(axes, name, doc):
  """convolution() of inputs that have so many axes beside batch and channels."""

  def convolve(*args, **kwargs):
    return convolution(*args, conv_dims=axes, **kwargs)

  signature = inspect.signature(convolution)
  convolve.__signature__ = signature.replace(parameters=[p for p in signature.parameters.values() if p.name != "conv_dims"])
  return add_arg_scope(named(convolve, name, doc))


convolution1d = _convolution_over(1, "convolution1d", "convolution of sequences.")
convolution2d = _convolution_over(2, "convolution2d", "convolution of images.")
convolution3d = _convolution_over(3, "convolution3d", "convolution of volumes.")


@add_arg_scope
def convolution2d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=base.NHWC,
                            activation_fn=_relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,
                            variables_collections=None, outputs_collections=None, trainable=True, scope=None):
  """The transpose of convolution2d: images grow by the stride."""
  base.check_layout(data_format)
  return _convolve(
      lambda _: convolutional.Conv2DTranspose, "Conv2d_transpose", inputs, num_outputs, data_format, normalizer_fn,
      normalizer_params, activation_fn, weights_initializer, weights_regularizer, biases_initializer,
      biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
      kernel_size=kernel_size, strides=stride, padding=padding)


@add_arg_scope
def convolution3d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=base.NDHWC,
                            activation_fn=_relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,
                            variables_collections=None, outputs_collections=None, trainable=True, scope=None):
  """The transpose of convolution3d: volumes grow by the stride."""
  base.check_layout(data_format, (base.NCDHW, base.NDHWC))
  return _convolve(
      lambda _: convolutional.Conv3DTranspose, "Conv3d_transpose", inputs, num_outputs, data_format, normalizer_fn,
      normalizer_params, activation_fn, weights_initializer, weights_regularizer, biases_initializer,
      biases_regularizer, reuse, variables_collections, outputs_collections, trainable, scope,
      kernel_size=kernel_size, strides=stride, padding=padding)


@add_arg_scope
def separable_convolution2d(inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding="SAME",
                            data_format=base.NHWC, rate=1, activation_fn=_relu, normalizer_fn=None,
                            normalizer_params=None, weights_initializer=initializers.xavier_initializer(),
                            pointwise_initializer=None, weights_regularizer=None,
                            biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,
                            variables_collections=None, outputs_collections=None, trainable=True, scope=None):
  """A filter per channel, then a convolution over channels alone, which `num_outputs` None leaves out."""
  base.check_layout(data_format)
  rename = {"bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"}
  with base.layer_scope(scope, "SeparableConv2d", inputs, reuse, rename) as sc:
    inputs = ops.convert_to_tensor(inputs)
    if num_outputs is not None:
      layer = convolutional.SeparableConv2D(
          filters=num_outputs, kernel_size=kernel_size, strides=stride, padding=padding,
          data_format=base.channels(data_format), dilation_rate=utils.two_element_tuple(rate), activation=None,
          depth_multiplier=depth_multiplier, use_bias=not normalizer_fn and biases_initializer is not None,
          depthwise_initializer=weights_initializer,
          pointwise_initializer=weights_initializer if pointwise_initializer is None else pointwise_initializer,
          bias_initializer=biases_initializer, depthwise_regularizer=weights_regularizer,
          pointwise_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
          name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse)
      outputs = layer.apply(inputs)
      base.collect(layer.depthwise_kernel, variables_collections, "weights")
      base.collect(layer.pointwise_kernel, variables_collections, "weights")
      base.collect(layer.bias, variables_collections, "biases")
      return base.finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)
    dtype = inputs.dtype.base_dtype
    rows, columns = utils.two_element_tuple(kernel_size)
    strides = list(utils.two_element_tuple(stride))
    depth = utils.channel_dimension(inputs.get_shape(), base.channels(data_format), min_rank=4)
    weights = contrib_variables.model_variable(
        "depthwise_weights", shape=[rows, columns, depth, depth_multiplier], dtype=dtype,
        initializer=weights_initializer, regularizer=weights_regularizer, trainable=trainable,
        collections=utils.get_variable_collections(variables_collections, "weights"))
    outputs = nn_impl.depthwise_conv2d(
        inputs, weights, [1, 1] + strides if data_format == base.NCHW else [1] + strides + [1], padding,
        rate=utils.two_element_tuple(rate), data_format=data_format)
    if normalizer_fn is None and biases_initializer is not None:
      biases = contrib_variables.model_variable(
          "biases", shape=[depth_multiplier * depth], dtype=dtype, initializer=biases_initializer,
          regularizer=biases_regularizer, trainable=trainable,
          collections=utils.get_variable_collections(variables_collections, "biases"))
      outputs = nn_ops.bias_add(outputs, biases, data_format=data_format)
    return base.finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def convolution2d_in_plane(inputs, kernel_size, stride=1, padding="SAME", activation_fn=_relu, normalizer_fn=None,
                           normalizer_params=None, weights_initializer=initializers.xavier_initializer(),
                           weights_regularizer=None, biases_initializer=init_ops.zeros_initializer(),
                           biases_regularizer=None, reuse=None, variables_collections=None, outputs_collections=None,
                           trainable=True, scope=None):
  """All channels convolved with one filter, the same for each."""
  with vs.variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
    dtype = inputs.dtype.base_dtype
    rows, columns = utils.two_element_tuple(kernel_size)
    row_stride, column_stride = utils.two_element_tuple(stride)
    channels = utils.last_dimension(inputs.get_shape(), min_rank=4)
    weights = contrib_variables.model_variable(
        "weights", shape=[rows, columns, 1, 1], dtype=dtype, initializer=weights_initializer,
        regularizer=weights_regularizer, trainable=trainable,
        collections=utils.get_variable_collections(variables_collections, "weights"))
    outputs = nn_impl.depthwise_conv2d(inputs, array_ops.tile(weights, [1, 1, channels, 1]),
                                       [1, row_stride, column_stride, 1], padding)
    if normalizer_fn is None and biases_initializer is not None:
      biases = contrib_variables.model_variable(
          "biases", shape=[channels], dtype=dtype, initializer=biases_initializer, regularizer=biases_regularizer,
          trainable=trainable, collections=utils.get_variable_collections(variables_collections, "biases"))
      outputs = nn_ops.bias_add(outputs, biases)
    return base.finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


@add_arg_scope
def bias_add(inputs, activation_fn=None, initializer=init_ops.zeros_initializer(), regularizer=None, reuse=None,
             variables_collections=None, outputs_collections=None, trainable=True, data_format=base.NHWC, scope=None):
  """Adds a bias per channel."""
  base.check_layout(data_format)
  with vs.variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
    inputs = ops.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    if rank is None:
      raise ValueError("Dims of shape must be known but is None")
    if rank != 4 and data_format == base.NCHW:
      raise ValueError("Data format NCHW only supports 4D Tensor")
    depth = inputs.get_shape().dims[1 if data_format == base.NCHW else -1].value
    if depth is None:
      raise ValueError("`C` dimension must be known but is None")
    biases = contrib_variables.model_variable(
        "biases", shape=[depth], dtype=inputs.dtype.base_dtype, initializer=initializer, regularizer=regularizer,
        collections=utils.get_variable_collections(variables_collections, "biases"), trainable=trainable)
    outputs = nn_ops.bias_add(inputs, biases, data_format=data_format)
    return base.finish(outputs, None, None, activation_fn, outputs_collections, sc.name)


def _pool(layer_class, default_name, inputs, kernel_size, stride, padding, data_format, outputs_collections, scope,
          layouts=(base.NCHW, base.NHWC)):
  base.check_layout(data_format, layouts)
  with ops.name_scope(scope, default_name, [inputs]) as sc:
    layer = layer_class(pool_size=kernel_size, strides=stride, padding=padding, data_format=base.channels(data_format),
                        _scope=sc)
    return utils.collect_named_outputs(outputs_collections, sc, layer.apply(ops.convert_to_tensor(inputs)))


@add_arg_scope
def avg_pool2d(inputs, kernel_size, stride=2, padding="VALID", data_format=base.NHWC, outputs_collections=None,
               scope=None):
  """The mean of each window of images."""
  return _pool(pooling.AveragePooling2D, "AvgPool2D", inputs, kernel_size, stride, padding, data_format,
               outputs_collections, scope)


@add_arg_scope
def max_pool2d(inputs, kernel_size, stride=2, padding="VALID", data_format=base.NHWC, outputs_collections=None,
               scope=None):
  """The largest value of each window of images."""
  return _pool(pooling.MaxPooling2D, "MaxPool2D", inputs, kernel_size, stride, padding, data_format,
               outputs_collections, scope)


@add_arg_scope
def avg_pool3d(inputs, kernel_size, stride=2, padding="VALID", data_format=base.NDHWC, outputs_collections=None,
               scope=None):
  """The mean of each window of volumes."""
  return _pool(pooling.AveragePooling3D, "AvgPool3D", inputs, kernel_size, stride, padding, data_format,
               outputs_collections, scope, (base.NCDHW, base.NDHWC))


@add_arg_scope
def max_pool3d(inputs, kernel_size, stride=2, padding="VALID", data_format=base.NDHWC, outputs_collections=None,
               scope=None):
  """The largest value of each window of volumes."""
  return _pool(pooling.MaxPooling3D, "MaxPool3D", inputs, kernel_size, stride, padding, data_format,
               outputs_collections, scope, (base.NCDHW, base.NDHWC))


@add_arg_scope
def pool(inputs, kernel_size, pooling_type, padding="VALID", data_format=None, dilation_rate=1, stride=1,
         outputs_collections=None, scope=None):
  """tf.nn.pool with ints for sizes that are the same along all axes."""
  with ops.name_scope(scope, "%s_pool" % pooling_type.lower(), [inputs]) as sc:
    inputs = ops.convert_to_tensor(inputs)
    rank = inputs.get_shape().ndims
    if rank is None:
      raise ValueError("Rank of inputs must be known")
    if rank < 3:
      raise ValueError("Rank of inputs must be >= 3")
    output = nn_conv.pool(
        inputs, utils.n_positive_integers(rank - 2, kernel_size), pooling_type, padding,
        dilation_rate=utils.n_positive_integers(rank - 2, dilation_rate),
        strides=utils.n_positive_integers(rank - 2, stride), data_format=data_format, name=sc)
    return utils.collect_named_outputs(outputs_collections, sc, output)


@add_arg_scope
def spatial_softmax(features, temperature=None, name=None, variables_collections=None, trainable=True,
                    data_format="NHWC"):
  """The expected position of each channel's feature, [batch, 2 * channels] in [-1, 1] (Levine et al. 2016)."""
  base.check_layout(data_format)
  with vs.variable_scope(name, "spatial_softmax"):
    shape, axis = array_ops.shape(features), 3 if data_format == base.NHWC else 1
    depth = features.shape.dims[axis].value
    rows, columns = (shape[1], shape[2]) if data_format == base.NHWC else (shape[2], shape[3])
    if depth is None:
      raise ValueError("The num_channels dimension of the inputs to `spatial_softmax` should be defined. Found `None`.")
    with ops.name_scope("spatial_softmax_op", "spatial_softmax_op", [features]):
      x, y = array_ops.meshgrid(math_ops.lin_space(-1., 1., num=rows), math_ops.lin_space(-1., 1., num=columns),
                                indexing="ij")
      x, y = (array_ops.reshape(v, [rows * columns]) for v in (x, y))
      initial = init_ops.ones_initializer() if temperature is None else init_ops.constant_initializer(temperature)
      temperature = contrib_variables.model_variable(
          "temperature", shape=(), dtype=dtypes.float32, initializer=initial, trainable=trainable,
          collections=utils.get_variable_collections(variables_collections, "temperature") if trainable else None)
      if data_format == base.NHWC:
        features = array_ops.transpose(features, [0, 3, 1, 2])
      attention = nn_ops.softmax(array_ops.reshape(features, [-1, rows * columns]) / temperature)
      expected = array_ops.concat([math_ops.reduce_sum(v * attention, [1], keepdims=True) for v in (x, y)], 1)
      points = array_ops.reshape(expected, [-1, depth * 2])
      points.set_shape([None, depth * 2])
      return points
