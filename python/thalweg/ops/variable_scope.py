"""Variable scopes and get_variable: sharing of variables by name."""

import contextlib
import functools
import threading

from thalweg.framework import dtypes, ops
from thalweg.ops import variables
from thalweg.ops.variable_store import AUTO_REUSE, VariableStore
from thalweg.ops.variables import VariableAggregation, VariableSynchronization
from thalweg.ops.variables import (  # noqa: F401
    disable_resource_variables, enable_resource_variables, resource_variables_enabled)
from thalweg.ops.partitioners import (  # noqa: F401
    fixed_size_partitioner, min_max_variable_partitioner, variable_axis_size_partitioner)


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


class _ScopeCount:
  """How often a scope was opened since its parent was, and the same of those inside it."""

  __slots__ = ("opened", "inside")

  def __init__(self):
    self.opened, self.inside = 0, {}


class _ScopeStore(threading.local):
  """The current scope of a thread, and how often each name was opened."""

  def __init__(self):
    super().__init__()
    self.current_scope = VariableScope(False)
    self._root = _ScopeCount()

  def _count(self, scope_name, make=False):
    node = self._root
    for part in scope_name.split("/") if scope_name else ():
      inner = node.inside.get(part)
      if inner is None:
        if not make:
          return None
        inner = node.inside[part] = _ScopeCount()
      node = inner
    return node

  def open_variable_scope(self, scope_name):
    self._count(scope_name, make=True).opened += 1

  def close_variable_subscopes(self, scope_name):
    """Forgets how often the scopes inside were opened; returns those counts."""
    node = self._count(scope_name or "")
    if node is None:
      return {}
    counts, node.inside = node.inside, {}
    return counts

  def restore_variable_subscopes(self, scope_name, counts):
    self._count(scope_name, make=True).inside = counts

  def variable_scope_count(self, scope_name):
    node = self._count(scope_name)
    return node.opened if node is not None else 0


def get_variable_scope_store():
  collections = ops.get_default_graph()._collections
  found = collections.get(_SCOPE_KEY)
  if not found:
    found = collections[_SCOPE_KEY] = [_ScopeStore()]
  return found[0]


def get_variable_scope():
  """The current variable scope."""
  return get_variable_scope_store().current_scope


def _get_default_variable_store():
  collections = ops.get_default_graph()._collections
  found = collections.get(_STORE_KEY)
  if not found:
    found = collections[_STORE_KEY] = [VariableStore()]
  return found[0]


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


def create_partitioned_variables(shape, slicing, initializer, dtype=dtypes.float32, trainable=True, collections=None,
                                 name=None, reuse=None):
  """The parts of a variable of `shape` that is kept in slicing[i] parts along dimension i, as a list."""
  if len(shape) != len(slicing):
    raise ValueError("The 'shape' and 'slicing' of a new Variable must have the length: shape: %s, slicing: %s" % (
        shape, slicing))
  if len(shape) < 1:
    raise ValueError("A partitioned Variable must have rank at least 1: shape: %s" % (shape,))
  with variable_scope(name, "PartitionedVariable", reuse=reuse) as scope, ops.name_scope(None):
    return list(_get_default_variable_store().get_variable(
        scope.name, shape=shape, dtype=dtype, initializer=initializer, reuse=scope.reuse, trainable=trainable,
        collections=collections, partitioner=lambda **unused: slicing))


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

  def __enter__(self):
    self._outer_contexts = []
    try:
      if self._values is not None:
        graph = ops._get_graph_from_inputs(self._values)
        if graph is not ops.get_default_graph():
          self._enter_outer(graph.as_default())
      return self._open()
    except BaseException:
      self._leave_outer(None, None, None)
      raise

  def __exit__(self, type_arg, value_arg, traceback_arg):
    self._close()
    self._leave_outer(type_arg, value_arg, traceback_arg)

  def _enter_outer(self, context):
    value = context.__enter__()
    self._outer_contexts.append(context)
    return value

  def _leave_outer(self, *args):
    while self._outer_contexts:
      self._outer_contexts.pop().__exit__(*args)

  def _open(self):
    """Opens the name scope and makes the variable scope current."""
    current = ops.get_default_graph().get_name_scope()
    given = self._name_or_scope
    if given is None:
      if self._reuse:
        raise ValueError("reuse=True cannot be used without a name_or_scope")
      if self._auxiliary_name_scope:
        current_name_scope = self._enter_outer(ops.name_scope(self._default_name))
      else:
        current_name_scope = current + "/" if current else ""
      return self._make_current(_get_unique_variable_scope(self._default_name), current_name_scope)
    if not isinstance(given, (VariableScope, str)):
      raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
    is_name = isinstance(given, str)
    name_scope = given if is_name else given.name.split("/")[-1]
    if self._auxiliary_name_scope and (name_scope or current):
      current_name_scope = self._enter_outer(ops.name_scope(name_scope))
    else:
      current_name_scope = current + "/" if current else ""
    return self._make_current(given, current_name_scope if is_name else given.original_name_scope)

  def _make_current(self, name_or_scope, name_scope):
    """Makes the variable scope current: that of a name inside the current one, or a copy of a given one."""
    store = self._store = get_variable_scope_store()
    old = self._old = store.current_scope
    parent = name_or_scope if isinstance(name_or_scope, VariableScope) else old
    if parent is name_or_scope:
      self._name = parent.name
      self._counts = store.close_variable_subscopes(self._name)
    else:
      self._name = old.name + "/" + name_or_scope if old.name else name_or_scope
      self._counts = None
      store.open_variable_scope(self._name)
    scope = VariableScope(
        self._reuse or parent.reuse, self._name, _first(self._initializer, parent.initializer),
        _first(self._regularizer, parent.regularizer), _first(self._caching_device, parent.caching_device),
        _first(self._partitioner, parent.partitioner), _chain_getters(self._custom_getter, parent.custom_getter),
        name_scope, _first(self._dtype, parent.dtype), _first(self._use_resource, parent.use_resource),
        _first(self._constraint, parent.constraint))
    store.current_scope = scope
    return scope

  def _close(self):
    self._store.close_variable_subscopes(self._name)
    if self._counts is not None:
      self._store.restore_variable_subscopes(self._name, self._counts)
    self._store.current_scope = self._old


def _first(given, inherited):
  return inherited if given is None else given


def _pure_variable_scope(name_or_scope, **kwargs):
  """variable_scope without a name scope."""
  return variable_scope(name_or_scope, auxiliary_name_scope=False, **kwargs)


@contextlib.contextmanager
def variable_op_scope(values, name_or_scope, default_name=None, initializer=None, regularizer=None,
                      caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
                      use_resource=None, constraint=None):
  """variable_scope() with its arguments in the old order."""
  with variable_scope(name_or_scope, default_name=default_name, values=values, initializer=initializer,
                      regularizer=regularizer, caching_device=caching_device, partitioner=partitioner,
                      custom_getter=custom_getter, reuse=reuse, dtype=dtype, use_resource=use_resource,
                      constraint=constraint) as scope:
    yield scope


@contextlib.contextmanager
def variable_creator_scope(variable_creator):
  """A context in which variable_creator(next_creator, **kwargs) makes the variables."""
  with ops.get_default_graph()._variable_creator_scope(variable_creator):
    yield


def variable(initial_value=None, **kwargs):
  """tf.Variable, for code that makes variables with the arguments of the current scope."""
  return variables.Variable(initial_value, **kwargs)
