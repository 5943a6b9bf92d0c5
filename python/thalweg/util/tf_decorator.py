"""Decorators that keep what they decorate at hand."""

import functools

_ATTRIBUTE = "_tf_decorator"


class TFDecorator:
  """What a decorator is: its name, the function it was given, and what it says about it."""

  def __init__(self, decorator_name, target, decorator_doc="", decorator_argspec=None):
    self.decorator_name = decorator_name
    self.decorated_target = target
    self.decorator_doc = decorator_doc
    self.decorator_argspec = decorator_argspec


def make_decorator(target, decorator_func, decorator_name=None, decorator_doc="", decorator_argspec=None):
  """`decorator_func` with the name, the module and the documentation of `target`, which it calls."""
  name = decorator_func.__name__ if decorator_name is None else decorator_name
  functools.update_wrapper(decorator_func, target)
  # Whoever looks at the signature sees the function's own unless the decorator has one.
  setattr(decorator_func, _ATTRIBUTE, TFDecorator(name, target, decorator_doc, decorator_argspec))
  return decorator_func


def unwrap(maybe_tf_decorator):
  """(the decorators from the outermost in, the function below them)."""
  decorators, found = [], maybe_tf_decorator
  while isinstance(getattr(found, _ATTRIBUTE, None), TFDecorator):
    decorators.append(getattr(found, _ATTRIBUTE))
    if decorators[-1].decorator_argspec is not None:
      break
    found = decorators[-1].decorated_target
  return decorators, found
