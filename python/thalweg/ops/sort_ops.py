"""tf.sort, tf.argsort, and the element at one place of the order."""

from thalweg.framework import ops, tensor_util
from thalweg.ops import array_ops, nn_ops

_DIRECTIONS = ("ASCENDING", "DESCENDING")


def _sorted(values, axis, direction, part):
  """Part 0, the values, or 1, the indices, of the sorted values along an axis."""
  if direction not in _DIRECTIONS:
    raise ValueError("%s should be one of %s" % (direction, ", ".join(sorted(_DIRECTIONS))))
  axis = tensor_util.constant_value(ops.convert_to_tensor(axis, name="axis"))
  if axis is None or axis.ndim != 0:
    raise ValueError("axis must be a constant scalar")
  values = ops.convert_to_tensor(values, name="values")
  rank = values.shape.ndims
  axis = int(axis)
  if rank is None and axis != -1:
    raise ValueError("sorting along an axis that is not the last needs a known rank")
  order = None
  if rank is not None and axis % rank != rank - 1:
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    values = array_ops.transpose(values, order)
  ascending = direction == "ASCENDING"
  # Ascending values are descending negatives, whose ties keep their order as well.
  found = nn_ops.top_k(-values if ascending else values, array_ops.shape(values)[-1])[part]
  if ascending and part == 0:
    found = -found
  return found if order is None else array_ops.transpose(found, order)


def sort(values, axis=-1, direction="ASCENDING", name=None):
  """The values sorted along an axis."""
  with ops.name_scope(name, "sort"):
    return _sorted(values, axis, direction, 0)


def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
  """The indices that sort the values along an axis; equal ones keep their order."""
  with ops.name_scope(name, "argsort"):
    return _sorted(values, axis, direction, 1)


def nth_element(input, n, reverse=False, name=None):  # noqa: A002
  """The element of each row that sorting would put at place n, from the largest on request."""
  return ops.op("NthElement", name, [input, n], {"reverse": reverse})
