"""Gradients that the program registers for op types, in front of the core's own."""

_functions = {}


class RegisterGradient:
  """Decorator: `@RegisterGradient("MyOp") def _grad(op, *grads): return [one per input]`."""

  def __init__(self, op_type):
    if not isinstance(op_type, str):
      raise TypeError("op_type must be a string")
    self._op_type = op_type

  def __call__(self, f):
    if self._op_type in _functions:
      raise KeyError("Registering two gradient with name '%s'!" % self._op_type)
    _functions[self._op_type] = f
    return f


def not_differentiable(op_type):
  """States that no gradient flows through ops of this type."""
  if not isinstance(op_type, str):
    raise TypeError("op_type must be a string")
  if op_type in _functions:
    raise KeyError("Registering two gradient with name '%s'!" % op_type)
  _functions[op_type] = None


NotDifferentiable = not_differentiable
NoGradient = not_differentiable


def get_gradient_function(op):
  """What the program registered for this operation: a function, None for "no gradient"; LookupError for nothing."""
  if not op.inputs:
    return None
  op_type = op.type
  if op._has_attr("_gradient_op_type"):
    op_type = op.get_attr("_gradient_op_type").decode()
  if op_type not in _functions:
    raise LookupError("no gradient was registered for %s" % op_type)
  return _functions[op_type]
