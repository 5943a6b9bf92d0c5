"""Python values as numpy arrays of the type a constant or a TensorProto gets."""

import numbers

import numpy as np

from thalweg.framework import dtypes, tensor_shape


def _bad(value, dtype):
  raise TypeError("Expected %s, got %r of type '%s' instead." % (dtype.name, value, type(value).__name__))


def _is_int(v):
  return isinstance(v, (numbers.Integral, np.integer, tensor_shape.Dimension)) or (
      isinstance(v, np.ndarray) and v.ndim == 0 and v.dtype.kind in "iu")


def _is_real(v):
  return isinstance(v, (numbers.Real, np.floating, np.integer)) and not isinstance(v, np.bool_)


def _leaf_ok(v, dtype):
  number = dtype._type_enum
  if number == 7:
    return isinstance(v, (str, bytes))
  if number == 10:
    return isinstance(v, (bool, np.bool_))
  if dtype.is_complex:
    return isinstance(v, (numbers.Complex, np.number)) and not isinstance(v, np.bool_)
  if dtype.is_floating:
    return _is_real(v) or type(v).__name__ == "bfloat16"
  if dtype.is_quantized:
    return isinstance(v, (numbers.Integral, tuple))
  return _is_int(v)


def _check_leaves(value, dtype):
  if isinstance(value, (list, tuple)) and not (dtype.is_quantized and isinstance(value, tuple)):
    for v in value:
      _check_leaves(v, dtype)
  elif isinstance(value, np.ndarray):
    if value.dtype.kind == "O" or value.ndim == 0:
      for v in value.reshape(-1).tolist():
        _check_leaves(v, dtype)
    elif value.size and not _leaf_ok(value.reshape(-1)[0], dtype):
      _bad(value, dtype)
  elif value is None or hasattr(value, "_as_graph_element") or not _leaf_ok(value, dtype):
    if hasattr(value, "_as_graph_element"):
      raise TypeError("List of Tensors when single Tensor expected")
    _bad(value, dtype)


def _shape_of(value):
  shape = []
  while isinstance(value, (list, tuple)):
    shape.append(len(value))
    if not value:
      break
    value = value[0]
  return shape


def _ragged_part(value, shape):
  """The shape of the first part of nested lists that does not fit the shape of the firsts; None when all fit."""
  if isinstance(value, (list, tuple)):
    if not shape or len(value) != shape[0]:
      return [len(value)]
    for v in value:
      bad = _ragged_part(v, shape[1:])
      if bad is not None:
        return bad
  elif shape:
    return []
  return None


