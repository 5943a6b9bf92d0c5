"""inspect, of what a decorator of tf_decorator stands for."""

import collections
import inspect as _inspect
from inspect import (  # noqa: F401
    Parameter, getdoc, getfile, getmembers, getmodule, getmro, getsource, isbuiltin, isclass, isfunction, isgenerator,
    isgeneratorfunction, ismethod, ismodule, isroutine, stack)

from thalweg.util import tf_decorator as _tf_decorator

ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")
FullArgSpec = _inspect.FullArgSpec


def signature(obj):
  return _inspect.signature(_tf_decorator.unwrap(obj)[1])


def getfullargspec(obj):
  return _inspect.getfullargspec(_tf_decorator.unwrap(obj)[1])


def getargspec(obj):
  """(args, varargs, keywords, defaults), as inspect of Python 2 had it."""
  return ArgSpec(*getfullargspec(obj)[:4])


def getcallargs(func, *positional, **named):
  return _inspect.getcallargs(_tf_decorator.unwrap(func)[1], *positional, **named)
