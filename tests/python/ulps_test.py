"""Errors of the transcendental micro-ops against mpmath, within the bounds that core/kernels/map/ulps.inc states."""

import math
import os
import re

import mpmath
import numpy as np
import pytest
import thalweg as tf

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "core", "kernels", "map", "ulps.inc")
BOUNDS = {
    name: {"float32": float(f32), "float64": float(f64)}
    for name, f32, f64 in re.findall(r"^TW_ULPS\((\w+), ([\d.]+), ([\d.]+)\)", open(TABLE).read(), re.M)}

mp = mpmath.mp.clone()
mp.prec = 160


def log_abs_gamma(x):
  return mp.loggamma(x).real if x > 0 else mp.log(abs(mp.gamma(x)))


def erfc(x):
  # Far out mpmath takes integers that are too long; what is left out there is less than the smallest number.
  return mp.erfc(x) if abs(x) < 40 else mp.mpf(0 if x > 0 else 2)


# The op, the exact function, where it is defined, and the least result that errors count against.
UNARY = {
    "sqrt": (tf.sqrt, mp.sqrt, (0, math.inf), 0),
    "rsqrt": (tf.math.rsqrt, lambda x: 1 / mp.sqrt(x), (0, math.inf), 0),
    "reciprocal": (tf.math.reciprocal, lambda x: 1 / x, (-math.inf, math.inf), 0),
    "exp": (tf.exp, mp.exp, (-math.inf, math.inf), 0),
    "expm1": (tf.math.expm1, mp.expm1, (-math.inf, math.inf), 0),
    "log": (tf.math.log, mp.log, (0, math.inf), 0),
    "log1p": (tf.math.log1p, mp.log1p, (-1, math.inf), 0),
    "sin": (tf.sin, mp.sin, (-math.inf, math.inf), 0),
    "cos": (tf.cos, mp.cos, (-math.inf, math.inf), 0),
    "tan": (tf.tan, mp.tan, (-math.inf, math.inf), 0),
    "asin": (tf.asin, mp.asin, (-1, 1), 0),
    "acos": (tf.acos, mp.acos, (-1, 1), 0),
    "atan": (tf.atan, mp.atan, (-math.inf, math.inf), 0),
    "sinh": (tf.sinh, mp.sinh, (-math.inf, math.inf), 0),
    "cosh": (tf.cosh, mp.cosh, (-math.inf, math.inf), 0),
    "tanh": (tf.tanh, mp.tanh, (-math.inf, math.inf), 0),
    "asinh": (tf.math.asinh, mp.asinh, (-math.inf, math.inf), 0),
    "acosh": (tf.math.acosh, mp.acosh, (1, math.inf), 0),
    "atanh": (tf.math.atanh, mp.atanh, (-1, 1), 0),
    "erf": (tf.math.erf, mp.erf, (-math.inf, math.inf), 0),
    "erfc": (tf.math.erfc, erfc, (-math.inf, math.inf), 0),
    "lgamma": (tf.math.lgamma, log_abs_gamma, (-150, math.inf), 1),
    "digamma": (tf.math.digamma, mp.digamma, (-150, math.inf), 1),
    "sigmoid": (tf.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), (-math.inf, math.inf), 0),
    "softplus": (tf.nn.softplus, lambda x: mp.log1p(mp.exp(x)), (-math.inf, math.inf), 0),
}
BINARY = {
    "pow": (tf.pow, mp.power),
    "atan2": (tf.atan2, mp.atan2),
    "xlogy": (tf.math.xlogy, lambda x, y: x * mp.log(y)),
}


