"""Long short-term memories over sequences, images and volumes, with convolutions in place of products."""

from thalweg.framework import tensor_shape
from thalweg.ops import array_ops, init_ops, math_ops, nn_conv, nn_ops, nn_volume, variable_scope as vs
from thalweg.rnn.cell import LSTMStateTuple, RNNCell


class ConvLSTMCell(RNNCell):
  """LSTM over sequences, images or volumes, convolutions in place of products (Shi et al. 2015). input_shape is that of
  one example, channels last."""

  def __init__(self, conv_ndims, input_shape, output_channels, kernel_shape, use_bias=True, skip_connection=False,
               forget_bias=1.0, initializers=None, name="conv_lstm_cell"):
    super().__init__(name=name)
    if conv_ndims != len(input_shape) - 1:
      raise ValueError("Invalid input_shape {} for conv_ndims={}.".format(input_shape, conv_ndims))
    self._conv_ndims = conv_ndims
    self._input_shape = list(input_shape)
    self._output_channels = output_channels
    self._kernel_shape = list(kernel_shape)
    self._use_bias = use_bias
    self._skip_connection = skip_connection
    self._forget_bias = forget_bias

  @property
  def output_size(self):
    channels = self._output_channels + (self._input_shape[-1] if self._skip_connection else 0)
    return tensor_shape.TensorShape(self._input_shape[:-1] + [channels])

  @property
  def state_size(self):
    size = tensor_shape.TensorShape(self._input_shape[:-1] + [self._output_channels])
    return LSTMStateTuple(size, size)

  def _convolve(self, inputs, hidden):
    rank = self._conv_ndims + 2
    if any(x.get_shape().ndims != rank for x in (inputs, hidden)) or not 3 <= rank <= 5:
      raise ValueError("Conv Linear expects 3D, 4D or 5D arguments, all of one rank: %s" % (
          [x.get_shape().as_list() for x in (inputs, hidden)],))
    depth = inputs.get_shape().as_list()[-1] + hidden.get_shape().as_list()[-1]
    features = 4 * self._output_channels
    kernel = vs.get_variable("kernel", self._kernel_shape + [depth, features], dtype=inputs.dtype)
    convolve, strides = {3: (nn_conv.conv1d, 1), 4: (nn_ops.conv2d, [1] * 4), 5: (nn_volume.conv3d, [1] * 5)}[rank]
    sums = convolve(array_ops.concat(axis=rank - 1, values=[inputs, hidden]), kernel, strides, padding="SAME")
    if self._use_bias:
      sums = sums + vs.get_variable("biases", [features], dtype=inputs.dtype,
                                    initializer=init_ops.constant_initializer(0.0, dtype=inputs.dtype))
    return sums

  def call(self, inputs, state, scope=None):
    memory, hidden = state
    i, j, f, o = array_ops.split(value=self._convolve(inputs, hidden), num_or_size_splits=4,
                                 axis=self._conv_ndims + 1)
    new_memory = math_ops.sigmoid(f + self._forget_bias) * memory
    new_memory += math_ops.sigmoid(i) * math_ops.tanh(j)
    output = math_ops.tanh(new_memory) * math_ops.sigmoid(o)
    if self._skip_connection:
      output = array_ops.concat([output, inputs], axis=-1)
    return output, LSTMStateTuple(new_memory, output)


class Conv1DLSTMCell(ConvLSTMCell):
  """ConvLSTMCell over sequences."""

  def __init__(self, name="conv_1d_lstm_cell", **kwargs):
    super().__init__(conv_ndims=1, name=name, **kwargs)


class Conv2DLSTMCell(ConvLSTMCell):
  """ConvLSTMCell over images."""

  def __init__(self, name="conv_2d_lstm_cell", **kwargs):
    super().__init__(conv_ndims=2, name=name, **kwargs)


class Conv3DLSTMCell(ConvLSTMCell):
  """ConvLSTMCell over volumes."""

  def __init__(self, name="conv_3d_lstm_cell", **kwargs):
    super().__init__(conv_ndims=3, name=name, **kwargs)
