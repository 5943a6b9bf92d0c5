"""Assertions on tensors."""

from thalweg.framework import dtypes, errors, ops, tensor_util
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, control_flow_ops, math_ops


def _comparison(fn_name, compare, opposite, doc):

  def fn(x, y, data=None, summarize=None, message=None, name=None):
    message = message or ""
    with ops.name_scope(name, fn_name, [x, y, data]):
      x = ops.convert_to_tensor(x, name="x")
      y = ops.convert_to_tensor(y, name="y")
      if data is None:
        data = [message, "Condition x %s y did not hold element-wise:" % opposite, "x (%s) = " % x.name, x,
                "y (%s) = " % y.name, y]
      condition = math_ops.reduce_all(compare(x, y))
      static = tensor_util.constant_value(condition)
      if static is not None and not static:
        raise errors.InvalidArgumentError(None, None, "%s: Condition x %s y did not hold" % (message, opposite))
      return control_flow_ops.Assert(condition, data, summarize=summarize)

  fn.__name__ = fn.__qualname__ = fn_name
  fn.__doc__ = doc
  return fn


assert_equal = _comparison("assert_equal", math_ops.equal, "==", "Fails unless x == y everywhere.")
assert_none_equal = _comparison("assert_none_equal", math_ops.not_equal, "!=", "Fails unless x != y everywhere.")
assert_less = _comparison("assert_less", math_ops.less, "<", "Fails unless x < y everywhere.")
assert_less_equal = _comparison("assert_less_equal", math_ops.less_equal, "<=", "Fails unless x <= y everywhere.")
assert_greater = _comparison("assert_greater", math_ops.greater, ">", "Fails unless x > y everywhere.")
assert_greater_equal = _comparison("assert_greater_equal", math_ops.greater_equal, ">=",
                                   "Fails unless x >= y everywhere.")


def _sign_check(fn_name, assertion, text):

  def fn(x, data=None, summarize=None, message=None, name=None):
    message = message or ""
    with ops.name_scope(name, fn_name, [x, data]):
      x = ops.convert_to_tensor(x, name="x")
      if data is None:
        data = [message, "Condition x %s 0 did not hold element-wise:" % text, "x (%s) = " % x.name, x]
      zero = ops.convert_to_tensor(0, dtype=x.dtype)
      return assertion(zero, x, data=data, summarize=summarize)

  fn.__name__ = fn.__qualname__ = fn_name
  return fn


assert_positive = _sign_check("assert_positive", assert_less, ">")
assert_negative = _sign_check("assert_negative", assert_greater, "<")
assert_non_negative = _sign_check("assert_non_negative", assert_less_equal, ">=")
assert_non_positive = _sign_check("assert_non_positive", assert_greater_equal, "<=")


def _rank_check(fn_name, static_ok, dynamic, text):

  def fn(x, rank, data=None, summarize=None, message=None, name=None):
    message = message or ""
    with ops.name_scope(name, fn_name, [x, rank] + list(data or [])):
      x = ops.convert_to_tensor(x, name="x")
      rank_t = ops.convert_to_tensor(rank, name="rank")
      static_rank = tensor_util.constant_value(rank_t)
      if static_rank is not None and x.shape.ndims is not None:
        if not static_ok(x.shape.ndims, int(static_rank)):
          raise ValueError("%s.  Tensor %s must have rank %s %d.  Received rank %d, shape %s" % (
              message, x.name, text, static_rank, x.shape.ndims, x.shape))
        return control_flow_ops.no_op(name="static_checks_determined_all_ok")
      if data is None:
        data = [message, "Tensor %s must have rank %s" % (x.name, text), rank_t, "Received shape: ", array_ops.shape(x)]
      return control_flow_ops.Assert(dynamic(array_ops.rank(x), rank_t), data, summarize=summarize)

  fn.__name__ = fn.__qualname__ = fn_name
  return fn


assert_rank = _rank_check("assert_rank", lambda a, b: a == b, math_ops.equal, "")
assert_rank_at_least = _rank_check("assert_rank_at_least", lambda a, b: a >= b, math_ops.greater_equal, "at least")


def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
  with ops.name_scope(name, "assert_rank_in", [x]):
    x = ops.convert_to_tensor(x, name="x")
    if x.shape.ndims is not None:
      if x.shape.ndims not in ranks:
        raise ValueError("%s.  Tensor %s must have rank in %s.  Received rank %d, shape %s" % (
            message or "", x.name, tuple(ranks), x.shape.ndims, x.shape))
      return control_flow_ops.no_op(name="static_checks_determined_all_ok")
    rank = array_ops.rank(x)
    condition = math_ops.reduce_any(array_ops.stack([math_ops.equal(rank, r) for r in ranks]))
    return control_flow_ops.Assert(condition, data or [message or "", "rank", rank], summarize=summarize)


def assert_integer(x, message=None, name=None):
  x = ops.convert_to_tensor(x, name="x")
  if not x.dtype.is_integer:
    raise TypeError("%s  Expected \"x\" to be integer type.  Found: %s" % (message or "", x.dtype))
  with ops.name_scope(name, "assert_integer", [x]):
    return control_flow_ops.no_op("statically_determined_was_integer")


def assert_type(tensor, tf_type, message=None, name=None):
  with ops.name_scope(name, "assert_type", [tensor]):
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    if tensor.dtype != tf_type:
      raise TypeError("%s  %s must be of type %s" % (message or "", tensor.name, tf_type))
    return control_flow_ops.no_op("statically_determined_correct_type")


def assert_scalar(tensor, name=None, message=None):
  with ops.name_scope(name, "assert_scalar", [tensor]) as name_scope:
    tensor = ops.convert_to_tensor(tensor, name=name_scope)
    if tensor.shape.ndims != 0:
      raise ValueError("Expected scalar shape for %s, saw shape: %s." % (tensor.name, tensor.shape))
    return tensor


def is_numeric_tensor(tensor):
  return isinstance(tensor, Tensor) and (tensor.dtype.is_floating or tensor.dtype.is_integer or
                                         tensor.dtype.is_complex or tensor.dtype.is_quantized)


def is_non_decreasing(x, name=None):
  with ops.name_scope(name, "is_non_decreasing", [x]):
    x = array_ops.reshape(ops.convert_to_tensor(x, name="x"), [-1])
    diff = x[1:] - x[:-1]
    return math_ops.reduce_all(math_ops.less_equal(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


def is_strictly_increasing(x, name=None):
  with ops.name_scope(name, "is_strictly_increasing", [x]):
    x = array_ops.reshape(ops.convert_to_tensor(x, name="x"), [-1])
    diff = x[1:] - x[:-1]
    return math_ops.reduce_all(math_ops.less(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


def assert_same_float_dtype(tensors=None, dtype=None):
  """The one floating type of all the tensors."""
  for t in tensors or ():
    if t is None:
      continue
    if dtype is None:
      dtype = t.dtype.base_dtype
    elif t.dtype.base_dtype != dtype:
      raise ValueError("%s, type=%s, must be of the same type (%s)." % (t, t.dtype, dtype))
  if dtype is None:
    dtype = dtypes.float32
  if not dtypes.as_dtype(dtype).is_floating:
    raise ValueError("Expected floating point type, got %s." % dtype)
  return dtype
