"""TensorProtos, and values that can be told without a session."""

import numpy as np

from thalweg import _protos, _tensors
from thalweg._c import NULL, check, ffi, lib
from thalweg.framework import dtypes, tensor_shape
from thalweg.framework.tensor import Tensor
from thalweg.framework.values import to_array


def make_tensor_proto(values, dtype=None, shape=None, verify_shape=False, allow_broadcast=False):
  """A TensorProto holding Python or numpy values. `shape` repeats the last value as often as it takes; with
  allow_broadcast only a single value is repeated."""
  proto_class = _protos.message("TensorProto")
  if isinstance(values, proto_class):
    return values
  if dtype is not None:
    dtype = dtypes.as_dtype(dtype)
  if allow_broadcast:
    if verify_shape:
      raise ValueError("allow_broadcast and verify_shape are not both allowed.")
    if shape is not None:
      size, count = int(np.prod(tensor_shape.as_shape(shape).as_list())), np.size(values)
      if np.shape(values) not in ((), (1,)) and count != size:
        raise TypeError("Expected Tensor's shape: %s, got %s." % (tuple(shape), np.shape(values)))
  array, dtype = to_array(values, dtype, shape, verify_shape)
  proto = proto_class(dtype=dtype.as_datatype_enum, tensor_shape=tensor_shape.TensorShape(array.shape).as_proto())
  if dtype != dtypes.string and not (array.size <= 1 and dtype._type_enum in _FIELDS):
    proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto
  if dtype == dtypes.string:
    proto.string_val.extend(_tensors.as_bytes(v) for v in array.reshape(-1))
    return proto
  field, convert = _FIELDS[dtype._type_enum]
  getattr(proto, field).extend(convert(array.reshape(-1)))
  return proto


def _complex_parts(flat):
  return [float(p) for v in flat for p in (v.real, v.imag)]


_FIELDS = {
    1: ("float_val", lambda f: [float(v) for v in f]), 2: ("double_val", lambda f: [float(v) for v in f]),
    19: ("half_val", lambda f: [int(v) for v in f.view(np.uint16)]),
    8: ("scomplex_val", _complex_parts), 18: ("dcomplex_val", _complex_parts),
    9: ("int64_val", lambda f: [int(v) for v in f]), 10: ("bool_val", lambda f: [bool(v) for v in f]),
    22: ("uint32_val", lambda f: [int(v) for v in f]), 23: ("uint64_val", lambda f: [int(v) for v in f]),
}
for _n in (3, 4, 5, 6, 17):
  _FIELDS[_n] = ("int_val", lambda f: [int(v) for v in f])


def make_ndarray(tensor):
  """The numpy array in a TensorProto."""
  data = tensor.SerializeToString()
  out = ffi.new("tw_tensor**")
  try:
    check(lib.tw_tensor_from_proto(ffi.from_buffer("char[]", data), len(data), out))
  except Exception as e:
    raise TypeError("Unsupported tensor: %s" % e) from None
  return np.asarray(_tensors.to_numpy(out[0]), dtype=object if tensor.dtype == 7 else None)


MakeNdarray = make_ndarray


def shape_tensor(shape):
  """A shape, or a list of numbers, Dimensions and tensors, as a vector of int32, or int64 where it has such numbers."""
  from thalweg.framework.conversion import convert_to_tensor
  dtype = None
  if isinstance(shape, (tuple, list)):
    shape = [d.value if isinstance(d, tensor_shape.Dimension) else d for d in shape]
    dtype = None if shape else dtypes.int32
  return convert_to_tensor(shape, dtype=dtype, name="shape")


def constant_value(tensor, partial=False):
  """The numpy value of a tensor, when it does not depend on a run; else None."""
  if not isinstance(tensor, Tensor):
    return None if hasattr(tensor, "_as_graph_element") or tensor is None else np.asarray(tensor)
  out = ffi.new("tw_tensor**")
  status = lib.tw_graph_constant(tensor.graph._handle, tensor._c_output(), out)
  if status != NULL:
    lib.tw_status_release(status)
    return None
  if out[0] == NULL:
    return None
  value = _tensors.to_numpy(out[0])
  # As TensorFlow: a value that the graph was built upon must not be fed differently.
  tensor.graph.prevent_feeding(tensor)
  return np.asarray(value, dtype=object) if tensor.dtype == dtypes.string else np.asarray(value)


def constant_value_as_shape(tensor):
  """As constant_value, for a tensor that spells a shape; dimensions that are not known are None."""
  shape = tensor.shape.with_rank(1)
  value = constant_value(tensor)
  if value is not None:
    return tensor_shape.TensorShape([d if d >= 0 else None for d in (int(v) for v in value)])
  op = tensor.op
  if op.type == "Shape":
    return op.inputs[0].shape
  if op.type == "Pack":
    dims = []
    for part in op.inputs:
      v = constant_value(part)
      dims.append(None if v is None or v < 0 else int(v))
    return tensor_shape.TensorShape(dims)
  if op.type == "ConcatV2":
    total = tensor_shape.TensorShape([])
    for part in op.inputs[:-1]:
      total = total.concatenate(constant_value_as_shape(part))
    return total
  return tensor_shape.unknown_shape(shape.dims[0].value)


def is_tensor(x):
  """Whether the object is a Tensor, SparseTensor, IndexedSlices or variable."""
  from thalweg.framework import sparse_tensor
  from thalweg.framework.tensor import IndexedSlices
  return isinstance(x, (Tensor, sparse_tensor.SparseTensor, IndexedSlices)) or hasattr(x, "_as_graph_element") and (
      hasattr(x, "dtype"))


