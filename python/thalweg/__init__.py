"""Thalweg: TensorFlow 1.x programs on a small fast core. `import thalweg as tf`."""

import importlib as _importlib
import importlib.util as _importlib_util

from thalweg import _exports
from thalweg.ops import array_ops as _array_ops  # noqa: F401  (the operators of tensors)
from thalweg.ops import math_ops as _math_ops  # noqa: F401
from thalweg.ops import variables as _variables  # noqa: F401

__version__ = "0.1.0"
# What programs that look at TensorFlow's version expect to find.
VERSION = "1.15.5"
GIT_VERSION = "v1.15.5-thalweg-" + __version__
COMPILER_VERSION = ""
CXX11_ABI_FLAG = 1
MONOLITHIC_BUILD = 0
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0

_names = _exports.table()


def _load(name):
  found = _names.get(name)
  if found is not None:
    return getattr(_importlib.import_module(found[0]), found[1])
  if name in _exports.SUBMODULES:
    module = "thalweg." + _exports.SUBMODULES[name]
    if _importlib_util.find_spec(module) is not None:
      return _importlib.import_module(module)
  elif name in _exports.MESSAGES:
    from thalweg import _protos
    return _protos.message(name)
  raise AttributeError("module 'thalweg' has no attribute %r" % name)


def __getattr__(name):
  if name.startswith("__"):
    raise AttributeError(name)
  value = globals()[name] = _load(name)
  return value


def __dir__():
  return sorted(set(globals()) | set(_names) | set(_exports.MESSAGES) | {
      n for n, m in _exports.SUBMODULES.items() if _importlib_util.find_spec("thalweg." + m) is not None})


def executing_eagerly():
  """False: operations are added to graphs and run in sessions."""
  return False


def disable_eager_execution():
  """Graphs are all there is."""


def disable_v2_behavior():
  """TensorFlow 1's behaviour is all there is."""


def disable_v2_tensorshape():
  """TensorShapes hold Dimensions, as TensorFlow 1's do."""


def disable_tensor_equality():
  """Tensors compare by identity, as TensorFlow 1's do."""


def disable_control_flow_v2():
  """Control flow is functional in the core, whichever way a program asks for it."""


def control_flow_v2_enabled():
  return True


def get_logger():
  from thalweg.platform import tf_logging
  return tf_logging._get_logger()
