"""tf.metrics as they were before 1.0: predictions come before labels."""

import inspect

from thalweg import metrics
from thalweg.framework import dtypes, ops
from thalweg.metrics.at_k import _at_k_name
from thalweg.ops import math_ops, nn_ops
from thalweg.util.functions import named


def _predictions_first(metric, without=()):
  """The metric with its first two arguments, labels and predictions, in the other order, and without some others."""
  labels, predictions, *rest = inspect.signature(metric).parameters.values()
  signature = inspect.Signature([predictions, labels] + [p for p in rest if p.name not in without])

  def streaming(*args, **kwargs):
    return metric(**signature.bind(*args, **kwargs).arguments)

  streaming.__signature__ = signature
  return named(streaming, "streaming_" + metric.__name__,
               "tf.metrics.%s with predictions before labels." % metric.__name__)


streaming_accuracy = _predictions_first(metrics.accuracy)
streaming_auc = _predictions_first(metrics.auc, without=("summation_method", "thresholds"))
streaming_false_negatives = _predictions_first(metrics.false_negatives)
streaming_false_positives = _predictions_first(metrics.false_positives)
streaming_mean_absolute_error = _predictions_first(metrics.mean_absolute_error)
streaming_mean_cosine_distance = _predictions_first(metrics.mean_cosine_distance)
streaming_mean_iou = _predictions_first(metrics.mean_iou)
streaming_mean_relative_error = _predictions_first(metrics.mean_relative_error)
streaming_mean_squared_error = _predictions_first(metrics.mean_squared_error)
streaming_precision = _predictions_first(metrics.precision)
streaming_precision_at_thresholds = _predictions_first(metrics.precision_at_thresholds)
streaming_recall = _predictions_first(metrics.recall)
streaming_recall_at_thresholds = _predictions_first(metrics.recall_at_thresholds)
streaming_root_mean_squared_error = _predictions_first(metrics.root_mean_squared_error)
streaming_sensitivity_at_specificity = _predictions_first(metrics.sensitivity_at_specificity)
streaming_sparse_average_precision_at_k = _predictions_first(metrics.average_precision_at_k)
streaming_sparse_precision_at_k = _predictions_first(metrics.precision_at_k)
streaming_sparse_recall_at_k = _predictions_first(metrics.recall_at_k)
streaming_specificity_at_sensitivity = _predictions_first(metrics.specificity_at_sensitivity)
streaming_true_negatives = _predictions_first(metrics.true_negatives)
streaming_true_positives = _predictions_first(metrics.true_positives)


def streaming_mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """tf.metrics.mean."""
  return metrics.mean(values, weights, metrics_collections, updates_collections, name)


def streaming_mean_tensor(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """tf.metrics.mean_tensor."""
  return metrics.mean_tensor(values, weights, metrics_collections, updates_collections, name)


def streaming_percentage_less(values, threshold, weights=None, metrics_collections=None, updates_collections=None,
                              name=None):
  """tf.metrics.percentage_below."""
  return metrics.percentage_below(values, threshold, weights, metrics_collections, updates_collections, name)


def streaming_recall_at_k(predictions, labels, k, weights=None, metrics_collections=None, updates_collections=None,
                          name=None):
  """How often the label, one for each row of predictions [batch, classes], is among the k highest."""
  found = math_ops.cast(nn_ops.in_top_k(predictions, labels, k), dtypes.float32)
  return metrics.mean(found, weights, metrics_collections, updates_collections, name or _at_k_name("recall", k))


def streaming_sparse_precision_at_top_k(top_k_predictions, labels, class_id=None, weights=None,
                                        metrics_collections=None, updates_collections=None, name=None):
  """tf.metrics.precision_at_top_k with predictions before labels."""
  with ops.name_scope(name, _at_k_name("precision", class_id=class_id), (top_k_predictions, labels, weights)) as scope:
    return metrics.precision_at_top_k(
        labels=labels, predictions_idx=top_k_predictions, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections, name=scope)


def sparse_recall_at_top_k(labels, top_k_predictions, class_id=None, weights=None, metrics_collections=None,
                           updates_collections=None, name=None):
  """tf.metrics.recall_at_top_k."""
  with ops.name_scope(name, _at_k_name("recall", class_id=class_id), (top_k_predictions, labels, weights)) as scope:
    return metrics.recall_at_top_k(
        labels=labels, predictions_idx=top_k_predictions, class_id=class_id, weights=weights,
        metrics_collections=metrics_collections, updates_collections=updates_collections, name=scope)
