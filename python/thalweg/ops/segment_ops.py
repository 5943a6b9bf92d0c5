"""Sums and other reductions of rows that carry the same number."""

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops
from thalweg.util.functions import named


def _segment(fn_name, op_type):

  def fn(data, segment_ids, name=None):
    return _op(op_type, name, (data, segment_ids))

  return named(fn, fn_name, "%s over the slices of `data` along its first axis that have the same id; ids are a vector "
               "that never falls." % op_type)


segment_sum = _segment("segment_sum", "SegmentSum")
segment_mean = _segment("segment_mean", "SegmentMean")
segment_prod = _segment("segment_prod", "SegmentProd")
segment_min = _segment("segment_min", "SegmentMin")
segment_max = _segment("segment_max", "SegmentMax")


def _unsorted_segment(fn_name, op_type):

  def fn(data, segment_ids, num_segments, name=None):
    return _op(op_type, name, (data, segment_ids, num_segments))

  return named(fn, fn_name, "%s over the slices of `data` with the same id, in [num_segments, *slice]; `segment_ids` has a "
               "shape that data's begins with, and slices with negative ids are left out." % op_type)


unsorted_segment_sum = _unsorted_segment("unsorted_segment_sum", "UnsortedSegmentSum")
unsorted_segment_prod = _unsorted_segment("unsorted_segment_prod", "UnsortedSegmentProd")
unsorted_segment_min = _unsorted_segment("unsorted_segment_min", "UnsortedSegmentMin")
unsorted_segment_max = _unsorted_segment("unsorted_segment_max", "UnsortedSegmentMax")


def _unsorted_segment_count(data, segment_ids, num_segments):
  ones_shape = array_ops.shape(segment_ids)
  count = unsorted_segment_sum(array_ops.ones(ones_shape, dtype=data.dtype), segment_ids, num_segments)
  extra = array_ops.ones(array_ops.expand_dims(array_ops.rank(data) - array_ops.rank(segment_ids), 0), dtypes.int32)
  return _op("Maximum", None, (array_ops.reshape(count, array_ops.concat([array_ops.shape(count), extra], 0)), 1))


def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
  """The means of the slices of `data` with each id; 0 for ids without any."""
  with ops.name_scope(name, "UnsortedSegmentMean"):
    data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
    return unsorted_segment_sum(data, segment_ids, num_segments) / _unsorted_segment_count(
        data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
  """The sums of the slices of `data` with each id, over the root of their number; 0 for ids without any."""
  with ops.name_scope(name, "UnsortedSegmentSqrtN"):
    data, segment_ids = ops.convert_to_tensor(data), ops.convert_to_tensor(segment_ids)
    return unsorted_segment_sum(data, segment_ids, num_segments) / math_ops.sqrt(  # noqa: F821
        _unsorted_segment_count(data, segment_ids, num_segments))


def _sparse_segment(fn_name, op_type):

  def fn(data, indices, segment_ids, name=None, num_segments=None):
    if num_segments is None:
      return _op(op_type, name, (data, indices, segment_ids))
    return _op(op_type + "WithNumSegments", name, (data, indices, segment_ids, num_segments))

  return named(fn, fn_name, "%s: a segment reduction of the slices data[indices], without making them." % op_type)


sparse_segment_sum = _sparse_segment("sparse_segment_sum", "SparseSegmentSum")
sparse_segment_mean = _sparse_segment("sparse_segment_mean", "SparseSegmentMean")
sparse_segment_sqrt_n = _sparse_segment("sparse_segment_sqrt_n", "SparseSegmentSqrtN")
