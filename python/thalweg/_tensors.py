"""numpy arrays to tensors of the core and back."""

import numpy as np

from thalweg._c import NULL, check, ffi, lib
from thalweg.framework import dtypes

_NUMPY = {}
_OPAQUE = frozenset((20, 21))


def from_numpy(array, dtype):
  """A new tw_tensor* with the array's values (its dtype must be `dtype`'s already). The caller releases it.

  Always a copy: kernels read whole vectors past the end, which numpy's memory does not allow, and the program may
  change the array while a variable still holds the value.
  """
  dims = array.shape
  if dtype._type_enum == 7:
    return from_strings(array)
  size = array.nbytes
  out = ffi.new("tw_tensor**")
  if size < 512:
    status = lib.tw_tensor_copy_from(dtype._type_enum, dims, len(dims), array.tobytes(), size, out)
    if status != NULL:
      check(status)
    return out[0]
  if not array.flags.c_contiguous:
    array = np.ascontiguousarray(array)
  status = lib.tw_tensor_copy_from(dtype._type_enum, dims, len(dims),
                                   ffi.from_buffer("char[]", array.reshape(-1).view(np.uint8)) if size else NULL, size,
                                   out)
  check(status)
  return out[0]


def from_strings(array):
  """A string tensor from an array of str, bytes or objects."""
  flat = [as_bytes(v) for v in array.reshape(-1)]
  buffers = [ffi.from_buffer("char[]", v) if v else NULL for v in flat]
  strings = ffi.new("tw_str[]", len(flat))
  for i, v in enumerate(flat):
    strings[i].data = buffers[i]
    strings[i].size = len(v)
  out = ffi.new("tw_tensor**")
  check(lib.tw_tensor_from_strings(array.shape, len(array.shape), strings, len(flat), out))
  return out[0]


def as_bytes(v):
  if isinstance(v, bytes):
    return v
  if isinstance(v, str):
    return v.encode("utf-8")
  if isinstance(v, (np.str_, np.bytes_)):
    return as_bytes(v.item())
  raise TypeError("Expected binary or unicode string, got %r" % (v,))


def numpy_type(number):
  found = _NUMPY.get(number)
  if found is None:
    found = _NUMPY[number] = np.dtype(dtypes.as_dtype(number).as_numpy_dtype)
  return found


def shape_of(tensor):
  return tuple(ffi.unpack(lib.tw_tensor_dims(tensor), lib.tw_tensor_rank(tensor))) if lib.tw_tensor_rank(tensor) else ()


# Below this many bytes a copy costs less than keeping the tensor for the array's life.
_COPY_BELOW = 4096


def to_numpy(tensor):
  """The numpy array of a tw_tensor*, which this takes over. Scalars become numpy scalars (bytes for strings)."""
  return take(tensor, lib.tw_tensor_dtype(tensor), lib.tw_tensor_size(tensor), not lib.tw_tensor_exclusive(tensor),
              shape_of(tensor), lib.tw_tensor_data(tensor))


def take(tensor, number, size, shared, shape, data):
  """The same for a tensor of which this is known."""
  if number == 7:
    return _strings_to_numpy(tensor)
  if number in _OPAQUE:
    return OpaqueTensor(tensor)
  dtype = _NUMPY.get(number) or numpy_type(number)
  if size < _COPY_BELOW or shared:
    if not shape:
      value = np.frombuffer(ffi.buffer(data, size), dtype)[0]
      lib.tw_tensor_release(tensor)
      return value
    if size:
      array = np.frombuffer(bytearray(ffi.buffer(data, size)), dtype)
      if len(shape) > 1:
        array = array.reshape(shape)
    else:
      array = np.empty(shape, dtype)
    lib.tw_tensor_release(tensor)
    return array
  owner = ffi.gc(tensor, lib.tw_tensor_release, size)
  return np.frombuffer(_Owned(owner, size), dtype).reshape(shape)


def _Owned(owner, size):
  """A writable buffer over a tensor's memory that keeps the tensor alive."""
  data = ffi.gc(ffi.cast("char*", lib.tw_tensor_data(owner)), lambda _, keep=owner: None)
  return ffi.buffer(data, size)


def _strings_to_numpy(tensor):
  try:
    shape = shape_of(tensor)
    count = lib.tw_tensor_num_elements(tensor)
    s = ffi.new("tw_str*")
    values = []
    for i in range(count):
      check(lib.tw_tensor_string(tensor, i, s))
      values.append(ffi.unpack(s.data, s.size) if s.size else b"")
    if not shape:
      return values[0]
    array = np.empty(count, dtype=object)
    array[:] = values
    return array.reshape(shape)
  finally:
    lib.tw_tensor_release(tensor)


class OpaqueTensor:
  """A fetched handle or variant: good for nothing but being fed again."""

  def __init__(self, tensor):
    self.handle = ffi.gc(tensor, lib.tw_tensor_release)

  @property
  def dtype(self):
    return dtypes.as_dtype(lib.tw_tensor_dtype(self.handle))

  @property
  def shape(self):
    return shape_of(self.handle)
