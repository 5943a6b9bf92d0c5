"""What is open while a graph is built: name scopes, control dependencies, devices, colocation, attributes.

Entering a context changes fields of the graph and leaving it puts the old ones back; a graph's contexts serve one
thread at a time.
"""

import contextlib
import re

from thalweg.framework import attr_pack, branch_values
from thalweg.framework import device as device_lib
from thalweg.framework.operation import Operation
from thalweg.framework.stack import default_graph_stack
from thalweg.framework.tensor import Tensor

_VALID_OP_NAME = re.compile("^[A-Za-z0-9.][A-Za-z0-9_.\\-/]*$")
_VALID_SCOPE_NAME = re.compile("^[A-Za-z0-9_.\\-/]*$")
_valid_names = set()


class _Context(contextlib.ContextDecorator):
  """Gives fields of a graph other values: `enter(graph, argument)` tells which, and what `with` hands out."""

  __slots__ = ("_graph", "_enter", "_argument", "_old")

  def __init__(self, graph, enter, argument):
    self._graph, self._enter, self._argument = graph, enter, argument

  def _recreate_cm(self):
    return _Context(self._graph, self._enter, self._argument)

  def __enter__(self):
    new, value = self._enter(self._graph, self._argument)
    fields = self._graph.__dict__
    self._old = {key: fields[key] for key in new}
    fields.update(new)
    return value

  def __exit__(self, *unused):
    self._graph.__dict__.update(self._old)


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


class GraphContexts:
  """The part of a Graph that its contexts change."""

  def _init_contexts(self):
    self._names_in_use = {}
    self._name_stack = ""
    self._control_stack = []
    self._context = None          # the body of a branch or loop that is being made
    self._device_stack = []       # strings, functions, None
    self._device_bytes = b""      # of the stack when no function is in it; None otherwise
    self._colocation_stack = []
    self._attr_scopes = {}
    self._attr_scope_bytes = b""
    self._override_map = {}
    self._container = ""
    self._variable_creator_stack = []

  # --- bodies of branches and loops ---

  def _get_control_flow_context(self):
    return self._context

  def _set_control_flow_context(self, context):
    self._context = context

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

  def name_scope(self, name):
    """Names of operations made inside begin with `name/`; a name that ends in '/' re-opens that scope."""
    return _Context(self, _enter_name_scope, name)

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
      if c not in seen:
        seen.add(c)
        ops.append(c)
    if any(c._context is not self._context for c in ops):
      ops = branch_values.operations(self, ops, "control_dependencies")
    return _ControlDependenciesController(self, ops)

  def device(self, device_name_or_function):
    """Operations made inside are placed there, as far as an inner device() says nothing else."""
    return _Context(self, _enter_device, device_name_or_function)

  def colocate_with(self, op, ignore_existing=False):
    """Operations made inside share the device of `op`."""
    return _Context(self, _enter_colocation, (op, ignore_existing))

  def container(self, container_name):
    return _Context(self, lambda graph, name: ({"_container": name}, name), container_name)

  def gradient_override_map(self, op_type_map):
    """Operations of these types take the gradient registered under the other name."""
    return _Context(self, _enter_override_map, op_type_map)

  def _attr_scope(self, attr_map):
    """attr_map: name to (kind, value), put on every operation made inside."""
    return _Context(self, _enter_attr_scope, attr_map)

  def _variable_creator_scope(self, creator, priority=100):
    return _Context(self, _enter_variable_creator, (priority, creator))

  # --- what they mean for a new operation ---

  def _current_controls(self, input_ops):
    controls = []
    for controller in self._control_stack:
      if not controller._control_inputs:
        continue
      seen = controller._seen
      # An input made inside the block runs after the block's dependencies anyway.
      if not any([op in seen for op in input_ops]):
        controls.extend([c for c in controller._control_inputs if c not in input_ops])
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

  def _colocate(self, device, name, together):
    """The device of a node beside the open colocation blocks and `together`, and the groups that it joins."""
    groups = set()
    for op in (*self._colocation_stack, *together):
      groups.update(op.colocation_groups())
      if op.device:
        device = op.device.encode()
    groups.discard(b"loc:@" + name.encode())
    return device, sorted(groups)


def _enter_name_scope(graph, name):
  new = graph._enter_scope(name)
  return {"_name_stack": new}, new + "/" if new else ""


def _enter_device(graph, spec):
  if spec is not None and not callable(spec):
    spec = device_lib.canonical_name(spec)
  stack = graph._device_stack + [spec]
  if any(callable(s) for s in stack):
    return {"_device_stack": stack, "_device_bytes": None}, None
  merged = ""
  for s in reversed(stack):
    if s is None:
      break
    merged = device_lib.merge(s, merged)
  return {"_device_stack": stack, "_device_bytes": merged.encode()}, None


def _enter_colocation(graph, argument):
  op, ignore_existing = argument
  if op is None:
    if not ignore_existing:
      raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
    stack = []
  else:
    if not isinstance(op, Operation):
      handle = getattr(op, "handle", None)
      op = handle.op if handle is not None and hasattr(handle, "op") else op.op
    stack = [op] if ignore_existing else graph._colocation_stack + [op]
  # Devices asked for outside give way to the operation's own, or to those asked for inside.
  return {"_colocation_stack": stack, "_device_stack": [], "_device_bytes": b""}, None


def _enter_override_map(graph, op_type_map):
  if not isinstance(op_type_map, dict):
    raise TypeError("op_type_map must be a dictionary mapping strings to strings")
  for op_type, mapped in op_type_map.items():
    if not isinstance(op_type, str) or not isinstance(mapped, str):
      raise TypeError("op_type_map must be a dictionary mapping strings to strings")
  return {"_override_map": dict(graph._override_map, **op_type_map)}, None


def _enter_attr_scope(graph, attr_map):
  scopes = dict(graph._attr_scopes, **attr_map)
  packed = b"".join([attr_pack.pack_groups(value[1]) if key == "_class" else attr_pack.pack(key, *value)
                     for key, value in scopes.items()])
  return {"_attr_scopes": scopes, "_attr_scope_bytes": packed}, None


def _enter_variable_creator(graph, creator):
  return {"_variable_creator_stack": sorted(graph._variable_creator_stack + [creator], key=lambda item: item[0])}, None