def arguments(dtype, low, high):
  """Numbers of all sizes, those around whole numbers and around the ends of the domain among them."""
  info = np.finfo(dtype)
  rng = np.random.RandomState(7)
  sizes = rng.uniform(float(np.log2(info.tiny)) - info.nmant, info.maxexp, 150)
  near = np.concatenate([np.arange(-12., 13), [-100., 50., 88., 100., 709., 1000.]])
  steps = np.array([1 + info.eps, 1 - info.eps, 1 + 1e-4, 1 - 1e-4])
  x = np.concatenate([
      np.exp2(sizes) * rng.choice([-1, 1], sizes.size),
      rng.uniform(-1, 1, 100), rng.uniform(-10, 10, 150), rng.uniform(-110, 110, 100), rng.uniform(-760, 760, 50),
      near, np.outer(near, steps).ravel(),
      [info.tiny, info.tiny / 4, -info.tiny / 8, float(info.max), -float(info.max), float(info.eps)],
      np.arange(1, 30) * math.pi / 2]).astype(dtype)
  x = np.unique(x[np.isfinite(x)])
  return x[(x > low) & (x < high)] if low > -math.inf or high < math.inf else x


def ulps(got, want, dtype, least):
  """The distance of a result from the exact one in units in the last place of the exact one."""
  info = np.finfo(dtype)
  if not np.isfinite(got):
    # Right when what is exact is not clearly below the largest number.
    overflows = abs(want) >= mp.mpf(float(info.max)) * (1 - mp.mpf(float(info.eps)))
    return 0. if np.isinf(got) and overflows and (got > 0) == (want > 0) else math.inf
  size = max(abs(want), mp.mpf(least))
  exponent = int(mp.floor(mp.log(size, 2))) if size > 0 else info.minexp
  unit = mp.ldexp(mp.mpf(1), max(exponent, int(info.minexp)) - int(info.nmant))
  return float(abs(mp.mpf(float(got)) - want) / unit)


def worst(results, exact, dtype, least, where):
  error, at = 0., None
  for i, got in enumerate(results):
    want = exact(i)
    if isinstance(want, mp.mpc) or mp.isnan(want) or mp.isinf(want):
      continue
    e = ulps(got, want, dtype, least)
    if e > error or e != e:
      error, at = e, (where(i), got, mp.nstr(want, 20))
  return error, at


def run(op, *arrays):
  with tf.Graph().as_default(), tf.Session() as sess:
    feeds = [tf.placeholder(a.dtype, a.shape) for a in arrays]
    return sess.run(op(*feeds), dict(zip(feeds, arrays)))


def test_every_bound_is_tested():
  assert set(BOUNDS) == set(UNARY) | set(BINARY)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(UNARY))
def test_unary(name, dtype):
  op, exact, (low, high), least = UNARY[name]
  x = arguments(dtype, low, high)
  if name in ("lgamma", "digamma", "reciprocal"):  # poles
    x = x[x != 0] if name == "reciprocal" else x[(x > 0) | (x != np.floor(x))]
  error, at = worst(run(op, x), lambda i: exact(mp.mpf(float(x[i]))), dtype, least, lambda i: x[i])
  print("%s %s: %.2f" % (name, dtype, error), at)
  assert error <= BOUNDS[name][dtype], at


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary(name, dtype):
  op, exact = BINARY[name]
  x = arguments(dtype, -math.inf, math.inf)
  rng = np.random.RandomState(11)
  y = x[rng.permutation(x.size)]
  if name == "pow":
    x = np.abs(x)
    small = rng.rand(x.size) < .7  # mostly exponents that give numbers
    y = np.where(small, rng.uniform(-20, 20, x.size).astype(dtype), y)
    small = small & (rng.rand(x.size) < .3)
    y = np.where(small, np.round(y), y)
  if name == "xlogy":
    y = np.abs(y)
  kept = (x != 0) & (y != 0)
  x, y = x[kept], y[kept]
  with np.errstate(all="ignore"):
    # What overflows or vanishes by far would take mpmath long.
    sane = np.abs(y * np.log2(x)) < 2e3 if name == "pow" else np.ones(x.size, bool)
  x, y = x[sane], y[sane]
  error, at = worst(run(op, x, y), lambda i: exact(mp.mpf(float(x[i])), mp.mpf(float(y[i]))), dtype, 0,
                    lambda i: (x[i], y[i]))
  print("%s %s: %.2f" % (name, dtype, error), at)
  assert error <= BOUNDS[name][dtype], at
