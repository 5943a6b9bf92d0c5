"""Attribute values on their way to the core: checked against the op's row and packed into bytes for the native call."""

import struct

from thalweg._c import ffi
from thalweg.framework import dtypes, tensor_shape

STRING, INT, FLOAT, BOOL, TYPE, SHAPE, TENSOR, FUNC, PLACEHOLDER, LIST = 1, 2, 3, 4, 5, 6, 7, 8, 9, 16
_PADDING = [b"", b"\0" * 7, b"\0" * 6, b"\0" * 5, b"\0" * 4, b"\0" * 3, b"\0" * 2, b"\0"]
_names = {}


def _pad(data):
  return data + _PADDING[len(data) & 7]


def _frame(name, kind, count, payload):
  encoded = _names.get(name)
  if encoded is None:
    raw = name.encode()
    encoded = _names[name] = (len(raw), _pad(raw))
  return struct.pack("=4I", encoded[0], kind, count, len(payload)) + encoded[1] + _pad(payload)


def _strings(values):
  return b"".join(struct.pack("=Q", len(v)) + _pad(v) for v in values)


def _shape_bytes(shape):
  if shape.dims is None:
    return struct.pack("=q", -1)
  dims = [-1 if d.value is None else d.value for d in shape.dims]
  return struct.pack("=%dq" % (len(dims) + 1), len(dims), *dims)


def make_int(v, name):
  if isinstance(v, str):
    raise TypeError("Expected int for argument '%s' not %s." % (name, repr(v)))
  try:
    return int(v)
  except (ValueError, TypeError):
    raise TypeError("Expected int for argument '%s' not %s." % (name, repr(v))) from None


def make_float(v, name):
  if not isinstance(v, (int, float)) and not hasattr(v, "__float__"):
    raise TypeError("Expected float for argument '%s' not %s." % (name, repr(v)))
  return float(v)


def make_bool(v, name):
  if not isinstance(v, bool):
    import numpy as np
    if not isinstance(v, np.bool_):
      raise TypeError("Expected bool for argument '%s' not %s." % (name, repr(v)))
  return bool(v)


def make_bytes(v, name):
  if isinstance(v, str):
    return v.encode("utf-8")
  if isinstance(v, (bytes, bytearray)):
    return bytes(v)
  raise TypeError("Expected string for argument '%s' not %s." % (name, repr(v)))


def make_type(v, name):
  try:
    v = dtypes.as_dtype(v).base_dtype
  except TypeError:
    raise TypeError("Expected DataType for argument '%s' not %s." % (name, repr(v))) from None
  return v


def make_shape(v, name):
  if hasattr(v, "dim") and hasattr(v, "unknown_rank"):
    for d in v.dim:
      if d.name:
        break
    return tensor_shape.TensorShape(v)
  try:
    if isinstance(v, (list, tuple)):
      v = [None if d == -1 and not isinstance(d, tensor_shape.Dimension) else d for d in v]
    return tensor_shape.as_shape(v)
  except TypeError as e:
    raise TypeError("Error converting %s to a TensorShape: %s" % (name, e)) from None
  except ValueError as e:
    raise ValueError("Error converting %s to a TensorShape: %s" % (name, e)) from None


def _func_name(v, name):
  if isinstance(v, str):
    return v.encode()
  if hasattr(v, "add_to_graph"):
    from thalweg.framework.stack import get_default_graph
    v.add_to_graph(get_default_graph())
  return make_bytes(v.name, name)


_int_cache = {}


def pack(name, kind, value):
  """`value` packed as attribute `name` of the declared type `kind` ("int", "list(type)"...)."""
  if kind == "type":
    return _frame(name, TYPE, 1, struct.pack("=i", make_type(value, name)._type_enum))
  if kind == "bool":
    return _frame(name, BOOL, 1, b"\1" if make_bool(value, name) else b"\0")
  if kind == "int":
    return _frame(name, INT, 1, struct.pack("=q", make_int(value, name)))
  if kind == "float":
    return _frame(name, FLOAT, 1, struct.pack("=f", make_float(value, name)))
  if kind == "string":
    return _frame(name, STRING, 1, _strings([make_bytes(value, name)]))
  if kind == "shape":
    return _frame(name, SHAPE, 1, _shape_bytes(make_shape(value, name)))
  if kind == "tensor":
    return _frame(name, TENSOR, 1, struct.pack("=q", _tensor_address(value)))
  if kind == "func":
    return _frame(name, FUNC, 1, _strings([_func_name(value, name)]))
  if kind.startswith("list("):
    if not isinstance(value, (list, tuple)) and not hasattr(value, "__iter__"):
      raise TypeError("Expected list for attr " + name)
    return _pack_list(name, kind[5:-1], list(value))
  raise TypeError("Unrecognized Attr type %s for %s" % (kind, name))


def _pack_list(name, kind, values):
  n = len(values)
  if kind == "int":
    return _frame(name, LIST | INT, n, struct.pack("=%dq" % n, *[make_int(v, name) for v in values]))
  if kind == "type":
    return _frame(name, LIST | TYPE, n, struct.pack("=%di" % n, *[make_type(v, name)._type_enum for v in values]))
  if kind == "string":
    return _frame(name, LIST | STRING, n, _strings([make_bytes(v, name) for v in values]))
  if kind == "float":
    return _frame(name, LIST | FLOAT, n, struct.pack("=%df" % n, *[make_float(v, name) for v in values]))
  if kind == "bool":
    return _frame(name, LIST | BOOL, n, bytes([make_bool(v, name) for v in values]))
  if kind == "shape":
    return _frame(name, LIST | SHAPE, n, b"".join(_shape_bytes(make_shape(v, name)) for v in values))
  if kind == "func":
    return _frame(name, LIST | FUNC, n, _strings([_func_name(v, name) for v in values]))
  if kind == "tensor":
    return _frame(name, LIST | TENSOR, n, struct.pack("=%dq" % n, *[_tensor_address(v) for v in values]))
  raise TypeError("Unrecognized Attr type list(%s) for %s" % (kind, name))


def _tensor_address(handle):
  """Of a tw_tensor*, which the caller keeps alive."""
  return int(ffi.cast("intptr_t", handle))
