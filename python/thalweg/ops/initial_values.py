"""Initial values that read other variables: made to hold in whatever order the initialisers run."""

from thalweg.framework import ops


def guarded_initial_value(name, value):
  """`value` computed from the initial values of the variables it reads, so that initialisers run in any order."""
  return _safe_initial_value(name, value, {}) if _reads_variables(value.op) else value


_READS = frozenset(("IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If", "StatelessIf"))
_VARIABLES = frozenset(("Variable", "VariableV2", "VarHandleOp"))


def _reads_variables(op):
  stack, seen = [op], {op}
  while stack:
    op = stack.pop()
    if op._type in _VARIABLES:
      return True
    for t in op._inputs:
      if t._op not in seen:
        seen.add(t._op)
        stack.append(t._op)
  return False


def _find_initialized(op):
  """The initial value of the variable that a read is of, else None."""
  for collection in (ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.LOCAL_VARIABLES):
    for variable in op.graph.get_collection(collection):
      if variable.op is op:
        return variable
  return None


def _safe_initial_value(name, tensor, seen):
  op = tensor.op
  if op in seen:
    return seen[op]._outputs[tensor.value_index] if seen[op] is not None else tensor
  if op.type in _READS:
    return tensor
  if op.type in _VARIABLES:
    variable = _find_initialized(op)
    return variable.initialized_value() if variable is not None else tensor
  seen[op] = None
  modified, inputs = False, []
  for t in op.inputs:
    safe = _safe_initial_value(name, t, seen)
    inputs.append(safe)
    modified = modified or safe is not t
  if not modified:
    return tensor
  attrs = {n: op.get_attr(n) for n in op._attr_names() if not n.startswith("_")}
  # A complete name, which the variable's own makes unique.
  made = op.graph.create_op(op.type, inputs, name="%s_%s/" % (op.name, name.replace(":", "_")), attrs=attrs)
  seen[op] = made
  return made._outputs[tensor.value_index]
