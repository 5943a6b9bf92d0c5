"""tf.contrib.metrics: tf.metrics with predictions before labels, and some that are only here."""

from thalweg.contrib.metrics.classification import (accuracy, f1_score, streaming_false_negative_rate,
                                                    streaming_false_negative_rate_at_thresholds,
                                                    streaming_false_negatives_at_thresholds,
                                                    streaming_false_positive_rate,
                                                    streaming_false_positive_rate_at_thresholds,
                                                    streaming_false_positives_at_thresholds,
                                                    streaming_true_negatives_at_thresholds,
                                                    streaming_true_positives_at_thresholds)
from thalweg.contrib.metrics.old_order import (sparse_recall_at_top_k, streaming_accuracy, streaming_auc,
                                               streaming_false_negatives, streaming_false_positives, streaming_mean,
                                               streaming_mean_absolute_error, streaming_mean_cosine_distance,
                                               streaming_mean_iou, streaming_mean_relative_error,
                                               streaming_mean_squared_error, streaming_mean_tensor,
                                               streaming_percentage_less, streaming_precision,
                                               streaming_precision_at_thresholds, streaming_recall,
                                               streaming_recall_at_k, streaming_recall_at_thresholds,
                                               streaming_root_mean_squared_error,
                                               streaming_sensitivity_at_specificity,
                                               streaming_sparse_average_precision_at_k,
                                               streaming_sparse_precision_at_k, streaming_sparse_precision_at_top_k,
                                               streaming_sparse_recall_at_k, streaming_specificity_at_sensitivity,
                                               streaming_true_negatives, streaming_true_positives)
from thalweg.contrib.metrics.statistics import (cohen_kappa, count, streaming_covariance,
                                                streaming_pearson_correlation)
from thalweg.ops.confusion_matrix import confusion_matrix


def aggregate_metrics(*value_update_tuples):
  """The values and the updates of metrics, as two lists."""
  if not value_update_tuples:
    raise ValueError("Expected at least one value_tensor/update_op pair")
  values, updates = zip(*value_update_tuples)
  return list(values), list(updates)


def aggregate_metric_map(names_to_tuples):
  """The values and the updates of metrics, as two dictionaries by name."""
  return ({name: value for name, (value, _) in names_to_tuples.items()},
          {name: update for name, (_, update) in names_to_tuples.items()})
