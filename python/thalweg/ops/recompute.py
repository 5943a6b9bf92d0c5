"""Functions that are computed again for their gradients, which saves the memory of what lies between inputs and outputs
(Chen et al. 2016)."""

from thalweg.framework import ops
from thalweg.ops import array_ops, gradients_impl, variable_scope as vs
from thalweg.ops.custom_gradient import custom_gradient


def gradients_again(f, args, variables, output_grads, scope):
  """The gradients with respect to args and variables of f, computed anew in variable scope `scope` once the gradients of
  its outputs are there."""
  args = [array_ops.identity(a) for a in args]
  with ops.control_dependencies([g for g in output_grads if g is not None]):
    with vs.variable_scope(scope, reuse=True):
      outputs = f(*args)
  outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
  return gradients_impl.gradients(outputs, args + list(variables), list(output_grads))


def recompute_grad(f):
  """`f`, of tensors to a tensor or several, that keeps nothing for its gradient. Its variables are resource variables."""

  @custom_gradient
  def inner(*args):
    scope = vs.get_variable_scope()
    result = f(*args)

    def gradient(*output_grads, variables=None):
      variables = list(variables or [])
      found = gradients_again(f, args, variables, output_grads, scope)
      return (found[:len(args)], found[len(args):]) if variables else found

    return result, gradient

  return inner
