"""Convolutions and pooling over one to three axes, with dilation: what tf.nn builds upon the ops of one rank."""

import numpy as np

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.ops import array_ops, nn_ops, nn_volume
from thalweg.util.deprecation import deprecated_argument_lookup


def _strides_and_dilations(num_axes, strides, dilations):
  """Both as lists of ints with one entry per axis; at most one of them is not all ones."""
  strides = [1] * num_axes if strides is None else [int(s) for s in strides]
  dilations = [1] * num_axes if dilations is None else [int(d) for d in dilations]
  if len(dilations) != num_axes:
    raise ValueError("len(dilation_rate)=%d but should be %d" % (len(dilations), num_axes))
  if len(strides) != num_axes:
    raise ValueError("len(strides)=%d but should be %d" % (len(strides), num_axes))
  if any(d < 1 for d in dilations):
    raise ValueError("all values of dilation_rate must be positive")
  if any(s < 1 for s in strides):
    raise ValueError("all values of strides must be positive")
  if max(strides) > 1 and max(dilations) > 1:
    raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")
  return strides, dilations


# --- convolution ---


def conv1d(value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None, name=None,
           input=None, dilations=None):  # noqa: A002
  """Convolution of sequences [batch, steps, channels] ("NWC") with filters [steps, channels, outputs]."""
  value = deprecated_argument_lookup("input", input, "value", value)
  with ops.name_scope(name, "conv1d", [value, filters]) as name:
    layouts = {None: ("NHWC", 1), "NHWC": ("NHWC", 1), "NWC": ("NHWC", 1), "NCHW": ("NCHW", 2), "NCW": ("NCHW", 2)}
    if data_format not in layouts:
      raise ValueError("data_format must be \"NWC\" or \"NCW\".")
    layout, row_axis = layouts[data_format]
    strides = [1] + _along_one_axis(stride, layout, "stride")
    dilations = [1] + _along_one_axis(dilations, layout, "dilations")
    # Images of one row.
    value = array_ops.expand_dims(value, row_axis)
    filters = array_ops.expand_dims(filters, 0)
    result = ops.op("Conv2D", name, [value, filters], {
        "strides": strides, "padding": padding, "data_format": layout, "dilations": dilations,
        "use_cudnn_on_gpu": use_cudnn_on_gpu})
    return array_ops.squeeze(result, [row_axis])


def _along_one_axis(value, layout, what):
  """An int, or 1 or 3 of them, as the three of [batch, steps, channels] in their layout."""
  value = [1] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]
  if len(value) == 3:
    return [int(v) for v in value]
  if len(value) != 1:
    raise ValueError("%s should be of length 1 or 3 but was %d" % (what, len(value)))
  return [1, 1, int(value[0])] if layout == "NCHW" else [1, int(value[0]), 1]


def convolution(input, filter, padding, strides=None, dilation_rate=None, name=None,  # noqa: A002
                data_format=None, filters=None, dilations=None):
  """Convolution over one to three axes (inputs of rank 3 to 5), with strides or with dilation."""
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)
  dilation_rate = deprecated_argument_lookup("dilations", dilations, "dilation_rate", dilation_rate)
  rank = _rank(input) if _rank(input) is not None else _rank(filter)
  if rank is None:
    raise ValueError("rank of input or filter must be known")
  if rank not in (3, 4, 5):
    raise ValueError("Input tensor must be of rank 3, 4 or 5 but was {}.".format(rank))
  layout = data_format or ("NDHWC" if rank == 5 else "NHWC")
  strides = nn_ops._sizes(strides, rank - 2, "strides", layout)
  dilation_rate = nn_ops._sizes(dilation_rate, rank - 2, "dilations", layout)
  axes = slice(2, None) if layout.startswith("NC") else slice(1, -1)
  _strides_and_dilations(rank - 2, strides[axes], dilation_rate[axes])
  with ops.name_scope(name, "convolution", [input, filter]) as name:
    if rank == 3:
      return conv1d(input, filter, strides, padding, data_format=data_format, name=name, dilations=dilation_rate)
    if rank == 5:
      return nn_volume.conv3d(input, filter, strides, padding, data_format=layout, dilations=dilation_rate, name=name)
    return nn_ops.conv2d(input, filter, strides, padding, data_format=layout, dilations=dilation_rate, name=name)


