"""convert_to_tensor and the registry of what can be converted."""

import collections.abc

import numpy as np

from thalweg.framework import constant_op, dtypes, tensor_shape
from thalweg.framework.stack import get_default_graph
from thalweg.framework.tensor import IndexedSlices, Tensor

_registry = []       # (priority, types, function), in order
_by_type = {}        # type -> [functions], filled as types are met
_NUMBERS = frozenset((int, float, bool))


def register_tensor_conversion_function(base_type, conversion_func, priority=100):
  """`conversion_func(value, dtype, name, as_ref)` converts instances of base_type; it may return NotImplemented."""
  if not (isinstance(base_type, type) or
          (isinstance(base_type, tuple) and all(isinstance(x, type) for x in base_type))):
    raise TypeError("base_type must be a type or a tuple of types.")
  if not callable(conversion_func):
    raise TypeError("conversion_func must be callable.")
  _registry.append((priority, base_type, conversion_func))
  _registry.sort(key=lambda item: item[0])
  _by_type.clear()


def _functions_for(cls):
  found = _by_type.get(cls)
  if found is None:
    found = _by_type[cls] = [(t, f) for _, t, f in _registry if issubclass(cls, t)]
  return found


def convert_to_tensor(value, dtype=None, name=None, preferred_dtype=None, dtype_hint=None, as_ref=False):
  """`value` as a Tensor: tensors as they are, Python and numpy values as constants, objects by their registered
  function. `dtype` is required, `dtype_hint` only wished for."""
  kind = value.__class__
  if kind is Tensor:
    if dtype is not None and dtype is not value.dtype:
      _check_dtype(value, dtypes.as_dtype(dtype))
    return value
  if dtype is not None and dtype.__class__ is not dtypes.DType:
    dtype = dtypes.as_dtype(dtype)
  preferred_dtype = preferred_dtype if dtype_hint is None else dtype_hint
  if kind in _NUMBERS and (dtype is not None or preferred_dtype is None):
    return constant_op.constant(value, dtype, None, name or "Const")
  if preferred_dtype is not None:
    preferred_dtype = dtypes.as_dtype(preferred_dtype)
  for base_type, function in _functions_for(type(value)):
    ret = None
    if dtype is None and preferred_dtype is not None:
      try:
        ret = function(value, dtype=preferred_dtype, name=name, as_ref=as_ref)
      except (TypeError, ValueError):
        ret = NotImplemented
      if ret is not NotImplemented and ret.dtype.base_dtype != preferred_dtype.base_dtype:
        raise TypeError("convert_to_tensor did not convert to the preferred dtype: %s vs %s " % (
            ret.dtype.base_dtype, preferred_dtype.base_dtype))
      if ret is NotImplemented:
        ret = None
    if ret is None:
      ret = function(value, dtype=dtype, name=name, as_ref=as_ref)
    if ret is NotImplemented:
      continue
    if not isinstance(ret, Tensor):
      raise RuntimeError("Error converting %s: Conversion function %r for type %s returned non-Tensor: %r" % (
          name, function, base_type, ret))
    if dtype is not None and not dtype.is_compatible_with(ret.dtype):
      raise RuntimeError("Error converting %s: Conversion function %r for type %s returned incompatible dtype: "
                         "requested = %s, actual = %s" % (name, function, base_type, dtype.name, ret.dtype.name))
    return ret
  raise TypeError("Cannot convert %r with type %s to Tensor: no conversion function registered." % (
      value, type(value)))


internal_convert_to_tensor = convert_to_tensor


def convert_to_tensor_v1(value, dtype=None, name=None, preferred_dtype=None, dtype_hint=None):
  """tf.convert_to_tensor: convert_to_tensor as programs may call it, without references."""
  return convert_to_tensor(value, dtype, name, preferred_dtype, dtype_hint)


def _check_dtype(tensor, dtype):
  if dtype is not tensor.dtype and not dtype.is_compatible_with(tensor.dtype):
    raise ValueError("Tensor conversion requested dtype %s for Tensor with dtype %s: %r" % (
        dtype.name, tensor.dtype.name, str(tensor)))


def convert_n_to_tensor(values, dtype=None, name=None, as_ref=False, preferred_dtype=None):
  if not isinstance(values, collections.abc.Sequence):
    raise TypeError("values must be a sequence.")
  return [convert_to_tensor(v, dtype=dtype, name=None if name is None else "%s_%d" % (name, i), as_ref=as_ref,
                            preferred_dtype=preferred_dtype) for i, v in enumerate(values)]


internal_convert_n_to_tensor = convert_n_to_tensor


