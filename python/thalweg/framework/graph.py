"""Graph: the operations of a program, its names, scopes, devices, control dependencies and collections.

The nodes live in the core; this side holds an Operation per node (at the node's number in `_ops`) and the state that
only a program being built has: which scopes are open and which names are taken.
"""

import threading

from thalweg._c import NULL, StatusError, buffer_call, check, ffi, lib
from thalweg.framework import attr_pack, branch_values, dtypes, node_count
from thalweg.framework.graph_contexts import GraphContexts
from thalweg.framework.graph_elements import GraphElements
from thalweg.framework.operation import Operation
from thalweg.framework.places import user_frame
from thalweg.framework.tensor import Tensor

_MAX_DTYPES = 64
_dtype_of = dtypes._BY_ENUM
_op_bytes = {}
_CALLS_FUNCTIONS = frozenset(("If", "StatelessIf", "Case", "While", "StatelessWhile", "PartitionedCall",
                              "StatefulPartitionedCall"))


class Graph(GraphContexts, GraphElements):
  """A dataflow graph: operations and the tensors between them."""

  building_function = False

  def __init__(self):
    out = ffi.new("tw_graph**")
    check(lib.tw_graph_create(out))
    self._handle = ffi.gc(out[0], lib.tw_graph_release)
    self._lock = threading.RLock()
    self._init_contexts()
    self._init_elements()
    self._finalized = False
    self._seed = None
    self._functions = {}
    self._uncounted, self._counting = 0, True   # for node_count
    self._function_ops = []  # operations that call functions, which gradients may rewrite
    self._dtypes = ffi.new("int32_t[]", _MAX_DTYPES + 1)
    self._status = ffi.new("tw_status**")
    self._shape_dims = ffi.new("int64_t[12]")
    self._last_loss_reduction = None
    self._is_loss_scaled_by_optimizer = False
    self.outer_graph = None

  # --- adding operations ---

  def _add(self, op_type, name, inputs, attrs=b"", controls=None, together=()):
    """Appends a node with the complete name `name`. `inputs` are tensors of this graph, `attrs` packed attributes,
    `together` operations that it shares a device with. Raises StatusError when the core refuses."""
    if self._finalized:
      raise RuntimeError("Graph is finalized and cannot be modified.")
    flat = []
    context = self._context
    for t in inputs:
      source = t._op
      if source._context is not context:
        if context is not None and self._counting:
          node_count.enters(self, (t,))
        if not branch_values.is_visible(self, source):
          return self._add(op_type, name, branch_values.tensors(self, inputs, name), attrs, controls, together)
      flat += (source._id, t._value_index)
    control_ids = ()
    if self._control_stack:
      control_ids = [c._id for c in self._current_controls([t._op for t in inputs])]
    if controls:
      control_ids = [*control_ids, *[c._id for c in controls]]
    device = self._device_bytes
    if device is None:
      device = b"" if together else self._device_for(op_type, name, inputs)
    groups = None
    if self._attr_scopes:
      attrs += self._attr_scope_bytes
      if "_class" in self._attr_scopes:
        groups = self._attr_scopes["_class"][1]
    if self._colocation_stack or together:
      # A device asked for outside gives way to that of the operations to be with.
      device, beside = self._colocate(b"" if together else device, name, together)
      if groups is None and beside and b"_class" not in attrs:
        attrs += attr_pack.pack_groups(beside)
        groups = beside
    if op_type in self._override_map:
      attrs += attr_pack.pack("_gradient_op_type", "string", self._override_map[op_type])
    where = user_frame(2)
    op_bytes = _op_bytes.get(op_type)
    if op_bytes is None:
      op_bytes = _op_bytes[op_type] = op_type.encode()
    name_bytes = name.encode()
    dtypes_out = self._dtypes
    with self._lock:
      node = lib.twpy_add(self._handle, op_bytes, name_bytes, len(name_bytes), flat, len(flat) >> 1, control_ids,
                          len(control_ids), attrs, len(attrs), device, b"" if where is None else where[3], dtypes_out,
                          _MAX_DTYPES + 1, self._status)
      if node < 0:
        raise StatusError(self._status[0])
      if node != len(self._ops):
        self._adopt(node)
      op = Operation(self, node, name, op_type, tuple(inputs), where)
      if groups is not None:
        op._groups = groups
      count = dtypes_out[0]
      if count == 1:
        op._outputs = [Tensor(op, 0, _dtype_of[dtypes_out[1]])]
      elif count <= _MAX_DTYPES:
        op._outputs = [Tensor(op, i, _dtype_of[dtypes_out[i + 1]]) for i in range(count)]
      else:
        op._outputs = [Tensor(op, i, _dtype_of[lib.tw_output_dtype(self._handle, (node, i))]) for i in range(count)]
      self._ops.append(op)
      self._by_name[name] = op
    if context is not None:
      context.add(op)
    if op_type in _CALLS_FUNCTIONS:
      self._function_ops.append(op)
    for controller in self._control_stack:
      if controller._control_inputs:
        controller._seen.add(op)
    return op

  def create_op(self, op_type, inputs, dtypes=None, input_types=None, name=None, attrs=None, op_def=None,
                compute_shapes=True, compute_device=True):
    """Adds an operation with explicit attributes (AttrValue messages or Python values)."""
    from thalweg.framework.attr_convert import pack_any
    for index, tensor in enumerate(inputs):
      if not isinstance(tensor, Tensor):
        raise TypeError("Input #%d is not a tensor: %s" % (index, tensor))
    if name is None:
      name = op_type
    name = name[:-1] if name and name[-1] == "/" else self.unique_name(name)
    packed = b"".join(pack_any(op_type, k, v) for k, v in sorted((attrs or {}).items()))
    try:
      return self._add(op_type, name, inputs, packed)
    except StatusError as e:
      raise self._creation_error(e, name) from None

  def _creation_error(self, error, name):
    if error.code == 6:
      return ValueError("Duplicate node name in graph: '%s'" % name)
    if error.code == 5:
      return ValueError(error.message)
    return ValueError(error.message)

  def _adopt(self, upto=None):
    """Makes Operations for nodes that the core added by itself (gradients, imports)."""
    with self._lock:
      first = len(self._ops)
      last = lib.tw_graph_num_nodes(self._handle) if upto is None else upto
      if first >= last:
        return []
      where = user_frame()
      sources = []
      for node, (name, op_type, output_types, inputs) in enumerate(_describe(self._handle, first, last), first):
        op = Operation(self, node, name, op_type, (), where)
        op._outputs = [Tensor(op, i, _dtype_of[t]) for i, t in enumerate(output_types)]
        self._ops.append(op)
        self._by_name[name] = op
        self._reserve(name)
        sources.append(inputs)
        if self._context is not None:
          self._context.add(op)
        if op_type in _CALLS_FUNCTIONS:
          self._function_ops.append(op)
      if self._function_ops:
        self._read_outputs_again()
      # After all exist: an imported loop may refer forward.
      added = self._ops[first:]
      for op, inputs in zip(added, sources):
        op._inputs = tuple([self._ops[inputs[i]]._outputs[inputs[i + 1]] for i in range(0, len(inputs), 2)])
      if self._function_ops:
        self._read_inputs_again()
      return added

  def _read_outputs_again(self):
    """A gradient lets calls of functions return what it needs of them."""
    for op in self._function_ops:
      for i in range(len(op._outputs), lib.tw_node_num_outputs(self._handle, op._id)):
        op._outputs.append(Tensor(op, i, _dtype_of[lib.tw_output_dtype(self._handle, (op._id, i))]))

  def _read_inputs_again(self):
    """A loop that saves values for its gradient has further variables."""
    handle = self._handle
    for op in self._function_ops:
      count = lib.tw_node_num_inputs(handle, op._id)
      if count == len(op._inputs):
        continue
      sources = [lib.tw_node_input(handle, op._id, i) for i in range(count)]
      op._inputs = tuple(self._ops[s.node]._outputs[s.index] for s in sources)
      # What was added for the loop lies where the loop does.
      added = [t._op for t in op._inputs]
      while added:
        source = added.pop()
        if source._context is not op._context and source._context is self._context is not None:
          source._context.ops.remove(source)
          source._context = op._context
          if op._context is not None:
            op._context.add(source)
          added.extend(t._op for t in source._inputs)

  def _reserve(self, name):
    key = name.lower()
    if key not in self._names_in_use:
      self._names_in_use[key] = 1

  def _set_attr(self, node, name, kind, value):
    packed = attr_pack.pack(name, kind, value)
    check(lib.twpy_set_attr(self._handle, node, packed, len(packed)))

  # --- asking ---

  def _as_graph_def(self, from_version=None, add_shapes=False):
    from thalweg import _protos
    with self._lock:
      branch_values.of_collections(self)
      data = buffer_call(lib.tw_graph_to_graph_def, self._handle)
    graph_def = _protos.message("GraphDef").FromString(data)
    if from_version is not None:
      # Operations that went into functions are not among the nodes.
      del graph_def.node[:sum(op._context is None for op in self._ops[:from_version])]
    if add_shapes:
      for node in graph_def.node:
        op = self._by_name.get(node.name)
        if op is not None and op._outputs:
          node.attr["_output_shapes"].list.shape.extend(t.shape.as_proto() for t in op._outputs)
    return graph_def, self.version

  def as_graph_def(self, from_version=None, add_shapes=False):
    """The graph as a GraphDef message."""
    return self._as_graph_def(from_version, add_shapes)[0]

  @property
  def graph_def_versions(self):
    return self.as_graph_def().versions

  @property
  def version(self):
    return len(self._ops)

  @property
  def seed(self):
    return self._seed

  @seed.setter
  def seed(self, seed):
    self._seed = seed

  @property
  def _last_id(self):
    """The number of operations that TensorFlow would have so far; the seed of a random operation that has none of its
    own."""
    return len(self._ops) + self._uncounted

  @property
  def finalized(self):
    return self._finalized

  def finalize(self):
    """Makes the graph read-only."""
    self._finalized = True

  def _unsafe_unfinalize(self):
    self._finalized = False

  def _check_not_finalized(self):
    if self._finalized:
      raise RuntimeError("Graph is finalized and cannot be modified.")

  # --- functions ---

  def _is_function(self, name):
    encoded = name.encode()
    return bool(lib.tw_graph_has_function(self._handle, (ffi.from_buffer("char[]", encoded), len(encoded))))

  def _get_function(self, name):
    return self._functions.get(name)

  def _add_function(self, function):
    self._functions[function.name] = function

  def switch_to_thread_local(self):
    """Kept for programs that call it: scopes are per graph here."""


def _describe(handle, first, last):
  """(name, op, output dtypes, inputs as node and output in turn) of each node of a range."""
  num_ints, text, text_size = ffi.new("int64_t*"), ffi.new("char**"), ffi.new("int64_t*")
  block = lib.twpy_describe(handle, first, last, num_ints, text, text_size)
  if block == NULL:
    raise MemoryError("no memory to describe %d nodes" % (last - first))
  try:
    ints = ffi.unpack(block, num_ints[0])
    names = ffi.unpack(text[0], text_size[0]).decode("latin-1")
  finally:
    lib.twpy_free(block)
  at = char = 0
  for _ in range(first, last):
    name_size, op_size, outputs, inputs = ints[at:at + 4]
    at += 4
    name, op_type = names[char:char + name_size], names[char + name_size:char + name_size + op_size]
    char += name_size + op_size
    yield name, op_type, ints[at:at + outputs], ints[at + outputs:at + outputs + 2 * inputs]
    at += outputs + 2 * inputs
