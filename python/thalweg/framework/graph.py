"""Graph: the operations of a program, its names, scopes, devices, control dependencies and collections.

The nodes live in the core; this side holds an Operation per node (at the node's number in `_ops`) and the state that
only a program being built has: which scopes are open and which names are taken.
"""

import contextlib
import os
import re
import sys
import threading

from thalweg._c import NULL, StatusError, buffer_call, check, ffi, lib, text
from thalweg.framework import attr_pack, dtypes
from thalweg.framework import device as device_lib
from thalweg.framework.operation import Operation
from thalweg.framework.stack import default_graph_stack
from thalweg.framework.tensor import Tensor

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_VALID_OP_NAME = re.compile("^[A-Za-z0-9.][A-Za-z0-9_.\\-/]*$")
_VALID_SCOPE_NAME = re.compile("^[A-Za-z0-9_.\\-/]*$")
_MAX_DTYPES = 64
_CALLS_FUNCTIONS = frozenset(("If", "StatelessIf", "Case", "While", "StatelessWhile", "PartitionedCall",
                              "StatefulPartitionedCall"))
_dtype_of = dtypes._BY_ENUM
_valid_names = set()
_is_ours = {}
_places = {}


def user_frame():
  """(file, line, function, b"file:line") of the innermost frame outside this package."""
  frame = sys._getframe(1)
  while frame is not None:
    filename = frame.f_code.co_filename
    ours = _is_ours.get(filename)
    if ours is None:
      # contextlib's frames stand between a `with` of ours and the program.
      ours = _is_ours[filename] = (os.path.abspath(filename).startswith(_PACKAGE) or filename == contextlib.__file__)
    if not ours:
      key = (frame.f_code, frame.f_lineno)
      place = _places.get(key)
      if place is None:
        if len(_places) > 100000:
          _places.clear()
        place = _places[key] = (filename, frame.f_lineno, frame.f_code.co_name,
                                ("%s:%d" % (filename, frame.f_lineno)).encode())
      return place
    frame = frame.f_back
  return None


class _OpView:
  """What a device function sees of an operation that is being made."""

  def __init__(self, graph, op_type, name, inputs, device):
    self.graph, self.type, self.name, self.inputs, self.device = graph, op_type, name, inputs, device
    self._device_assigned = device

  @property
  def node_def(self):
    from thalweg import _protos
    return _protos.message("NodeDef")(name=self.name, op=self.type, device=self.device,
                                      input=[t._as_node_def_input() for t in self.inputs])

  @property
  def outputs(self):
    return []

  def _set_device(self, device):
    self.device = device_lib.canonical_name(device)


class _ControlDependenciesController:
  """An open control_dependencies() block."""

  def __init__(self, graph, control_inputs):
    self._graph = graph
    self._new_stack = control_inputs is None
    self._control_inputs = control_inputs or []
    self._seen = set()
    self._old_stack = None

  def __enter__(self):
    if self._new_stack:
      # What is made without dependencies is made outside of the bodies of branches and loops, too.
      self._old_stack = self._graph._control_stack, self._graph._context
      self._graph._control_stack, self._graph._context = [], None
    self._graph._control_stack.append(self)

  def __exit__(self, *unused):
    if self._graph._control_stack[-1] is not self:
      raise AssertionError("control_dependencies blocks were not left in the order they were entered")
    self._graph._control_stack.pop()
    if self._new_stack:
      self._graph._control_stack, self._graph._context = self._old_stack

  @property
  def control_inputs(self):
    return self._control_inputs

  def add_op(self, op):
    self._seen.add(op)

  def op_in_group(self, op):
    return op in self._seen


