"""What can be fed, and how values become tensors."""

import numpy as np

from thalweg import _tensors
from thalweg._c import lib
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


class Feeder:
  """Turns fed values into tensors of one placeholder's dtype and shape, with TensorFlow's complaints."""

  __slots__ = ("tensor", "numpy_type", "number", "dims", "dtype")

  def __init__(self, graph, tensor):
    if not graph.is_feedable(tensor):
      raise ValueError("Tensor %s may not be fed." % tensor)
    self.tensor = tensor
    self.dtype = tensor.dtype.base_dtype
    self.number = self.dtype._type_enum
    self.numpy_type = (np.dtype(self.dtype.as_numpy_dtype)
                       if self.dtype.is_numpy_compatible and self.number != 7 else None)
    shape = tensor.shape
    self.dims = None if shape.dims is None else tuple(d.value for d in shape.dims)

  def to_tensor(self, value):
    """A new tw_tensor* for the value."""
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
      raise TypeError("The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
                      "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object "
                      "was " +
                      str(self.tensor) + " which was passed to the feed with key " + str(self.tensor) + ".")
    if isinstance(value, _tensors.OpaqueTensor):
      return lib.tw_tensor_share(value.handle)
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
    return _tensors.from_numpy(array, self.dtype)


