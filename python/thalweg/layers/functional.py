"""Layers as functions, which make the layer and apply it once."""

import inspect

from thalweg.util.functions import named

_POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def as_function(layer_class, name):
  """name(inputs, <the arguments of the class>, reuse=None): the outputs of a new layer.

  The layer's variables lie in the variable scope `name=`, or in a new one called after the class; with `reuse` they are
  those of an earlier call under that name.
  """
  own = [p for p in inspect.signature(layer_class).parameters.values() if p.kind is _POSITIONAL]
  signature = inspect.Signature([inspect.Parameter("inputs", _POSITIONAL), *own,
                                 inspect.Parameter("reuse", _POSITIONAL, default=None)])

  def apply(*args, **kwargs):
    try:
      given = signature.bind(*args, **kwargs).arguments
    except TypeError as error:
      raise TypeError("%s() %s" % (name, error)) from None
    inputs, reuse = given.pop("inputs"), given.pop("reuse", None)
    return layer_class(_reuse=reuse, _scope=given.get("name"), **given).apply(inputs)

  apply.__signature__ = signature
  apply.__module__ = layer_class.__module__
  return named(apply, name, "%s as a function: makes the layer and applies it to `inputs`." % layer_class.__name__)
