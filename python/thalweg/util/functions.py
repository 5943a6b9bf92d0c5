"""Functions that are made by other functions."""


def named(fn, name, doc):
  """The function, under the name and with the docstring that programs see."""
  fn.__name__ = fn.__qualname__ = name
  fn.__doc__ = doc
  return fn