def numpy_from_python(value, dtype):
  """The array and DType of a Python or numpy value; with `dtype` None the type is deduced as TensorFlow does."""
  if isinstance(value, (np.ndarray, np.generic)):
    if dtype is not None and dtype.is_numpy_compatible:
      if dtype._type_enum == 7:
        if value.dtype.kind not in "OSU":
          _check_leaves(value.tolist(), dtype)
        return np.asarray(value), dtype
      array = np.asarray(value)
      target = dtype.as_numpy_dtype
      return (array if array.dtype == target else array.astype(target)), dtype
    array = np.asarray(value)
  else:
    if value is None:
      raise ValueError("None values not supported.")
    if dtype is not None:
      _check_leaves(value, dtype)
      if dtype._type_enum == 14:
        array = np.array(value, np.float32)
        return _to_bfloat16(array), dtype
    target = dtype.as_numpy_dtype if dtype is not None and dtype._type_enum != 7 else None
    if dtype is not None and dtype._type_enum == 7:
      target = np.object_
    try:
      array = np.array(_plain(value), target)
    except OverflowError:
      raise ValueError("%r does not fit %s" % (value, dtype.name if dtype else "any integer type")) from None
    except ValueError:
      array = None
    if array is None or (array.dtype == np.object_ and target is None) or (
        target is np.object_ and list(array.shape) != _shape_of(value)):
      shape = _shape_of(value)
      ragged = _ragged_part(value, shape)
      if ragged is not None:
        raise ValueError("Argument must be a dense tensor: %s - got shape %s, but wanted %s." % (value, ragged, shape))
      for v in _flatten(value):
        if v is None:
          raise TypeError("Failed to convert object of type %s to Tensor. Contents: %s. Consider casting elements to a "
                          "supported type." % (type(value), value))
      if array is None or array.dtype == np.object_ and target is None and not _all_strings(value):
        raise TypeError("Failed to convert object of type %s to Tensor. Contents: %s. Consider casting elements to a "
                        "supported type." % (type(value), value))
    if dtype is None:
      if array.dtype == np.float64:
        array = array.astype(np.float32)
      elif array.dtype == np.int64:
        small = array.astype(np.int32)
        if np.array_equal(small, array):
          array = small
      elif array.dtype.kind == "u" and array.dtype.itemsize == 8:
        array = array.astype(np.uint64)
  if dtype is None:
    dtype = dtypes.as_dtype(array.dtype) if array.dtype != np.object_ else dtypes.string
    if dtype._type_enum == 7:
      for v in array.reshape(-1):
        if not isinstance(v, (str, bytes)):
          raise TypeError("Failed to convert object of type %s to Tensor. Contents: %s. Consider casting elements to a "
                          "supported type." % (type(value), value))
  if dtype._type_enum == 7 and array.dtype.kind in "SU" and not isinstance(value, (np.ndarray, np.generic)):
    # numpy pads strings and drops trailing zero bytes; the program's own objects do not.
    array = np.array(value, dtype=object)
  return array, dtype


def _plain(value):
  if isinstance(value, tensor_shape.Dimension):
    return value.value
  if isinstance(value, (list, tuple)) and any(isinstance(v, (tensor_shape.Dimension, list, tuple)) for v in value):
    return [_plain(v) for v in value]
  return value


def _flatten(value):
  if isinstance(value, (list, tuple)):
    for v in value:
      yield from _flatten(v)
  else:
    yield value


def _all_strings(value):
  return all(isinstance(v, (str, bytes)) for v in _flatten(value))


def _to_bfloat16(array):
  target = dtypes.bfloat16.as_numpy_dtype
  if target is not np.uint16:
    return array.astype(target)
  bits = array.view(np.uint32)
  return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def to_array(value, dtype=None, shape=None, verify_shape=False):
  """As numpy_from_python, in `shape`, which repeats the last value where the value is too short."""
  if shape is None:
    kind = value.__class__
    if kind is float and (dtype is None or dtype is dtypes.float32):
      return np.array(value, np.float32), dtypes.float32
    if kind is int and -0x80000000 <= value <= 0x7fffffff:
      if dtype is None or dtype is dtypes.int32:
        return np.array(value, np.int32), dtypes.int32
      if dtype is dtypes.float32:
        return np.array(value, np.float32), dtypes.float32
    array, dtype = numpy_from_python(value, dtype)
    return array, dtype
  array, dtype = numpy_from_python(value, dtype)
  shape = [int(d) for d in (tensor_shape.as_shape(shape).as_list() if not isinstance(shape, np.ndarray) else shape)]
  size = int(np.prod(shape, dtype=np.int64))
  if verify_shape and list(array.shape) != shape:
    raise TypeError("Expected Tensor's shape: %s, got %s." % (tuple(shape), tuple(array.shape)))
  if array.size > size:
    raise ValueError("Too many elements provided. Needed at most %d, but received %d" % (size, array.size))
  if array.size == size:
    return array.reshape(shape), dtype
  if array.size == 0:
    raise ValueError("Cannot fill a tensor of shape %s from no values." % (tuple(shape),))
  flat = array.reshape(-1)
  filled = np.empty(size, array.dtype)
  filled[:flat.size] = flat
  filled[flat.size:] = flat[-1]
  return filled.reshape(shape), dtype
