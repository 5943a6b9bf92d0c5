"""Convolutions over sequences, images and volumes, their transposes, and separable ones."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.layers import base, utils
from thalweg.layers.functional import as_function
from thalweg.ops import array_ops, init_ops, nn_conv, nn_impl, nn_ops, nn_volume


class _Conv(base.Layer):
  """activation(convolution(inputs, kernel) + bias) over `rank` axes; kernel is [sizes..., channels, filters]."""

  def __init__(self, rank, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
               dilation_rate=1, activation=None, use_bias=True, kernel_initializer=None,
               bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
               activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(_Conv, self).__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
    self.rank = rank
    self.filters = filters if filters is None else int(filters)
    self.kernel_size = utils.normalize_tuple(kernel_size, rank, "kernel_size")
    self.strides = utils.normalize_tuple(strides, rank, "strides")
    self.padding = utils.normalize_padding(padding)
    self.channels_first = utils.channels_first(data_format)
    self.data_format = data_format
    self.dilation_rate = utils.normalize_tuple(dilation_rate, rank, "dilation_rate")
    if max(self.strides) > 1 and max(self.dilation_rate) > 1:
      raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
    self.activation = utils.get_activation(activation)
    self.use_bias = use_bias
    self.kernel_initializer = utils.get_initializer(kernel_initializer)
    self.bias_initializer = utils.get_initializer(bias_initializer)
    self.kernel_regularizer = kernel_regularizer
    self.bias_regularizer = bias_regularizer
    self.kernel_constraint = kernel_constraint
    self.bias_constraint = bias_constraint
    self.input_spec = base.InputSpec(ndim=rank + 2)

  def _channels(self, input_shape):
    """The number of input channels, which further inputs must share."""
    axis = 1 if self.channels_first else -1
    channels = tensor_shape.dimension_value(input_shape[axis])
    if channels is None:
      raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
    self.input_spec = base.InputSpec(ndim=self.rank + 2, axes={axis: channels})
    return channels

  def _add_kernel(self, shape):
    self.kernel = self.add_weight("kernel", shape=shape, initializer=self.kernel_initializer,
                                  regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
                                  trainable=True, dtype=self.dtype)

  def _add_bias(self):
    self.bias = None
    if self.use_bias:
      self.bias = self.add_weight("bias", shape=[self.filters], initializer=self.bias_initializer,
                                  regularizer=self.bias_regularizer, constraint=self.bias_constraint, trainable=True,
                                  dtype=self.dtype)

  def build(self, input_shape):
    channels = self._channels(input_shape)
    self._add_kernel(list(self.kernel_size) + [channels, self.filters])
    self._add_bias()
    # Nobody reads it, but TensorFlow makes it here, and the seeds of random operations count those before them.
    ops.convert_to_tensor(self.dilation_rate, dtypes.int32, name="dilation_rate")

  @property
  def _layout(self):
    """The name of the layout for the ops of this rank."""
    return {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}[self.rank][self.channels_first]

  def _in_layout(self, sizes):
    return [1, 1] + list(sizes) if self.channels_first else [1] + list(sizes) + [1]

  def _finish(self, outputs):
    """Bias and activation."""
    if self.use_bias:
      if self.channels_first and self.rank == 1:
        outputs += array_ops.reshape(self.bias, (1, self.filters, 1))
      else:
        outputs = nn_ops.bias_add(outputs, self.bias, data_format="NCHW" if self.channels_first else "NHWC")
    return self.activation(outputs) if self.activation is not None else outputs

  def call(self, inputs):
    if self.rank == 1:
      outputs = nn_conv.conv1d(inputs, self.kernel, self.strides[0], self.padding.upper(), data_format=self._layout,
                               dilations=self.dilation_rate)
    else:
      convolve = nn_ops.conv2d if self.rank == 2 else nn_volume.conv3d
      outputs = convolve(inputs, self.kernel, strides=self._in_layout(self.strides), padding=self.padding.upper(),
                         data_format=self._layout, dilations=self._in_layout(self.dilation_rate))
    return self._finish(outputs)


class Conv1D(_Conv):
  """Convolution of sequences [batch, steps, channels]."""

  def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
               activation=None, use_bias=True, kernel_initializer=None, bias_initializer=init_ops.zeros_initializer(),
               kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
               bias_constraint=None, trainable=True, name=None, **kwargs):
    super(Conv1D, self).__init__(
        1, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)


class Conv2D(_Conv):
  """Convolution of images [batch, rows, columns, channels]."""

  def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
               dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
               bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
               activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(Conv2D, self).__init__(
        2, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)


class Conv3D(_Conv):
  """Convolution of volumes [batch, depth, rows, columns, channels]."""

  def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
               dilation_rate=(1, 1, 1), activation=None, use_bias=True, kernel_initializer=None,
               bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
               activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(Conv3D, self).__init__(
        3, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)


class _ConvTranspose(_Conv):
  """The transpose of a convolution: inputs grow by the strides. kernel is [sizes..., filters, channels]."""

  def build(self, input_shape):
    if input_shape.ndims != self.rank + 2:
      raise ValueError("Inputs should have rank %d. Received input shape: %s" % (self.rank + 2, input_shape))
    channels = self._channels(input_shape)
    self._add_kernel(list(self.kernel_size) + [self.filters, channels])
    self._add_bias()

  def _output_size(self, size, axis):
    """The size of an axis, as an int or a tensor, after the transpose."""
    if size is None:
      return None
    size *= self.strides[axis]
    if self.padding == "valid":
      # The filter reaches over the last position where it is wider than the stride.
      size += max(self.kernel_size[axis] - self.strides[axis], 0)
    return size

  def call(self, inputs):
    sizes, known = array_ops.shape(inputs), inputs.get_shape().as_list()
    batch = sizes[0]
    axes = [i + (2 if self.channels_first else 1) for i in range(self.rank)]
    dynamic = [self._output_size(size, i) for i, size in enumerate([sizes[a] for a in axes])]
    static = [self._output_size(known[a], i) for i, a in enumerate(axes)]

    def in_layout(batch, sizes):
      return [batch, self.filters] + sizes if self.channels_first else [batch] + sizes + [self.filters]

    transpose = nn_ops.conv2d_transpose if self.rank == 2 else nn_volume.conv3d_transpose
    outputs = transpose(inputs, self.kernel, array_ops.stack(in_layout(batch, dynamic)),
                        self._in_layout(self.strides), padding=self.padding.upper(), data_format=self._layout)
    outputs.set_shape(in_layout(known[0], static))
    return self._finish(outputs)


class Conv2DTranspose(_ConvTranspose):
  """The transpose of Conv2D."""

  def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
               activation=None, use_bias=True, kernel_initializer=None, bias_initializer=init_ops.zeros_initializer(),
               kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
               bias_constraint=None, trainable=True, name=None, **kwargs):
    super(Conv2DTranspose, self).__init__(
        2, filters, kernel_size, strides=strides, padding=padding, data_format=data_format, activation=activation,
        use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)


class Conv3DTranspose(_ConvTranspose):
  """The transpose of Conv3D."""

  def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
               activation=None, use_bias=True, kernel_initializer=None, bias_initializer=init_ops.zeros_initializer(),
               kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
               bias_constraint=None, trainable=True, name=None, **kwargs):
    super(Conv3DTranspose, self).__init__(
        3, filters, kernel_size, strides=strides, padding=padding, data_format=data_format, activation=activation,
        use_bias=use_bias, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint, trainable=trainable, name=name, **kwargs)


class _SeparableConv(_Conv):
  """A filter per channel, then a convolution over channels alone."""

  def __init__(self, rank, filters, kernel_size, strides=1, padding="valid", data_format="channels_last",
               dilation_rate=1, depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
               pointwise_initializer=None, bias_initializer=init_ops.zeros_initializer(), depthwise_regularizer=None,
               pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
               depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(_SeparableConv, self).__init__(
        rank, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, activation=activation, use_bias=use_bias, bias_initializer=bias_initializer,
        bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer, bias_constraint=bias_constraint,
        trainable=trainable, name=name, **kwargs)
    self.depth_multiplier = depth_multiplier
    self.depthwise_initializer = utils.get_initializer(depthwise_initializer)
    self.pointwise_initializer = utils.get_initializer(pointwise_initializer)
    self.depthwise_regularizer = depthwise_regularizer
    self.pointwise_regularizer = pointwise_regularizer
    self.depthwise_constraint = depthwise_constraint
    self.pointwise_constraint = pointwise_constraint

  def build(self, input_shape):
    channels = self._channels(input_shape)
    self.depthwise_kernel = self.add_weight(
        "depthwise_kernel", shape=list(self.kernel_size) + [channels, self.depth_multiplier],
        initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
        constraint=self.depthwise_constraint, trainable=True, dtype=self.dtype)
    self.pointwise_kernel = self.add_weight(
        "pointwise_kernel", shape=[1] * self.rank + [self.depth_multiplier * channels, self.filters],
        initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
        constraint=self.pointwise_constraint, trainable=True, dtype=self.dtype)
    self._add_bias()

  def _separable(self, inputs, depthwise, pointwise, strides, rate):
    return nn_impl.separable_conv2d(inputs, depthwise, pointwise, strides=self._in_layout(strides),
                                    padding=self.padding.upper(), rate=rate,
                                    data_format="NCHW" if self.channels_first else "NHWC")

  def call(self, inputs):
    if self.rank == 2:
      return self._finish(self._separable(inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides,
                                          self.dilation_rate))
    # Images of one row; depthwise strides are the same along both axes.
    row_axis = 2 if self.channels_first else 1
    outputs = self._separable(
        array_ops.expand_dims(inputs, row_axis), array_ops.expand_dims(self.depthwise_kernel, 0),
        array_ops.expand_dims(self.pointwise_kernel, 0), self.strides * 2, (1,) + self.dilation_rate)
    if self.use_bias:
      outputs = nn_ops.bias_add(outputs, self.bias, data_format="NCHW" if self.channels_first else "NHWC")
    outputs = array_ops.squeeze(outputs, [row_axis])
    return self.activation(outputs) if self.activation is not None else outputs


class SeparableConv1D(_SeparableConv):
  """Separable convolution of sequences [batch, steps, channels]."""

  def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
               depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
               pointwise_initializer=None, bias_initializer=init_ops.zeros_initializer(), depthwise_regularizer=None,
               pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
               depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(SeparableConv1D, self).__init__(
        1, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, depth_multiplier=depth_multiplier, activation=activation, use_bias=use_bias,
        depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint, bias_constraint=bias_constraint, trainable=trainable, name=name,
        **kwargs)


class SeparableConv2D(_SeparableConv):
  """Separable convolution of images [batch, rows, columns, channels]."""

  def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
               dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
               pointwise_initializer=None, bias_initializer=init_ops.zeros_initializer(), depthwise_regularizer=None,
               pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
               depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(SeparableConv2D, self).__init__(
        2, filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
        dilation_rate=dilation_rate, depth_multiplier=depth_multiplier, activation=activation, use_bias=use_bias,
        depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer, depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint, bias_constraint=bias_constraint, trainable=trainable, name=name,
        **kwargs)


conv1d = as_function(Conv1D, "conv1d")
conv2d = as_function(Conv2D, "conv2d")
conv2d_transpose = as_function(Conv2DTranspose, "conv2d_transpose")
conv3d = as_function(Conv3D, "conv3d")
conv3d_transpose = as_function(Conv3DTranspose, "conv3d_transpose")
separable_conv1d = as_function(SeparableConv1D, "separable_conv1d")
separable_conv2d = as_function(SeparableConv2D, "separable_conv2d")
