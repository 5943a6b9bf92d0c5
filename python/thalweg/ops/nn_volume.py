"""tf.nn over volumes [batch, depth, rows, columns, channels] ("NDHWC", or "NCDHW"): convolution and pooling."""

from thalweg.framework import ops
from thalweg.ops import nn_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def conv3d(input, filter=None, strides=None, padding=None, data_format="NDHWC",  # noqa: A002
           dilations=[1, 1, 1, 1, 1], name=None, filters=None):
  """Convolution of volumes with filters [depth, rows, columns, channels, outputs]. Strides and dilations have five
  entries, those of the batch and the channels 1."""
  return ops.op("Conv3D", name, [input, deprecated_argument_lookup("filters", filters, "filter", filter)], {
      "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations})


def conv3d_backprop_filter(input, filter_sizes, out_backprop, strides, padding, data_format="NDHWC",  # noqa: A002
                           dilations=[1, 1, 1, 1, 1], name=None):
  """The gradient of conv3d with respect to the filter, whose shape is `filter_sizes`."""
  return ops.op("Conv3DBackpropFilterV2", name, [input, filter_sizes, out_backprop], {
      "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations})


def conv3d_transpose(value, filter=None, output_shape=None, strides=None, padding="SAME",  # noqa: A002
                     data_format="NDHWC", name=None, input=None, filters=None, dilations=None):  # noqa: A002
  """The transpose of conv3d; filters are [depth, rows, columns, outputs, channels]. Strides and dilations have 1, 3 or 5
  entries."""
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)  # noqa: A001
  value = deprecated_argument_lookup("input", input, "value", value)
  with ops.name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as name:
    data_format = data_format or "NDHWC"
    return ops.op("Conv3DBackpropInputV2", name, [output_shape, filter, value], {
        "strides": nn_ops._sizes(strides, 3, "strides", data_format), "padding": padding, "data_format": data_format,
        "dilations": nn_ops._sizes(dilations, 3, "dilations", data_format)})


def _pool3d(op_type, input, ksize, strides, padding, data_format, name):  # noqa: A002
  with ops.name_scope(name, op_type, [input]) as name:
    data_format = data_format or "NDHWC"
    return ops.op(op_type, name, [input], {
        "ksize": nn_ops._sizes(ksize, 3, "ksize", data_format),
        "strides": nn_ops._sizes(strides, 3, "strides", data_format), "padding": padding, "data_format": data_format})


def max_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):  # noqa: A002
  """The largest value of each window of volumes."""
  return _pool3d("MaxPool3D", input, ksize, strides, padding, data_format, name)


def avg_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):  # noqa: A002
  """The mean of each window of volumes."""
  return _pool3d("AvgPool3D", input, ksize, strides, padding, data_format, name)
