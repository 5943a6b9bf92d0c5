"""Operation: a node of a graph."""

from thalweg._c import NULL, buffer_call, check, ffi, lib, raw, text
from thalweg.framework import branch_values, dtypes


class Operation:
  """A node: its inputs, outputs, attributes. Made by the functions that add operations, never directly."""

  # _device and _groups are set when first asked for.
  __slots__ = ("graph", "_id", "_name", "_type", "_inputs", "_outputs", "_where", "_device", "_groups", "_context",
               "__dict__", "__weakref__")

  def __init__(self, graph, node_id, name, op_type, inputs, where):
    self.graph = graph
    self._id = node_id
    self._name = name
    self._type = op_type
    self._inputs = inputs
    self._where = where
    self._context = graph._context

  @property
  def name(self):
    return self._name

  @property
  def type(self):
    return self._type

  @property
  def inputs(self):
    return self._inputs

  @property
  def outputs(self):
    return self._outputs

  def values(self):
    return tuple(self._outputs)

  @property
  def _input_types(self):
    return [t.dtype.base_dtype for t in self._inputs]

  @property
  def _output_types(self):
    return [t.dtype._type_enum for t in self._outputs]

  @property
  def _id_value(self):
    return self._id

  @property
  def device(self):
    try:
      return self._device
    except AttributeError:
      found = self._device = text(lib.tw_node_device(self.graph._handle, self._id))
      return found

  @property
  def control_inputs(self):
    handle = self.graph._handle
    by_id = self.graph._ops
    return [by_id[lib.tw_node_control(handle, self._id, i)] for i in range(lib.tw_node_num_controls(handle, self._id))]

  def _add_control_input(self, op):
    self._add_control_inputs([op])

  def _add_control_inputs(self, ops):
    for op in branch_values.operations(self.graph, list(ops), self._name):
      check(lib.tw_graph_add_control(self.graph._handle, self._id, op._id))

  def _update_input(self, index, tensor):
    check(lib.tw_graph_set_input(self.graph._handle, self._id, index, (tensor.op._id, tensor.value_index)))
    inputs = list(self._inputs)
    inputs[index] = tensor
    self._inputs = tuple(inputs)

  @property
  def _control_outputs(self):
    return [op for op in self.graph._ops if self in op.control_inputs]

  def _get_control_flow_context(self):
    """The body of a branch or loop that the operation lies in, or None."""
    return self._context

  def _set_control_flow_context(self, context):
    self._context = context

  def colocation_groups(self):
    """The names of the operations this one shares a device with, as b"loc:@name"; always at least its own."""
    try:
      return list(self._groups)
    except AttributeError:
      groups = [c for c in self.get_attr("_class") if c.startswith(b"loc:@")] if self._has_attr("_class") else []
      self._groups = groups or [b"loc:@" + self._name.encode()]
      return list(self._groups)

  def _has_attr(self, name):
    value = self._find_attr(name)
    lib.tw_attr_value_release(value)
    return value != NULL

  def _find_attr(self, name):
    """A tw_attr_value*, which the caller releases; NULL when there is none."""
    encoded = name.encode()
    out = ffi.new("tw_attr_value**")
    key = ffi.from_buffer("char[]", encoded)
    status = lib.tw_node_attr(self.graph._handle, self._id, (key, len(encoded)), out)
    lib.tw_status_release(status)
    return out[0]

  def _attr_names(self):
    handle = self.graph._handle
    return [text(lib.tw_node_attr_name(handle, self._id, i)) for i in range(lib.tw_node_num_attrs(handle, self._id))]

  def get_attr(self, name):
    """The value of attribute `name`; ValueError when there is none."""
    value = self._find_attr(name)
    if value == NULL:
      raise ValueError("Operation '%s' has no attr named '%s'." % (self._name, name))
    try:
      return _read_attr(value)
    finally:
      lib.tw_attr_value_release(value)

  def _set_attr(self, name, kind, value):
    """Sets an attribute after the fact; `kind` as the op table spells types."""
    self.graph._set_attr(self._id, name, kind, value)
    if name == "_class" and hasattr(self, "_groups"):
      del self._groups

  @property
  def node_def(self):
    from thalweg import _protos
    return _protos.message("NodeDef").FromString(
        buffer_call(lib.tw_node_to_node_def, self.graph._handle, self._id))

  @property
  def op_def(self):
    from thalweg.framework import op_def
    return op_def.op_def(self._type)

  def _where_text(self):
    return "%s:%d" % self._where[:2] if self._where else text(lib.tw_node_where(self.graph._handle, self._id))

  @property
  def traceback(self):
    """Where the program made the operation: [(file, line, function, text)], the user's line last."""
    if not self._where:
      return []
    import linecache
    filename, line, function = self._where[:3]
    return [(filename, line, function, linecache.getline(filename, line).strip() or None)]

  @property
  def traceback_with_start_lines(self):
    return [entry + (0,) for entry in self.traceback]

  def run(self, feed_dict=None, session=None):
    """Runs the operation in `session` or the default session."""
    from thalweg.framework.ops import _run_using_default_session
    _run_using_default_session(self, feed_dict, self.graph, session)

  def _as_graph_element(self):
    return self

  def __str__(self):
    return str(self.node_def)

  def __repr__(self):
    return "<tf.Operation '%s' type=%s>" % (self._name, self._type)


def _read_attr(value):
  kind = lib.tw_attr_value_kind(value)
  base, is_list = kind & 15, kind & 16
  read = _READERS[base]
  values = [read(value, i) for i in range(lib.tw_attr_value_count(value))]
  if is_list or base == 0:
    return values
  return values[0]


def _shape_attr(value, i):
  from thalweg.framework import tensor_shape
  shape = lib.tw_attr_value_shape(value, i)
  if shape.rank < 0:
    return tensor_shape.TensorShape(None).as_proto()
  dims = ffi.unpack(shape.dims, shape.rank) if shape.rank else []
  return tensor_shape.TensorShape([None if d < 0 else d for d in dims]).as_proto()


def _tensor_attr(value, i):
  from thalweg import _protos
  return _protos.message("TensorProto").FromString(
      buffer_call(lib.tw_tensor_to_proto, lib.tw_attr_value_tensor(value, i)))


def _func_attr(value, i):
  from thalweg import _protos
  return _protos.message("NameAttrList")(name=text(lib.tw_attr_value_string(value, i)))


_READERS = {
    0: lambda v, i: None,
    1: lambda v, i: raw(lib.tw_attr_value_string(v, i)),
    2: lambda v, i: lib.tw_attr_value_int(v, i),
    3: lambda v, i: lib.tw_attr_value_float(v, i),
    4: lambda v, i: bool(lib.tw_attr_value_bool(v, i)),
    5: lambda v, i: dtypes.as_dtype(lib.tw_attr_value_type(v, i)),
    6: _shape_attr,
    7: _tensor_attr,
    8: _func_attr,
    9: lambda v, i: text(lib.tw_attr_value_string(v, i)),
}
