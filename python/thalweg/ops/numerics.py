"""Checks that values are finite."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, control_flow_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
  """The tensor, after a check that no element is infinite or NaN."""
  x = deprecated_argument_lookup("x", x, "t", t)
  message = deprecated_argument_lookup("message", message, "msg", msg)
  with ops.name_scope(name, "VerifyFinite", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    with ops.colocate_with(x):
      check = array_ops.check_numerics(x, message=message)
      return control_flow_ops.with_dependencies([check], x)


def assert_all_finite(t=None, msg=None, name=None, x=None, message=None):
  """verify_tensor_all_finite, by its newer name."""
  return verify_tensor_all_finite(t, msg, name, x, message)


def add_check_numerics_ops():
  """An operation that checks every floating output of the graph, in the order of its operations."""
  checks = []
  for op in ops.get_default_graph().get_operations():
    for output in op.outputs:
      if output.dtype in (dtypes.float16, dtypes.float32, dtypes.float64):
        with ops.control_dependencies(checks):
          checks = [array_ops.check_numerics(output, message="%s:%d" % (op.name, output.value_index))]
  return control_flow_ops.group(*checks)
