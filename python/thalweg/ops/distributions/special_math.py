"""The normal distribution's function, its logarithm and its inverse."""

import math

import numpy as np

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, math_ops


def ndtr(x, name="ndtr"):
  """The probability that a standard normal number is at most x."""
  with ops.name_scope(name, values=[x]):
    x = ops.convert_to_tensor(x, name="x")
    return 0.5 * math_ops.erfc(-x * math.sqrt(0.5))


def log_ndtr(x, series_order=3, name="log_ndtr"):
  """log(ndtr(x)), exact far below zero too, where ndtr(x) is 0: there by the first terms of the asymptotic series."""
  if not isinstance(series_order, int):
    raise TypeError("series_order must be a Python integer.")
  if not 0 <= series_order <= 30:
    raise ValueError("series_order must be in 0 to 30, but is %d" % series_order)
  with ops.name_scope(name, values=[x]):
    x = ops.convert_to_tensor(x, name="x")
    if x.dtype not in (dtypes.float32, dtypes.float64):
      raise TypeError("x.dtype=%s is not supported." % x.dtype)
    low, high = (-10., 5.) if x.dtype == dtypes.float32 else (-20., 8.)
    # Each branch sees only values that it is good for, so that gradients of the others are not NaN.
    below = math_ops.minimum(x, low)
    square = math_ops.square(below)
    series, term = array_ops.ones_like(below), array_ops.ones_like(below)
    for n in range(1, series_order + 1):
      term = term * (-(2. * n - 1.)) / square
      series += term
    far = -0.5 * square - math_ops.log(-below) - 0.5 * math.log(2. * math.pi) + math_ops.log(series)
    middle = math_ops.log(ndtr(math_ops.maximum(math_ops.minimum(x, high), low)))
    near_one = -ndtr(-math_ops.maximum(x, high))
    return array_ops.where_v2(x > high, near_one, array_ops.where_v2(x > low, middle, far))


# Rational approximation of relative error below 1.2e-9: P. J. Acklam, "An algorithm for computing the inverse normal
# cumulative distribution function", 2003.
_A = (-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
      -3.066479806614716e+01, 2.506628277459239e+00)
_B = (-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
      -1.328068155288572e+01, 1.)
_C = (-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
      4.374664141464968e+00, 2.938163982698783e+00)
_D = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1.)
_TAIL = 0.02425


def _polynomial(coefficients, x):
  total = coefficients[0]
  for c in coefficients[1:]:
    total = total * x + c
  return total


def ndtri(p, name="ndtri"):
  """The number that a standard normal one is at or below with probability p; infinite for 0 and 1."""
  with ops.name_scope(name, values=[p]):
    p = ops.convert_to_tensor(p, name="p")
    if p.dtype not in (dtypes.float32, dtypes.float64):
      raise TypeError("p.dtype=%s is not supported." % p.dtype)
    # By symmetry, from the smaller side.
    small = math_ops.minimum(p, 1. - p)
    inside = math_ops.maximum(small, _TAIL) - 0.5
    r = math_ops.square(inside)
    middle = inside * _polynomial(_A, r) / _polynomial(_B, r)
    tiny = np.finfo(p.dtype.as_numpy_dtype).tiny
    q = math_ops.sqrt(-2. * math_ops.log(math_ops.maximum(math_ops.minimum(small, _TAIL), tiny)))
    tail = _polynomial(_C, q) / _polynomial(_D, q)
    x = array_ops.where_v2(small < _TAIL, tail, middle)
    # One step of Halley's method makes it exact to the type's precision.
    error = (ndtr(x) - small) * math.sqrt(2. * math.pi) * math_ops.exp(0.5 * math_ops.square(x))
    x = x - error / (1. + 0.5 * x * error)
    x = array_ops.where_v2(p > 0.5, -x, x)
    infinity = array_ops.constant(np.inf, p.dtype)
    x = array_ops.where_v2(math_ops.equal(p, 0.), -infinity, array_ops.where_v2(math_ops.equal(p, 1.), infinity, x))
    return array_ops.where_v2(math_ops.logical_or(p < 0., p > 1.), array_ops.constant(np.nan, p.dtype), x)
