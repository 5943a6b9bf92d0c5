"""Variables: tf.Variable, the collections they are in, and the operations on many at once."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, math_ops


class VariableSynchronization:
  AUTO, NONE, ON_WRITE, ON_READ = 0, 1, 2, 3


class VariableAggregation:
  NONE, SUM, MEAN, ONLY_FIRST_REPLICA = 0, 1, 2, 3
  ONLY_FIRST_TOWER = 3


def default_variable_creator(next_creator=None, **kwargs):
  """Makes the kind of variable that the arguments and the current variable scope ask for."""
  del next_creator
  from thalweg.ops import variable_scope
  use_resource = kwargs.pop("use_resource", None)
  kwargs.pop("synchronization", None)
  kwargs.pop("aggregation", None)
  if use_resource is None:
    use_resource = variable_scope.get_variable_scope().use_resource
  if use_resource is None:
    use_resource = variable_scope._DEFAULT_USE_RESOURCE
  if use_resource:
    from thalweg.ops.resource_variable_ops import ResourceVariable
    return ResourceVariable(**kwargs)
  from thalweg.ops.ref_variable import RefVariable
  return RefVariable(**kwargs)


class _VariableMeta(type):
  """Variable(...) makes a RefVariable or a ResourceVariable, through the creators of the graph."""

  def __call__(cls, *args, **kwargs):
    if cls is not Variable:
      return super().__call__(*args, **kwargs)
    names = ("initial_value", "trainable", "collections", "validate_shape", "caching_device", "name", "variable_def",
             "dtype", "expected_shape", "import_scope", "constraint", "use_resource", "synchronization", "aggregation",
             "shape")
    kwargs.update(zip(names, args))
    creator = default_variable_creator
    for _, scope_creator in ops.get_default_graph()._variable_creator_stack:
      creator = _next_creator(scope_creator, creator)
    return creator(**kwargs)


def _next_creator(creator, next_creator):
  return lambda **kwargs: creator(next_creator, **kwargs)


class Variable(metaclass=_VariableMeta):
  """State that a session keeps between runs. `initializer` must run before the first read."""

  _trainable = True
  _save_slice_info = None
  _constraint = None
  _synchronization = VariableSynchronization.AUTO
  _aggregation = VariableAggregation.NONE
  __array_priority__ = 100

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

  def eval(self, session=None):
    return ops._eval_using_default_session(self, None, self.graph, session)

  def load(self, value, session=None):
    """Gives the variable a value by a feed of its initializer."""
    session = session or ops.get_default_session()
    if session is None:
      raise ValueError("Either session argument should be provided or default session should be established")
    session.run(self.initializer, {self.initializer.inputs[1]: value})

  def initialized_value(self):
    """The value for initialisers of other variables: the tensor that this variable's own initializer writes, so that
    both get the same value in one run, in whatever order."""
    return self.initial_value

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


def check_initial_value_outside(name, value):
  """A variable is made outside of branches and loops, and so its initial value must be."""
  if value.op._context is not None:
    raise ValueError("Initializer for variable %s is from inside a control-flow construct, such as a loop or conditional. "
                     "When creating a variable inside a loop or conditional, use a lambda as the initializer." % name)


def guarded_initial_value(name, value):
  """`value` computed from the initial values of the variables it reads, so that initialisers run in any order."""
  return _safe_initial_value(name, value, {})


def _find_initialized(op):
  """The initial value of the variable that a read is of, else None."""
  for collection in (ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.LOCAL_VARIABLES):
    for variable in op.graph.get_collection(collection):
      if isinstance(variable, Variable) and variable.op is op:
        return variable
  return None


def _safe_initial_value(name, tensor, seen):
  op = tensor.op
  if op in seen:
    return seen[op]._outputs[tensor.value_index] if seen[op] is not None else tensor
  if op.type in ("IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If", "StatelessIf"):
    return tensor
  if op.type in ("Variable", "VariableV2", "VarHandleOp"):
    variable = _find_initialized(op)
    return variable.initialized_value() if variable is not None else tensor
  seen[op] = None
  modified, inputs = False, []
  for t in op.inputs:
    safe = _safe_initial_value(name, t, seen)
    inputs.append(safe)
    modified = modified or safe is not t
  if not modified:
    return tensor
  attrs = {n: op.get_attr(n) for n in op._attr_names() if not n.startswith("_")}
  made = op.graph.create_op(op.type, inputs, name=op.name.replace("/", "_") + "_" + name.rstrip("/").replace("/", "_"),
                            attrs=attrs)
  seen[op] = made
  return made._outputs[tensor.value_index]


# --- collections and initialisation ---

def global_variables(scope=None):
  return ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables():
  return global_variables()


def local_variables(scope=None):
  return ops.get_collection(ops.GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope=None):
  return ops.get_collection(ops.GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope=None):
  return ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope=None):
  return ops.get_collection(ops.GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def _all_saveable_objects(scope=None):
  return (ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope) +
          ops.get_collection(ops.GraphKeys.SAVEABLE_OBJECTS, scope))


def variables_initializer(var_list, name="init"):
  from thalweg.ops import control_flow_ops
  if var_list:
    return control_flow_ops.group(*[v.initializer for v in var_list], name=name)
  return control_flow_ops.no_op(name=name)


initialize_variables = variables_initializer


def global_variables_initializer():
  return variables_initializer(global_variables())


def initialize_all_variables():
  return global_variables_initializer()


def local_variables_initializer():
  return variables_initializer(local_variables())


def initialize_local_variables():
  return local_variables_initializer()


def is_variable_initialized(variable):
  from thalweg.ops import state_ops
  return state_ops.is_variable_initialized(variable)


def report_uninitialized_variables(var_list=None, name="report_uninitialized_variables"):
  """The names of the variables that no initializer has written yet."""
  if var_list is None:
    var_list = global_variables() + local_variables()
    if not var_list:
      var_list = [op.outputs[0] for op in ops.get_default_graph().get_operations()
                  if op.type in ("Variable", "VariableV2", "AutoReloadVariable")]
  with ops.name_scope(name):
    if not var_list:
      return array_ops.constant([], dtype=dtypes.string)
    from thalweg.ops import state_ops
    mask = math_ops.logical_not(array_ops.stack([state_ops.is_variable_initialized(v) for v in var_list]))
    names = array_ops.constant([s.op.name for s in var_list])
    return array_ops.boolean_mask(names, mask)


def assert_variables_initialized(var_list=None):
  from thalweg.ops import state_ops
  if var_list is None:
    var_list = global_variables() + local_variables()
  if not var_list:
    return None
  ranks = []
  for v in var_list:
    with ops.colocate_with(v.op):
      ranks.append(array_ops.rank_internal(v, optimize=False))
  del state_ops
  return ranks[0] if len(ranks) == 1 else array_ops.stack(ranks)


class PartitionedVariable:
  """One variable kept as several, split along one dimension."""

  def __init__(self, name, shape, dtype, variable_list, partitions):
    if not isinstance(variable_list, (list, tuple)):
      raise TypeError("variable_list is not a list or tuple: %s" % variable_list)
    if not isinstance(partitions, (list, tuple)):
      raise TypeError("partitions is not a list or tuple: %s" % partitions)
    if not all(p >= 1 for p in partitions):
      raise ValueError("partition values must be positive: %s" % partitions)
    if not variable_list:
      raise ValueError("variable_list may not be empty")
    self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
    self._name, self._shape, self._dtype = name, shape, dtype
    self._partitions = partitions
    self._as_tensor = None

  def __iter__(self):
    return iter(self._variable_list)

  def __len__(self):
    if len(self._partition_axes()) > 1:
      raise ValueError("Cannot get a length for %d > 1 partition axes" % len(self._partition_axes()))
    return len(self._variable_list)

  def _partition_axes(self):
    if all(p == 1 for p in self._partitions):
      return [0]
    return [i for i, p in enumerate(self._partitions) if p > 1]

  def _concat(self):
    if len(self._variable_list) == 1:
      with ops.name_scope(None):
        return array_ops.identity(self._variable_list[0], name=self._name)
    axes = self._partition_axes()
    if len(axes) > 1:
      raise NotImplementedError("Cannot concatenate along more than one dimension: %s." % axes)
    with ops.name_scope(self._name + "/ConcatPartitions/"):
      concatenated = array_ops.concat(self._variable_list, axes[0])
    with ops.name_scope(None):
      return array_ops.identity(concatenated, name=self._name)

  def as_tensor(self):
    with ops.control_dependencies(None):
      return self._concat()

  @staticmethod
  def _TensorConversionFunction(v, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(v.dtype):
      raise ValueError("Incompatible type conversion requested to type '%s' for variable of type '%s'" % (
          dtype.name, v.dtype.name))
    if as_ref:
      raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    return v.as_tensor()

  @property
  def name(self):
    return self._name

  @property
  def dtype(self):
    return self._dtype

  @property
  def shape(self):
    return tensor_shape.as_shape(self._shape)

  def get_shape(self):
    return self.shape

  def _get_variable_list(self):
    return self._variable_list

  def _get_partitions(self):
    return self._partitions

  @property
  def initializer(self):
    from thalweg.ops import control_flow_ops
    return control_flow_ops.group(*[v.initializer for v in self._variable_list])


ops.register_tensor_conversion_function(PartitionedVariable, PartitionedVariable._TensorConversionFunction)


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
