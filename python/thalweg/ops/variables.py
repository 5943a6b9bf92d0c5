"""tf.Variable, what makes variables of either kind, and how they are written into graphs' collections."""

from thalweg.framework import dtypes, ops
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, math_ops
from thalweg.ops.variable_collections import (  # noqa: F401  (under this module's name, too)
    _all_saveable_objects, all_variables, assert_variables_initialized, global_variables, global_variables_initializer,
    initialize_all_variables, initialize_local_variables, initialize_variables, is_variable_initialized, local_variables,
    local_variables_initializer, model_variables, moving_average_variables, report_uninitialized_variables,
    trainable_variables, variables_initializer)
from thalweg.util.functions import named


class VariableSynchronization:
  AUTO, NONE, ON_WRITE, ON_READ = 0, 1, 2, 3


class VariableAggregation:
  NONE, SUM, MEAN, ONLY_FIRST_REPLICA = 0, 1, 2, 3
  ONLY_FIRST_TOWER = 3


_resource_by_default = False


def enable_resource_variables():
  """Makes variables resource variables where nothing else is said."""
  global _resource_by_default
  _resource_by_default = True


def disable_resource_variables():
  """Makes reference variables where nothing else is said, as TensorFlow 1 does."""
  global _resource_by_default
  _resource_by_default = False


def resource_variables_enabled():
  """Whether variables are resource variables where nothing else is said."""
  return _resource_by_default


_kinds = {}  # whether by resource -> class; imported when first wanted, since the classes build on this module


def _class_of(by_resource):
  found = _kinds.get(by_resource)
  if found is None:
    if by_resource:
      from thalweg.ops.resource_variable_ops import ResourceVariable as found
    else:
      from thalweg.ops.ref_variable import RefVariable as found
    _kinds[by_resource] = found
  return found


def default_variable_creator(next_creator=None, use_resource=None, synchronization=None, aggregation=None, **kwargs):
  """Makes the kind of variable that the arguments and the current variable scope ask for."""
  del next_creator, synchronization, aggregation
  if use_resource is None:
    from thalweg.ops import variable_scope
    use_resource = variable_scope.get_variable_scope().use_resource
    if use_resource is None:
      use_resource = _resource_by_default
  return _class_of(bool(use_resource))(**kwargs)


class _VariableMeta(type):
  """Variable(...) makes a RefVariable or a ResourceVariable, through the creators of the graph."""

  def __call__(cls, *args, **kwargs):
    if cls is not Variable:
      return super().__call__(*args, **kwargs)
    stack = ops.get_default_graph()._variable_creator_stack
    if not stack and not args:
      return default_variable_creator(None, **kwargs)
    names = ("initial_value", "trainable", "collections", "validate_shape", "caching_device", "name", "variable_def",
             "dtype", "expected_shape", "import_scope", "constraint", "use_resource", "synchronization", "aggregation",
             "shape")
    kwargs.update(zip(names, args))
    creator = default_variable_creator
    for _, scope_creator in stack:
      creator = _next_creator(scope_creator, creator)
    return creator(**kwargs)


def _next_creator(creator, next_creator):
  return lambda **kwargs: creator(next_creator, **kwargs)