class Graph:
  """A dataflow graph: operations and the tensors between them."""

  def __init__(self):
    out = ffi.new("tw_graph**")
    check(lib.tw_graph_create(out))
    self._handle = ffi.gc(out[0], lib.tw_graph_release)
    self._lock = threading.RLock()
    self._ops = []
    self._by_name = {}
    self._names_in_use = {}
    self._name_stack = ""
    self._control_stack = []
    self._context = None          # the body of a branch or loop that is being made
    self._function_ops = []       # operations that call functions, which gradients may rewrite
    self._device_stack = []       # strings, functions, None
    self._device_bytes = b""      # of the stack when no function is in it; None otherwise
    self._colocation_stack = []
    self._attr_scopes = {}
    self._override_map = {}
    self._collections = {}
    self._finalized = False
    self._seed = None
    self._container = ""
    self._unfeedable = set()
    self._unfetchable = set()
    self._functions = {}
    self._consumer_index = {}
    self._consumers_upto = 0
    self._name_cache = {}
    self._dtypes = ffi.new("int32_t[]", _MAX_DTYPES + 1)
    self._status = ffi.new("tw_status**")
    self._shape_dims = ffi.new("int64_t[12]")
    self._shape_rank = ffi.new("int32_t*")
    self._last_loss_reduction = None
    self._is_loss_scaled_by_optimizer = False
    self._variable_creator_stack = []
    self.building_function = False
    self.outer_graph = None

  # --- adding operations ---

  def _add(self, op_type, name, inputs, attrs=b"", controls=None):
    """Appends a node with the complete name `name`. `inputs` are tensors of this graph, `attrs` packed attributes.
    Raises StatusError when the core refuses."""
    if self._finalized:
      raise RuntimeError("Graph is finalized and cannot be modified.")
    flat = []
    context = self._context
    for t in inputs:
      made_by = t._op
      if made_by._context is not context:
        self._check_visible(made_by, name)
      flat += (made_by._id, t._value_index)
    control_ops = None
    if self._control_stack:
      control_ops = self._current_controls([t._op for t in inputs])
    if controls:
      control_ops = (control_ops or []) + list(controls)
    control_ids = [c._id for c in control_ops] if control_ops else []
    device = self._device_bytes
    if device is None:
      device = self._device_for(op_type, name, inputs)
    if self._colocation_stack:
      device, colocation = self._apply_colocation(device, name)
      if b"_class" not in attrs:
        attrs += colocation
    if self._attr_scopes:
      for key, value in self._attr_scopes.items():
        attrs += attr_pack.pack(key, *value)
    if op_type in self._override_map:
      attrs += attr_pack.pack("_gradient_op_type", "string", self._override_map[op_type])
    where = user_frame()
    where_bytes = where[3] if where else b""
    op_bytes = self._name_cache.get(op_type)
    if op_bytes is None:
      op_bytes = self._name_cache[op_type] = op_type.encode()
    name_bytes = name.encode()
    with self._lock:
      node = lib.twpy_add(self._handle, op_bytes, len(op_bytes), name_bytes, len(name_bytes), flat, len(flat) >> 1,
                          control_ids, len(control_ids), attrs, len(attrs), device, len(device), where_bytes,
                          len(where_bytes), self._dtypes, _MAX_DTYPES + 1, self._status)
      if node < 0:
        raise StatusError(self._status[0])
      if node != len(self._ops):
        self._adopt(node)
      op = Operation(self, node, name, op_type, tuple(inputs), where)
      count = self._dtypes[0]
      if count == 1:
        op._outputs = [Tensor(op, 0, _dtype_of[self._dtypes[1]])]
      elif count <= _MAX_DTYPES:
        op._outputs = [Tensor(op, i, _dtype_of[self._dtypes[i + 1]]) for i in range(count)]
      else:
        op._outputs = [Tensor(op, i, _dtype_of[lib.tw_output_dtype(self._handle, (node, i))]) for i in range(count)]
      self._ops.append(op)
      self._by_name[name] = op
    if context is not None:
      context.add(op)
    if op_type in _CALLS_FUNCTIONS:
      self._function_ops.append(op)
    for controller in self._control_stack:
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
    handle = self._handle
    with self._lock:
      count = lib.tw_graph_num_nodes(handle) if upto is None else upto
      where = user_frame() if len(self._ops) < count else None
      added = []
      for node in range(len(self._ops), count):
        name = text(lib.tw_node_name(handle, node))
        op = Operation(self, node, name, text(lib.tw_node_op(handle, node)), (), where)
        op._outputs = [Tensor(op, i, _dtype_of[lib.tw_output_dtype(handle, (node, i))])
                       for i in range(lib.tw_node_num_outputs(handle, node))]
        self._ops.append(op)
        self._by_name[name] = op
        added.append(op)
        if self._context is not None:
          self._context.add(op)
        if op._type in _CALLS_FUNCTIONS:
          self._function_ops.append(op)
      if added and self._function_ops:
        self._read_outputs_again()
      # After all exist: an imported loop may refer forward.
      for op in added:
        inputs = []
        for i in range(lib.tw_node_num_inputs(handle, op._id)):
          source = lib.tw_node_input(handle, op._id, i)
          inputs.append(self._ops[source.node]._outputs[source.index])
        op._inputs = tuple(inputs)
        self._reserve(op._name)
      if added and self._function_ops:
        self._read_inputs_again()
      return added

  def _check_visible(self, op, name):
    """ValueError unless `op` lies where the operation `name` is being made, or around it."""
    context = self._context
    while context is not None:
      if op._context is context:
        return
      context = context.outer
    if op._context is not None:
      raise op._context.inaccessible(op, name)

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

  def _get_control_flow_context(self):
    return self._context

  def _set_control_flow_context(self, context):
    self._context = context

  def _reserve(self, name):
    key = name.lower()
    if key not in self._names_in_use:
      self._names_in_use[key] = 1

  def _set_attr(self, node, name, kind, value):
    encoded = name.encode()
    packed = attr_pack.pack(name, kind, value)
    attr = ffi.new("tw_attr*")
    key = ffi.from_buffer("char[]", encoded)
    attr.name = (key, len(encoded))
    keep = _fill_attr(attr, kind, value, packed)
    check(lib.tw_graph_set_attr(self._handle, node, attr))
    del keep

  def _current_controls(self, input_ops):
    controls = []
    for controller in self._control_stack:
      seen = controller._seen
      # An input made inside the block runs after the block's dependencies anyway.
      if not any(op in seen for op in input_ops):
        controls.extend(c for c in controller._control_inputs if c not in input_ops)
    return controls

  def _device_for(self, op_type, name, inputs):
    view = _OpView(self, op_type, name, inputs, "")
    for spec in reversed(self._device_stack):
      if spec is None:
        break
      if callable(spec):
        device = spec(view)
        if device is None:
          view.device = ""
        else:
          view.device = device if isinstance(device, str) else device_lib.canonical_name(device)
      else:
        view.device = device_lib.merge(spec, view.device)
    return view.device.encode()

  def _apply_colocation(self, device, name):
    groups = []
    for op in self._colocation_stack:
      if op is None:
        groups = []
        continue
      groups.extend(op.colocation_groups())
      if op.device:
        device = op.device.encode()
    groups = [g for g in sorted(set(groups)) if g != ("loc:@%s" % name).encode()]
    return device, (attr_pack.pack("_class", "list(string)", groups) if groups else b"")

  # --- asking ---

  def _as_graph_def(self, from_version=None, add_shapes=False):
    from thalweg import _protos
    with self._lock:
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
    """The number of operations so far; the seed of a random operation that has none of its own."""
    return len(self._ops)

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

  def get_operations(self):
    with self._lock:
      return list(self._ops)

  def _operation_or_none(self, name):
    return self._by_name.get(name)

  def _get_operation_by_name_unsafe(self, name):
    op = self._by_name.get(name)
    if op is None:
      raise KeyError("The name %s refers to an Operation not in the graph." % repr(name))
    return op

  def get_operation_by_name(self, name):
    if not isinstance(name, str):
      raise TypeError("Operation names are strings (or similar), not %s." % type(name).__name__)
    return self.as_graph_element(name, allow_tensor=False, allow_operation=True)

  def get_tensor_by_name(self, name):
    if not isinstance(name, str):
      raise TypeError("Tensor names are strings (or similar), not %s." % type(name).__name__)
    return self.as_graph_element(name, allow_tensor=True, allow_operation=False)

  def _get_operation_by_tf_operation(self, tf_oper):
    return self._ops[tf_oper]

  def as_graph_element(self, obj, allow_tensor=True, allow_operation=True):
    """The Tensor or Operation that a name or an object of this graph stands for."""
    if allow_tensor and allow_operation:
      types_str = "Tensor or Operation"
    elif allow_tensor:
      types_str = "Tensor"
    elif allow_operation:
      types_str = "Operation"
    else:
      raise ValueError("allow_tensor and allow_operation can't both be False.")
    convert = getattr(obj, "_as_graph_element", None)
    temp = convert() if convert else None
    if temp is not None:
      obj = temp
    if isinstance(obj, bytes):
      obj = obj.decode("utf-8")
    if isinstance(obj, str):
      return self._element_by_name(obj, allow_tensor, allow_operation)
    if isinstance(obj, Tensor) and allow_tensor:
      if obj.graph is not self:
        raise ValueError("Tensor %s is not an element of this graph." % obj)
      return obj
    if isinstance(obj, Operation) and allow_operation:
      if obj.graph is not self:
        raise ValueError("Operation %s is not an element of this graph." % obj)
      return obj
    raise TypeError("Can not convert a %s into a %s." % (type(obj).__name__, types_str))

  def _element_by_name(self, name, allow_tensor, allow_operation):
    if ":" in name and allow_tensor:
      try:
        op_name, out_n = name.split(":")
        out_n = int(out_n)
      except ValueError:
        raise ValueError("The name %s looks a like a Tensor name, but is not a valid one. Tensor names must be of the "
                         "form \"<op_name>:<output_index>\"." % repr(name)) from None
      op = self._by_name.get(op_name)
      if op is None:
        raise KeyError("The name %s refers to a Tensor which does not exist. The operation, %s, does not exist in the "
                       "graph." % (repr(name), repr(op_name)))
      try:
        return op._outputs[out_n]
      except IndexError:
        raise KeyError("The name %s refers to a Tensor which does not exist. The operation, %s, exists but only has "
                       "%s outputs." % (repr(name), repr(op_name), len(op._outputs))) from None
    if ":" in name:
      raise ValueError("Name %s appears to refer to a Tensor, not a %s." % (repr(name), "Operation"))
    if not allow_operation:
      op_exists = name in self._by_name
      err = ("The name %s refers to an Operation%s. Tensor names must be of the form \"<op_name>:<output_index>\"." %
             (repr(name), "" if op_exists else ", not a Tensor, and it is not in the graph"))
      raise ValueError(err if op_exists else err)
    if name not in self._by_name:
      raise KeyError("The name %s refers to an Operation not in the graph." % repr(name))
    return self._by_name[name]

  def _consumers(self, tensor):
    with self._lock:
      index = self._consumer_index
      for op in self._ops[self._consumers_upto:]:
        for t in op._inputs:
          users = index.setdefault((t._op._id, t._value_index), [])
          if not users or users[-1] is not op:
            users.append(op)
      self._consumers_upto = len(self._ops)
      return list(index.get((tensor._op._id, tensor._value_index), ()))

  def prevent_feeding(self, tensor):
    self._unfeedable.add(tensor)

  def is_feedable(self, tensor):
    return tensor._op._context is None and tensor not in self._unfeedable

  def prevent_fetching(self, op):
    self._unfetchable.add(op)

  def is_fetchable(self, tensor_or_op):
    op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
    return op._context is None and op not in self._unfetchable

  # --- names ---

  def unique_name(self, name, mark_as_used=True):
    """`name` in the current scope, with a suffix when it is taken."""
    if self._name_stack:
      name = self._name_stack + "/" + name
    names = self._names_in_use
    key = name.lower()
    i = names.get(key, 0)
    if mark_as_used:
      names[key] = i + 1
    if i > 0:
      base_key = key
      while key in names:
        key = "%s_%d" % (base_key, i)
        i += 1
      if mark_as_used:
        names[key] = 1
      name = "%s_%d" % (name, i - 1)
    return name

  def get_name_scope(self):
    return self._name_stack

  def _enter_scope(self, name):
    """The name stack inside a scope called `name`."""
    if name:
      if isinstance(name, bytes):
        name = name.decode()
      if name not in _valid_names:
        if not (_VALID_SCOPE_NAME if self._name_stack else _VALID_OP_NAME).match(name):
          raise ValueError("'%s' is not a valid scope name" % name)
        if _VALID_OP_NAME.match(name) and len(_valid_names) < 100000:
          _valid_names.add(name)
    if not name:
      return ""
    if name[-1] == "/":
      return name[:-1]
    return self.unique_name(name)

  @contextlib.contextmanager
  def name_scope(self, name):
    """Names of operations made inside begin with `name/`; a name that ends in '/' re-opens that scope."""
    old = self._name_stack
    new = self._enter_scope(name)
    self._name_stack = new
    try:
      yield "" if not new else new + "/"
    finally:
      self._name_stack = old

  # --- contexts ---

  def as_default(self):
    return default_graph_stack.get_controller(self)

  def control_dependencies(self, control_inputs):
    if control_inputs is None:
      return _ControlDependenciesController(self, None)
    ops = []
    seen = set()
    for c in control_inputs:
      if hasattr(c, "_parent_op"):
        # What an assignment returned stands for the write, not only for the variable.
        c = c._parent_op
      elif hasattr(c, "_handle") and hasattr(c, "assign_sub") and hasattr(c._handle, "op"):
        c = c._handle
      elif not isinstance(c, (Tensor, Operation)) and hasattr(c, "values") and hasattr(c, "indices"):
        c = c.op
      c = self.as_graph_element(c)
      if isinstance(c, Tensor):
        c = c.op
      if c._context is not self._context:
        self._check_visible(c, "control_dependencies")
      if c not in seen:
        seen.add(c)
        ops.append(c)
    return _ControlDependenciesController(self, ops)

  def _push_device(self, spec):
    old = (self._device_stack, self._device_bytes)
    self._device_stack = self._device_stack + [spec]
    if any(callable(s) for s in self._device_stack):
      self._device_bytes = None
    else:
      merged = ""
      for s in reversed(self._device_stack):
        if s is None:
          break
        merged = device_lib.merge(s, merged)
      self._device_bytes = merged.encode()
    return old

  @contextlib.contextmanager
  def device(self, device_name_or_function):
    """Operations made inside are placed there, as far as an inner device() says nothing else."""
    spec = device_name_or_function
    if spec is not None and not callable(spec):
      spec = device_lib.canonical_name(spec)
    old = self._push_device(spec)
    try:
      yield
    finally:
      self._device_stack, self._device_bytes = old

  @contextlib.contextmanager
  def colocate_with(self, op, ignore_existing=False):
    if op is None and not ignore_existing:
      raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
    if op is not None and not isinstance(op, Operation):
      handle = getattr(op, "handle", None)
      op = handle.op if handle is not None and hasattr(handle, "op") else op.op
    old_devices = None
    if op is not None:
      # Devices asked for outside give way to the operation's own.
      old_devices = (self._device_stack, self._device_bytes)
      self._device_stack, self._device_bytes = [], b""
    old = self._colocation_stack
    self._colocation_stack = ([] if ignore_existing else list(old)) + ([op] if op is not None else [])
    try:
      yield
    finally:
      if old_devices is not None:
        self._device_stack, self._device_bytes = old_devices
      self._colocation_stack = old

  @contextlib.contextmanager
  def _colocate_all(self, ops):
    with contextlib.ExitStack() as stack:
      for op in ops:
        stack.enter_context(self.colocate_with(op))
      yield

  @contextlib.contextmanager
  def container(self, container_name):
    old, self._container = self._container, container_name
    try:
      yield self._container
    finally:
      self._container = old

  @contextlib.contextmanager
  def gradient_override_map(self, op_type_map):
    """Operations of these types take the gradient registered under the other name."""
    if not isinstance(op_type_map, dict):
      raise TypeError("op_type_map must be a dictionary mapping strings to strings")
    for op_type, mapped in op_type_map.items():
      if not isinstance(op_type, str) or not isinstance(mapped, str):
        raise TypeError("op_type_map must be a dictionary mapping strings to strings")
    old = self._override_map
    self._override_map = dict(old, **op_type_map)
    try:
      yield
    finally:
      self._override_map = old

  @contextlib.contextmanager
  def _attr_scope(self, attr_map):
    """attr_map: name to (kind, value), put on every operation made inside."""
    old = self._attr_scopes
    self._attr_scopes = dict(old, **attr_map)
    try:
      yield
    finally:
      self._attr_scopes = old

  @contextlib.contextmanager
  def _variable_creator_scope(self, creator, priority=100):
    old = self._variable_creator_stack
    self._variable_creator_stack = sorted(old + [(priority, creator)], key=lambda item: item[0])
    try:
      yield
    finally:
      self._variable_creator_stack = old

  # --- collections ---

  def add_to_collection(self, name, value):
    self._check_not_finalized()
    with self._lock:
      self._collections.setdefault(name, []).append(value)

  def add_to_collections(self, names, value):
    names = (names,) if isinstance(names, str) else set(names)
    for name in names:
      self.add_to_collection(name, value)

  def get_collection_ref(self, name):
    with self._lock:
      return self._collections.setdefault(name, [])

  def get_collection(self, name, scope=None):
    with self._lock:
      found = self._collections.get(name)
      if found is None:
        return []
      if scope is None:
        return list(found)
      regex = re.compile(scope)
      return [item for item in found if hasattr(item, "name") and regex.match(item.name)]

  def get_all_collection_keys(self):
    with self._lock:
      return [k for k in self._collections if isinstance(k, str)]

  @property
  def collections(self):
    return self.get_all_collection_keys()

  def clear_collection(self, name):
    self._check_not_finalized()
    with self._lock:
      self._collections.pop(name, None)

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


