"""Variable scopes and get_variable: sharing of variables by name."""

import collections as collections_lib
import contextlib
import copy
import functools
import threading

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, init_ops, variables
from thalweg.ops.variables import VariableAggregation, VariableSynchronization  # noqa: F401

_DEFAULT_USE_RESOURCE = False


def enable_resource_variables():
  """Makes variables resource variables where nothing else is said."""
  global _DEFAULT_USE_RESOURCE
  _DEFAULT_USE_RESOURCE = True


def disable_resource_variables():
  global _DEFAULT_USE_RESOURCE
  _DEFAULT_USE_RESOURCE = False


def resource_variables_enabled():
  return _DEFAULT_USE_RESOURCE


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


class _VariableStore:
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
      partitions = partitioner(shape=shape, dtype=dtype)
      if not isinstance(partitions, collections_lib.abc.Sequence):
        raise ValueError("Partitioner must return a sequence, but saw: %s" % partitions)
      if len(partitions) != shape.ndims:
        raise ValueError("Partitioner returned a partition list that does not match the Variable's rank: %s vs. %s" % (
            partitions, shape))
      if any(p < 1 for p in partitions):
        raise ValueError("Partitioner returned zero partitions for some axes: %s" % partitions)
    if name in self._partitioned_vars:
      if reuse is False:
        raise ValueError("Partitioned variable with name %s already exists. Did you mean to set reuse=True or reuse="
                         "tf.AUTO_REUSE in VarScope?" % name)
      existing = self._partitioned_vars[name]
      if not shape.is_compatible_with(existing.get_shape()):
        raise ValueError("Trying to reuse partitioned variable %s, but specified shape %s and found shape %s." % (
            name, shape, existing.get_shape()))
      if not dtype.is_compatible_with(existing.dtype):
        raise ValueError("Trying to reuse partitioned variable %s, but specified dtype %s and found dtype %s." % (
            name, dtype.name, existing.dtype.name))
      return existing
    if reuse is True:
      raise ValueError("PartitionedVariable %s does not exist, or was not created with tf.get_variable(). Did you mean "
                       "to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?" % name)
    axis = max(range(len(partitions)), key=lambda i: (partitions[i] > 1, -i))
    if sum(p > 1 for p in partitions) > 1:
      raise ValueError("Cannot slice more than one dimension, but partitions are %s" % (partitions,))
    num, full = partitions[axis], shape.as_list()
    base, extra = divmod(full[axis], num)
    vs, offset = [], 0
    for i in range(num):
      length = base + (1 if i < extra else 0)
      var_shape, var_offset = list(full), [0] * len(full)
      var_shape[axis], var_offset[axis] = length, offset
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
      offset += length
    made = variables.PartitionedVariable(name=name, shape=shape, dtype=dtype, variable_list=vs, partitions=partitions)
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
      found = self._vars[name]
      if not shape.is_compatible_with(found.get_shape()):
        raise ValueError("Trying to share variable %s, but specified shape %s and found shape %s." % (
            name, shape, found.get_shape()))
      if not dtype.is_compatible_with(found.dtype):
        raise ValueError("Trying to share variable %s, but specified dtype %s and found dtype %s." % (
            name, dtype.name, found.dtype.name))
      return found
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
        if not shape.is_fully_defined() and not _takes_no_shape(initializer):
          raise ValueError("Shape of a new variable (%s) must be fully defined, but instead was %s." % (name, shape))
        init_val = _call_later(initializer, shape, dtype, partition_info)
        variable_dtype = dtype.base_dtype
    if use_resource is None:
      use_resource = _DEFAULT_USE_RESOURCE
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


def _takes_no_shape(initializer):
  import inspect
  try:
    return not inspect.signature(initializer).parameters
  except (TypeError, ValueError):
    return False


