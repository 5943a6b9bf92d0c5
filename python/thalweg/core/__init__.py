"""tf.core: the protocol messages under TensorFlow's paths, such as tf.core.framework.graph_pb2.GraphDef."""

from thalweg import _protos as _messages

_FOLDERS = frozenset(("debug", "example", "framework", "lib", "profiler", "protobuf", "util"))


def __getattr__(name):
  if name.endswith("_pb2"):
    return _messages
  if name in _FOLDERS:
    import thalweg.core
    return thalweg.core
  raise AttributeError("module 'thalweg.core' has no attribute %r" % name)
