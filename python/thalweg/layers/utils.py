"""Arguments of layers in the forms that ops want."""

from thalweg.framework import ops, tensor_util
from thalweg.ops import array_ops


def normalize_tuple(value, n, name):
  """An int, or a sequence of n ints, as a tuple of n ints."""
  if isinstance(value, int):
    return (value,) * n
  try:
    result = tuple(value)
  except TypeError:
    raise ValueError("The `%s` argument must be a tuple of %d integers. Received: %s" % (name, n, value))
  if len(result) != n or not all(isinstance(v, int) or hasattr(v, "__index__") for v in result):
    raise ValueError("The `%s` argument must be a tuple of %d integers. Received: %s" % (name, n, value))
  return tuple(int(v) for v in result)


def normalize_padding(value):
  padding = value.lower()
  if padding not in ("valid", "same"):
    raise ValueError('The `padding` argument must be one of "valid", "same". Received: %s' % padding)
  return padding


def channels_first(data_format):
  """Whether the image's channels come before its rows."""
  data_format = data_format.lower()
  if data_format not in ("channels_first", "channels_last"):
    raise ValueError('The `data_format` argument must be one of "channels_first", "channels_last". Received: %s' %
                     data_format)
  return data_format == "channels_first"


def constant_value(pred):
  """True or False for a condition that is known now, else None."""
  if pred is None or isinstance(pred, (bool, int)):
    return bool(pred)
  if isinstance(pred, ops.Tensor):
    value = tensor_util.constant_value(pred)
    return None if value is None else bool(value)
  raise TypeError("`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: %s" % type(pred))


def smart_select(pred, true_fn, false_fn):
  """true_fn() or false_fn() when the condition is known now; otherwise both are computed and one result chosen. The
  functions give one tensor or a tuple of them, and have no effects."""
  known = constant_value(pred)
  if known is not None:
    return true_fn() if known else false_fn()
  yes, no = true_fn(), false_fn()
  if isinstance(yes, (list, tuple)):
    return type(yes)(_choose(pred, a, b) for a, b in zip(yes, no))
  return _choose(pred, yes, no)


def _choose(pred, yes, no):
  # Broadcasts the scalar condition over values of any shape.
  return array_ops.where_v2(pred, yes, no)