def _call_later(initializer, shape, dtype, partition_info):
  """The initializer as a function of nothing, given what of shape, dtype and partition_info it takes."""
  import inspect
  if _takes_no_shape(initializer):
    return initializer
  args = {"dtype": dtype.base_dtype}
  if partition_info is not None:
    parameters = inspect.signature(initializer).parameters
    if "partition_info" in parameters or any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
      args["partition_info"] = partition_info
  return functools.partial(initializer, shape.as_list(), **args)


def _optional(getter, constraint, synchronization, aggregation):
  """The newer arguments, as far as a custom getter takes them."""
  import inspect
  try:
    parameters = inspect.signature(getter).parameters
  except (TypeError, ValueError):
    return {}
  newer = {"constraint": constraint, "synchronization": synchronization, "aggregation": aggregation}
  if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
    return newer
  return {k: v for k, v in newer.items() if k in parameters}


def no_regularizer(_):
  """A regularizer that stops an outer scope's."""
  return None


class VariableScope:
  """The defaults of get_variable inside a variable_scope block."""

  def __init__(self, reuse, name="", initializer=None, regularizer=None, caching_device=None, partitioner=None,
               custom_getter=None, name_scope="", dtype=dtypes.float32, use_resource=None, constraint=None):
    self._name, self._initializer, self._regularizer = name, initializer, regularizer
    self._reuse, self._caching_device, self._partitioner = reuse, caching_device, partitioner
    self._custom_getter, self._name_scope = custom_getter, name_scope
    self._dtype, self._use_resource, self._constraint = dtype, use_resource, constraint

  @property
  def name(self):
    return self._name

  @property
  def original_name_scope(self):
    return self._name_scope

  @property
  def reuse(self):
    return self._reuse

  @property
  def initializer(self):
    return self._initializer

  @property
  def dtype(self):
    return self._dtype

  @property
  def use_resource(self):
    return self._use_resource

  @property
  def regularizer(self):
    return self._regularizer

  @property
  def caching_device(self):
    return self._caching_device

  @property
  def partitioner(self):
    return self._partitioner

  @property
  def custom_getter(self):
    return self._custom_getter

  @property
  def constraint(self):
    return self._constraint

  def reuse_variables(self):
    """get_variable takes variables that exist, from here on in this scope."""
    self._reuse = True

  def set_initializer(self, initializer):
    self._initializer = initializer

  def set_dtype(self, dtype):
    self._dtype = dtype

  def set_use_resource(self, use_resource):
    self._use_resource = use_resource

  def set_regularizer(self, regularizer):
    self._regularizer = regularizer

  def set_caching_device(self, caching_device):
    self._caching_device = caching_device

  def set_partitioner(self, partitioner):
    self._partitioner = partitioner

  def set_custom_getter(self, custom_getter):
    self._custom_getter = custom_getter

  def get_collection(self, name):
    return ops.get_collection(name, self._name + "/" if self._name else self._name)

  def trainable_variables(self):
    return self.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES)

  def global_variables(self):
    return self.get_collection(ops.GraphKeys.GLOBAL_VARIABLES)

  def local_variables(self):
    return self.get_collection(ops.GraphKeys.LOCAL_VARIABLES)

  def get_variable(self, var_store, name, shape=None, dtype=None, initializer=None, regularizer=None, reuse=None,
                   trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                   use_resource=None, custom_getter=None, constraint=None,
                   synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE):
    if regularizer is None:
      regularizer = self._regularizer
    if caching_device is None:
      caching_device = self._caching_device
    if partitioner is None:
      partitioner = self._partitioner
    if custom_getter is None:
      custom_getter = self._custom_getter
    if reuse is None:
      reuse = self._reuse
    full_name = self.name + "/" + name if self.name else name
    # The scope's names are put on by hand, so that a variable's name does not depend on name scopes.
    with ops.name_scope(None):
      if dtype is not None and initializer is not None and not callable(initializer):
        init_dtype = ops.convert_to_tensor(initializer).dtype.base_dtype
        if init_dtype != dtype:
          raise ValueError("Initializer type '%s' and explicit dtype '%s' don't match." % (init_dtype, dtype))
      if initializer is None:
        initializer = self._initializer
      if constraint is None:
        constraint = self._constraint
      if dtype is None:
        dtype = self._dtype
      if use_resource is None:
        use_resource = self._use_resource
      return var_store.get_variable(
          full_name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, reuse=reuse,
          trainable=trainable, collections=collections, caching_device=caching_device, partitioner=partitioner,
          validate_shape=validate_shape, use_resource=use_resource, custom_getter=custom_getter, constraint=constraint,
          synchronization=synchronization, aggregation=aggregation)


