"""Fourier transforms of the innermost dimensions, and moving frequency zero to the middle."""

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, data_flow_ops, math_ops
from thalweg.util.functions import named


def _complex(fn_name, op_type, dimensions, inverse):

  def fn(input, name=None):  # noqa: A002
    return _op(op_type, name, (input,))

  return named(fn, fn_name, "The %sFourier transform over the innermost %s." % (
      "inverse " if inverse else "", "dimension" if dimensions == 1 else "%d dimensions" % dimensions))


fft, ifft = _complex("fft", "FFT", 1, False), _complex("ifft", "IFFT", 1, True)
fft2d, ifft2d = _complex("fft2d", "FFT2D", 2, False), _complex("ifft2d", "IFFT2D", 2, True)
fft3d, ifft3d = _complex("fft3d", "FFT3D", 3, False), _complex("ifft3d", "IFFT3D", 3, True)


def _length(input_tensor, dimensions, inverse):
  """The lengths of the real signal, as its own shape or that of its transform tells."""
  sizes = input_tensor.shape[-dimensions:]
  if sizes.is_fully_defined():
    sizes = sizes.as_list()
    if inverse and sizes:
      sizes[-1] = max(0, 2 * (sizes[-1] - 1))
    return ops.convert_to_tensor(sizes, dtypes.int32)
  sizes = array_ops.shape(input_tensor)[-dimensions:]
  if not inverse:
    return sizes
  sizes = array_ops.unstack(sizes, dimensions)
  sizes[-1] = math_ops.maximum(0, 2 * (sizes[-1] - 1))
  return array_ops.stack(sizes)


def _padded(input_tensor, dimensions, length, inverse):
  """The input with zeros up to what the transform of this length reads."""
  shape = input_tensor.shape
  if shape.ndims is not None and 0 in shape.as_list():
    return input_tensor
  wanted = tensor_util.constant_value_as_shape(length)
  if wanted.is_fully_defined() and shape.ndims is not None and shape[-dimensions:].is_fully_defined():
    wanted, given = wanted.as_list(), shape[-dimensions:].as_list()
    if inverse:
      wanted[-1] = wanted[-1] // 2 + 1
    missing = [max(w - g, 0) for w, g in zip(wanted, given)]
    if not any(missing):
      return input_tensor
    return array_ops.pad(input_tensor, [[0, 0]] * (shape.ndims - dimensions) + [[0, m] for m in missing])
  rank = array_ops.rank(input_tensor)
  given = array_ops.shape(input_tensor)[-dimensions:]
  if inverse:
    length = array_ops.concat([length[:-1], length[-1:] // 2 + 1], 0)
  missing = array_ops.concat([array_ops.zeros([math_ops.maximum(0, rank - dimensions)], dtype=length.dtype),
                              math_ops.maximum(0, length - given)], 0)
  return array_ops.pad(input_tensor, array_ops.stack([array_ops.zeros_like(missing), missing], axis=1))


def _real(fn_name, op_type, dimensions, inverse):
  dtype = dtypes.complex64 if inverse else dtypes.float32

  def fn(input_tensor, fft_length=None, name=None):
    with ops.name_scope(name, fn_name, [input_tensor, fft_length]) as name:
      input_tensor = ops.convert_to_tensor(input_tensor, dtype)
      input_tensor.shape.with_rank_at_least(dimensions)
      if fft_length is None:
        fft_length = _length(input_tensor, dimensions, inverse)
      else:
        fft_length = ops.convert_to_tensor(fft_length, dtypes.int32)
      input_tensor = _padded(input_tensor, dimensions, fft_length, inverse)
      return _op(op_type, name, (input_tensor, fft_length))

  return named(fn, fn_name, (
      "The real signal of half a spectrum, as the transform without `i` gives it." if inverse else
      "The Fourier transform of a real signal: of the innermost dimension, the half that is not redundant."))


rfft, irfft = _real("rfft", "RFFT", 1, False), _real("irfft", "IRFFT", 1, True)
rfft2d, irfft2d = _real("rfft2d", "RFFT2D", 2, False), _real("irfft2d", "IRFFT2D", 2, True)
rfft3d, irfft3d = _real("rfft3d", "RFFT3D", 3, False), _real("irfft3d", "IRFFT3D", 3, True)


def _shifted(x, axes, sign, name):
  x = ops.convert_to_tensor(x)
  if axes is None:
    axes = tuple(range(x.shape.ndims))
  if isinstance(axes, int):
    shift = sign * (int(x.shape[axes]) // 2)
  else:
    shift = [sign * (int(x.shape[a]) // 2) for a in axes]
  return data_flow_ops.roll(x, shift, axes, name)


def fftshift(x, axes=None, name=None):
  """The elements moved so that frequency zero, the first, lies in the middle of each of the axes."""
  with ops.name_scope(name, "fftshift") as name:
    return _shifted(x, axes, 1, name)


def ifftshift(x, axes=None, name=None):
  """The way back from fftshift()."""
  with ops.name_scope(name, "ifftshift") as name:
    return _shifted(x, axes, -1, name)