def _rank(value):
  """The rank of a tensor or array; None when it is not known."""
  shape = value.shape
  return shape.ndims if hasattr(shape, "ndims") else len(shape)


def atrous_conv2d(value, filters, rate, padding, name=None):
  """conv2d with `rate - 1` zeros between the filter's elements ("a trous")."""
  return convolution(input=value, filter=filters, padding=padding, dilation_rate=[rate, rate], name=name)


def atrous_conv2d_transpose(value, filters, output_shape, rate, padding, name=None):
  """The transpose of atrous_conv2d; filters are [rows, columns, outputs, channels]."""
  with ops.name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]) as name:
    value = ops.convert_to_tensor(value, name="value")
    filters = ops.convert_to_tensor(filters, name="filters")
    if not value.get_shape().dims[3].is_compatible_with(filters.get_shape().dims[3]):
      raise ValueError("value's input channels does not match filters' input channels, {} != {}".format(
          value.get_shape()[3], filters.get_shape()[3]))
    if rate < 1:
      raise ValueError("rate {} cannot be less than one".format(rate))
    if padding not in ("SAME", "VALID"):
      raise ValueError("padding must be either VALID or SAME: {}".format(padding))
    return nn_ops.conv2d_backprop_input(output_shape, filters, value, [1, 1, 1, 1], padding,
                                        dilations=[1, rate, rate, 1], name=name)


def conv1d_transpose(input, filters, output_shape, strides, padding="SAME", data_format="NWC",  # noqa: A002
                     dilations=None, name=None):
  """The transpose of conv1d; filters are [steps, outputs, channels]."""
  with ops.name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as name:
    layouts = {None: ("NHWC", 1), "NWC": ("NHWC", 1), "NCW": ("NCHW", 2)}
    if data_format not in layouts:
      raise ValueError("data_format must be \"NWC\" or \"NCW\".")
    layout, row_axis = layouts[data_format]
    strides = [1] + _along_one_axis(strides, layout, "strides")
    dilations = [1] + _along_one_axis(dilations, layout, "dilations")
    input = array_ops.expand_dims(input, row_axis)
    filters = array_ops.expand_dims(filters, 0)
    if isinstance(output_shape, (list, tuple)):
      sizes = list(output_shape[:row_axis]) + [1] + list(output_shape[row_axis:])
    else:
      output_shape = ops.convert_to_tensor(output_shape)
      sizes = array_ops.concat([output_shape[:row_axis], [1], output_shape[row_axis:]], 0)
    result = nn_ops.conv2d_backprop_input(sizes, filters, input, strides, padding, data_format=layout,
                                          dilations=dilations)
    return array_ops.squeeze(result, [row_axis], name=name)


def conv_transpose(input, filters, output_shape, strides, padding="SAME", data_format=None,  # noqa: A002
                   dilations=None, name=None):
  """conv1d_transpose, conv2d_transpose or conv3d_transpose, by the length of `output_shape`."""
  with ops.name_scope(name, "conv_transpose", [input, filters, output_shape]) as name:
    if isinstance(output_shape, ops.Tensor):
      length = output_shape.shape.num_elements()
    else:
      length = len(output_shape)
    if length == 3:
      return conv1d_transpose(input, filters, output_shape, strides, padding, data_format or "NWC", dilations, name)
    if length == 4:
      return nn_ops.conv2d_transpose(input, filters, output_shape, strides, padding=padding,
                                     data_format=data_format or "NHWC", dilations=dilations, name=name)
    if length == 5:
      return nn_volume.conv3d_transpose(input, filters, output_shape, strides, padding=padding,
                                        data_format=data_format or "NDHWC", dilations=dilations, name=name)
    raise ValueError("output_shape must be of length 3, 4 or 5 but was {}.".format(length))


# --- pooling ---


