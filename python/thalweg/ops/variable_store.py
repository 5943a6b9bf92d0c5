"""The variables that get_variable made in one graph, by full name: found again, or made whole or in parts."""

import collections as collections_lib
import functools
import inspect

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, init_ops, variables
from thalweg.ops.partitioned_variable import PartitionedVariable
from thalweg.ops.variables import VariableAggregation, VariableSynchronization


class _ReuseMode:
  """AUTO_REUSE: take the variable when it exists, else make it."""

  def __repr__(self):
    return "_ReuseMode.AUTO_REUSE"


AUTO_REUSE = _ReuseMode()


class _PartitionInfo:
  """Which slice of a larger variable an initializer fills."""

  def __init__(self, full_shape, var_offset):
    self._full_shape, self._var_offset = list(full_shape), list(var_offset)

  @property
  def full_shape(self):
    return self._full_shape

  @property
  def var_offset(self):
    return self._var_offset


class VariableStore:
  """The variables that get_variable has made in one graph, by full name."""

  def __init__(self):
    self._vars = {}
    self._partitioned_vars = {}

  def get_variable(self, name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, reuse=None,
                   trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                   use_resource=None, custom_getter=None, constraint=None, synchronization=VariableSynchronization.AUTO,
                   aggregation=VariableAggregation.NONE):
    if custom_getter is not None and not callable(custom_getter):
      raise ValueError("Passed a custom_getter which is not callable: %s" % custom_getter)
    if isinstance(dtype, dtypes.DType):
      dtype = dtype.base_dtype
    else:
      dtype = dtypes.as_dtype(dtype).base_dtype

    def true_getter(name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, reuse=None,
                    trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                    use_resource=None, constraint=None, synchronization=VariableSynchronization.AUTO,
                    aggregation=VariableAggregation.NONE):
      is_scalar = (shape is not None and isinstance(shape, (list, tuple, tensor_shape.TensorShape)) and not
                   list(shape))
      if partitioner is not None and not is_scalar:
        return self._get_partitioned(name, shape, dtype, initializer, regularizer, reuse, trainable, collections,
                                     caching_device, partitioner, validate_shape, use_resource, constraint)
      if reuse is True and partitioner is None and name in self._partitioned_vars:
        return self._partitioned_vars[name]
      if "%s/part_0" % name in self._vars:
        raise ValueError("No partitioner was provided, but a partitioned version of the variable was found: %s/part_0. "
                         "Perhaps a variable of the same name was already created with partitioning?" % name)
      return self._get_single(name, shape, dtype, initializer, regularizer, None, reuse, trainable, collections,
                              caching_device, validate_shape, use_resource, constraint)

    trainable = True if trainable is None else trainable
    if custom_getter is not None:
      return custom_getter(getter=true_getter, name=name, shape=shape, dtype=dtype, initializer=initializer,
                           regularizer=regularizer, reuse=reuse, trainable=trainable, collections=collections,
                           caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
                           use_resource=use_resource, **_optional(custom_getter, constraint, synchronization,
                                                                  aggregation))
    return true_getter(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, reuse=reuse,
                       trainable=trainable, collections=collections, caching_device=caching_device,
                       partitioner=partitioner, validate_shape=validate_shape, use_resource=use_resource,
                       constraint=constraint)

  def _get_partitioned(self, name, shape, dtype, initializer, regularizer, reuse, trainable, collections,
                       caching_device, partitioner, validate_shape, use_resource, constraint):
    initializing_from_value = initializer is not None and isinstance(initializer, Tensor)
    if name in self._vars:
      raise ValueError("A partitioner was provided, but an unpartitioned version of the variable was found: %s.  "
                       "Perhaps a variable of the same name was already created without partitioning?" % name)
    shape = tensor_shape.as_shape(shape)
    if initializing_from_value:
      shape = shape.merge_with(initializer.shape)
    partitions = None
    if not reuse or shape.is_fully_defined():
      partitions = _partitions(partitioner, shape, dtype)
    if name in self._partitioned_vars:
      if reuse is False:
        raise ValueError("Partitioned variable with name %s already exists. Did you mean to set reuse=True or reuse="
                         "tf.AUTO_REUSE in VarScope?" % name)
      existing = _fitting(self._partitioned_vars[name], "reuse partitioned variable %s" % name, shape, dtype)
      if partitions is not None and list(existing._get_partitions()) != list(partitions):
        raise ValueError("Trying to reuse partitioned variable %s, but specified partitions %s and found partitions %s." % (
            name, partitions, existing._get_partitions()))
      return existing
    if reuse is True:
      raise ValueError("PartitionedVariable %s does not exist, or was not created with tf.get_variable(). Did you mean "
                       "to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?" % name)
    if not shape.is_fully_defined():
      raise ValueError("Shape of a new partitioned variable (%s) must be fully defined, but instead was %s." % (name, shape))
    full, vs = shape.as_list(), []
    for i, (var_offset, var_shape) in enumerate(_slices(partitions, full)):
      with ops.name_scope(None):
        init, init_shape = initializer, var_shape
        if initializing_from_value:
          init = array_ops.slice(initializer, var_offset, var_shape)
          init_shape = None
        elif init is not None and not callable(init):
          raise ValueError("A partitioned variable takes an initializer function, not %r" % (init,))
        var = self._get_single("%s/part_%d" % (name, i), init_shape, dtype, init, regularizer,
                               _PartitionInfo(full, var_offset), reuse, trainable, collections, caching_device,
                               validate_shape, use_resource, constraint)
      var._set_save_slice_info(variables.Variable.SaveSliceInfo(name, full, var_offset, var_shape))
      vs.append(var)
    made = PartitionedVariable(name=name, shape=shape, dtype=dtype, variable_list=vs, partitions=partitions)
    self._partitioned_vars[name] = made
    return made

  def _get_single(self, name, shape, dtype, initializer, regularizer, partition_info, reuse, trainable, collections,
                  caching_device, validate_shape, use_resource, constraint):
    initializing_from_value = initializer is not None and not callable(initializer)
    if shape is not None and initializing_from_value:
      raise ValueError("If initializer is a constant, do not specify shape.")
    dtype = dtypes.as_dtype(dtype)
    shape = tensor_shape.as_shape(shape)
    if name in self._vars:
      if reuse is False:
        found = self._vars[name]
        where = found.op.traceback
        lines = "".join('  File "%s", line %s, in %s\n' % t[:3] + ("    %s\n" % t[3] if t[3] else "") for t in where)
        raise ValueError("Variable %s already exists, disallowed. Did you mean to set reuse=True or reuse="
                         "tf.AUTO_REUSE in VarScope? Originally defined at:\n\n%s" % (name, lines))
      return _fitting(self._vars[name], "share variable %s" % name, shape, dtype)
    if reuse is True:
      raise ValueError("Variable %s does not exist, or was not created with tf.get_variable(). Did you mean to set "
                       "reuse=tf.AUTO_REUSE in VarScope?" % name)
    if initializer is None:
      initializer, initializing_from_value = self._get_default_initializer(name=name, shape=shape, dtype=dtype)
    with ops.init_scope():
      if initializing_from_value:
        init_val, variable_dtype = initializer, None
      else:
        if isinstance(initializer, type) and issubclass(initializer, init_ops.Initializer):
          initializer = initializer()
        if not shape.is_fully_defined() and _parameters(initializer):
          raise ValueError("Shape of a new variable (%s) must be fully defined, but instead was %s." % (name, shape))
        init_val = (_call_later(initializer, shape, dtype, partition_info) if _parameters(initializer) else
                    initializer)
        variable_dtype = dtype.base_dtype
    if use_resource is None:
      use_resource = variables.resource_variables_enabled()
    v = variables.Variable(initial_value=init_val, name=name, trainable=trainable, collections=collections,
                           caching_device=caching_device, dtype=variable_dtype, validate_shape=validate_shape,
                           constraint=constraint, use_resource=use_resource)
    self._vars[name] = v
    if regularizer:
      with ops.colocate_with(v):
        with ops.name_scope(name + "/Regularizer/"):
          with ops.init_scope():
            loss = regularizer(v)
        if loss is not None:
          ops.add_to_collection(ops.GraphKeys.REGULARIZATION_LOSSES, loss)
    return v

  def _get_default_initializer(self, name, shape=None, dtype=dtypes.float32):
    if dtype.is_floating:
      return init_ops.glorot_uniform_initializer(), False
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool or dtype == dtypes.string:
      return init_ops.zeros_initializer(), False
    raise ValueError("An initializer for variable %s of %s is required" % (name, dtype.base_dtype))


