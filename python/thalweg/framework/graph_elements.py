"""What is in a graph: operations and tensors by name, their consumers, collections."""

import re

from thalweg.framework.operation import Operation
from thalweg.framework.tensor import Tensor


class GraphElements:
  """The part of a Graph that answers questions about it."""

  def _init_elements(self):
    self._ops = []
    self._by_name = {}
    self._doubles = set()  # stand for operations of branches outside of these
    self._collections = {}
    self._unfeedable = set()
    self._unfetchable = set()
    self._consumer_index = {}
    self._consumers_upto = 0

  def get_operations(self):
    with self._lock:
      return [op for op in self._ops if op not in self._doubles] if self._doubles else list(self._ops)

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

  # --- collections ---

  def add_to_collection(self, name, value):
    self._check_not_finalized()
    with self._lock:
      self._collections.setdefault(name, []).append(value)

  def add_to_collections(self, names, value):
    self._check_not_finalized()
    with self._lock:
      for name in (names,) if isinstance(names, str) else set(names):
        self._collections.setdefault(name, []).append(value)

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
