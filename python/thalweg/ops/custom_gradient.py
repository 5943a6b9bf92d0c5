"""Functions that bring their own gradient."""

import inspect
import itertools

from thalweg.framework import gradient_registry, ops
from thalweg.ops import array_ops, resource_variable_ops, variable_scope, variables as tf_variables
from thalweg.platform import tf_logging as logging

_numbers = itertools.count()


def _known_variables():
  found = tf_variables.global_variables() + tf_variables.local_variables() + tf_variables.trainable_variables()
  return {id(v): v for v in found}


def used_variables(graph, first):
  """The resource variables that the operations from number `first` on take, or values of which they take."""
  handles = {}
  for op in graph.get_operations():
    if op._id < first:
      continue
    for t in op.inputs:
      while t.op.type in ("Identity", "ReadVariableOp") and t.op.inputs:
        t = t.op.inputs[0]
      if t.op.type == "VarHandleOp":
        handles[t.name] = None
  by_handle = {v.handle.name: v for v in _known_variables().values() if resource_variable_ops.is_resource_variable(v)}
  return [by_handle[name] for name in handles if name in by_handle]


def _check_signature(grad_fn, used):
  signature = inspect.getfullargspec(grad_fn)
  takes_variables = "variables" in signature.args + signature.kwonlyargs or signature.varkw
  if used and not takes_variables:
    raise TypeError("If using @custom_gradient with a function that uses variables, then grad_fn must accept a keyword "
                    "argument 'variables'.")
  if takes_variables and not used:
    if not variable_scope.get_variable_scope().use_resource:
      raise TypeError("If using @custom_gradient with a function that uses variables, the enclosing variable scope must "
                      "have use_resource=True.")
    logging.warn("@custom_gradient grad_fn has 'variables' in signature, but no ResourceVariables were used on the "
                 "forward pass.")


def custom_gradient(f):
  """Decorator for `f(*args) -> (outputs, grad_fn)`, with grad_fn(*dy) giving one gradient per argument.

  Where f uses variables, which must be resource variables, grad_fn is called with them as `variables` and gives (gradients
  of the arguments, gradients of the variables).
  """

  def decorated(*args, **kwargs):
    if kwargs:
      raise ValueError("The custom_gradient decorator currently supports keywords arguments only when eager execution "
                       "is enabled.")
    args = [ops.convert_to_tensor(a) for a in args]
    # Identities, so that the arguments' own gradients do not pass the function by.
    args = [array_ops.identity(a) for a in args]
    graph, before = ops.get_default_graph(), _known_variables()
    first = graph._last_id
    result, grad_fn = f(*args)
    if any(key not in before and not resource_variable_ops.is_resource_variable(v)
           for key, v in _known_variables().items()):
      raise TypeError("All variables used by a function wrapped with @custom_gradient must be `ResourceVariable`s. Ensure "
                      "that no `variable_scope` is created with `use_resource=False`.")
    used = used_variables(graph, first)
    _check_signature(grad_fn, used)
    results = [ops.convert_to_tensor(r) for r in (result if isinstance(result, (list, tuple)) else [result])]
    name = "CustomGradient-%d" % next(_numbers)

    @gradient_registry.RegisterGradient(name)
    def gradient(op, *dys):
      dys, of_variables = dys[:len(results)], []
      if used:
        grads, of_variables = grad_fn(*dys, variables=list(used))
        if len(of_variables) != len(used):
          raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
      else:
        grads = grad_fn(*dys)
      grads = list(grads) if isinstance(grads, (list, tuple)) else [grads]
      if len(grads) != len(args):
        raise ValueError("a custom gradient gave %d gradients for %d arguments" % (len(grads), len(args)))
      return [None] * len(results) + grads + list(of_variables)

    with graph.gradient_override_map({"IdentityN": name}):
      tensors = array_ops.identity_n(results + args + [v.value() for v in used])
    for t, r in zip(tensors, results):
      t.set_shape(r.shape)
    tensors = tensors[:len(results)]
    return type(result)(tensors) if isinstance(result, (list, tuple)) else tensors[0]

  decorated.__name__ = getattr(f, "__name__", "custom_gradient")
  decorated.__doc__ = f.__doc__
  return decorated


def grad_pass_through(f):
  """`f` with the gradient of the identity."""

  @custom_gradient
  def wrapped(*args):
    return f(*args), lambda *dy: dy if len(dy) > 1 else dy[0]

  return wrapped
