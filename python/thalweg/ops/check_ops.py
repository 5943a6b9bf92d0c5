"""Assertions on tensors."""

import numpy as np

from thalweg.framework import dtypes, errors, ops, sparse_tensor, tensor_util
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, control_flow_ops, math_ops
from thalweg.util.functions import named


def _fail_now(data):
  """The error of a condition that is known not to hold."""
  parts = []
  for item in data:
    value = tensor_util.constant_value(item) if isinstance(item, Tensor) else item
    parts.append(str(item if value is None else value))
  raise errors.InvalidArgumentError(None, None, "\n".join(parts))


def _comparison(fn_name, compare, static_compare, symbol, doc):

  def fn(x, y, data=None, summarize=None, message=None, name=None):
    with ops.name_scope(name, fn_name, [x, y, data]):
      if symbol == "==" and x is y:
        return control_flow_ops.no_op()
      x = ops.convert_to_tensor(x, name="x")
      y = ops.convert_to_tensor(y, name="y")
      if data is None:
        data = ["Condition x %s y did not hold element-wise:" % symbol, "x (%s) = " % x.name, x, "y (%s) = " % y.name, y]
      if message is not None:
        data = [message] + list(data)
      condition = math_ops.reduce_all(compare(x, y))
      x_value, y_value = tensor_util.constant_value(x), tensor_util.constant_value(y)
      if x_value is not None and y_value is not None and not np.all(static_compare(x_value, y_value)):
        _fail_now(data)
      return control_flow_ops.Assert(condition, data, summarize=summarize)

  return named(fn, fn_name, doc)


assert_equal = _comparison("assert_equal", math_ops.equal, np.equal, "==", "Fails unless x == y everywhere.")
assert_none_equal = _comparison("assert_none_equal", math_ops.not_equal, np.not_equal, "!=",
                                "Fails unless x != y everywhere.")
assert_less = _comparison("assert_less", math_ops.less, np.less, "<", "Fails unless x < y everywhere.")
assert_less_equal = _comparison("assert_less_equal", math_ops.less_equal, np.less_equal, "<=",
                                "Fails unless x <= y everywhere.")
assert_greater = _comparison("assert_greater", math_ops.greater, np.greater, ">", "Fails unless x > y everywhere.")
assert_greater_equal = _comparison("assert_greater_equal", math_ops.greater_equal, np.greater_equal, ">=",
                                   "Fails unless x >= y everywhere.")


def _sign_check(fn_name, assertion, text, zero_first):

  def fn(x, data=None, summarize=None, message=None, name=None):
    message = message or ""
    with ops.name_scope(name, fn_name, [x, data]):
      x = ops.convert_to_tensor(x, name="x")
      if data is None:
        data = [message, "Condition x %s 0 did not hold element-wise:" % text, "x (%s) = " % x.name, x]
      zero = ops.convert_to_tensor(0, dtype=x.dtype)
      return assertion(*((zero, x) if zero_first else (x, zero)), data=data, summarize=summarize)

  return named(fn, fn_name, "Fails unless x %s 0 everywhere." % text)


assert_positive = _sign_check("assert_positive", assert_less, ">", True)
assert_negative = _sign_check("assert_negative", assert_less, "<", False)
assert_non_negative = _sign_check("assert_non_negative", assert_less_equal, ">=", True)
assert_non_positive = _sign_check("assert_non_positive", assert_less_equal, "<=", False)


def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
  """Fails unless |x - y| < atol + rtol * |y| everywhere; both are ten times the type's epsilon by default."""
  message = message or ""
  with ops.name_scope(name, "assert_near", [x, y, rtol, atol, data]):
    x = ops.convert_to_tensor(x, name="x")
    y = ops.convert_to_tensor(y, name="y", dtype=x.dtype)
    eps = np.finfo(x.dtype.as_numpy_dtype).eps
    rtol = ops.convert_to_tensor(10 * eps if rtol is None else rtol, name="rtol", dtype=x.dtype)
    atol = ops.convert_to_tensor(10 * eps if atol is None else atol, name="atol", dtype=x.dtype)
    if data is None:
      data = [message, "x and y not equal to tolerance rtol = %s, atol = %s" % (rtol, atol), "x (%s) = " % x.name, x,
              "y (%s) = " % y.name, y]
    tol = atol + rtol * math_ops.abs(y)
    diff = math_ops.abs(x - y)
    return control_flow_ops.Assert(math_ops.reduce_all(math_ops.less(diff, tol)), data, summarize=summarize)


# --- ranks, types and shapes ---


