"""Streaming statistics of pairs of values: covariance, correlation and agreement."""

from thalweg.framework import dtypes, ops
from thalweg.metrics import base
from thalweg.ops import (array_ops, confusion_matrix, math_ops, state_ops, variable_scope as vs,
                         weights_broadcast_ops)


def count(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """The number of values, or the sum of their weights."""
  with vs.variable_scope(name, "count", (values, weights)):
    total = base.metric_variable([], dtypes.float32, name="count")
    if weights is None:
      number = math_ops.cast(array_ops.size(values), dtypes.float32)
    else:
      values, _, weights = base.remove_squeezable_dimensions(
          predictions=math_ops.cast(values, dtypes.float32), labels=None, weights=weights)
      number = math_ops.reduce_sum(weights_broadcast_ops.broadcast_weights(
          math_ops.cast(weights, dtypes.float32), values))
    with ops.control_dependencies([values]):
      update = state_ops.assign_add(total, number)
    value = base.add_to(metrics_collections, array_ops.identity(total))
    return value, base.add_to(updates_collections, update)


def streaming_covariance(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):
  """The unbiased covariance, in one pass over batches (Chan et al. 1979); NaN while there is one value or none."""
  with vs.variable_scope(name, "covariance", (predictions, labels, weights)):
    predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    number, mean_prediction, mean_label, comoment = (
        base.metric_variable([], dtypes.float32, name=name)
        for name in ("count", "mean_prediction", "mean_label", "comoment"))
    if weights is None:
      batch = math_ops.cast(array_ops.size(labels), dtypes.float32)
    else:
      weights = weights_broadcast_ops.broadcast_weights(weights, labels)
      batch = math_ops.reduce_sum(weights)

    def weighted_sum(values):
      return math_ops.reduce_sum(values if weights is None else math_ops.multiply(values, weights))

    new_number = state_ops.assign_add(number, batch)

    def update_mean(variable, values):
      """The mean of the batch, and the mean of all before it."""
      batch_mean = math_ops.div_no_nan(weighted_sum(values), batch)
      change = math_ops.div_no_nan((batch_mean - variable) * batch, new_number)
      return batch_mean, state_ops.assign_add(variable, change) - change

    batch_prediction, old_prediction = update_mean(mean_prediction, predictions)
    batch_label, old_label = update_mean(mean_label, labels)
    within = weighted_sum((predictions - batch_prediction) * (labels - batch_label))
    between = ((old_prediction - batch_prediction) * (old_label - batch_label) *
               ((new_number - batch) * batch / new_number))
    new_comoment = state_ops.assign_add(comoment, within + between)

    def compute(number, comoment, name):
      return array_ops.where(math_ops.less_equal(number, 1.), float("nan"), math_ops.truediv(comoment, number - 1),
                             name=name)

    value = compute(number, comoment, "covariance")
    update = compute(new_number, new_comoment, "update_op")
  return base.add_to(metrics_collections, value), base.add_to(updates_collections, update)


def streaming_pearson_correlation(predictions, labels, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """The covariance over the product of the standard deviations."""
  with vs.variable_scope(name, "pearson_r", (predictions, labels, weights)):
    predictions, labels, weights = base.remove_squeezable_dimensions(predictions, labels, weights)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    if weights is not None:
      weights = weights_broadcast_ops.broadcast_weights(weights, labels)
    values, updates = zip(*(streaming_covariance(x, y, weights=weights, name=name) for x, y, name in (
        (predictions, labels, "covariance"), (predictions, predictions, "variance_predictions"),
        (labels, labels, "variance_labels"))))

    def compute(covariance, variance, other, name):
      return math_ops.truediv(covariance, math_ops.multiply(math_ops.sqrt(variance), math_ops.sqrt(other)), name=name)

    value, update = compute(*values, name="pearson_r"), compute(*updates, name="update_op")
  return base.add_to(metrics_collections, value), base.add_to(updates_collections, update)


def cohen_kappa(labels, predictions_idx, num_classes, weights=None, metrics_collections=None, updates_collections=None,
                name=None):
  """Cohen's kappa (1960): how far two raters agree beyond chance."""
  if num_classes < 2:
    raise ValueError("`num_classes` must be >= 2.Found: {}".format(num_classes))
  with vs.variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
    labels.get_shape().with_rank_at_most(2)
    if labels.get_shape().ndims == 2:
      labels = array_ops.squeeze(labels, axis=[-1])
    predictions_idx, labels, weights = base.remove_squeezable_dimensions(
        predictions=predictions_idx, labels=labels, weights=weights)
    predictions_idx.get_shape().assert_is_compatible_with(labels.get_shape())
    dtype = dtypes.int64 if weights is None or weights.dtype.is_integer else dtypes.float32
    agreed, rows, columns = (base.metric_variable((num_classes,), dtype, name=name)
                             for name in ("po", "pe_row", "pe_col"))
    table = confusion_matrix.confusion_matrix(labels, predictions_idx, num_classes=num_classes, weights=weights,
                                              dtype=dtype, name="counts_in_table")
    updates = [state_ops.assign_add(variable, added) for variable, added in (
        (agreed, array_ops.diag_part(table)), (rows, math_ops.reduce_sum(table, axis=0)),
        (columns, math_ops.reduce_sum(table, axis=1)))]

    def compute(agreed, rows, columns, name):
      observed, total = math_ops.reduce_sum(agreed), math_ops.reduce_sum(rows)
      observed, total = math_ops.cast(observed, dtypes.float64), math_ops.cast(total, dtypes.float64)
      chance = math_ops.reduce_sum(math_ops.div_no_nan(math_ops.cast(rows * columns, dtypes.float64), total))
      return math_ops.div_no_nan(observed - chance, total - chance, name=name)

    value = base.add_to(metrics_collections, compute(agreed, rows, columns, "value"))
    return value, base.add_to(updates_collections, compute(*updates, name="update_op"))
