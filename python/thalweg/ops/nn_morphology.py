"""Greyscale morphology of images, and pooling over regions of drawn sizes."""

from thalweg.framework import ops
from thalweg.ops import array_ops, math_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def dilation2d(input, filter=None, strides=None, rates=None, padding=None, name=None, filters=None,  # noqa: A002
               dilations=None):
  """The largest sum of image [batch, rows, columns, channels] and filter [rows, columns, channels] over each window."""
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)
  rates = deprecated_argument_lookup("dilations", dilations, "rates", rates)
  return ops.op("Dilation2D", name, [input, filter], {"strides": strides, "rates": rates, "padding": padding})


def erosion2d(value, kernel, strides, rates, padding, name=None):
  """The smallest difference of image and kernel over each window: minus the dilation of -value by the kernel turned
  around."""
  with ops.name_scope(name, "erosion2d", [value, kernel]) as name:
    opposite = math_ops.negative(value)
    turned = array_ops.reverse_v2(kernel, [0, 1])
    return math_ops.negative(dilation2d(opposite, turned, strides, rates, padding, name=name))


def _fractional_pool(op_type, value, pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2, name):
  return ops.op(op_type, name, [value], {
      "pooling_ratio": pooling_ratio, "pseudo_random": pseudo_random, "overlapping": overlapping,
      "deterministic": deterministic, "seed": seed, "seed2": seed2})


def fractional_max_pool(value, pooling_ratio, pseudo_random=False, overlapping=False, deterministic=False, seed=0,
                        seed2=0, name=None):
  """Max pooling that shrinks images by fractions (Graham 2014), `pooling_ratio` having one of at least 1 for each axis.
  Gives (output, row_pooling_sequence, col_pooling_sequence), the sequences being where regions begin."""
  return _fractional_pool("FractionalMaxPool", value, pooling_ratio, pseudo_random, overlapping, deterministic, seed,
                          seed2, name)


def fractional_avg_pool(value, pooling_ratio, pseudo_random=False, overlapping=False, deterministic=False, seed=0,
                        seed2=0, name=None):
  """fractional_max_pool with means in place of the largest values."""
  return _fractional_pool("FractionalAvgPool", value, pooling_ratio, pseudo_random, overlapping, deterministic, seed,
                          seed2, name)