def _fill_attr(attr, kind, value, packed):
  """Points a tw_attr at one value; returns what must stay alive during the call."""
  base = kind[5:-1] if kind.startswith("list(") else kind
  values = list(value) if kind.startswith("list(") else [value]
  attr.count = len(values)
  number = {"string": 1, "int": 2, "float": 3, "bool": 4, "type": 5, "func": 8}[base]
  attr.kind = number | (16 if kind.startswith("list(") else 0)
  if base in ("string", "func"):
    data = [attr_pack.make_bytes(v, kind) for v in values]
    buffers = [ffi.from_buffer("char[]", d) if d else NULL for d in data]
    strings = ffi.new("tw_str[]", max(len(values), 1))
    for i, b in enumerate(buffers):
      strings[i] = (b, len(data[i]))
    attr.value.strings = strings
    return data, buffers, strings
  if base == "type":
    items = ffi.new("int32_t[]", [dtypes.as_dtype(v)._type_enum for v in values])
    attr.value.types = items
  elif base == "int":
    items = ffi.new("int64_t[]", values)
    attr.value.ints = items
  elif base == "float":
    items = ffi.new("float[]", values)
    attr.value.floats = items
  else:
    items = ffi.new("uint8_t[]", [1 if v else 0 for v in values])
    attr.value.bools = items
  return items