def _fitting(variable, attempt, shape, dtype):
  """The variable, when it can stand for one of this shape and type; else ValueError, which says what was attempted."""
  if not shape.is_compatible_with(variable.get_shape()):
    raise ValueError("Trying to %s, but specified shape %s and found shape %s." % (attempt, shape, variable.get_shape()))
  if not dtype.is_compatible_with(variable.dtype):
    raise ValueError("Trying to %s, but specified dtype %s and found dtype %s." % (
        attempt, dtype.name, variable.dtype.name))
  return variable


def _partitions(partitioner, shape, dtype):
  """How many parts the partitioner makes along each axis, at least 1."""
  partitions = partitioner(shape=shape, dtype=dtype)
  if not isinstance(partitions, collections_lib.abc.Sequence):
    raise ValueError("Partitioner must return a sequence, but saw: %s" % partitions)
  if len(partitions) != shape.ndims:
    raise ValueError("Partitioner returned a partition list that does not match the Variable's rank: %s vs. %s" % (
        partitions, shape))
  if any(p < 1 for p in partitions):
    raise ValueError("Partitioner returned zero partitions for some axes: %s" % partitions)
  return partitions


def _slices(partitions, full):
  """(offset, shape) of each part of a variable with the shape `full`; the first parts are longer where it does not
  divide evenly."""
  if sum(p > 1 for p in partitions) > 1:
    raise ValueError("Cannot slice more than one dimension, but partitions are %s" % (partitions,))
  axis = max(range(len(partitions)), key=lambda i: (partitions[i] > 1, -i))
  base, extra = divmod(full[axis], partitions[axis])
  begin = 0
  for i in range(partitions[axis]):
    shape, offset = list(full), [0] * len(full)
    shape[axis], offset[axis] = base + (i < extra), begin
    begin += shape[axis]
    yield offset, shape