class Variable(metaclass=_VariableMeta):
  """State that a session keeps between runs. `initializer` must run before the first read."""

  _trainable = True
  _caching_device = None
  _save_slice_info = None
  _constraint = None
  _synchronization = VariableSynchronization.AUTO
  _aggregation = VariableAggregation.NONE
  __array_priority__ = 100

  def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
               name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
               use_resource=None, synchronization=None, aggregation=None, shape=None):
    """Makes the nodes of a new variable, or finds those of the one that `variable_def` describes."""
    if variable_def is not None:
      if initial_value is not None:
        raise ValueError("variable_def and initial_value are mutually exclusive.")
      self._init_from_proto(variable_def, import_scope)
      return
    if initial_value is None:
      raise ValueError("initial_value must be specified.")
    if collections is None:
      collections = [ops.GraphKeys.GLOBAL_VARIABLES]
    if not isinstance(collections, (list, tuple, set)):
      raise ValueError("collections argument to Variable constructor must be a list, tuple, or set. Got %s of type %s" %
                       (collections, type(collections)))
    if constraint is not None and not callable(constraint):
      raise ValueError("The `constraint` argument must be a callable.")
    self._trainable = True if trainable is None else trainable
    self._constraint, self._caching_device = constraint, caching_device
    if synchronization is not None:
      self._synchronization = synchronization
    if aggregation is not None:
      self._aggregation = aggregation
    if self._trainable and ops.GraphKeys.TRAINABLE_VARIABLES not in collections:
      collections = list(collections) + [ops.GraphKeys.TRAINABLE_VARIABLES]
    if dtype is not None:
      dtype = dtypes.as_dtype(dtype).base_dtype
    with ops.init_scope():
      values = () if callable(initial_value) else (initial_value,)
      with ops.name_scope(name, "Variable", values) as scope:
        self._build(scope, initial_value, dtype, shape, validate_shape)
      ops.add_to_collections(list(collections), self)

  def _build(self, scope, initial_value, dtype, shape, validate_shape):
    """Adds the nodes of the variable inside the name scope `scope`."""
    raise NotImplementedError("a variable is a RefVariable or a ResourceVariable")

  def _convert_initial_value(self, value, dtype):
    self._initial_value = value = ops.convert_to_tensor(value, dtype, "initial_value")
    if value.op._context is not None:
      # A variable is made outside of branches and loops, and so its initial value must be.
      raise ValueError("Initializer for variable %s/ is from inside a control-flow construct, such as a loop or "
                       "conditional. When creating a variable inside a loop or conditional, use a lambda as the "
                       "initializer." % value.graph.get_name_scope())

  def _init_from_proto(self, variable_def, import_scope):
    """Finds the nodes that every kind of variable has; returns the variable's own node and its read."""
    graph = ops.get_default_graph()
    element = lambda name: graph.as_graph_element(ops.prepend_name_scope(name, import_scope=import_scope))
    self._initializer_op = element(variable_def.initializer_name)
    self._initial_value = element(variable_def.initial_value_name) if variable_def.initial_value_name else None
    self._trainable = variable_def.trainable
    if variable_def.HasField("save_slice_info_def"):
      self._save_slice_info = Variable.SaveSliceInfo(save_slice_info_def=variable_def.save_slice_info_def,
                                                     import_scope=import_scope)
    return (element(variable_def.variable_name),
            element(variable_def.snapshot_name) if variable_def.snapshot_name else None)

  def __iter__(self):
    raise TypeError("'Variable' object is not iterable.")

  def __repr__(self):
    return "<tf.Variable '%s' shape=%s dtype=%s>" % (self.name, self.shape, self.dtype.name)

  @property
  def trainable(self):
    return self._trainable

  @property
  def synchronization(self):
    return self._synchronization

  @property
  def aggregation(self):
    return self._aggregation

  @property
  def constraint(self):
    return self._constraint

  @property
  def graph(self):
    return self.op.graph

  @property
  def device(self):
    return self.op.device

  def get_shape(self):
    return self.shape

  @property
  def initial_value(self):
    """The tensor the initializer writes."""
    return self._initial_value

  @property
  def initializer(self):
    """The operation that writes the initial value."""
    return self._initializer_op

  def _scatter(self, kind, sparse_delta, use_locking, name):
    """Runs the scatter op "add", "sub", ... with the rows of an IndexedSlices."""
    if not isinstance(sparse_delta, ops.IndexedSlices):
      raise TypeError("sparse_delta is not IndexedSlices: %s" % sparse_delta)
    return self._scatter_rows(kind, sparse_delta.indices, sparse_delta.values, use_locking, name)

  def eval(self, session=None):
    return ops._eval_using_default_session(self, None, self.graph, session)

  def load(self, value, session=None):
    """Gives the variable a value by a feed of its initializer."""
    session = session or ops.get_default_session()
    if session is None:
      raise ValueError("Either session argument should be provided or default session should be established")
    session.run(self.initializer, {self.initializer.inputs[1]: value})

  def initialized_value(self):
    """The value for initialisers of other variables: the variable's own when it has one already, else the tensor that
    its initializer writes, so that both get the same value in one run, in whatever order."""
    from thalweg.ops import state_ops
    from thalweg.ops.cond import cond
    with ops.init_scope():
      return cond(state_ops.is_variable_initialized(self), self.read_value, lambda: self.initial_value)

  def to_proto(self, export_scope=None):
    """The VariableDef of this variable; None when it is not in `export_scope`."""
    if export_scope is not None and not self._tensor_for_name().name.startswith(export_scope):
      return None
    from thalweg import _protos
    proto = _protos.message("VariableDef")()
    strip = lambda name: ops.strip_name_scope(name, export_scope)
    proto.variable_name = strip(self._tensor_for_name().name)
    if self._initial_value is not None:
      proto.initial_value_name = strip(self._initial_value.name)
    proto.trainable = self.trainable
    proto.initializer_name = strip(self.initializer.name)
    proto.snapshot_name = strip(self._snapshot.name)
    proto.is_resource = self._is_resource
    if self._save_slice_info:
      proto.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope=export_scope))
    return proto

  @staticmethod
  def from_proto(variable_def, import_scope=None):
    """The variable that a VariableDef describes, in the default graph."""
    if variable_def.is_resource:
      from thalweg.ops.resource_variable_ops import ResourceVariable
      return ResourceVariable(variable_def=variable_def, import_scope=import_scope)
    from thalweg.ops.ref_variable import RefVariable
    return RefVariable(variable_def=variable_def, import_scope=import_scope)

  def _set_save_slice_info(self, save_slice_info):
    self._save_slice_info = save_slice_info

  def _get_save_slice_info(self):
    return self._save_slice_info

  def experimental_ref(self):
    from thalweg.framework.tensor import _TensorRef
    return _TensorRef(self)

  class SaveSliceInfo:
    """Which part of a larger saved variable this one is."""

    def __init__(self, full_name=None, full_shape=None, var_offset=None, var_shape=None, save_slice_info_def=None,
                 import_scope=None):
      if save_slice_info_def is not None:
        d = save_slice_info_def
        self.full_name = ops.prepend_name_scope(d.full_name, import_scope=import_scope)
        self.full_shape = list(d.full_shape)
        self.var_offset = list(d.var_offset)
        self.var_shape = list(d.var_shape)
      else:
        self.full_name, self.full_shape, self.var_offset, self.var_shape = full_name, full_shape, var_offset, var_shape

    @property
    def spec(self):
      """As a checkpoint writes it: full shape, then offset and length per dimension."""
      full = " ".join("%d" % d for d in self.full_shape) + " "
      return full + ":".join("%d,%d" % (o, s) for o, s in zip(self.var_offset, self.var_shape))

    def to_proto(self, export_scope=None):
      from thalweg import _protos
      if export_scope is not None and not self.full_name.startswith(export_scope):
        return None
      proto = _protos.message("SaveSliceInfoDef")()
      proto.full_name = ops.strip_name_scope(self.full_name, export_scope)
      proto.full_shape.extend(self.full_shape)
      proto.var_offset.extend(self.var_offset)
      proto.var_shape.extend(self.var_shape)
      return proto


