"""Every op of the table as a function of keyword arguments: raw_ops.MatMul(a=x, b=y, transpose_a=True)."""

from thalweg.framework import op_table as _op_table
from thalweg.framework.op_create import op as _op


def _make(spec):
  inputs = [a.name for a in spec.inputs]
  attrs = [a.name for a in spec.explicit]
  known = set(inputs) | set(spec.attrs) | {"name"}

  def fn(**kwargs):
    unknown = set(kwargs) - known
    if unknown:
      raise TypeError("%s() got an unexpected keyword argument '%s'" % (spec.name, sorted(unknown)[0]))
    missing = [n for n in inputs if n not in kwargs]
    missing += [a.name for a in spec.explicit if not a.has_default and a.name not in kwargs]
    if missing:
      raise TypeError("%s() is missing the arguments %s" % (spec.name, ", ".join(missing)))
    return _op(spec.name, kwargs.get("name"), tuple(kwargs[n] for n in inputs),
               {k: kwargs[k] for k in spec.attrs if k in kwargs})

  fn.__name__ = fn.__qualname__ = spec.name
  fn.__module__ = __name__
  fn.__doc__ = "%s(%s)\n\n%s" % (spec.name, ", ".join(inputs + attrs + ["name=None"]), spec.doc)
  return fn


def __getattr__(name):
  try:
    spec = _op_table.spec(name)
  except KeyError:
    raise AttributeError("no op is named %s" % name) from None
  fn = globals()[name] = _make(spec)
  return fn


def __dir__():
  return sorted(_op_table.rows())
