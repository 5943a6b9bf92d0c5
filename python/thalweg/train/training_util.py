"""The global step: the variable that counts a program's training steps."""

from thalweg.framework import dtypes, ops
from thalweg.ops import init_ops, variable_scope, variables
from thalweg.platform import tf_logging as logging


def global_step(sess, global_step_tensor):
  """The value of the global step in a session, as an int."""
  return int(sess.run(global_step_tensor))


def get_global_step(graph=None):
  """The graph's global step variable or tensor; None when it has none."""
  graph = graph or ops.get_default_graph()
  found = graph.get_collection(ops.GraphKeys.GLOBAL_STEP)
  if len(found) > 1:
    logging.error("Multiple tensors in global_step collection.")
    return None
  if len(found) == 1:
    tensor = found[0]
  else:
    try:
      tensor = graph.get_tensor_by_name("global_step:0")
    except KeyError:
      return None
  assert_global_step(tensor)
  return tensor


def create_global_step(graph=None):
  """Makes the global step; ValueError when the graph has one."""
  graph = graph or ops.get_default_graph()
  if get_global_step(graph) is not None:
    raise ValueError('"global_step" already exists.')
  with graph.as_default() as g, g.name_scope(None):
    return variable_scope.get_variable(
        ops.GraphKeys.GLOBAL_STEP, shape=[], dtype=dtypes.int64, initializer=init_ops.zeros_initializer(),
        trainable=False, collections=[ops.GraphKeys.GLOBAL_VARIABLES, ops.GraphKeys.GLOBAL_STEP],
        aggregation=variables.VariableAggregation.ONLY_FIRST_REPLICA)


def get_or_create_global_step(graph=None):
  """The graph's global step, made now if there is none."""
  graph = graph or ops.get_default_graph()
  found = get_global_step(graph)
  return create_global_step(graph) if found is None else found


def assert_global_step(global_step_tensor):
  """Checks that the tensor is a scalar integer."""
  if not (isinstance(global_step_tensor, (ops.Tensor, variables.Variable))):
    raise TypeError("Existing \"global_step\" must be a Variable or Tensor: %s." % global_step_tensor)
  if not global_step_tensor.dtype.base_dtype.is_integer:
    raise TypeError("Existing \"global_step\" does not have integer type: %s" % global_step_tensor.dtype)
  shape = global_step_tensor.get_shape()
  if shape.ndims != 0 and shape.is_fully_defined():
    raise TypeError("Existing \"global_step\" is not scalar: %s" % shape)


_GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


def _get_or_create_global_step_read(graph=None):
  """A tensor with the global step's value, one per graph; None when the graph has no global step."""
  graph = graph or ops.get_default_graph()
  found = graph.get_collection(_GLOBAL_STEP_READ_KEY)
  if len(found) > 1:
    raise RuntimeError("There are multiple items in collection {}. There should be only one.".format(
        _GLOBAL_STEP_READ_KEY))
  if found:
    return found[0]
  step = get_global_step(graph)
  if step is None:
    return None
  with graph.as_default() as g, g.name_scope(None), g.name_scope(step.op.name + "/"):
    # The sum is a value of its own, which no later assignment changes.
    read = ops.convert_to_tensor(step) + 0
    ops.add_to_collection(_GLOBAL_STEP_READ_KEY, read)
  return read
