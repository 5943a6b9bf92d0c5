"""tf.contrib: what programs of 2016 to 2019 use of it. Each part is imported when it is first named."""

import importlib as _importlib
import importlib.util as _importlib_util


def __getattr__(name):
  if name.startswith("__") or _importlib_util.find_spec("thalweg.contrib." + name) is None:
    raise AttributeError("module 'thalweg.contrib' has no attribute %r" % name)
  return _importlib.import_module("thalweg.contrib." + name)
