"""What can be fed, and how values become tensors."""

import struct

import numpy as np

from thalweg import _tensors
from thalweg._c import ffi, lib
from thalweg.client import fetches as fetch_lib
from thalweg.framework.tensor import Tensor


def feed_targets(graph, feed, value):
  """The (tensor, value) pairs that one entry of a feed dict stands for."""
  for tensor_type, _, expand, _ in fetch_lib.registry:
    if isinstance(feed, tensor_type):
      pairs = expand(feed, value)
      break
  for subfeed, subvalue in pairs:
    try:
      tensor = graph.as_graph_element(subfeed, allow_tensor=True, allow_operation=False)
    except Exception as e:
      raise TypeError("Cannot interpret feed_dict key as Tensor: " + e.args[0]) from None
    yield tensor, subvalue


_SMALL = 4096      # bytes; of larger values the address is packed
_FAR = 256         # added to the rank of those
_ADDRESS = struct.Struct("=q")
_MAX_RANK = 12
_PADDING = [b"", b"\0" * 7, b"\0" * 6, b"\0" * 5, b"\0" * 4, b"\0" * 3, b"\0" * 2, b"\0"]


# (Python class, dtype) -> how such a number is packed.
_NUMBERS = {(float, 1): "=f", (float, 2): "=d", (int, 1): "=f", (int, 2): "=d", (int, 3): "=i", (int, 9): "=q",
            (bool, 10): "=?"}


def _address_of(array):
  return _ADDRESS.pack(int(ffi.cast("intptr_t", ffi.from_buffer(array))))


class Feeder:
  """Packs values fed to one placeholder for twpy_run, with TensorFlow's complaints about dtypes and shapes."""

  __slots__ = ("tensor", "numpy_type", "scalar", "number", "dims", "dtype", "heads")

  def __init__(self, graph, tensor):
    if not graph.is_feedable(tensor):
      raise ValueError("Tensor %s may not be fed." % tensor)
    self.tensor = tensor
    self.dtype = tensor.dtype.base_dtype
    self.number = self.dtype._type_enum
    self.numpy_type = (np.dtype(self.dtype.as_numpy_dtype)
                       if self.dtype.is_numpy_compatible and self.number != 7 else None)
    self.scalar = None if self.numpy_type is None else self.numpy_type.type  # numpy's class of one such number
    shape = tensor.shape
    self.dims = None if shape.dims is None else tuple(d.value for d in shape.dims)
    self.heads = {}  # what stands before the elements, by shape

  def pack(self, value, held):
    """The value as twpy_run takes it, which needs the value itself until it has run. A tensor made for it is added to
    `held`: twpy_run takes those over."""
    numpy_type = self.numpy_type
    # Scalars of different structured types are of one class.
    if (value.__class__ is np.ndarray or value.__class__ is self.scalar) and value.dtype is numpy_type:
      head = self.heads.get(value.shape)
      if head is not None:
        if value.nbytes < _SMALL:
          data = value.tobytes()
          return head + data + _PADDING[len(data) & 7]
        if value.flags.c_contiguous:
          return head + _address_of(value)
    elif not self.dims:
      form = _NUMBERS.get((value.__class__, self.number))
      if form is not None:
        try:
          data = struct.pack(form, value)
          return struct.pack("=2iq", self.number, 0, len(data)) + data + _PADDING[len(data) & 7]
        except (OverflowError, struct.error):
          pass  # the general way rounds to infinity, or says what does not fit
    array = self._to_array(value)
    if array is None:
      tensor = lib.tw_tensor_share(value.handle)
    elif numpy_type is not None and array.ndim <= _MAX_RANK:
      dims, size = array.shape, array.nbytes
      far = size >= _SMALL
      head = struct.pack("=2i%dq" % (len(dims) + 1), self.number, len(dims) + far * _FAR, *dims, size)
      if len(self.heads) < 64:
        self.heads[dims] = head
      if not far:
        return head + array.tobytes() + _PADDING[size & 7]
      # An array that was made here is gone before the step begins.
      if array is value and array.flags.c_contiguous:
        return head + _address_of(array)
      tensor = _tensors.from_numpy(array, self.dtype)
    else:
      tensor = _tensors.from_numpy(array, self.dtype)
    held.append(tensor)
    return struct.pack("=2iq", self.number, -1, int(ffi.cast("intptr_t", tensor)))

  def _to_array(self, value):
    """The value as an array that fits; None for a handle fetched before."""
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
      raise TypeError("The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
                      "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object "
                      "was " +
                      str(self.tensor) + " which was passed to the feed with key " + str(self.tensor) + ".")
    if isinstance(value, _tensors.OpaqueTensor):
      return None
    numpy_type = self.numpy_type
    if numpy_type is None:
      if self.number != 7:
        raise TypeError("A tensor of type %s takes only a fetched handle as its value, not %r" % (
            self.dtype.name, value))
      array = np.asarray(value, dtype=object) if not isinstance(value, np.ndarray) else value
    elif value.__class__ is np.ndarray and value.dtype == numpy_type:
      array = value
    else:
      if isinstance(value, int) and self.dtype.is_integer and not isinstance(value, bool):
        if int(np.asarray(value).astype(numpy_type)) != value:
          raise TypeError("Type of feed value " + str(value) + " with type " + str(type(value)) +
                          " is not compatible with Tensor type " + str(self.dtype.as_numpy_dtype) +
                          ". Try explicitly setting the type of the feed tensor to a larger type (e.g. int64).")
      if hasattr(value, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic)):
        value = np.from_dlpack(value)
      array = np.asarray(value, dtype=numpy_type)
    dims = self.dims
    if dims is not None:
      shape = array.shape
      if len(shape) != len(dims) or any(d is not None and d != s for d, s in zip(dims, shape)):
        raise ValueError("Cannot feed value of shape %r for Tensor %r, which has shape %r" % (
            shape, self.tensor.name, str(self.tensor.shape)))
    return array
