"""Two-dimensional convolution."""

from thalweg.framework import tensor_shape
from thalweg.layers import base, utils
from thalweg.ops import init_ops, nn_ops


class Conv2D(base.Layer):
  """activation(inputs * kernel + bias) over images; kernel is [rows, columns, channels, filters]."""

  def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
               dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
               bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
               activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
               **kwargs):
    super(Conv2D, self).__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
    self.filters = int(filters)
    self.kernel_size = utils.normalize_tuple(kernel_size, 2, "kernel_size")
    self.strides = utils.normalize_tuple(strides, 2, "strides")
    self.padding = utils.normalize_padding(padding)
    self.channels_first = utils.channels_first(data_format)
    self.data_format = data_format
    self.dilation_rate = utils.normalize_tuple(dilation_rate, 2, "dilation_rate")
    if max(self.strides) > 1 and max(self.dilation_rate) > 1:
      raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
    self.activation = activation
    self.use_bias = use_bias
    self.kernel_initializer = kernel_initializer
    self.bias_initializer = bias_initializer
    self.kernel_regularizer = kernel_regularizer
    self.bias_regularizer = bias_regularizer
    self.kernel_constraint = kernel_constraint
    self.bias_constraint = bias_constraint
    self.input_spec = base.InputSpec(ndim=4)

  def build(self, input_shape):
    axis = 1 if self.channels_first else -1
    channels = tensor_shape.dimension_value(input_shape[axis])
    if channels is None:
      raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
    self.input_spec = base.InputSpec(ndim=4, axes={axis: channels})
    self.kernel = self.add_weight("kernel", shape=list(self.kernel_size) + [channels, self.filters],
                                  initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
                                  constraint=self.kernel_constraint, trainable=True, dtype=self.dtype)
    self.bias = None
    if self.use_bias:
      self.bias = self.add_weight("bias", shape=[self.filters], initializer=self.bias_initializer,
                                  regularizer=self.bias_regularizer, constraint=self.bias_constraint, trainable=True,
                                  dtype=self.dtype)

  def _in_layout(self, sizes):
    return [1, 1] + list(sizes) if self.channels_first else [1] + list(sizes) + [1]

  def call(self, inputs):
    layout = "NCHW" if self.channels_first else "NHWC"
    outputs = nn_ops.conv2d(inputs, self.kernel, strides=self._in_layout(self.strides), padding=self.padding.upper(),
                            data_format=layout, dilations=self._in_layout(self.dilation_rate))
    if self.use_bias:
      outputs = nn_ops.bias_add(outputs, self.bias, data_format=layout)
    return self.activation(outputs) if self.activation is not None else outputs


def conv2d(inputs, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
           dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
           bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,
           activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
           reuse=None):
  """Conv2D as a function: makes the layer and applies it."""
  layer = Conv2D(filters, kernel_size, strides=strides, padding=padding, data_format=data_format,
                 dilation_rate=dilation_rate, activation=activation, use_bias=use_bias,
                 kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                 kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                 activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                 bias_constraint=bias_constraint, trainable=trainable, name=name, _reuse=reuse, _scope=name)
  return layer.apply(inputs)
