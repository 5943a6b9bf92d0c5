"""Kullback-Leibler divergences of pairs of distributions, by their classes."""

from thalweg.framework import ops
from thalweg.ops import array_ops, control_flow_ops, math_ops

_functions = {}


def _registered(class_a, class_b):
  """The function for the nearest classes above both that have one."""
  best = None
  for i, a in enumerate(class_a.__mro__):
    for j, b in enumerate(class_b.__mro__):
      if (a, b) in _functions and (best is None or i + j < best[0]):
        best = i + j, _functions[a, b]
  return None if best is None else best[1]


def kl_divergence(distribution_a, distribution_b, allow_nan_stats=True, name=None):
  """E[log a(x) - log b(x)] for x from a; NotImplementedError for classes without a formula."""
  function = _registered(type(distribution_a), type(distribution_b))
  if function is None:
    raise NotImplementedError("No KL(distribution_a || distribution_b) registered for distribution_a type %s and "
                              "distribution_b type %s" % (type(distribution_a).__name__, type(distribution_b).__name__))
  with ops.name_scope("KullbackLeibler"):
    found = function(distribution_a, distribution_b, name=name)
    if allow_nan_stats:
      return found
    found = array_ops.identity(found, name="kl")
    check = control_flow_ops.Assert(
        math_ops.logical_not(math_ops.reduce_any(math_ops.is_nan(found))),
        ["KL calculation between %s and %s returned NaN values (and was called with allow_nan_stats=False). Values:" % (
            distribution_a.name, distribution_b.name), found])
    return control_flow_ops.with_dependencies([check], found, name="checked_kl")


def cross_entropy(ref, other, allow_nan_stats=True, name=None):
  """E[-log other(x)] for x from ref."""
  with ops.name_scope(name, "cross_entropy"):
    return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


class RegisterKL:
  """A decorator of the function (a, b, name=None) that is the divergence of two classes."""

  def __init__(self, dist_cls_a, dist_cls_b):
    self._key = (dist_cls_a, dist_cls_b)

  def __call__(self, kl_fn):
    if not callable(kl_fn):
      raise TypeError("kl_fn must be callable, received: %s" % kl_fn)
    if self._key in _functions:
      raise ValueError("KL(%s || %s) has already been registered to: %s" % (
          self._key[0].__name__, self._key[1].__name__, _functions[self._key]))
    _functions[self._key] = kl_fn
    return kl_fn