VariableV1 = Variable


def _scatter_method(kind):

  def method(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(kind, sparse_delta, use_locking, name)

  return named(method, "scatter_" + kind, "The variable after `sparse_delta`, IndexedSlices: %s." % kind)


def _scatter_nd_method(kind):

  def method(self, indices, updates, name=None):
    return self._scatter_nd(kind, indices, updates, name)

  return named(method, "scatter_nd_" + kind, "The variable after `updates` at `indices`, [..., depth]: %s." % kind)


for _kind in ("add", "sub", "mul", "div", "min", "max", "update"):
  setattr(Variable, "scatter_" + _kind, _scatter_method(_kind))
for _kind in ("add", "sub", "update"):
  setattr(Variable, "scatter_nd_" + _kind, _scatter_nd_method(_kind))


def _overload(operator):
  tensor_operator = getattr(Tensor, operator)

  def run_op(self, *args):
    return tensor_operator(self._AsTensor(), *args)

  run_op.__name__ = operator
  setattr(Variable, operator, run_op)


for _operator in Tensor.OVERLOADABLE_OPERATORS:
  if _operator != "__getitem__":
    _overload(_operator)
Variable.__getitem__ = lambda self, slice_spec: array_ops._slice_helper(self._AsTensor(), slice_spec, self)


def _register_proto_functions():
  from thalweg import _protos

  class _Lazy:
    """Stands for VariableDef until a collection is exported."""

    def __call__(self):
      return _protos.message("VariableDef")()

  for key in (ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.LOCAL_VARIABLES, ops.GraphKeys.MODEL_VARIABLES,
              ops.GraphKeys.TRAINABLE_VARIABLES, ops.GraphKeys.MOVING_AVERAGE_VARIABLES,
              ops.GraphKeys.GLOBAL_STEP, ops.GraphKeys.METRIC_VARIABLES):
    ops.register_proto_function(key, proto_type=_Lazy(), to_proto=lambda v, export_scope=None: v.to_proto(export_scope),
                                from_proto=lambda d, import_scope=None: Variable.from_proto(d, import_scope))


_register_proto_functions()


def is_resource_variable(var):
  return getattr(var, "_is_resource", False)


# Under this name too.
from thalweg.ops.partitioned_variable import PartitionedVariable  # noqa: E402, F401