def _rank_assertion(x, ranks, static_ok, dynamic_ok, text, data, summarize, message):
  """Fails unless the rank of x, compared with `ranks`, scalar int32 tensors, is right."""
  message = message or ""
  if data is None:
    data = [message, "Tensor %s must have rank%s" % (x.name, text)] + ranks + ["Received shape: ", array_ops.shape(x)]
  for rank in ranks:
    assert_type(rank, dtypes.int32)
  static = [tensor_util.constant_value(rank) for rank in ranks]
  if all(rank is not None for rank in static):
    if any(rank.ndim != 0 for rank in static):
      raise ValueError("Rank must be a scalar.")
    if x.shape.ndims is not None:
      if not static_ok(x.shape.ndims, static):
        wanted = static[0] if len(static) == 1 else tuple(int(rank) for rank in static)
        raise ValueError("%s.  Tensor %s must have rank%s %s.  Received rank %d, shape %s" % (
            message, x.name, text, wanted, x.shape.ndims, x.shape))
      return control_flow_ops.no_op(name="static_checks_determined_all_ok")
  condition = dynamic_ok(array_ops.rank(x), ranks)
  for rank, known in zip(ranks, static):
    if known is None:
      scalar = assert_rank(rank, 0, data=["Rank must be a scalar. Received rank: ", rank])
      condition = control_flow_ops.with_dependencies([scalar], condition)
  return control_flow_ops.Assert(condition, data, summarize=summarize)


def assert_rank(x, rank, data=None, summarize=None, message=None, name=None):
  """Fails unless x has this rank."""
  with ops.name_scope(name, "assert_rank", [x, rank] + list(data or [])):
    x = ops.convert_to_tensor(x, name="x")
    rank = ops.convert_to_tensor(rank, name="rank")
    return _rank_assertion(x, [rank], lambda actual, given: actual == given[0],
                           lambda actual, given: math_ops.equal(actual, given[0]), "", data, summarize, message)


def assert_rank_at_least(x, rank, data=None, summarize=None, message=None, name=None):
  """Fails unless x has this rank or a higher one."""
  with ops.name_scope(name, "assert_rank_at_least", [x, rank] + list(data or [])):
    x = ops.convert_to_tensor(x, name="x")
    rank = ops.convert_to_tensor(rank, name="rank")
    return _rank_assertion(x, [rank], lambda actual, given: actual >= given[0],
                           lambda actual, given: math_ops.greater_equal(actual, given[0]), " at least", data, summarize,
                           message)


def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
  """Fails unless the rank of x is one of `ranks`: ints or scalar tensors."""

  def any_equal(actual, given):
    if not given:
      return ops.convert_to_tensor(False)
    result = math_ops.equal(given[0], actual)
    for rank in given[1:]:
      result = math_ops.logical_or(result, math_ops.equal(rank, actual))
    return result

  with ops.name_scope(name, "assert_rank_in", [x] + list(ranks) + list(data or [])):
    x = ops.convert_to_tensor(x, name="x")
    ranks = [ops.convert_to_tensor(rank, name="rank") for rank in ranks]
    return _rank_assertion(x, ranks, lambda actual, given: any(actual == rank for rank in given), any_equal, " in",
                           data, summarize, message)


def assert_integer(x, message=None, name=None):
  """TypeError unless x has an integer type."""
  with ops.name_scope(name, "assert_integer", [x]):
    x = ops.convert_to_tensor(x, name="x")
    if not x.dtype.is_integer:
      raise TypeError("%s  Expected \"x\" to be integer type.  Found: %s of dtype %s" % (message or "", x.name, x.dtype))
    return control_flow_ops.no_op("statically_determined_was_integer")


def assert_type(tensor, tf_type, message=None, name=None):
  """TypeError unless the tensor has this type."""
  with ops.name_scope(name, "assert_type", [tensor]):
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    if tensor.dtype != tf_type:
      raise TypeError("%s  %s must be of type %s" % (message or "", tensor.name, tf_type))
    return control_flow_ops.no_op("statically_determined_correct_type")


def assert_scalar(tensor, name=None, message=None):
  """The tensor; ValueError unless it is known to be a scalar."""
  with ops.name_scope(name, "assert_scalar", [tensor]) as name_scope:
    tensor = ops.convert_to_tensor(tensor, name=name_scope)
    if tensor.shape.ndims != 0:
      raise ValueError("%sExpected scalar shape for %s, saw shape: %s." % (message or "", tensor.name, tensor.shape))
    return tensor


def assert_proper_iterable(values):
  """TypeError unless the values are a collection of things, and not a tensor, array or string, which also iterate."""
  if isinstance(values, (Tensor, sparse_tensor.SparseTensor, np.ndarray, bytes, str)):
    raise TypeError("Expected argument \"values\" to be a \"proper\" iterable.  Found: %s" % type(values))
  if not hasattr(values, "__iter__"):
    raise TypeError("Expected argument \"values\" to be iterable.  Found: %s" % type(values))


def _known(size):
  """The size as an int; None for a symbol or a size that only a run tells."""
  try:
    return int(size)
  except (TypeError, ValueError):
    return None


