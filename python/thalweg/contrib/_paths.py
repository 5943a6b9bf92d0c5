"""The modules inside of tf.contrib, under the paths that programs import them by: tf.contrib.layers.python.layers.utils."""

import sys
import types


def add(package, **folders):
  """Gives `package`, by its full name, a module `python` with these folders: folder -> {name: module}. A folder is the
  package itself, with the modules as further names."""
  module = sys.modules[package]
  python = types.ModuleType(package + ".python")
  python.__path__ = []
  for folder, names in folders.items():
    for name, found in names.items():
      if not hasattr(module, name):
        setattr(module, name, found)
      sys.modules["%s.python.%s.%s" % (package, folder, name)] = found
    setattr(python, folder, module)
    sys.modules["%s.python.%s" % (package, folder)] = module
  module.python = sys.modules[python.__name__] = python
