"""TensorArray: tensors by number, written once each; what loops read from and write to. It is a tensor list in the core,
and its flow is that list."""

from thalweg.framework import dtypes, node_count, ops, tensor_shape, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, control_flow_ops, math_ops


# What stack() and unstack() are in TensorFlow: a Range over the size, and a Gather; a Shape, a StridedSlice and a Range
# with their constants, and a Scatter.
_NODES_OF_STACK, _NODES_OF_UNSTACK = 5, 9


class _HandleThere:
  """Stands, where nodes are counted, for the handle that an array has in TensorFlow beside its flow."""

  def __init__(self, context):
    self._context = context


class TensorArray:
  """An array of tensors of one dtype. Every write gives a new TensorArray, which later operations must use."""

  def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None,
               flow=None, infer_shape=True, element_shape=None, colocate_with_first_write_call=True, name=None):
    """`size` elements, more with `dynamic_size`. Elements have `element_shape`, or with `infer_shape` the shape of the
    first one written. `handle` and `flow` are those of another TensorArray. An element is read once in a run, or with
    `clear_after_read` false any number of times."""
    if handle is not None and not isinstance(handle, Tensor):
      raise TypeError("Handle must be a Tensor")
    if handle is None and size is None:
      raise ValueError("Size must be provided if handle is not provided")
    for value, what in ((size, "size"), (element_shape, "element_shape"), (dynamic_size, "dynamic_size"),
                        (clear_after_read, "clear_after_read")):
      if handle is not None and value is not None:
        raise ValueError("Cannot provide both a handle and %s at the same time" % what)
    if handle is not None and flow is None:
      raise ValueError("flow must not be None if handle is not None.")
    self._dtype = dtypes.as_dtype(dtype).base_dtype
    self._dynamic_size = bool(dynamic_size)
    self._infer_shape = element_shape is not None or infer_shape
    self._clear_after_read = clear_after_read is None or bool(clear_after_read)
    # Shared with the arrays made from this one: what one write tells, all know.
    self._known = [tensor_shape.as_shape(element_shape)]
    self._accumulates = False
    self._handle_there = _HandleThere(ops.get_default_graph()._context)
    self._name = tensor_array_name or name or "TensorArray"
    with ops.name_scope(name, "TensorArray", [handle, size, flow]) as scope:
      if flow is not None:
        if flow.dtype != dtypes.variant:
          raise TypeError("flow must be that of a TensorArray, not a tensor of type %s" % flow.dtype.name)
        self._flow = flow
      else:
        size = ops.convert_to_tensor(size, dtype=dtypes.int32, name="size")
        self._flow = _op("TensorListReserve", scope, (self._shape_tensor(), size), self._read_attrs())

  def _with_flow(self, flow):
    """The array in the state that `flow` is."""
    made = TensorArray.__new__(TensorArray)
    made.__dict__.update(self.__dict__)
    made._flow = flow
    return made

  def _shape_tensor(self):
    """The element shape for the core: -1 where it is not known."""
    shape = self._known[0]
    graph = ops.get_default_graph()
    with ops.control_dependencies(None), node_count.counted_as(graph, 0):
      made = array_ops.constant(-1 if shape.ndims is None else [-1 if d is None else d for d in shape.as_list()],
                                dtype=dtypes.int32, name="element_shape")
    node_count.is_not_there(graph, made)
    return made

  def _enters(self, *tensors):
    """Counts what an operation on the array brings into a body."""
    node_count.enters(ops.get_default_graph(), (self._handle_there,) + tensors)

  @property
  def flow(self):
    return self._flow

  @property
  def handle(self):
    """The list itself: a TensorArray has no other identity here."""
    return self._flow

  @property
  def dtype(self):
    return self._dtype

  @property
  def dynamic_size(self):
    return self._dynamic_size

  @property
  def element_shape(self):
    return self._known[0]

  def _check_shape(self, shape):
    if not self._infer_shape:
      return
    if not shape.is_compatible_with(self._known[0]):
      raise ValueError("Inconsistent shapes: saw %s but expected %s " % (shape, self._known[0]))
    self._known[0] = self._known[0].merge_with(shape)

  def _write_attrs(self, value):
    attrs = {"element_dtype": value.dtype.base_dtype, "_write_once": True}
    if self._dynamic_size:
      attrs["_resize"] = True
    return attrs

  def _read_attrs(self):
    attrs = {"element_dtype": self._dtype}
    if self._clear_after_read:
      attrs["_clear_after_read"] = True
    return attrs

  def identity(self):
    """The same array; it waits for the control dependencies around."""
    return self._with_flow(array_ops.identity(self._flow))

  def grad(self, source, flow=None, name=None):
    """An array for the derivatives of this one's elements: zeros, to which writes are added."""
    if flow is not None:
      return self._with_flow(flow).grad(source, name=name)
    with ops.name_scope(name, "TensorArrayGrad", [self._flow]):
      made = self._with_flow(_op("TensorListReserve", "TensorArrayGradV3", (self._shape_tensor(), self.size()),
                                 {"element_dtype": self._dtype}))
    made._accumulates = True
    made._known = [self._known[0]]
    return made

  def read(self, index, name=None):
    """The element at `index`."""
    self._enters()
    value = _op("TensorListGetItem", name or "TensorArrayReadV3", (self._flow, index, self._shape_tensor()),
                self._read_attrs())
    if self._known[0].ndims is not None:
      value.set_shape(self._known[0])
    return value

  def write(self, index, value, name=None):
    """The array with `value` at `index`, where nothing was written before."""
    with ops.name_scope(name, "TensorArrayWrite", [self._flow, index, value]):
      value = ops.convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
      self._check_shape(value.shape)
      self._enters()
      if self._accumulates:
        flow = _op("_TensorListAddItem", "TensorArrayWriteV3", (self._flow, index, value),
                   {"element_dtype": value.dtype.base_dtype})
      else:
        flow = _op("TensorListSetItem", "TensorArrayWriteV3", (self._flow, index, value), self._write_attrs(value))
      return self._with_flow(flow)

  def stack(self, name=None):
    """All elements along a new first dimension."""
    self._enters(self._flow)
    with ops.colocate_with(self._flow), ops.name_scope(name, "TensorArrayStack", [self._flow]), node_count.counted_as(
        ops.get_default_graph(), _NODES_OF_STACK):
      value = _op("TensorListStack", "TensorArrayGatherV3", (self._flow, self._shape_tensor()),
                  self._read_attrs())
      return self._shaped(value, [None])

  def gather(self, indices, name=None):
    """The elements at `indices` along a new first dimension."""
    self._enters()
    value = _op("TensorListGather", name or "TensorArrayGatherV3", (self._flow, indices, self._shape_tensor()),
                self._read_attrs())
    return self._shaped(value, [None])

  def _shaped(self, value, first):
    if self._known[0].ndims is not None:
      value.set_shape(tensor_shape.TensorShape(first).concatenate(self._known[0]))
    return value

  def concat(self, name=None):
    """The elements joined along their first dimension."""
    self._enters()
    shape = self._known[0]
    if shape.ndims is not None and shape.ndims > 0:
      shape = tensor_shape.TensorShape([None]).concatenate(shape[1:])
    value = _op("TensorListConcat", name or "TensorArrayConcatV3", (self._flow,),
                dict(self._read_attrs(), element_shape=shape)).tensor
    if shape.ndims is not None:
      value.set_shape(shape)
    return value

  def unstack(self, value, name=None):
    """The array with the rows of `value` as its first elements."""
    with ops.name_scope(name, "TensorArrayUnstack", [self._flow, value]):
      value = ops.convert_to_tensor(value, dtype=self._dtype, name="value")
      if value.shape.ndims == 0:
        raise ValueError("A TensorArray cannot be unstacked from a scalar: %s" % value.name)
      count = value.shape.as_list()[0] if value.shape.ndims is not None else None
      self._enters(self._flow, value)
      with node_count.counted_as(ops.get_default_graph(), _NODES_OF_UNSTACK):
        if count is None:
          count = array_ops.shape(value)[0]
        return self.scatter(math_ops.range(0, count), value, name=None)

  def scatter(self, indices, value, name=None):
    """The array with the rows of `value` at `indices`."""
    with ops.name_scope(name, "TensorArrayScatter", [self._flow, value, indices]):
      value = ops.convert_to_tensor(value, dtype=self._dtype, name="value")
      if value.shape.ndims is not None:
        self._check_shape(value.shape[1:])
      self._enters()
      flow = _op("TensorListScatterIntoExistingList", "TensorArrayScatterV3", (self._flow, value, indices),
                 self._write_attrs(value))
      return self._with_flow(flow)

  def split(self, value, lengths, name=None):
    """The array with pieces of `value`, of these lengths, as its elements."""
    with ops.name_scope(name, "TensorArraySplit", [self._flow, value, lengths]):
      value = ops.convert_to_tensor(value, dtype=self._dtype, name="value")
      lengths = ops.convert_to_tensor(lengths)
      if lengths.dtype == dtypes.int32:
        lengths = math_ops.cast(lengths, dtypes.int64)
      if self._infer_shape and value.shape.ndims is not None:
        known = tensor_util.constant_value(lengths)
        first = None
        if known is not None and known.size and (known == known.flat[0]).all():
          first = int(known.flat[0])
        self._check_shape(tensor_shape.TensorShape([first]).concatenate(value.shape[1:]))
      checks = []
      self._enters()
      if not self._dynamic_size:
        with node_count.counted_as(ops.get_default_graph(), 0):
          count, size = array_ops.size(lengths), self.size()
          checks.append(control_flow_ops.Assert(
              math_ops.equal(count, size),
              ["TensorArray's size is not equal to the size of lengths, and it is not marked as dynamically resizeable:",
               size, count]))
      with ops.control_dependencies(checks):
        flow = _op("TensorListSplit", "TensorArraySplitV3", (value, self._shape_tensor(), lengths),
                   self._read_attrs())
      return self._with_flow(flow)

  def size(self, name=None):
    """The number of elements."""
    self._enters()
    return _op("TensorListLength", name or "TensorArraySizeV3", (self._flow,))

  def close(self, name=None):
    """An operation; the memory goes when the last use of the array has run."""
    with ops.control_dependencies([self._flow]):
      return _operation("NoOp", name or "TensorArrayCloseV3", ())
