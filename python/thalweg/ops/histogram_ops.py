"""Histograms with bins of equal width."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, clip_ops, math_ops


def histogram_fixed_width_bins(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
  """The bin of each value; those outside of the range fall into the first and the last."""
  with ops.name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
    values = ops.convert_to_tensor(values, name="values")
    shape = array_ops.shape(values)
    values = array_ops.reshape(values, [-1])
    value_range = ops.convert_to_tensor(value_range, name="value_range")
    nbins = ops.convert_to_tensor(nbins, dtype=dtypes.int32, name="nbins")
    nbins_float = math_ops.cast(nbins, values.dtype)
    scaled = math_ops.truediv(values - value_range[0], value_range[1] - value_range[0], name="scaled_values")
    indices = math_ops.floor(nbins_float * scaled, name="indices")
    indices = math_ops.cast(clip_ops.clip_by_value(indices, 0, nbins_float - 1), dtypes.int32)
    return array_ops.reshape(indices, shape)


def histogram_fixed_width(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
  """[nbins]: how many values fall into each bin."""
  with ops.name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as name:
    values = ops.convert_to_tensor(values, name="values")
    value_range = ops.convert_to_tensor(value_range, dtype=values.dtype, name="value_range")
    bins = array_ops.reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
    return math_ops.unsorted_segment_sum(array_ops.ones_like(bins, dtype=dtype), bins, nbins, name=name)
