"""Resources that need initialising before use: tables and the like, by collection."""

import collections

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, control_flow_ops, math_ops

_Resource = collections.namedtuple("_Resource", ["handle", "create", "is_initialized"])


def register_resource(handle, create_op, is_initialized_op, is_shared=True):
  """Adds a resource to those of all sessions, or with is_shared=False to those of this one."""
  ops.add_to_collection(ops.GraphKeys.RESOURCES if is_shared else ops.GraphKeys.LOCAL_RESOURCES,
                        _Resource(handle, create_op, is_initialized_op))


def shared_resources():
  """Those that sessions share."""
  return ops.get_collection(ops.GraphKeys.RESOURCES)


def local_resources():
  """Those of a single session."""
  return ops.get_collection(ops.GraphKeys.LOCAL_RESOURCES)


def initialize_resources(resource_list, name="init"):
  """An operation that makes all of them."""
  if resource_list:
    return control_flow_ops.group(*[r.create for r in resource_list], name=name)
  return control_flow_ops.no_op(name=name)


def report_uninitialized_resources(resource_list=None, name="report_uninitialized_resources"):
  """The names of the handles of those that are not initialised yet, as a vector of strings."""
  if resource_list is None:
    resource_list = shared_resources() + local_resources()
  with ops.name_scope(name):
    if not resource_list:
      return array_ops.constant([], dtype=dtypes.string)
    missing = math_ops.logical_not(array_ops.stack([r.is_initialized for r in resource_list]))
    return array_ops.boolean_mask(array_ops.constant([r.handle.name for r in resource_list]), missing)
