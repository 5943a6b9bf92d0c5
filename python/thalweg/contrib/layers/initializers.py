"""Initializers that keep the variance of activations."""

import math

from thalweg.framework import dtypes
from thalweg.ops import random_ops


def xavier_initializer(uniform=True, seed=None, dtype=dtypes.float32):
  """Variance 1 / mean(fan in, fan out) (Glorot and Bengio 2010)."""
  return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=dtypes.float32):
  """Variance factor / n, n being fan in, fan out or their mean (He et al. 2015 with the defaults)."""
  if not dtype.is_floating:
    raise TypeError("Cannot create initializer for non-floating point type.")
  if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
    raise TypeError("Unknown mode %s [FAN_IN, FAN_OUT, FAN_AVG]" % mode)

  def _initializer(shape, dtype=dtype, partition_info=None):
    if not dtype.is_floating:
      raise TypeError("Cannot create initializer for non-floating point type.")
    fan_in = fan_out = 1.0
    if shape:
      fan_in = float(shape[-2]) if len(shape) > 1 else float(shape[-1])
      fan_out = float(shape[-1])
    for dim in shape[:-2]:
      fan_in *= float(dim)
      fan_out *= float(dim)
    n = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2.0}[mode]
    if uniform:
      limit = math.sqrt(3.0 * factor / n)
      return random_ops.random_uniform(shape, -limit, limit, dtype, seed=seed)
    # 1.3 makes up for the tails that are cut.
    return random_ops.truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed=seed)

  return _initializer
