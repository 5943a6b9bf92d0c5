"""thalweg.python: the modules under the paths that programs know from tensorflow.python."""

import importlib as _importlib

from thalweg._alias import install_python_paths as _install_python_paths

_install_python_paths()


def __getattr__(name):
  if name.startswith("__"):
    raise AttributeError(name)
  try:
    return _importlib.import_module("thalweg.python." + name)
  except ModuleNotFoundError:
    raise AttributeError("module 'thalweg.python' has no attribute %r" % name) from None
