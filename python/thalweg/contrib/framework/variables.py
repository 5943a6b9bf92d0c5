"""Variables of models: making them on a device and in collections, and finding them again."""

import functools
import re

from thalweg.contrib.framework.arg_scope import add_arg_scope
from thalweg.framework import device as device_lib
from thalweg.framework import dtypes, ops
from thalweg.ops import variable_scope, variables


def local_variable(initial_value, validate_shape=True, name=None, use_resource=None):
  """A variable that is not saved."""
  return variable_scope.variable(initial_value, trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES],
                                 validate_shape=validate_shape, use_resource=use_resource, name=name)


def global_variable(initial_value, validate_shape=True, name=None, use_resource=None):
  """A variable that is saved and not trained."""
  return variable_scope.variable(initial_value, trainable=False, collections=[ops.GraphKeys.GLOBAL_VARIABLES],
                                 validate_shape=validate_shape, use_resource=use_resource, name=name)


@add_arg_scope
def variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, collections=None,
             caching_device=None, device=None, partitioner=None, custom_getter=None, use_resource=None,
             synchronization=variables.VariableSynchronization.AUTO, aggregation=variables.VariableAggregation.NONE):
  """get_variable on a device."""
  # Sorted, so that the order of collections does not change from run to run.
  collections = sorted(set(collections if collections is not None else [ops.GraphKeys.GLOBAL_VARIABLES]))
  getter = variable_scope.get_variable
  if custom_getter is not None:
    getter = functools.partial(custom_getter, reuse=variable_scope.get_variable_scope().reuse)
  with ops.device(device or ""):
    return getter(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                  trainable=trainable, collections=collections, caching_device=caching_device, partitioner=partitioner,
                  use_resource=use_resource, synchronization=synchronization, aggregation=aggregation)


@add_arg_scope
def model_variable(name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, trainable=True,
                   collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
                   use_resource=None, synchronization=variables.VariableSynchronization.AUTO,
                   aggregation=variables.VariableAggregation.NONE):
  """A variable that is in the MODEL_VARIABLES collection too."""
  collections = list(collections or []) + [ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.MODEL_VARIABLES]
  return variable(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                  trainable=trainable, collections=collections, caching_device=caching_device, device=device,
                  partitioner=partitioner, custom_getter=custom_getter, use_resource=use_resource,
                  synchronization=synchronization, aggregation=aggregation)


def add_model_variable(var):
  if not any(var is v for v in ops.get_collection(ops.GraphKeys.MODEL_VARIABLES)):
    ops.add_to_collection(ops.GraphKeys.MODEL_VARIABLES, var)


def get_variables(scope=None, suffix=None, collection=ops.GraphKeys.GLOBAL_VARIABLES):
  """The variables of a collection whose names begin with `scope` and end with `suffix`."""
  if isinstance(scope, variable_scope.VariableScope):
    scope = scope.name
  if suffix is not None:
    scope = (scope or "") + ".*" + (suffix if ":" in suffix else suffix + ":")
  return ops.get_collection(collection, scope)


def get_model_variables(scope=None, suffix=None):
  return get_variables(scope, suffix, ops.GraphKeys.MODEL_VARIABLES)


def get_local_variables(scope=None, suffix=None):
  return get_variables(scope, suffix, ops.GraphKeys.LOCAL_VARIABLES)


def get_trainable_variables(scope=None, suffix=None):
  return get_variables(scope, suffix, ops.GraphKeys.TRAINABLE_VARIABLES)


def get_variables_to_restore(include=None, exclude=None):
  """The variables of the scopes `include` (all by default) without those of the scopes `exclude`."""
  for name, scopes in (("include", include), ("exclude", exclude)):
    if scopes is not None and not isinstance(scopes, (list, tuple)):
      raise TypeError("%s is provided but is not a list or a tuple." % name)
  found = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
  left_out = {v for scope in exclude or () for v in get_variables(scope)}
  return [v for v in found if v not in left_out]


def get_variables_by_suffix(suffix, scope=None):
  return get_variables(scope=scope, suffix=suffix)


def get_variables_by_name(given_name, scope=None):
  """The variables whose last name is this one."""
  return get_variables(scope=scope, suffix="/" + given_name + ":|^" + given_name + ":")


def get_unique_variable(var_op_name):
  """The one variable of that name; ValueError when there is none."""
  candidates = get_variables(scope=var_op_name)
  if not candidates:
    raise ValueError("Couldn't find variable %s" % var_op_name)
  for candidate in candidates:
    if candidate.op.name == var_op_name:
      return candidate
  raise ValueError("Variable %s does not uniquely identify a variable" % var_op_name)


def get_variable_full_name(var):
  """The name in checkpoints, which for a slice is that of the whole variable."""
  return var._save_slice_info.full_name if var._save_slice_info else var.op.name


def filter_variables(var_list, include_patterns=None, exclude_patterns=None, reg_search=True):
  """Variables whose names match one of the patterns to include and none of those to exclude."""
  matches = re.search if reg_search else re.match

  def any_of(patterns, v):
    return any(matches(p, v.name) for p in patterns)

  return [v for v in var_list if (include_patterns is None or any_of(include_patterns, v)) and
          not (exclude_patterns is not None and any_of(exclude_patterns, v))]


class VariableDeviceChooser(object):
  """A device function that deals variables out to parameter servers in turn."""

  def __init__(self, num_tasks=0, job_name="ps", device_type="CPU", device_index=0, replica=None):
    self._job_name = job_name
    self._device_type = device_type
    self._device_index = device_index
    self._replica = replica
    self._num_tasks = num_tasks
    self._next_task_id = 0

  def __call__(self, op):
    where = {"replica": self._replica, "device_type": self._device_type, "device_index": self._device_index}
    if self._num_tasks > 0:
      where.update(job=self._job_name, task=self._next_task_id)
      self._next_task_id = (self._next_task_id + 1) % self._num_tasks
    return device_lib.DeviceSpec(**where).to_string()
