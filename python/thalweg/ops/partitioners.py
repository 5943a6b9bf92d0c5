"""Partitioners: functions of a variable's shape and dtype that tell in how many parts each dimension is kept."""

import math

from thalweg.framework import dtypes, tensor_shape


def fixed_size_partitioner(num_shards, axis=0):
  """A partitioner that makes num_shards parts along `axis`, which need not divide evenly."""
  def partitioner(shape, **unused):
    partitions = [1] * len(shape)
    partitions[axis] = num_shards
    return partitions
  return partitioner


def variable_axis_size_partitioner(max_shard_bytes, axis=0, bytes_per_string_element=16, max_shards=None):
  """A partitioner that makes as many parts along `axis` as keep each below max_shard_bytes, at most max_shards."""
  if max_shard_bytes < 1 or bytes_per_string_element < 1:
    raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
  if max_shards and max_shards < 1:
    raise ValueError("max_shards must be positive.")

  def partitioner(shape, dtype):
    if not isinstance(shape, tensor_shape.TensorShape):
      raise ValueError("shape is not a TensorShape: %s" % shape)
    if not shape.is_fully_defined():
      raise ValueError("shape is not fully defined: %s" % shape)
    if not isinstance(dtype, dtypes.DType):
      raise ValueError("dtype is not a DType: %s" % dtype)
    element_size = bytes_per_string_element if dtype.base_dtype == dtypes.string else dtype.size
    partitions = [1] * shape.ndims
    bytes_per_slice = 1.0 * (shape.num_elements() / shape.dims[axis].value) * element_size
    slices_per_shard = max(1, math.floor(max_shard_bytes / bytes_per_slice))
    axis_shards = int(math.ceil(1.0 * shape.dims[axis].value / slices_per_shard))
    if max_shards:
      axis_shards = min(max_shards, axis_shards)
    partitions[axis] = axis_shards
    return partitions
  return partitioner


def min_max_variable_partitioner(max_partitions=1, axis=0, min_slice_size=256 << 10, bytes_per_string_element=16):
  """A partitioner that makes as many parts along `axis` as give each about min_slice_size bytes, at most
  max_partitions."""
  if max_partitions < 1:
    raise ValueError("max_partitions must be positive.")

  def partitioner(shape, dtype, **unused):
    partitions = [1] * shape.ndims
    element_size = bytes_per_string_element if dtype.base_dtype == dtypes.string else dtype.size
    slice_size = min_slice_size
    total = shape.num_elements() * element_size
    partitions[axis] = max(1, min(shape.dims[axis].value, max_partitions, -(-total // slice_size)))
    return partitions
  return partitioner
