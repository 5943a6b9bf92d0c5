"""Largest and mean values of windows, over rows of vectors (1D), images (2D) and volumes (3D)."""

from thalweg.layers import base, utils
from thalweg.ops import array_ops, nn_ops, nn_volume


class _Pooling(base.Layer):
  """A window of `rank` axes moves over the inputs; both layouts, and 1D as 2D with one row."""

  _rank = 2
  _pool = None

  def __init__(self, pool_size, strides, padding="valid", data_format="channels_last", name=None, **kwargs):
    super(_Pooling, self).__init__(name=name, **kwargs)
    self.pool_size = utils.normalize_tuple(pool_size, self._rank, "pool_size")
    self.strides = utils.normalize_tuple(pool_size if strides is None else strides, self._rank, "strides")
    self.padding = utils.normalize_padding(padding)
    self.data_format = data_format
    self.channels_first = utils.channels_first(data_format)
    self.input_spec = base.InputSpec(ndim=self._rank + 2)

  def _in_layout(self, sizes):
    sizes = [1] * (2 - self._rank) + list(sizes)
    return [1, 1] + sizes if self.channels_first else [1] + sizes + [1]

  def call(self, inputs):
    row_axis = 2 if self.channels_first else 1
    layout = ("NHWC", "NCHW") if self._rank < 3 else ("NDHWC", "NCDHW")
    if self._rank == 1:
      inputs = array_ops.expand_dims(inputs, row_axis)
    outputs = type(self)._pool(inputs, ksize=self._in_layout(self.pool_size), strides=self._in_layout(self.strides),
                               padding=self.padding.upper(), data_format=layout[self.channels_first])
    return array_ops.squeeze(outputs, [row_axis]) if self._rank == 1 else outputs


class MaxPooling2D(_Pooling):
  """The largest value of each window."""

  _pool = staticmethod(nn_ops.max_pool)


class AveragePooling2D(_Pooling):
  """The mean of each window."""

  _pool = staticmethod(nn_ops.avg_pool)


class MaxPooling1D(MaxPooling2D):
  """The largest value of each stretch."""

  _rank = 1


class AveragePooling1D(AveragePooling2D):
  """The mean of each stretch."""

  _rank = 1


class MaxPooling3D(_Pooling):
  """The largest value of each window of volumes."""

  _rank = 3
  _pool = staticmethod(nn_volume.max_pool3d)


class AveragePooling3D(_Pooling):
  """The mean of each window of volumes."""

  _rank = 3
  _pool = staticmethod(nn_volume.avg_pool3d)


def max_pooling1d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The largest values in windows of sequences, whose channels are last, or after the batch ("channels_first")."""
  return MaxPooling1D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)


def max_pooling2d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The largest values in windows of images, whose channels are last, or after the batch ("channels_first")."""
  return MaxPooling2D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)


def average_pooling1d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The means in windows of sequences, whose channels are last, or after the batch ("channels_first")."""
  return AveragePooling1D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)


def average_pooling2d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The means in windows of images, whose channels are last, or after the batch ("channels_first")."""
  return AveragePooling2D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)


def max_pooling3d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The largest values in windows of volumes, whose channels are last, or after the batch ("channels_first")."""
  return MaxPooling3D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)


def average_pooling3d(inputs, pool_size, strides, padding="valid", data_format="channels_last", name=None):
  """The means in windows of volumes, whose channels are last, or after the batch ("channels_first")."""
  return AveragePooling3D(pool_size, strides, padding=padding, data_format=data_format, name=name).apply(inputs)
