"""Constants."""

import struct

import numpy as np

from thalweg import _tensors
from thalweg._c import StatusError, ffi, lib
from thalweg.framework import attr_pack, dtypes, tensor_shape
from thalweg.framework.stack import get_default_graph
from thalweg.framework.values import to_array

_FLOAT, _INT, _LONG, _DOUBLE = dtypes.float32, dtypes.int32, dtypes.int64, dtypes.float64
# (Python class, dtype) -> (dtype of the constant, format of its bytes), for values whose conversion cannot fail but by
# their size.
_SCALARS = {
    (float, None): (_FLOAT, "=f"), (float, _FLOAT): (_FLOAT, "=f"), (float, _DOUBLE): (_DOUBLE, "=d"),
    (int, None): (_INT, "=i"), (int, _INT): (_INT, "=i"), (int, _LONG): (_LONG, "=q"), (int, _FLOAT): (_FLOAT, "=f"),
    (int, _DOUBLE): (_DOUBLE, "=d"), (bool, None): (dtypes.bool, "=?"), (bool, dtypes.bool): (dtypes.bool, "=?"),
}
_MAX_LIST = 16      # longer ones take the general way
_MAX_INLINE = 4096  # bytes; larger values are handed over as tensors
_packed = {}        # what small constants were packed into
_type_attrs = {}


def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
  """A tensor with a value that never changes. `shape` repeats the last value as often as it takes."""
  if dtype is not None:
    dtype = dtypes.as_dtype(dtype)._base
  if shape is None:
    packed = _small(value, dtype)
    if packed is not None:
      return _add(packed, name)
  array, dtype = to_array(value, dtype, shape, verify_shape)
  return add_const(array, dtype, name)


constant_v1 = constant


def _small(value, dtype):
  """The packed attributes of a constant from a Python number or a short list of ints; None for any other."""
  kind = value.__class__
  is_list = kind is list or kind is tuple
  # Minus zero equals zero, but is not the same value.
  key = (kind, tuple(value) if is_list else str(value) if kind is float and value == 0.0 else value, dtype)
  try:
    found = _packed.get(key)
  except TypeError:
    return None
  if is_list:
    if not 0 < len(value) <= _MAX_LIST or not all([v.__class__ is int for v in value]):
      return None
    form = _SCALARS.get((int, dtype))
  else:
    form = _SCALARS.get((kind, dtype)) if found is None else None
  if found is not None or form is None:
    return found
  try:
    data = struct.pack("=%d%s" % (len(value), form[1][1]), *value) if is_list else struct.pack(form[1], value)
  except (OverflowError, struct.error):
    return None
  found = _type_attr(form[0]) + attr_pack.inline_tensor("value", form[0]._type_enum, (len(value),) if is_list else (),
                                                        data)
  if len(_packed) < 10000:
    _packed[key] = found
  return found


def filled(value, sizes, dtype, name):
  """A constant of the sizes with `value` everywhere; None when it takes the general way to make one."""
  form = _FORMS.get(dtype._type_enum)
  if form is None:
    return None
  count = 1
  for n in sizes:
    if n.__class__ is not int or n < 0:
      return None
    count *= n
  data = struct.pack(form, value)
  if count * len(data) > _MAX_INLINE:
    return None
  return _add(_type_attr(dtype) + attr_pack.inline_tensor("value", dtype._type_enum, sizes, data * count), name)


# How one element of each type is packed.
_FORMS = {1: "=f", 2: "=d", 3: "=i", 4: "=B", 5: "=h", 6: "=b", 9: "=q", 10: "=?", 17: "=H", 19: "=e", 22: "=I", 23: "=Q"}


def _type_attr(dtype):
  found = _type_attrs.get(dtype)
  if found is None:
    found = _type_attrs[dtype] = attr_pack.pack("dtype", "type", dtype)
  return found


def _add(packed, name):
  graph = get_default_graph()
  name = name or "Const"
  full = name[:-1] if name[-1] == "/" else graph.unique_name(name)
  try:
    return graph._add("Const", full, (), packed)._outputs[0]
  except StatusError as e:
    raise graph._creation_error(e, full) from None


def add_const(array, dtype, name):
  """A Const node holding the array."""
  if array.nbytes <= _MAX_INLINE and dtype._type_enum != 7:
    return _add(_type_attr(dtype) + attr_pack.inline_tensor("value", dtype._type_enum, array.shape, array.tobytes()),
                name)
  tensor = _tensors.from_numpy(array, dtype)
  try:
    return _add(_type_attr(dtype) + _VALUE_HEAD + struct.pack("=q", int(ffi.cast("intptr_t", tensor))), name)
  finally:
    lib.tw_tensor_release(tensor)


_VALUE_HEAD = attr_pack._frame("value", attr_pack.TENSOR, 1, b"\0" * 8)[:-8]


def is_constant(tensor_or_op):
  op = tensor_or_op.op if hasattr(tensor_or_op, "op") else tensor_or_op
  return op.type == "Const"
