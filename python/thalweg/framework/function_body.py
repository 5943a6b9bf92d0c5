"""Bodies of branches and loops. A body is built in place, among the operations of the graph and under their names; when
it is whole, what its results need is taken out of the graph and becomes a function, and what it uses from around itself
becomes that function's further arguments."""

from thalweg._c import check, ffi, lib
from thalweg.framework import function, op_table
from thalweg.framework.errors import InaccessibleTensorError
from thalweg.framework.op_create import op as _op


class Body:
  """The operations made while it is entered. May be entered several times, and others may be made inside of it."""

  def __init__(self, graph, kind, name):
    """`kind` is "cond", "switch_case" or "while"; `name` the scope of the construct, for messages."""
    self.graph, self.kind, self.name = graph, kind, name
    self.outer = graph._context
    self.ops = []
    self.known = set()    # for node_count
    self.functions = []   # made of it
    self.call, self.branch = None, 0   # of a branch: the operation that runs it when it is whole, and its number
    self._saved = None

  def add(self, op):
    self.ops.append(op)

  def __enter__(self):
    graph = self.graph
    # The construct as a whole waits for what its surroundings wait for.
    self._saved = graph._context, graph._control_stack
    graph._context, graph._control_stack = self, []
    return self

  def __exit__(self, *unused):
    self.graph._context, self.graph._control_stack = self._saved

  def inaccessible(self, op, user):
    """The error for a use of `op` from outside."""
    if self.kind == "while":
      return InaccessibleTensorError(
          "Cannot use '%s' as input to '%s' because '%s' is in a while loop. Make it a loop variable of '%s' to use its "
          "last value." % (op.name, user, op.name, self.name))
    if self.kind == "switch_case":
      return InaccessibleTensorError(
          "Cannot use '%s' as input to '%s' because '%s' is in a branch of '%s', which is a function. Return it from all "
          "branches to use it." % (op.name, user, op.name, self.name))
    return InaccessibleTensorError(
        "Cannot use '%s' as input to '%s' because '%s' is in a branch of '%s' that is still being made. Use it inside, or "
        "when tf.cond has returned." % (op.name, user, op.name, self.name))

  def remove(self):
    """Takes the operations out of the graph. Their objects stay, for messages."""
    if self.ops:
      ids = ffi.new("int32_t[]", [op._id for op in self.ops])
      check(lib.tw_graph_remove(self.graph._handle, ids, len(self.ops)))


class Captures:
  """What some bodies use from outside: tensors, each an argument of all the functions; and operations to wait for."""

  def __init__(self):
    self._tensors = set()
    self.controls = set()
    self.inputs = []
    self.stateful = False

  def scan(self, body, results, arguments=()):
    """Adds what the results of one body need."""
    arguments = set(arguments)
    stack, seen = [], set()

    def visit(tensor):
      if tensor in arguments:
        return
      if tensor._op._context is body:
        stack.append(tensor._op)
      elif not _copied(tensor):
        self._tensors.add(tensor)

    for tensor in results:
      visit(tensor)
    while stack:
      op = stack.pop()
      if op in seen:
        continue
      seen.add(op)
      self.stateful = self.stateful or op_table.spec(op._type).stateful
      for tensor in op._inputs:
        visit(tensor)
      for source in op.control_inputs:
        if source._context is body:
          stack.append(source)
        else:
          self.controls.add(source)

  def close(self):
    """To be called outside of the bodies when all have been scanned: the tensors to hand over."""
    self.inputs = []
    for tensor in sorted(self._tensors, key=lambda t: (t._op._id, t._value_index)):
      if tensor.dtype._is_ref_dtype:
        # The variable itself: a body may write it, and reads what it holds when the body runs, if it holds anything.
        tensor = _op("_RefHandle", tensor._op._name.split("/")[-1] + "/handle", (tensor,))
      self.inputs.append(tensor)
    return self.inputs

  def add_function(self, kind, body, results, arguments=()):
    """Adds the function of one body to the graph; returns its name. The captured tensors are its last arguments."""
    graph = body.graph
    base = "%s_%s" % (body.name.replace("/", "_"), kind)
    number = len(graph._functions)
    while graph._is_function("%s_%d" % (base, number)):
      number += 1
    made = function.GraphFunction("%s_%d" % (base, number), graph, list(arguments) + self.inputs, results,
                                  nodes=body.ops)
    made.add_to_graph(graph)
    body.functions.append(made)
    return made.name


def _copied(tensor):
  """Constants that no gradient can be asked of go into the function itself, where their values decide shapes."""
  return tensor._op._type == "Const" and not (tensor.dtype.is_floating or tensor.dtype.is_complex)
