"""Functions that bring their own gradient."""

import itertools

from thalweg.framework import gradient_registry, ops
from thalweg.ops import array_ops

_numbers = itertools.count()


def custom_gradient(f):
  """Decorator for `f(*args) -> (outputs, grad_fn)`, with grad_fn(*dy) giving one gradient per argument."""

  def decorated(*args, **kwargs):
    if kwargs:
      raise ValueError("The custom_gradient decorator currently supports keywords arguments only when eager execution "
                       "is enabled.")
    args = [ops.convert_to_tensor(a) for a in args]
    # Identities, so that the arguments' own gradients do not pass the function by.
    args = [array_ops.identity(a) for a in args]
    result, grad_fn = f(*args)
    results = [ops.convert_to_tensor(r) for r in (result if isinstance(result, (list, tuple)) else [result])]
    name = "CustomGradient-%d" % next(_numbers)

    @gradient_registry.RegisterGradient(name)
    def gradient(op, *dys):
      grads = grad_fn(*dys[:len(results)])
      grads = list(grads) if isinstance(grads, (list, tuple)) else [grads]
      if len(grads) != len(args):
        raise ValueError("a custom gradient gave %d gradients for %d arguments" % (len(grads), len(args)))
      return [None] * len(results) + grads

    with ops.get_default_graph().gradient_override_map({"IdentityN": name}):
      tensors = array_ops.identity_n(results + args)
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
