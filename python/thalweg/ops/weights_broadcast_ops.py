"""Weights of losses and metrics: scalars, or as many axes as the values with every size 1 or the values'."""

from thalweg.framework import ops, tensor_util
from thalweg.ops import array_ops, control_flow_ops, math_ops
from thalweg.ops.cond import cond

_PREFIX = "weights can not be broadcast to values."


def _valid_sizes(weights_shape, values_shape):
  """Whether every size is 1 or the values'."""
  with ops.name_scope(None, "has_invalid_dims", (weights_shape, values_shape)) as scope:
    fits = math_ops.logical_or(math_ops.equal(weights_shape, 1), math_ops.equal(weights_shape, values_shape))
    return math_ops.reduce_all(fits, name=scope)


def _valid_nonscalar(weights_rank, weights_shape, values_rank, values_shape):
  with ops.name_scope(None, "has_valid_nonscalar_shape",
                      (weights_rank, weights_shape, values_rank, values_shape)) as scope:
    same_rank = math_ops.equal(values_rank, weights_rank, name="is_same_rank")
    return cond(same_rank, lambda: _valid_sizes(weights_shape, values_shape), lambda: same_rank, name=scope)


def _static_check(weights, values, weights_rank, values_rank, weights_shape, values_shape):
  """An operation when what is known now decides; None when only the run can."""
  if weights_rank is None or values_rank is None:
    return None
  if weights_rank == 0:
    return control_flow_ops.no_op(name="static_scalar_check_success")
  if weights_rank != values_rank:
    raise ValueError("%s values.rank=%s. weights.rank=%s. values.shape=%s. weights.shape=%s." % (
        _PREFIX, values_rank, weights_rank, values.shape, weights.shape))
  sizes, wanted = tensor_util.constant_value(weights_shape), tensor_util.constant_value(values_shape)
  if sizes is None or wanted is None:
    return None
  for i, (size, want) in enumerate(zip(sizes, wanted)):
    if size not in (1, want):
      raise ValueError("%s Mismatch at dim %s. values.shape=%s weights.shape=%s." % (_PREFIX, i, wanted, sizes))
  return control_flow_ops.no_op(name="static_dims_check_success")


def assert_broadcastable(weights, values):
  """An operation that fails unless the weights fit; ValueError when that is known now."""
  with ops.name_scope(None, "assert_broadcastable", (weights, values)) as scope:
    with ops.name_scope(None, "weights", (weights,)) as weights_scope:
      weights = ops.convert_to_tensor(weights, name=weights_scope)
      weights_shape = array_ops.shape(weights, name="shape")
      weights_rank = array_ops.rank(weights, name="rank")
    with ops.name_scope(None, "values", (values,)) as values_scope:
      values = ops.convert_to_tensor(values, name=values_scope)
      values_shape = array_ops.shape(values, name="shape")
      values_rank = array_ops.rank(values, name="rank")
    known = _static_check(weights, values, tensor_util.constant_value(weights_rank),
                          tensor_util.constant_value(values_rank), weights_shape, values_shape)
    if known is not None:
      return known
    is_scalar = math_ops.equal(0, weights_rank, name="is_scalar")
    data = (_PREFIX, "weights.shape=", weights.name, weights_shape, "values.shape=", values.name, values_shape,
            "is_scalar=", is_scalar)
    valid = cond(
        is_scalar, lambda: is_scalar,
        lambda: _valid_nonscalar(weights_rank, weights_shape, values_rank, values_shape), name="is_valid_shape")
    return control_flow_ops.Assert(valid, data, name=scope)


def broadcast_weights(weights, values):
  """The weights in the shape of the values."""
  with ops.name_scope(None, "broadcast_weights", (weights, values)) as scope:
    values = ops.convert_to_tensor(values, name="values")
    weights = ops.convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
    sizes, wanted = weights.get_shape(), values.get_shape()
    if sizes.is_fully_defined() and wanted.is_fully_defined() and sizes.is_compatible_with(wanted):
      return weights
    with ops.control_dependencies((assert_broadcastable(weights, values),)):
      return math_ops.multiply(weights, array_ops.ones_like(values), name=scope)