def _pool1d(op_type, default_name, input, ksize, strides, padding, data_format, name):  # noqa: A002
  with ops.name_scope(name, default_name, [input]) as name:
    layout, row_axis = ("NHWC", 1) if data_format in (None, "NWC") else ("NCHW", 2)
    sizes = [[1] + _along_one_axis(v, layout, what) for v, what in ((ksize, "ksize"), (strides, "strides"))]
    images = array_ops.expand_dims(input, row_axis)
    result = ops.op(op_type, name, [images], {"ksize": sizes[0], "strides": sizes[1], "padding": padding,
                                              "data_format": layout})
    return array_ops.squeeze(result, row_axis)


def max_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):  # noqa: A002
  """The largest value of each stretch of sequences [batch, steps, channels]."""
  return _pool1d("MaxPool", "MaxPool1d", input, ksize, strides, padding, data_format, name)


def avg_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):  # noqa: A002
  """The mean of each stretch of sequences [batch, steps, channels]."""
  return _pool1d("AvgPool", "AvgPool1D", input, ksize, strides, padding, data_format, name)


def _pool_by_rank(over_sequences, op_type, over_volumes, input, ksize, strides, padding, data_format, name):  # noqa: A002
  rank = _rank(input) if _rank(input) is not None else len(data_format) if data_format else None
  if rank is None:
    raise ValueError("The input must have a rank or a data format must be given.")
  if rank not in (3, 4, 5):
    raise ValueError("Input tensor must be of rank 3, 4 or 5 but was {}.".format(rank))
  if rank == 3:
    return over_sequences(input, ksize, strides, padding, data_format, name)
  if rank == 5:
    return over_volumes(input, ksize, strides, padding, data_format, name)
  layout = data_format or "NHWC"
  return ops.op(op_type, name, [input], {
      "ksize": nn_ops._sizes(ksize, 2, "ksize", layout), "strides": nn_ops._sizes(strides, 2, "strides", layout),
      "padding": padding, "data_format": layout})


def max_pool_v2(input, ksize, strides, padding, data_format=None, name=None):  # noqa: A002
  """The largest value of each window of sequences, images or volumes."""
  return _pool_by_rank(max_pool1d, "MaxPool", nn_volume.max_pool3d, input, ksize, strides, padding, data_format, name)


def avg_pool_v2(input, ksize, strides, padding, data_format=None, name=None):  # noqa: A002
  """The mean of each window of sequences, images or volumes."""
  return _pool_by_rank(avg_pool1d, "AvgPool", nn_volume.avg_pool3d, input, ksize, strides, padding, data_format, name)


def pool(input, window_shape, pooling_type, padding, dilation_rate=None, strides=None, name=None,  # noqa: A002
         data_format=None, dilations=None):
  """Pooling ("AVG" or "MAX") over one to three axes, with strides or with dilation."""
  dilation_rate = deprecated_argument_lookup("dilations", dilations, "dilation_rate", dilation_rate)
  with ops.name_scope(name, "%s_pool" % pooling_type.lower(), [input]) as scope:
    input = ops.convert_to_tensor(input, name="input")
    num_axes = len(window_shape)
    if not 1 <= num_axes <= 3:
      raise ValueError("It is required that 1 <= num_spatial_dims <= 3.")
    op = {("MAX", 1): max_pool1d, ("AVG", 1): avg_pool1d, ("MAX", 2): nn_ops.max_pool, ("AVG", 2): nn_ops.avg_pool,
          ("MAX", 3): nn_volume.max_pool3d, ("AVG", 3): nn_volume.avg_pool3d}.get((pooling_type, num_axes))
    if op is None:
      raise ValueError("%d-D %s pooling is not supported." % (num_axes, pooling_type))
    input.get_shape().with_rank(num_axes + 2)
    strides, dilation_rate = _strides_and_dilations(num_axes, strides, dilation_rate)
    if padding == "SAME" and max(dilation_rate) > 1:
      raise ValueError("pooling with SAME padding is not implemented for dilation_rate > 1")
    if any(s > w for s, w in zip(strides, window_shape)):
      raise ValueError("strides > window_shape not supported due to inconsistency between CPU and GPU implementations")
    first = bool(data_format) and data_format.startswith("NC")
    layout = data_format or ("NWC", "NHWC", "NDHWC")[num_axes - 1]

    def in_layout(sizes):
      return [1, 1] + list(sizes) if first else [1] + list(sizes) + [1]

    def windows(images, _, padding):
      return op(images, in_layout(window_shape), in_layout(strides), padding, data_format=layout, name=scope)

    axes = range(2, num_axes + 2) if first else range(1, num_axes + 1)
    return with_space_to_batch(input, dilation_rate, padding, windows, filter_shape=window_shape, spatial_dims=axes)


