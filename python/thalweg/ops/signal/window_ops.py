"""Windows: weights of the samples of a frame."""

import math

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.ops import array_ops, cond, math_ops


def _raised_cosine(name, default_name, window_length, periodic, dtype, a, b):
  """[window_length]: a - b cos(2 pi k / n), where n is the length for a periodic window of even length, else one less."""
  if not dtypes.as_dtype(dtype).is_floating:
    raise ValueError("dtype must be a floating point type, not %s" % dtypes.as_dtype(dtype).name)
  with ops.name_scope(name, default_name, [window_length, periodic]):
    window_length = ops.convert_to_tensor(window_length, dtype=dtypes.int32, name="window_length")
    window_length.shape.assert_has_rank(0)
    known = tensor_util.constant_value(window_length)
    if known == 1:
      return array_ops.ones([1], dtype=dtype)
    periodic = math_ops.cast(ops.convert_to_tensor(periodic, dtype=dtypes.bool, name="periodic"), dtypes.int32)
    periodic.shape.assert_has_rank(0)
    even = 1 - math_ops.mod(window_length, 2)

    def window():
      n = math_ops.cast(window_length + periodic * even - 1, dtype=dtype)
      k = math_ops.cast(math_ops.range(window_length), dtype)
      angle = array_ops.constant(2 * math.pi, dtype=dtype) * k / n
      return math_ops.cast(a - b * math_ops.cos(angle), dtype=dtype)

    if known is not None:
      return window()
    return cond.cond(math_ops.equal(window_length, 1), lambda: array_ops.ones([window_length], dtype=dtype), window)


def hann_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
  """The Hann window."""
  return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
  """The Hamming window."""
  return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)