_STORE_KEY = ("__variable_store",)
_SCOPE_KEY = ("__varscope",)


class _ScopeStore(threading.local):
  """The current scope of a thread, and how often each name was opened."""

  def __init__(self):
    super().__init__()
    self.current_scope = VariableScope(False)
    self.variable_scopes_count = {}

  def open_variable_scope(self, scope_name):
    self.variable_scopes_count[scope_name] = self.variable_scopes_count.get(scope_name, 0) + 1

  def close_variable_subscopes(self, scope_name):
    for k in list(self.variable_scopes_count):
      if scope_name is None or k.startswith(scope_name + "/"):
        self.variable_scopes_count[k] = 0

  def variable_scope_count(self, scope_name):
    return self.variable_scopes_count.get(scope_name, 0)


def get_variable_scope_store():
  found = ops.get_collection(_SCOPE_KEY)
  if found:
    return found[0]
  store = _ScopeStore()
  ops.get_default_graph()._collections[_SCOPE_KEY] = [store]
  return store


def get_variable_scope():
  """The current variable scope."""
  return get_variable_scope_store().current_scope


def _get_default_variable_store():
  found = ops.get_collection(_STORE_KEY)
  if found:
    return found[0]
  store = _VariableStore()
  ops.get_default_graph()._collections[_STORE_KEY] = [store]
  return store


def get_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None, collections=None,
                 caching_device=None, partitioner=None, validate_shape=True, use_resource=None, custom_getter=None,
                 constraint=None, synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE):
  """The variable of that name in the current variable scope: an existing one when the scope reuses, else a new one."""
  return get_variable_scope().get_variable(
      _get_default_variable_store(), name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
      trainable=trainable, collections=collections, caching_device=caching_device, partitioner=partitioner,
      validate_shape=validate_shape, use_resource=use_resource, custom_getter=custom_getter, constraint=constraint,
      synchronization=synchronization, aggregation=aggregation)


def get_local_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=False,
                       collections=None, caching_device=None, partitioner=None, validate_shape=True, use_resource=None,
                       custom_getter=None, constraint=None, synchronization=VariableSynchronization.AUTO,
                       aggregation=VariableAggregation.NONE):
  """As get_variable, for a variable that is not saved."""
  collections = (list(collections) if collections else []) + [ops.GraphKeys.LOCAL_VARIABLES]
  return get_variable(name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
                      trainable=False, collections=collections, caching_device=caching_device, partitioner=partitioner,
                      validate_shape=validate_shape, use_resource=use_resource, custom_getter=custom_getter,
                      constraint=constraint, synchronization=synchronization, aggregation=aggregation)


def _get_unique_variable_scope(prefix):
  store = get_variable_scope_store()
  current = get_variable_scope()
  name = current.name + "/" + prefix if current.name else prefix
  if store.variable_scope_count(name) == 0:
    return prefix
  idx = 1
  while store.variable_scope_count(name + ("_%d" % idx)) > 0:
    idx += 1
  return prefix + ("_%d" % idx)


def _chain_getters(custom_getter, old_getter):
  """Inner getters are called first, with the outer ones behind them."""
  if custom_getter is None or old_getter is None:
    return custom_getter or old_getter

  def wrapped(getter, *args, **kwargs):
    return custom_getter(functools.partial(old_getter, getter), *args, **kwargs)

  return wrapped


