"""tf.compat.v1: the same names as the top level."""

import thalweg as _thalweg


def __getattr__(name):
  if name.startswith("__"):
    raise AttributeError(name)
  return getattr(_thalweg, name)


def __dir__():
  return dir(_thalweg)
