"""Protocol buffer classes, made when first used from one descriptor file.

The descriptors live in a pool of their own, so that a program may also import an installed TensorFlow.
"""

import os
import threading

_lock = threading.Lock()
_pool = None
_classes = {}


def _load_pool():
  global _pool
  if _pool is None:
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool
    path = os.path.join(os.path.dirname(__file__), "protos", "thalweg.desc")
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as f:
      files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    any_file = descriptor_pb2.FileDescriptorProto()
    any_pb2.DESCRIPTOR.CopyToProto(any_file)
    pool.Add(any_file) if not hasattr(pool, "AddSerializedFile") else pool.AddSerializedFile(
        any_file.SerializeToString())
    for file in files.file:
      if file.name != any_file.name:
        pool.AddSerializedFile(file.SerializeToString())
    _pool = pool
  return _pool


def _class_of(descriptor):
  from google.protobuf import message_factory
  if hasattr(message_factory, "GetMessageClass"):
    return message_factory.GetMessageClass(descriptor)
  return message_factory.MessageFactory(_pool).GetPrototype(descriptor)


def message(name):
  """The class of message `name` ("GraphDef", "Summary.Value")."""
  cls = _classes.get(name)
  if cls is None:
    with _lock:
      cls = _classes[name] = _class_of(_load_pool().FindMessageTypeByName("thalweg." + name))
  return cls


def enum(name):
  """The wrapper of enum `name`: Name(), Value(), items()."""
  wrapper = _classes.get(name)
  if wrapper is None:
    from google.protobuf.internal import enum_type_wrapper
    with _lock:
      wrapper = _classes[name] = enum_type_wrapper.EnumTypeWrapper(
          _load_pool().FindEnumTypeByName("thalweg." + name))
  return wrapper


def __getattr__(name):
  if name.startswith("_"):
    raise AttributeError(name)
  try:
    return message(name)
  except KeyError:
    pass
  try:
    return enum(name)
  except KeyError:
    raise AttributeError("no protocol message is named %r" % name) from None