class variable_scope:
  """`with tf.variable_scope("layer", reuse=...)`: opens a name scope and a variable scope."""

  def __init__(self, name_or_scope, default_name=None, values=None, initializer=None, regularizer=None,
               caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None, use_resource=None,
               constraint=None, auxiliary_name_scope=True):
    self._name_or_scope, self._default_name, self._values = name_or_scope, default_name, values
    self._initializer, self._regularizer, self._caching_device = initializer, regularizer, caching_device
    self._partitioner, self._custom_getter, self._reuse = partitioner, custom_getter, reuse
    self._dtype, self._use_resource, self._constraint = dtype, use_resource, constraint
    if default_name is None and name_or_scope is None:
      raise TypeError("If default_name is None then name_or_scope is required")
    if reuse is False:
      # Falls back to the parent's mode, as None does.
      self._reuse = None
    if not (self._reuse is True or self._reuse is None or self._reuse is AUTO_REUSE):
      raise ValueError("The reuse parameter must be True or False or None.")
    if not isinstance(auxiliary_name_scope, bool):
      raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
    self._auxiliary_name_scope = auxiliary_name_scope
    self._stack = None

  def __enter__(self):
    with contextlib.ExitStack() as stack:
      if self._values is not None:
        graph = ops._get_graph_from_inputs(self._values)
        if graph is not ops.get_default_graph():
          stack.enter_context(graph.as_default())
      scope = self._open(stack)
      # Left again by __exit__, when all of it could be entered.
      self._stack = stack.pop_all()
    return scope

  def __exit__(self, *args):
    self._stack.__exit__(*args)
    self._stack = None

  def _open(self, stack):
    current = ops.get_default_graph().get_name_scope()
    if self._name_or_scope is not None:
      if not isinstance(self._name_or_scope, (VariableScope, str)):
        raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
      if isinstance(self._name_or_scope, str):
        name_scope = self._name_or_scope
      else:
        name_scope = self._name_or_scope.name.split("/")[-1]
      if self._auxiliary_name_scope and (name_scope or current):
        current_name_scope = stack.enter_context(ops.name_scope(name_scope))
      else:
        current_name_scope = current + "/" if current else ""
      if isinstance(self._name_or_scope, str):
        old_name_scope = current_name_scope
      else:
        old_name_scope = self._name_or_scope.original_name_scope
      return stack.enter_context(self._pure(self._name_or_scope, old_name_scope))
    if self._reuse:
      raise ValueError("reuse=True cannot be used without a name_or_scope")
    if self._auxiliary_name_scope:
      current_name_scope = stack.enter_context(ops.name_scope(self._default_name))
    else:
      current_name_scope = current + "/" if current else ""
    return stack.enter_context(self._pure(_get_unique_variable_scope(self._default_name), current_name_scope))

  @contextlib.contextmanager
  def _pure(self, name_or_scope, old_name_scope):
    """Makes the scope current, without a name scope."""
    store = get_variable_scope_store()
    old = store.current_scope
    new_name = None
    if isinstance(name_or_scope, VariableScope):
      given = name_or_scope
      new_name = given.name
      reuse = self._reuse or given.reuse
      scope = VariableScope(
          reuse, name=new_name, initializer=given.initializer, regularizer=given.regularizer,
          caching_device=given.caching_device, partitioner=given.partitioner, dtype=given.dtype,
          custom_getter=given.custom_getter, name_scope=old_name_scope, use_resource=given.use_resource,
          constraint=given.constraint)
      counts = copy.copy(store.variable_scopes_count)
      store.close_variable_subscopes(new_name)
    else:
      new_name = old.name + "/" + name_or_scope if old.name else name_or_scope
      scope = VariableScope(
          self._reuse or old.reuse, name=new_name, initializer=old.initializer, regularizer=old.regularizer,
          caching_device=old.caching_device, partitioner=old.partitioner, dtype=old.dtype,
          use_resource=old.use_resource, custom_getter=old.custom_getter, name_scope=old_name_scope,
          constraint=old.constraint)
      counts = None
      store.open_variable_scope(new_name)
    if self._initializer is not None:
      scope.set_initializer(self._initializer)
    if self._regularizer is not None:
      scope.set_regularizer(self._regularizer)
    if self._caching_device is not None:
      scope.set_caching_device(self._caching_device)
    if self._partitioner is not None:
      scope.set_partitioner(self._partitioner)
    if self._custom_getter is not None:
      scope.set_custom_getter(_chain_getters(self._custom_getter, scope.custom_getter))
    if self._dtype is not None:
      scope.set_dtype(self._dtype)
    if self._use_resource is not None:
      scope.set_use_resource(self._use_resource)
    if self._constraint is not None:
      scope._constraint = self._constraint
    store.current_scope = scope
    try:
      yield scope
    finally:
      store.close_variable_subscopes(new_name)
      if counts is not None:
        store.variable_scopes_count = counts
      store.current_scope = old