def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
  """Fails unless tensors have the shapes stated, as pairs or a dictionary of tensor and shape. An entry of a shape is a
  size, a symbol that stands for one size throughout, None or '.' for any size; a first entry of '*' or ... stands for
  any number of axes. The shape of a scalar may be () or (1,)."""
  items = list(shapes.items()) if isinstance(shapes, dict) else list(shapes)
  message = message or ""
  with ops.name_scope(name, "assert_shapes", [shapes, data]):
    constraints = []
    for x, wanted in items:
      if wanted is None:
        continue
      x = ops.convert_to_tensor(x)
      if not (hasattr(wanted, "__iter__") or hasattr(wanted, "__getitem__")):
        raise ValueError("%s.  Tensor %s.  Specified shape must be an iterable.  Received specified shape: %s" % (
            message, x.name, wanted))
      wanted = tuple(wanted)
      for i, symbol in enumerate(wanted):
        if symbol in (Ellipsis, "*") and i:
          raise ValueError("%s.  Tensor %s specified shape index %d.  Symbol `...` or `*` for a variable number of "
                           "unspecified dimensions is only allowed as the first entry" % (message, x.name, i))
      inner = bool(wanted) and wanted[0] in (Ellipsis, "*")
      constraints.append((x, inner, wanted[1:] if inner else wanted))
    rank_checks = [check for check in (_shape_rank(*c, data, summarize, message) for c in constraints) if check is not None]
    size_checks, found = [], {}
    for x, inner, wanted in constraints:
      sizes = array_ops.shape(x)
      for i, symbol in enumerate(wanted):
        if symbol is None or symbol == ".":
          continue
        axis = i - len(wanted) if inner else i
        actual = 1 if x.shape.ndims == 0 else (x.shape.as_list()[axis] if x.shape.ndims is not None else None)
        actual = sizes[axis] if actual is None else actual
        if _known(symbol) is not None:
          expected, reason = int(symbol), "Specified explicitly"
        elif symbol in found:
          expected, by, at = found[symbol]
          reason = "Specified by tensor %s dimension %d" % (by.name, at)
        else:
          found[symbol] = actual, x, axis
          continue
        if _known(actual) is not None and _known(expected) is not None:
          if int(actual) != int(expected):
            raise ValueError("%s.  %s.  Tensor %s dimension %s must have size %d.  Received size %d, shape %s" % (
                message, reason, x.name, axis, expected, actual, x.shape))
          continue
        text = data if data is not None else [
            message, reason, "Tensor %s dimension" % x.name, axis, "must have size", expected, "Received shape: ", sizes]
        condition = math_ops.equal(ops.convert_to_tensor(actual), ops.convert_to_tensor(expected))
        size_checks.append(control_flow_ops.Assert(condition, text, summarize=summarize))
    with ops.control_dependencies(rank_checks):
      return control_flow_ops.group(size_checks)


def _shape_rank(x, inner, wanted, data, summarize, message):
  """The check of the rank that a shape of assert_shapes implies; None when any will do."""
  rank = len(wanted)
  if inner:
    return None if rank <= 1 else assert_rank_at_least(x, rank, data=data, summarize=summarize, message=message)
  if rank <= 1:
    return assert_rank_in(x, [0, 1], data=data, summarize=summarize, message=message)
  return assert_rank(x, rank, data=data, summarize=summarize, message=message)


# --- questions ---


_NUMERIC = frozenset([dtypes.float32, dtypes.float64, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
                      dtypes.uint8, dtypes.qint8, dtypes.qint32, dtypes.quint8, dtypes.complex64])


def is_numeric_tensor(tensor):
  """Whether this is a tensor of numbers."""
  return isinstance(tensor, Tensor) and tensor.dtype in _NUMERIC


def _differences(x):
  """x[1:] - x[:-1] of x as a vector; empty when that has less than two elements."""
  x = array_ops.reshape(x, [-1])
  if not is_numeric_tensor(x):
    raise TypeError("Expected x to be numeric, instead found: %s" % x)
  return x[1:] - x[:-1]


def is_non_decreasing(x, name=None):
  """Whether no element is less than the one before."""
  with ops.name_scope(name, "is_non_decreasing", [x]):
    diff = _differences(x)
    return math_ops.reduce_all(math_ops.less_equal(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


def is_strictly_increasing(x, name=None):
  """Whether every element is greater than the one before."""
  with ops.name_scope(name, "is_strictly_increasing", [x]):
    diff = _differences(x)
    return math_ops.reduce_all(math_ops.less(ops.convert_to_tensor(0, dtype=diff.dtype), diff))


def assert_same_float_dtype(tensors=None, dtype=None):
  """The one floating type of all the tensors; float32 when there are none."""
  first = None
  for t in tensors or ():
    if t is None:
      continue
    found = t.dtype.base_dtype
    if not dtype:
      dtype, first = found, getattr(t, "name", str(t))
    elif dtype != found:
      raise ValueError("%s, type=%s, must be of the same type (%s)%s." % (
          getattr(t, "name", str(t)), found, dtype, " as %s" % first if first else ""))
  if not dtype:
    return dtypes.float32
  if not dtype.is_floating:
    raise ValueError("Expected floating point type, got %s." % dtype)
  return dtype
