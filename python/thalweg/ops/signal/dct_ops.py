"""Discrete cosine transforms, by real Fourier transforms of twice the length."""

import math

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, math_ops
from thalweg.ops.signal import fft_ops


def _check(dct_type, n, axis, norm, size):
  if axis != -1:
    raise NotImplementedError("axis must be -1. Got: %s" % axis)
  if n is not None and n < 1:
    raise ValueError("n should be a positive integer or None")
  if dct_type not in (1, 2, 3):
    raise ValueError("Only Types I, II and III (I)DCT are supported.")
  if dct_type == 1:
    if norm == "ortho":
      raise ValueError("Normalization is not supported for the Type-I DCT.")
    if size is not None and size < 2:
      raise ValueError("Type-I DCT requires the dimension to be greater than one.")
  if norm not in (None, "ortho"):
    raise ValueError("Unknown normalization. Expected None or 'ortho', got: %s" % norm)


def _turns(count, sign):
  """2 exp(sign i pi k / (2 count)) for k below `count`."""
  angles = math_ops.range(math_ops.cast(count, dtypes.float32)) * (sign * math.pi * 0.5) / math_ops.cast(
      count, dtypes.float32)
  return 2.0 * math_ops.exp(math_ops.complex(array_ops.zeros_like(angles), angles))


def _weights(count, first, others):
  return array_ops.concat([array_ops.reshape(first, [1]), array_ops.fill(array_ops.reshape(count - 1, [1]), others)], 0)


def dct(input, type=2, n=None, axis=-1, norm=None, name=None):  # noqa: A002
  """The cosine transform of type I, II or III of the innermost dimension.

  Args:
    input: float32 [..., samples].
    type: 1, 2 or 3.
    n: how many samples to take; the input is cut or filled up with zeros.
    axis: -1.
    norm: "ortho" for the orthonormal transform, else None.
  """
  _check(type, n, axis, norm, tensor_shape.dimension_value(ops.convert_to_tensor(input).shape[-1]))
  with ops.name_scope(name, "dct", [input]):
    input = ops.convert_to_tensor(input, dtype=dtypes.float32)  # noqa: A001
    if n is not None:
      given = array_ops.shape(input)[-1]
      rank = input.shape.ndims
      missing = math_ops.maximum(0, n - given)
      before = [[0, 0]] * (rank - 1)
      input = array_ops.pad(input[..., :n], before + [[0, missing]])  # noqa: A001
      input.set_shape(input.shape[:-1].concatenate([n]))
    known = tensor_shape.dimension_value(input.shape[-1])
    count = array_ops.shape(input)[-1] if known is None else ops.convert_to_tensor(known)
    size = math_ops.cast(count, dtypes.float32)
    if type == 1:
      return math_ops.real(fft_ops.rfft(array_ops.concat([input, input[..., -2:0:-1]], axis=-1)))
    if type == 2:
      spectrum = fft_ops.rfft(input, fft_length=[2 * count])[..., :count]
      result = math_ops.real(spectrum * _turns(count, -1.0))
      if norm == "ortho":
        first = 0.5 * math_ops.rsqrt(size)
        result *= _weights(count, first, first * math.sqrt(2.0))
      return result
    if norm == "ortho":
      first = math_ops.sqrt(size)
      input *= _weights(count, first, first * math.sqrt(0.5))  # noqa: A001
    else:
      input *= size  # noqa: A001
    spectrum = _turns(count, 1.0) * math_ops.complex(input, array_ops.zeros_like(input))
    return math_ops.real(fft_ops.irfft(spectrum, fft_length=[2 * count]))[..., :count]


def idct(input, type=2, n=None, axis=-1, norm=None, name=None):  # noqa: A002
  """The inverse of dct() but for a factor: with norm None, 1 / (2 samples), or 1 / (2 (samples - 1)) for type I."""
  return dct(input, type={1: 1, 2: 3, 3: 2}.get(type, type), n=n, axis=axis, norm=norm, name=name)
