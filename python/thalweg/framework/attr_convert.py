"""AttrValue messages, as programs pass them to Graph.create_op, to packed attributes."""

from thalweg import _tensors
from thalweg._c import check, ffi, lib
from thalweg.framework import attr_pack, dtypes, op_table, tensor_shape

_FIELDS = {"s": "string", "i": "int", "f": "float", "b": "bool", "type": "type", "shape": "shape", "tensor": "tensor"}


def pack_any(op_type, name, value):
  """Packs a Python value or an AttrValue as attribute `name` of an op."""
  row = None
  try:
    row = op_table.spec(op_type).attrs.get(name)
  except KeyError:
    pass
  if not hasattr(value, "WhichOneof"):
    kind = row.type if row is not None else _kind_of(value)
    return attr_pack.pack(name, kind, value)
  field = value.WhichOneof("value")
  if field == "list":
    kind = row.type if row is not None else None
    for key, base in _FIELDS.items():
      items = getattr(value.list, key)
      if len(items) or kind == "list(%s)" % base:
        return attr_pack.pack(name, "list(%s)" % base, [_element(base, v) for v in items])
    return attr_pack.pack(name, "list(int)", [])
  if field == "func":
    return attr_pack.pack(name, "func", value.func.name)
  if field is None:
    return b""
  base = _FIELDS[field]
  return attr_pack.pack(name, base, _element(base, getattr(value, field)))


def _element(base, v):
  if base == "type":
    return dtypes.as_dtype(v)
  if base == "shape":
    return tensor_shape.TensorShape(v)
  if base == "tensor":
    return tensor_from_proto(v)
  return v


def tensor_from_proto(proto):
  """A tw_tensor* that is released with the Python object."""
  data = proto.SerializeToString()
  out = ffi.new("tw_tensor**")
  check(lib.tw_tensor_from_proto(ffi.from_buffer("char[]", data), len(data), out))
  return ffi.gc(out[0], lib.tw_tensor_release)


def to_numpy(proto):
  data = proto.SerializeToString()
  out = ffi.new("tw_tensor**")
  check(lib.tw_tensor_from_proto(ffi.from_buffer("char[]", data), len(data), out))
  return _tensors.to_numpy(out[0])


def _kind_of(value):
  if isinstance(value, bool):
    return "bool"
  if isinstance(value, (str, bytes)):
    return "string"
  if isinstance(value, dtypes.DType):
    return "type"
  if isinstance(value, tensor_shape.TensorShape):
    return "shape"
  if isinstance(value, (list, tuple)):
    return "list(%s)" % (_kind_of(value[0]) if value else "int")
  return "float" if isinstance(value, float) else "int"
