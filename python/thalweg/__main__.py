"""`python -m thalweg run script.py [arguments]`: runs a program that imports tensorflow on thalweg."""

import importlib
import importlib.abc
import importlib.machinery
import os
import runpy
import sys


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
  """`import tensorflow` and `import tensorflow.x.y` give thalweg and its x.y."""

  def find_spec(self, fullname, path=None, target=None):
    if fullname != "tensorflow" and not fullname.startswith("tensorflow."):
      return None
    return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

  def create_module(self, spec):
    import thalweg
    # tensorflow.python holds what thalweg has one level up: tensorflow.python.framework.ops is thalweg.framework.ops.
    parts = [{"training": "train"}.get(p, p) for p in spec.name.split(".")[1:] if p != "python"]
    module = thalweg
    try:
      for part in parts:
        module = getattr(module, part)
    except AttributeError:
      try:
        module = importlib.import_module(".".join(["thalweg"] + parts))
      except ModuleNotFoundError:
        raise ModuleNotFoundError("thalweg has no module for %s" % spec.name, name=spec.name) from None
    return _Shared(spec.name, module)

  def exec_module(self, module):
    # The import system set its own attributes on the stand-in; the module itself takes its place.
    sys.modules[module.__name__] = module._shared


class _Shared(type(os)):
  """Takes the attributes the import system sets, so that the shared module keeps its own."""

  def __init__(self, name, module):
    super().__init__(name)
    self._shared = module


def install_alias():
  """Makes `import tensorflow` mean thalweg in this process."""
  if not any(isinstance(f, _Alias) for f in sys.meta_path):
    sys.meta_path.insert(0, _Alias())


def main(argv=None):
  argv = list(sys.argv[1:] if argv is None else argv)
  if len(argv) < 2 or argv[0] != "run":
    print("usage: thalweg run script.py [arguments]", file=sys.stderr)
    return 2
  script = argv[1]
  if not os.path.exists(script):
    print("thalweg: no file %s" % script, file=sys.stderr)
    return 2
  install_alias()
  sys.argv = argv[1:]
  sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
  runpy.run_path(script, run_name="__main__")
  return 0


if __name__ == "__main__":
  sys.exit(main())