# --- dilation of any op ---


def _padded_to_all_axes(rows, fill, axes):
  """`rows`, one for each of `axes`, with rows of `fill` for the axes between 1 and the last of them."""
  made, at = [], 0
  for axis in range(1, axes[-1] + 1):
    if axis in axes:
      made.append(rows[at])
      at += 1
    else:
      made.append(np.full(np.shape(rows[0]) if not isinstance(rows[0], ops.Tensor) else rows[0].shape.as_list(), fill,
                          np.int32))
  return array_ops.stack(made) if any(isinstance(r, ops.Tensor) for r in made) else np.array(made, np.int32)


def with_space_to_batch(input, dilation_rate, padding, op, filter_shape=None, spatial_dims=None,  # noqa: A002
                        data_format=None):
  """op(input, number of axes, padding) as if its windows had `dilation_rate` between their elements: each residue of the
  positions becomes an example of a larger batch."""
  input = ops.convert_to_tensor(input, name="input")
  rate = tensor_util.constant_value(ops.convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate"))
  if rate is None:
    raise ValueError("dilation_rate must be known when the graph is built, not %s" % dilation_rate)
  if rate.ndim != 1:
    raise ValueError("rate must be rank 1")
  if np.any(rate < 1):
    raise ValueError("dilation_rate must be positive")
  num_axes = len(rate)
  if spatial_dims is None:
    start = 2 if data_format is not None and data_format.startswith("NC") else 1
    spatial_dims = range(start, start + num_axes)
  axes = [int(a) for a in spatial_dims]
  if axes != sorted(set(axes)) or any(a < 1 for a in axes):
    raise ValueError("spatial_dims must be a montonically increasing sequence of positive integers")
  if np.all(rate == 1):
    return op(input, num_axes, padding)
  if padding == "SAME":
    if filter_shape is None:
      raise ValueError("filter_shape must be specified for SAME padding")
    window = tensor_util.constant_value(ops.convert_to_tensor(filter_shape, name="filter_shape"))
    if window is None:
      raise ValueError("filter_shape must be known when the graph is built, not %s" % filter_shape)
    extra = (np.asarray(window[:num_axes]) - 1) * rate
    base_paddings = np.stack([extra // 2, extra - extra // 2], axis=1).astype(np.int32)
  elif padding == "VALID":
    base_paddings = np.zeros([num_axes, 2], np.int32)
  else:
    raise ValueError("Invalid padding method %r" % padding)
  sizes = [input.get_shape().as_list()[a] for a in axes] if input.get_shape().ndims is not None else [None]
  if None in sizes:
    dynamic = array_ops.shape(input)
    sizes = array_ops.stack([dynamic[a] for a in axes])
  paddings, crops = array_ops.required_space_to_batch_paddings(input_shape=sizes, base_paddings=base_paddings,
                                                               block_shape=rate)
  block = _padded_to_all_axes(list(rate), 1, axes)

  def rows(tensor):
    known = tensor_util.constant_value(tensor)
    return [known[i] if known is not None else tensor[i] for i in range(num_axes)]

  batches = array_ops.space_to_batch_nd(input=input, block_shape=block,
                                        paddings=_padded_to_all_axes(rows(paddings), 0, axes))
  result = op(batches, num_axes, "VALID")
  return array_ops.batch_to_space_nd(input=result, block_shape=block, crops=_padded_to_all_axes(rows(crops), 0, axes))
