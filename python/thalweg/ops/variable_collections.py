"""The variables of a graph by the collections they are in, and operations on many at once."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, math_ops


def global_variables(scope=None):
  """The variables shared by all steps, as a list; with `scope`, those whose names begin with a match of the expression."""
  return ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables():
  """global_variables, by its old name."""
  return global_variables()


def local_variables(scope=None):
  """The variables that checkpoints leave out, such as counters of metrics and of epochs."""
  return ops.get_collection(ops.GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope=None):
  """The variables that inference uses."""
  return ops.get_collection(ops.GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope=None):
  """The variables that optimizers update when they are given none."""
  return ops.get_collection(ops.GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope=None):
  """The variables whose moving averages are kept."""
  return ops.get_collection(ops.GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def _all_saveable_objects(scope=None):
  return (ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, scope) +
          ops.get_collection(ops.GraphKeys.SAVEABLE_OBJECTS, scope))


def variables_initializer(var_list, name="init"):
  """The operation that runs the initializers of all of the list."""
  from thalweg.ops import control_flow_ops
  if var_list:
    return control_flow_ops.group(*[v.initializer for v in var_list], name=name)
  return control_flow_ops.no_op(name=name)


initialize_variables = variables_initializer


def global_variables_initializer():
  """The operation that initializes all global variables of the graph."""
  return variables_initializer(global_variables())


def initialize_all_variables():
  """global_variables_initializer, by its old name."""
  return global_variables_initializer()


def local_variables_initializer():
  """The operation that initializes all local variables of the graph."""
  return variables_initializer(local_variables())


def initialize_local_variables():
  """local_variables_initializer, by its old name."""
  return local_variables_initializer()


def is_variable_initialized(variable):
  """A boolean scalar: whether an initializer or an assignment has written the variable."""
  from thalweg.ops import state_ops
  return state_ops.is_variable_initialized(variable)


def report_uninitialized_variables(var_list=None, name="report_uninitialized_variables"):
  """The names, a vector of strings, of the variables that nothing has written yet."""
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
  """A tensor whose evaluation fails with FailedPreconditionError while a variable has no value; None without variables."""
  if var_list is None:
    var_list = global_variables() + local_variables()
  if not var_list:
    return None
  ranks = []
  for v in var_list:
    with ops.colocate_with(v.op):
      ranks.append(array_ops.rank_internal(v, optimize=False))
  return ranks[0] if len(ranks) == 1 else array_ops.stack(ranks)
