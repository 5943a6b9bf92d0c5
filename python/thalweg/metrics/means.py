"""Streaming means of values, errors and per-class results."""

from thalweg.framework import dtypes, ops
from thalweg.metrics import base
from thalweg.ops import (array_ops, confusion_matrix, math_ops, state_ops, variable_scope, weights_broadcast_ops)


def _ratio(total, count, name):
  return math_ops.div_no_nan(total, math_ops.maximum(count, 0), name=name)


def _weighted(values, weights):
  """Values times weights, and the weights in the values' shape."""
  values, _, weights = base.remove_squeezable_dimensions(predictions=values, labels=None, weights=weights)
  weights = weights_broadcast_ops.broadcast_weights(math_ops.cast(weights, dtypes.float32), values)
  return math_ops.multiply(values, weights), weights


def mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """The weighted mean of all values so far."""
  with variable_scope.variable_scope(name, "mean", (values, weights)):
    values = math_ops.cast(values, dtypes.float32)
    total = base.metric_variable([], dtypes.float32, name="total")
    count = base.metric_variable([], dtypes.float32, name="count")
    if weights is None:
      num_values = math_ops.cast(array_ops.size(values), dtypes.float32)
    else:
      values, weights = _weighted(values, weights)
      num_values = math_ops.reduce_sum(weights)
    update_total = state_ops.assign_add(total, math_ops.reduce_sum(values))
    with ops.control_dependencies([values]):
      update_count = state_ops.assign_add(count, num_values)
    value = base.add_to(metrics_collections, _ratio(total, count, "value"))
    return value, base.add_to(updates_collections, _ratio(update_total, update_count, "update_op"))


def mean_tensor(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """The weighted mean of all values so far, element by element."""
  with variable_scope.variable_scope(name, "mean", (values, weights)):
    values = math_ops.cast(values, dtypes.float32)
    total = base.metric_variable(values.get_shape(), dtypes.float32, name="total_tensor")
    count = base.metric_variable(values.get_shape(), dtypes.float32, name="count_tensor")
    num_values = array_ops.ones_like(values)
    if weights is not None:
      values, weights = _weighted(values, weights)
      num_values = math_ops.multiply(num_values, weights)
    update_total = state_ops.assign_add(total, values)
    with ops.control_dependencies([values]):
      update_count = state_ops.assign_add(count, num_values)
    value = base.add_to(metrics_collections, _ratio(total, count, "value"))
    return value, base.add_to(updates_collections, _ratio(update_total, update_count, "update_op"))


def accuracy(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """How often predictions equal labels."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  if labels.dtype != predictions.dtype:
    predictions = math_ops.cast(predictions, labels.dtype)
  is_correct = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
  return mean(is_correct, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_absolute_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                        name=None):
  """The mean of |predictions - labels|."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  return mean(math_ops.abs(predictions - labels), weights, metrics_collections, updates_collections,
              name or "mean_absolute_error")


def mean_squared_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                       name=None):
  """The mean of (predictions - labels) ** 2."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  return mean(math_ops.squared_difference(labels, predictions), weights, metrics_collections, updates_collections,
              name or "mean_squared_error")


def root_mean_squared_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                            name=None):
  """The root of mean_squared_error."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  mse, update_mse = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
  value = base.add_to(metrics_collections, math_ops.sqrt(mse))
  return value, base.add_to(updates_collections, math_ops.sqrt(update_mse))


def mean_relative_error(labels, predictions, normalizer, weights=None, metrics_collections=None,
                        updates_collections=None, name=None):
  """The mean of |labels - predictions| / normalizer, with 0 where the normalizer is 0."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  predictions, normalizer = confusion_matrix.remove_squeezable_dimensions(predictions, normalizer)
  predictions.get_shape().assert_is_compatible_with(normalizer.get_shape())
  errors = array_ops.where(math_ops.equal(normalizer, 0.0), array_ops.zeros_like(labels),
                           math_ops.div(math_ops.abs(labels - predictions), normalizer))
  return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(labels, predictions, dim, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):
  """1 - the mean dot product along axis `dim`."""
  predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
  products = math_ops.reduce_sum(math_ops.multiply(predictions, labels), axis=[dim], keepdims=True)
  value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
  value = base.add_to(metrics_collections, math_ops.subtract(1.0, value))
  return value, base.add_to(updates_collections, math_ops.subtract(1.0, update))


def percentage_below(values, threshold, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """The fraction of values less than the threshold."""
  below = math_ops.cast(math_ops.less(values, threshold), dtypes.float32)
  return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


def mean_per_class_accuracy(labels, predictions, num_classes, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):
  """The mean over classes of the accuracy on examples of that class. The update gives the accuracy per class."""
  with variable_scope.variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
    labels = base.flat(math_ops.cast(labels, dtypes.int64))
    predictions = base.flat(predictions)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    total = base.metric_variable([num_classes], dtypes.float32, name="total")
    count = base.metric_variable([num_classes], dtypes.float32, name="count")
    ones = array_ops.ones([array_ops.size(labels)], dtypes.float32)
    if labels.dtype != predictions.dtype:
      predictions = math_ops.cast(predictions, labels.dtype)
    is_correct = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
    if weights is not None:
      weights = math_ops.cast(base.flat(weights), dtypes.float32)
      is_correct *= weights
      ones *= weights
    update_total = state_ops.scatter_add(total, labels, ones)
    update_count = state_ops.scatter_add(count, labels, is_correct)
    value = base.add_to(metrics_collections, math_ops.reduce_mean(_ratio(count, total, None), name="mean_accuracy"))
    return value, base.add_to(updates_collections, _ratio(update_count, update_total, "update_op"))


def mean_iou(labels, predictions, num_classes, weights=None, metrics_collections=None, updates_collections=None,
             name=None):
  """The mean over classes that occur of true positives / (true positives + false positives + false negatives). The
  update gives the confusion matrix."""
  with variable_scope.variable_scope(name, "mean_iou", (predictions, labels, weights)):
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    total = base.metric_variable([num_classes, num_classes], dtypes.float64, name="total_confusion_matrix")
    predictions = math_ops.cast(predictions, dtypes.int64)
    labels = math_ops.cast(labels, dtypes.int64)
    num_classes = math_ops.cast(num_classes, dtypes.int64)
    predictions, labels = base.flat(predictions), base.flat(labels)
    weights = base.flat(weights) if weights is not None else None
    current = confusion_matrix.confusion_matrix(labels, predictions, num_classes, weights=weights,
                                                dtype=dtypes.float64)
    update = state_ops.assign_add(total, current)
    by_column = math_ops.cast(math_ops.reduce_sum(total, 0), dtypes.float32)
    by_row = math_ops.cast(math_ops.reduce_sum(total, 1), dtypes.float32)
    diagonal = math_ops.cast(array_ops.diag_part(total), dtypes.float32)
    union = by_column + by_row - diagonal
    num_valid = math_ops.reduce_sum(math_ops.cast(math_ops.not_equal(union, 0), dtype=dtypes.float32))
    # Classes that never occurred have no union, and an intersection of 0.
    union = array_ops.where(math_ops.greater(union, 0), union, array_ops.ones_like(union))
    iou = math_ops.div(diagonal, union)
    value = array_ops.where(math_ops.greater(num_valid, 0), math_ops.reduce_sum(iou, name="mean_iou") / num_valid, 0)
    return base.add_to(metrics_collections, value), base.add_to(updates_collections, update)