def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None, as_ref=False):
  if isinstance(value, IndexedSlices):
    if dtype and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
      raise ValueError("Tensor conversion requested dtype %s for Tensor with dtype %s: %r" % (
          dtypes.as_dtype(dtype).name, value.dtype.name, str(value)))
    return value
  return convert_to_tensor(value, dtype=dtype, name=name, as_ref=as_ref)


def convert_to_tensor_or_indexed_slices_v1(value, dtype=None, name=None):
  """The value as a Tensor; IndexedSlices stay what they are."""
  return convert_to_tensor_or_indexed_slices(value, dtype, name)


internal_convert_to_tensor_or_indexed_slices = convert_to_tensor_or_indexed_slices


def convert_n_to_tensor_or_indexed_slices(values, dtype=None, name=None):
  if not isinstance(values, collections.abc.Sequence):
    raise TypeError("values must be a sequence.")
  return [v if v is None else convert_to_tensor_or_indexed_slices(
      v, dtype=dtype, name=None if name is None else "%s_%d" % (name, i)) for i, v in enumerate(values)]


def convert_to_tensor_or_sparse_tensor(value, dtype=None, name=None):
  """The value as a Tensor; a SparseTensor stays what it is, and a SparseTensorValue becomes one."""
  from thalweg.framework.sparse_tensor import SparseTensor, SparseTensorValue
  if isinstance(value, SparseTensorValue):
    value = SparseTensor.from_value(value)
  if isinstance(value, SparseTensor):
    if dtype and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
      raise RuntimeError("Sparse dtype: requested = %s, actual = %s" % (
          dtypes.as_dtype(dtype).name, value.dtype.name))
    return value
  return convert_to_tensor(value, dtype=dtype, name=name)


# --- the conversions that are always there ---

def _tensor_itself(value, dtype=None, name=None, as_ref=False):
  if dtype is not None:
    _check_dtype(value, dtype)
  return value


def _constant(value, dtype=None, name=None, as_ref=False):
  return constant_op.constant(value, dtype=dtype, name=name or "Const")


def _shape(value, dtype=None, name=None, as_ref=False):
  if not value.is_fully_defined():
    raise ValueError("Cannot convert a partially known TensorShape to a Tensor: %s" % value)
  sizes = value.as_list()
  if dtype is not None:
    if dtype not in (dtypes.int32, dtypes.int64):
      raise TypeError("Cannot convert a TensorShape to dtype: %s" % dtype.name)
  else:
    dtype = dtypes.int64 if any(s > 0x7fffffff for s in sizes) else dtypes.int32
  return _constant(np.array(sizes, dtype.as_numpy_dtype), dtype, name or "shape_as_tensor")


def _dimension(value, dtype=None, name=None, as_ref=False):
  if value.value is None:
    raise ValueError("Cannot convert an unknown Dimension to a Tensor: %s" % value)
  if dtype is not None and dtype not in (dtypes.int32, dtypes.int64):
    raise TypeError("Cannot convert a TensorShape to dtype: %s" % dtype)
  return _constant(value.value, dtype or dtypes.int32, name or "shape_as_tensor")


def _has_tensor(value):
  for v in value:
    if v.__class__ in _NUMBERS:
      continue
    if isinstance(v, Tensor) or hasattr(v, "_as_graph_element") and hasattr(v, "dtype"):
      return True
    if isinstance(v, (list, tuple)) and _has_tensor(v):
      return True
  return False


def _list(value, dtype=None, name=None, as_ref=False):
  """Lists with tensors in them are packed into one tensor."""
  if as_ref or not _has_tensor(value):
    return NotImplemented
  from thalweg.ops import array_ops
  return array_ops._autopack(value, dtype, name or "packed")


def _dtype(value, dtype=None, name=None, as_ref=False):
  return NotImplemented


def _indexed_slices(value, dtype=None, name=None, as_ref=False):
  if dtype and not dtype.is_compatible_with(value.dtype):
    raise ValueError("Tensor conversion requested dtype %s for IndexedSlices with dtype %s" % (
        dtype.name, value.dtype.name))
  if value.dense_shape is None:
    raise ValueError("Tensor conversion requested for IndexedSlices without dense_shape: %s" % str(value))
  from thalweg.ops import math_ops
  return math_ops.unsorted_segment_sum(value.values, value.indices, value.dense_shape[0], name=name)


register_tensor_conversion_function(Tensor, _tensor_itself, 0)
register_tensor_conversion_function((list, tuple), _list, 99)
register_tensor_conversion_function(tensor_shape.TensorShape, _shape, 100)
register_tensor_conversion_function(tensor_shape.Dimension, _dimension, 100)
register_tensor_conversion_function(IndexedSlices, _indexed_slices, 100)
register_tensor_conversion_function(object, _constant, 200)


def is_dense_tensor_like(t):
  return isinstance(t, Tensor) or hasattr(t, "_dense_var_to_tensor") or hasattr(t, "_AsTensor")
