"""Parting and stitching tensors by index; queues, which are in queue_ops, by this name too."""

from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops
from thalweg.ops.accumulator_ops import (ConditionalAccumulator, ConditionalAccumulatorBase,  # noqa: F401
                                         SparseConditionalAccumulator)
from thalweg.ops.queue_ops import (FIFOQueue, PaddingFIFOQueue, PriorityQueue, QueueBase,  # noqa: F401
                                   RandomShuffleQueue)


def dynamic_partition(data, partitions, num_partitions, name=None):
  """num_partitions tensors: the slices of `data` whose number in `partitions`, a prefix of data's shape, is theirs."""
  return _op("DynamicPartition", name, (data, partitions), {"num_partitions": num_partitions})


def dynamic_stitch(indices, data, name=None):
  """One tensor with data[m][i] at the row indices[m][i]; of several for a row the last one stays."""
  return _op("DynamicStitch", name, (list(indices), list(data)))


def parallel_dynamic_stitch(indices, data, name=None):
  return _op("ParallelDynamicStitch", name, (list(indices), list(data)))


def tensor_scatter_update(tensor, indices, updates, name=None):
  """The tensor with `updates` at `indices` [..., depth], in place of what is there."""
  return _op("TensorScatterUpdate", name, (tensor, indices, updates))


def tensor_scatter_add(tensor, indices, updates, name=None):
  """The tensor with `updates` added at `indices` [..., depth]; those of one place add up."""
  return _op("TensorScatterAdd", name, (tensor, indices, updates))


def tensor_scatter_sub(tensor, indices, updates, name=None):
  """The tensor with `updates` subtracted at `indices` [..., depth]."""
  return _op("TensorScatterSub", name, (tensor, indices, updates))


def roll(input, shift, axis, name=None):  # noqa: A002
  """Elements moved by `shift` along `axis`, round the end; scalars, or vectors of equal length."""
  return _op("Roll", name, (input, shift, axis))


def ensure_shape(x, shape, name=None):
  """The tensor with a static shape merged with `shape`; InvalidArgumentError in runs where the values do not fit."""
  return _op("EnsureShape", name, (x,), {"shape": shape})