def _pure_variable_scope(name_or_scope, **kwargs):
  """variable_scope without a name scope."""
  return variable_scope(name_or_scope, auxiliary_name_scope=False, **kwargs)


@contextlib.contextmanager
def variable_op_scope(values, name_or_scope, default_name=None, initializer=None, regularizer=None,
                      caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
                      use_resource=None, constraint=None):
  with variable_scope(name_or_scope, default_name=default_name, values=values, initializer=initializer,
                      regularizer=regularizer, caching_device=caching_device, partitioner=partitioner,
                      custom_getter=custom_getter, reuse=reuse, dtype=dtype, use_resource=use_resource,
                      constraint=constraint) as scope:
    yield scope


@contextlib.contextmanager
def variable_creator_scope(variable_creator):
  with ops.get_default_graph()._variable_creator_scope(variable_creator):
    yield


# --- partitioners ---

def fixed_size_partitioner(num_shards, axis=0):
  def partitioner(shape, **unused):
    partitions = [1] * len(shape)
    partitions[axis] = num_shards
    return partitions
  return partitioner


def variable_axis_size_partitioner(max_shard_bytes, axis=0, bytes_per_string_element=16, max_shards=None):
  import math
  if max_shard_bytes < 1 or bytes_per_string_element < 1:
    raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
  if max_shards and max_shards < 1:
    raise ValueError("max_shards must be positive.")

  def partitioner(shape, dtype):
    if not isinstance(shape, tensor_shape.TensorShape):
      raise ValueError("shape is not a TensorShape: %s" % shape)
    if not shape.is_fully_defined():
      raise ValueError("shape is not fully defined: %s" % shape)
    if not isinstance(dtype, dtypes.DType):
      raise ValueError("dtype is not a DType: %s" % dtype)
    element_size = bytes_per_string_element if dtype.base_dtype == dtypes.string else dtype.size
    partitions = [1] * shape.ndims
    bytes_per_slice = 1.0 * (shape.num_elements() / shape.dims[axis].value) * element_size
    slices_per_shard = max(1, math.floor(max_shard_bytes / bytes_per_slice))
    axis_shards = int(math.ceil(1.0 * shape.dims[axis].value / slices_per_shard))
    if max_shards:
      axis_shards = min(max_shards, axis_shards)
    partitions[axis] = axis_shards
    return partitions
  return partitioner


def min_max_variable_partitioner(max_partitions=1, axis=0, min_slice_size=256 << 10, bytes_per_string_element=16):
  if max_partitions < 1:
    raise ValueError("max_partitions must be positive.")

  def partitioner(shape, dtype, **unused):
    partitions = [1] * shape.ndims
    element_size = bytes_per_string_element if dtype.base_dtype == dtypes.string else dtype.size
    slice_size = min_slice_size
    total = shape.num_elements() * element_size
    partitions[axis] = max(1, min(shape.dims[axis].value, max_partitions, -(-total // slice_size)))
    return partitions
  return partitioner


def variable(initial_value=None, **kwargs):
  """tf.Variable, for code that makes variables with the arguments of the current scope."""
  return variables.Variable(initial_value, **kwargs)
