"""name_scope, device, control_dependencies and other contexts on the default graph."""

import contextlib

from thalweg.framework.stack import get_default_graph
from thalweg.framework.tensor import Tensor


_GRAPHLESS = frozenset((int, float, bool, str, bytes, list, tuple, type(None)))


def _graph_from_values(values):
  found = first = None
  for v in values or ():
    if v.__class__ is Tensor:
      graph = v._op.graph
    elif v.__class__ in _GRAPHLESS:
      continue
    else:
      graph = getattr(v, "graph", None)
      if graph is None or not hasattr(graph, "_name_stack"):
        continue
    if found is None:
      found, first = graph, v
    elif found is not graph:
      raise ValueError("%s must be from the same graph as %s." % (v, first))
  return found


class name_scope:
  """`with tf.name_scope(name, "default", [inputs]) as scope`: the graph of the inputs becomes default, and names of
  operations made inside begin with the scope."""

  __slots__ = ("_name", "_given", "_default_name", "_values", "_graph", "_default", "_old")

  def __init__(self, name, default_name=None, values=None):
    if default_name is not None and not isinstance(default_name, str):
      raise TypeError("`default_name` type (%s) is not a string type. You likely meant to pass this into the `values` "
                      "kwarg." % type(default_name))
    self._name = default_name if name is None else name
    self._given, self._default_name, self._values = name, default_name, values

  @property
  def name(self):
    return self._name

  def __enter__(self):
    name, values = self._name, self._values
    if name is None and values is not None:
      raise ValueError("At least one of name (%s) and default_name (%s) must be provided." % (
          self._given, self._default_name))
    graph = _graph_from_values(values) if values else None
    default = get_default_graph()
    self._default = None
    if graph is not None and graph is not default:
      self._default = graph.as_default()
      self._default.__enter__()
    else:
      graph = default
    try:
      new = graph._enter_scope(name)
    except BaseException:
      if self._default is not None:
        self._default.__exit__(None, None, None)
      raise
    self._graph, self._old = graph, graph._name_stack
    graph._name_stack = new
    return new + "/" if new else ""

  def __exit__(self, type_arg, value_arg, traceback_arg):
    self._graph._name_stack = self._old
    if self._default is not None:
      self._default.__exit__(type_arg, value_arg, traceback_arg)


name_scope_v1 = name_scope


class name_scope_v2(name_scope):

  def __init__(self, name):
    if name is None or not isinstance(name, str):
      raise ValueError("name for name_scope must be a string.")
    super().__init__(name)


@contextlib.contextmanager
def op_scope(values, name, default_name=None):
  """name_scope() with its arguments in the old order."""
  with name_scope(name, default_name=default_name, values=values) as scope:
    yield scope


def device(device_name_or_function):
  """A context in which operations are placed on a device, named, or told by a function of the operation."""
  return get_default_graph().device(device_name_or_function)


def container(container_name):
  """A context in which stateful operations keep their resources in the named container."""
  return get_default_graph().container(container_name)


def colocate_with(op, ignore_existing=False):
  """A context in which operations are placed where `op` is; with `ignore_existing`, not also where outer ones say."""
  return get_default_graph().colocate_with(op, ignore_existing)


def _colocate_with_for_gradient(op, gradient_uid, ignore_existing=False):
  return get_default_graph().colocate_with(op, ignore_existing)


def control_dependencies(control_inputs):
  """Operations made inside run after `control_inputs`; None forgets outer ones."""
  return get_default_graph().control_dependencies(control_inputs)


def init_scope():
  """Lifts out of control dependencies, as variables' initialisers must be."""
  return get_default_graph().control_dependencies(None)


def add_to_collection(name, value):
  """Adds a value to a collection of the default graph, which may hold it more than once."""
  get_default_graph().add_to_collection(name, value)


def add_to_collections(names, value):
  """Adds a value to each of the named collections; a name may be a string, and names may be None."""
  get_default_graph().add_to_collections(names, value)


def get_collection(key, scope=None):
  """A copy of a collection of the default graph: with `scope`, what has a name that begins with a match of it."""
  return get_default_graph().get_collection(key, scope)


def get_collection_ref(key):
  """The collection itself as a list, which may be changed; an empty one is made where there is none."""
  return get_default_graph().get_collection_ref(key)


def get_all_collection_keys():
  return get_default_graph().get_all_collection_keys()


def strip_name_scope(name, export_scope):
  """`name` without the scope in front."""
  if not export_scope:
    return name
  if export_scope[-1] == "/":
    export_scope = export_scope[:-1]
  import re
  return re.sub(r"([\^]|loc:@|^)" + re.escape(export_scope) + r"[\/]+(.*)", r"\1\2", name, count=1)


def prepend_name_scope(name, import_scope):
  """`name` within the scope."""
  if not import_scope:
    return name
  if import_scope[-1] == "/":
    import_scope = import_scope[:-1]
  import re
  return re.sub(r"([\^]|loc:@|^)(.*)", r"\1" + import_scope + r"/\2", name, count=1)


def name_from_scope_name(name):
  return name[:-1] if name and name[-1] == "/" else name


def _get_graph_from_inputs(op_input_list, graph=None):
  if graph is not None:
    for t in op_input_list:
      if isinstance(t, Tensor) and t.graph is not graph:
        raise ValueError("%s is not from the passed-in graph." % t)
    return graph
  return _graph_from_values(op_input_list) or get_default_graph()
