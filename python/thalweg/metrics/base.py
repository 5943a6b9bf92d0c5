"""What all metrics share: their variables, the shapes of labels, predictions and weights, and collections."""

from thalweg.framework import ops
from thalweg.ops import array_ops, confusion_matrix, math_ops, variable_scope, variables
from thalweg.ops.cond import cond


def metric_variable(shape, dtype, validate_shape=True, name=None):
  """A local variable of zeros."""
  return variable_scope.variable(
      lambda: array_ops.zeros(shape, dtype), trainable=False,
      collections=[ops.GraphKeys.LOCAL_VARIABLES, ops.GraphKeys.METRIC_VARIABLES], validate_shape=validate_shape,
      synchronization=variables.VariableSynchronization.ON_READ, aggregation=variables.VariableAggregation.SUM,
      name=name)


def add_to(collections, value):
  if collections:
    ops.add_to_collections(collections, value)
  return value


def _match_rank(predictions, weights):
  """Weights with an axis of size 1 added or taken off at the end, so that their rank is the predictions' (or 0)."""
  shape = weights.get_shape()
  if shape.ndims == 0:
    return weights
  rank = predictions.get_shape().ndims
  if rank is not None and shape.ndims is not None:
    if shape.ndims - rank == 1:
      return array_ops.squeeze(weights, [-1])
    if rank - shape.ndims == 1:
      return array_ops.expand_dims(weights, [-1])
    return weights
  weights_rank = array_ops.rank(weights)
  rank_diff = weights_rank - array_ops.rank(predictions)

  def expanded():
    return cond(math_ops.equal(rank_diff, -1), lambda: array_ops.expand_dims(weights, [-1]), lambda: weights)

  def squeezed():
    if shape.ndims is not None and not shape.dims[-1].is_compatible_with(1):
      return weights
    return array_ops.squeeze(weights, [-1])

  def adjusted():
    return cond(math_ops.equal(rank_diff, 1), squeezed, expanded)

  return cond(math_ops.equal(weights_rank, 0), lambda: weights, adjusted)


def remove_squeezable_dimensions(predictions, labels, weights):
  """Predictions, labels and weights as tensors of one rank. Labels and weights may be None."""
  predictions = ops.convert_to_tensor(predictions)
  if labels is not None:
    labels, predictions = confusion_matrix.remove_squeezable_dimensions(labels, predictions)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
  if weights is None:
    return predictions, labels, None
  return predictions, labels, _match_rank(predictions, ops.convert_to_tensor(weights))


def flat(tensor):
  """The tensor as a vector."""
  return array_ops.reshape(tensor, [-1]) if tensor.get_shape().ndims > 1 else tensor
