"""Tensor: an output of an operation. IndexedSlices: rows of one."""

from thalweg._c import NULL, StatusError, ffi, lib
from thalweg.framework import tensor_shape
from thalweg.util import nest


class OperatorNotAllowedInGraphError(TypeError):
  """A Python construct was applied to a tensor that has no value yet."""


class Tensor:
  """A symbolic handle to one output of an Operation."""

  __slots__ = ("_op", "_value_index", "dtype", "_shape_val", "_name", "__dict__", "__weakref__")

  __array_priority__ = 100

  # Operators that math_ops and array_ops put here.
  OVERLOADABLE_OPERATORS = {
      "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__div__", "__rdiv__", "__truediv__",
      "__rtruediv__", "__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__lt__", "__le__", "__gt__", "__ge__",
      "__and__", "__rand__", "__or__", "__ror__", "__xor__", "__rxor__", "__getitem__", "__pow__", "__rpow__",
      "__invert__", "__neg__", "__abs__", "__matmul__", "__rmatmul__"
  }

  def __init__(self, op, value_index, dtype):
    self._op = op
    self._value_index = value_index
    self.dtype = dtype
    self._shape_val = None
    self._name = None

  @property
  def op(self):
    return self._op

  @property
  def value_index(self):
    return self._value_index

  @property
  def graph(self):
    return self._op.graph

  @property
  def name(self):
    if self._name is None:
      self._name = "%s:%d" % (self._op._name, self._value_index)
    return self._name

  @property
  def device(self):
    return self._op.device

  @property
  def shape(self):
    """The static shape, as far as it is known."""
    if self._shape_val is None:
      self._shape_val = _read_shape(self)
    return self._shape_val

  def get_shape(self):
    return self.shape

  @property
  def _shape(self):
    return self.shape

  @property
  def ndim(self):
    return self.shape.ndims

  def _shape_as_list(self):
    return None if self.shape.ndims is None else self.shape.as_list()

  _shape_tuple = lambda self: None if self.shape.ndims is None else tuple(self.shape.as_list())

  def _rank(self):
    return self.shape.ndims

  def set_shape(self, shape):
    """Narrows the static shape; ValueError when it contradicts what is known."""
    shape = tensor_shape.as_shape(shape)
    if shape.dims is None:
      return
    dims = [-1 if d.value is None else d.value for d in shape.dims]
    status = lib.tw_graph_set_shape(self.graph._handle, (self._op._id, self._value_index), dims, len(dims))
    if status != NULL:
      raise ValueError(StatusError(status).message)
    self._shape_val = None

  def consumers(self):
    """The operations that have this tensor as an input."""
    return self.graph._consumers(self)

  def _as_node_def_input(self):
    return self._op._name if self._value_index == 0 else "%s:%d" % (self._op._name, self._value_index)

  def _as_graph_element(self):
    return self

  def _c_output(self):
    return (self._op._id, self._value_index)

  def eval(self, feed_dict=None, session=None):
    """The value, computed in `session` or the default session."""
    from thalweg.framework.ops import _eval_using_default_session
    return _eval_using_default_session(self, feed_dict, self.graph, session)

  def experimental_ref(self):
    return _TensorRef(self)

  def __iter__(self):
    raise OperatorNotAllowedInGraphError("iterating over `tf.Tensor` is not allowed in Graph execution.")

  def __len__(self):
    raise TypeError("len is not well defined for symbolic Tensors. (%s) Please call `x.shape` rather than `len(x)` for "
                    "shape information." % self.name)

  def __bool__(self):
    raise OperatorNotAllowedInGraphError("using a `tf.Tensor` as a Python `bool` is not allowed in Graph execution.")

  __nonzero__ = __bool__

  # Equality and hash are the object's own, as TensorFlow 1's are.

  def __copy__(self):
    return self

  @staticmethod
  def _override_operator(operator, func):
    setattr(Tensor, operator, func)

  def __str__(self):
    return 'Tensor("%s"%s%s%s)' % (
        self.name, (", shape=%s" % self.shape) if self.shape.ndims is not None else "", ", dtype=%s" % self.dtype.name,
        (", device=%s" % self.device) if self.device else "")

  def __repr__(self):
    return "<tf.Tensor '%s' shape=%s dtype=%s>" % (self.name, self.shape, self.dtype.name)


class _TensorRef:
  """A hashable stand-in for a tensor."""

  def __init__(self, tensor):
    self._tensor = tensor

  def deref(self):
    return self._tensor

  def __hash__(self):
    return id(self._tensor)

  def __eq__(self, other):
    return isinstance(other, _TensorRef) and self._tensor is other._tensor


def _read_shape(tensor):
  op = tensor._op
  graph = op.graph
  dims = graph._shape_dims
  with graph._lock:
    rank = lib.twpy_shape(graph._handle, op._id, tensor._value_index, dims, graph._status)
    if rank == -2:
      raise ValueError(StatusError(graph._status[0]).message)
    sizes = tuple(ffi.unpack(dims, rank)) if rank > 0 else ()
  return tensor_shape.TensorShape._of_sizes(sizes if rank >= 0 else None)


class IndexedSlices:
  """Rows `values` at positions `indices` of a tensor of shape `dense_shape` that is zero elsewhere."""

  def __init__(self, values, indices, dense_shape=None):
    graphs = {t.graph for t in (values, indices, dense_shape) if isinstance(t, Tensor)}
    if len(graphs) > 1:
      raise ValueError("%s must be from the same graph as %s." % (indices, values))
    self._values = values
    self._indices = indices
    self._dense_shape = dense_shape

  @property
  def values(self):
    return self._values

  @property
  def indices(self):
    return self._indices

  @property
  def dense_shape(self):
    return self._dense_shape

  @property
  def shape(self):
    from thalweg.framework import tensor_util
    if self._dense_shape is None:
      return tensor_shape.TensorShape(None)
    return tensor_util.constant_value_as_shape(self._dense_shape)

  @property
  def name(self):
    return self.values.name

  @property
  def device(self):
    return self.values.device

  @property
  def op(self):
    return self.values.op

  @property
  def dtype(self):
    return self.values.dtype

  @property
  def graph(self):
    return self.values.graph

  def consumers(self):
    """The operations that have one of the parts as an input."""
    parts = [t for t in (self._values, self._indices, self._dense_shape) if t is not None]
    return list(dict.fromkeys(op for t in parts for op in t.consumers()))

  def __neg__(self):
    return IndexedSlices(-self.values, self.indices, self.dense_shape)

  def __str__(self):
    return "IndexedSlices(indices=%s, values=%s%s)" % (
        self._indices, self._values, (", dense_shape=%s" % self._dense_shape) if self._dense_shape is not None else "")


nest.register_composite(
    IndexedSlices,
    lambda s: [t for t in (s.values, s.indices, s.dense_shape) if t is not None],
    lambda s, parts: IndexedSlices(*parts))

IndexedSlicesValue = __import__("collections").namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
