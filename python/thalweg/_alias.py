"""Thalweg's modules under TensorFlow's paths: `tensorflow.x`, `tensorflow.python.x`, `thalweg.python.x`.

The alias and the module are one object, so that what a program changes in one it finds in the other.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys

# Modules that tensorflow.python has in another folder, or by another name: path below thalweg -> where the module is.
_MOVED = {
    "util.compat": "compat", "ops.standard_ops": "", "train.training": "train", "client.timeline": "util.timeline",
    "lib.io.python_io": "python_io", "platform.test": "test", "platform.googletest": "test", "summary.summary": "summary",
    "summary.summary_iterator": "train", "ops.nn": "nn", "ops.metrics": "metrics", "ops.rnn": "nn",
    "ops.rnn_cell": "rnn.rnn_cell", "ops.partitioned_variables": "",
    "ops.control_flow_case": "ops.cond", "ops.resource_variables_toggle": "ops.variable_scope",
    "ops.array_ops_stack": "ops.array_ops", "framework.errors_impl": "framework.errors",
    "framework.indexed_slices": "framework.tensor", "framework.device_spec": "framework.device",
    "pywrap_tensorflow": "train.checkpoint_reader",
}
_MOVED.update(("train." + name, "train." + module) for module, names in (
    ("gradient_optimizers", "gradient_descent momentum proximal_gradient_descent"),
    ("adaptive_optimizers", "adadelta adagrad adagrad_da adam ftrl proximal_adagrad rmsprop")) for name in names.split())
_MOVED_HERE = frozenset("thalweg." + path for path in _MOVED)


def _target(name):
  """The dotted path below thalweg of the module that a path stands for. What is below `python` is one level up here,
  and `training` is `train`: tensorflow.python.training.saver is thalweg.train.saver. The modules of protocol messages,
  such as tensorflow.core.framework.graph_pb2, are one."""
  below = name.split(".")[1:]
  if below[:1] == ["core"]:
    return "_protos" if below[-1].endswith("_pb2") else "core"
  if below[:1] == ["python"]:
    below = below[1:]
    if below[:1] == ["training"]:
      below[0] = "train"
  below = ".".join(below)
  return _MOVED.get(below, below)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
  """Finds the modules whose path begins with `prefix`, and those that moved: `from thalweg.python.util import compat`
  asks for thalweg.util.compat."""

  def __init__(self, prefix):
    self.prefix = prefix

  def find_spec(self, fullname, path=None, target=None):
    if not (fullname + ".").startswith(self.prefix) and fullname not in _MOVED_HERE:
      return None
    return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

  def create_module(self, spec):
    module = importlib.import_module("thalweg")
    below = _target(spec.name)
    try:
      for part in below.split(".") if below else ():
        module = getattr(module, part)
    except AttributeError:
      try:
        module = importlib.import_module("thalweg." + below)
      except ModuleNotFoundError:
        raise ModuleNotFoundError("thalweg has no module for %s" % spec.name, name=spec.name) from None
    return _Shared(spec.name, module)

  def exec_module(self, module):
    # The import system set its own attributes on the stand-in; the module itself takes its place.
    sys.modules[module.__name__] = module._shared


class _Shared(type(sys)):
  """Takes the attributes the import system sets, so that the shared module keeps its own."""

  def __init__(self, name, module):
    super().__init__(name)
    self._shared = module


def _install(prefix):
  if not any(isinstance(f, _Finder) and f.prefix == prefix for f in sys.meta_path):
    sys.meta_path.insert(0, _Finder(prefix))


def install_alias():
  """Makes `import tensorflow` mean thalweg in this process."""
  _install("tensorflow.")


def install_python_paths():
  """Makes the modules below thalweg.python importable."""
  _install("thalweg.python.")
