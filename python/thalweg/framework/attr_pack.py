"""Attribute values on their way to the core: checked against the op's row and packed into bytes for the native call.

The bytes of whole sets of attributes are kept per op, so that a call with the same ones costs a dictionary lookup.
"""

import struct

from thalweg._c import ffi
from thalweg.framework import dtypes, tensor_shape

STRING, INT, FLOAT, BOOL, TYPE, SHAPE, TENSOR, FUNC, PLACEHOLDER, LIST = 1, 2, 3, 4, 5, 6, 7, 8, 9, 16
INLINE = 64  # a tensor whose value is in the payload (native_glue.c)
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


def _tensor_address(handle, name):
  """Of a tw_tensor*, which the caller keeps alive."""
  return int(ffi.cast("intptr_t", handle))


# declared type: (kind, how a value is checked, how the checked values are packed)
_KINDS = {
    "type": (TYPE, make_type, lambda vs: struct.pack("=%di" % len(vs), *[v._type_enum for v in vs])),
    "bool": (BOOL, make_bool, bytes),
    "int": (INT, make_int, lambda vs: struct.pack("=%dq" % len(vs), *vs)),
    "float": (FLOAT, make_float, lambda vs: struct.pack("=%df" % len(vs), *vs)),
    "string": (STRING, make_bytes, _strings),
    "shape": (SHAPE, make_shape, lambda vs: b"".join([_shape_bytes(v) for v in vs])),
    "tensor": (TENSOR, _tensor_address, lambda vs: struct.pack("=%dq" % len(vs), *vs)),
    "func": (FUNC, _func_name, _strings),
}


def pack(name, kind, value):
  """`value` packed as attribute `name` of the declared type `kind` ("int", "list(type)"...)."""
  found = _KINDS.get(kind)
  if found is not None:
    number, make, join = found
    return _frame(name, number, 1, join((make(value, name),)))
  if not kind.startswith("list("):
    raise TypeError("Unrecognized Attr type %s for %s" % (kind, name))
  if not isinstance(value, (list, tuple)) and not hasattr(value, "__iter__"):
    raise TypeError("Expected list for attr " + name)
  number, make, join = _KINDS[kind[5:-1]]
  values = [make(v, name) for v in value]
  return _frame(name, LIST | number, len(values), join(values))


_groups = {}


def pack_groups(groups):
  """The _class attribute of a node in these colocation groups, which are bytes."""
  key = tuple(groups)
  found = _groups.get(key)
  if found is None:
    # The nodes of a variable ask for the same group in a row; older ones are seldom seen again.
    if len(_groups) > 1000:
      _groups.clear()
    found = _groups[key] = pack("_class", "list(string)", groups)
  return found


def inline_tensor(name, type_enum, dims, data):
  """A tensor attribute with its value: `data` are the elements' bytes, row by row."""
  return _frame(name, TENSOR | INLINE, 1, struct.pack("=2i%dq" % len(dims), type_enum, len(dims), *dims) + data)


# Classes whose equal values pack to equal bytes, given that the class is part of the key. Zero has two floats.
_KEPT = frozenset((bool, int, str, bytes, dtypes.DType, type(None)))
_MAX_KEPT = 512  # per op


def pack_all(spec, attrs):
  """The attributes of an op, packed; values that are None are left to the row's defaults."""
  values = tuple([tuple(v) if v.__class__ is list else v for v in attrs.values()])
  try:
    key = (tuple(attrs), values, tuple(map(type, values)))
    return spec.packed[key]
  except (KeyError, TypeError):
    # TypeError: a value without a hash.
    pass
  packed = b"".join([pack(k, _declared(spec, k, v), v) for k, v in attrs.items() if v is not None])
  if all(_can_keep(v) for v in values) and len(spec.packed) < _MAX_KEPT:
    spec.packed[key] = packed
  return packed


def _can_keep(value):
  kind = value.__class__
  if kind is float:
    return value != 0.0
  if kind is tuple:
    return all(v.__class__ is int or v is None or v.__class__ is dtypes.DType for v in value)
  return kind in _KEPT


def _declared(spec, name, value):
  """The type of an attribute in the op's row; private ones ("_class") have the type of their value."""
  row = spec.attrs.get(name)
  if row is not None:
    return row.type
  if not name.startswith("_"):
    raise TypeError("%s got unexpected keyword arguments: %s" % (spec.name, name))
  return "string" if isinstance(value, (str, bytes)) else "bool" if isinstance(value, bool) else "int"