_parameters_of = {}  # of callable classes, by class


def _parameters(fn):
  """The parameters of a callable by name; *args where they cannot be told."""
  kind = type(fn)
  # Objects of one class are called alike; functions are each their own.
  shared = kind.__module__ not in ("builtins", "functools")
  found = _parameters_of.get(kind) if shared else None
  if found is None:
    try:
      found = inspect.signature(fn).parameters
    except (TypeError, ValueError):
      found = {"args": inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)}
    if shared:
      _parameters_of[kind] = found
  return found


def _takes(parameters, name):
  return name in parameters or any(p.kind == p.VAR_KEYWORD for p in parameters.values())


def _call_later(initializer, shape, dtype, partition_info):
  """The initializer as a function of nothing, given what of shape, dtype and partition_info it takes."""
  args = {"dtype": dtype.base_dtype}
  if partition_info is not None and _takes(_parameters(initializer), "partition_info"):
    args["partition_info"] = partition_info
  return functools.partial(initializer, shape.as_list(), **args)


def _optional(getter, constraint, synchronization, aggregation):
  """The newer arguments, as far as a custom getter takes them."""
  newer = {"constraint": constraint, "synchronization": synchronization, "aggregation": aggregation}
  parameters = _parameters(getter)
  return {k: v for k, v in newer.items() if _takes(parameters, k)}
