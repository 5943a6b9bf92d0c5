"""Metrics of decisions: the accuracy of one batch, rates of false ones, and the best F1 score over thresholds."""

from thalweg import metrics
from thalweg.framework import dtypes, ops
from thalweg.metrics import base, counts
from thalweg.ops import array_ops, math_ops, variable_scope as vs


def accuracy(predictions, labels, weights=None, name=None):
  """The share of predictions that are the labels, in this batch alone."""
  if not (labels.dtype.is_integer or labels.dtype in (dtypes.bool, dtypes.string)):
    raise ValueError("Labels should have bool, integer, or string dtype, not %r" % labels.dtype)
  if not labels.dtype.is_compatible_with(predictions.dtype):
    raise ValueError("Dtypes of predictions and labels should match. Given: predictions (%r) and labels (%r)" % (
        predictions.dtype, labels.dtype))
  with ops.name_scope(name, "accuracy", values=[predictions, labels]):
    correct = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
    if weights is None:
      return math_ops.reduce_mean(correct)
    correct = math_ops.multiply(correct, weights)
    total = math_ops.multiply(weights, array_ops.ones_like(correct))
    return math_ops.div(math_ops.reduce_sum(correct), math_ops.reduce_sum(total))


def f1_score(labels, predictions, weights=None, num_thresholds=200, metrics_collections=None,
             updates_collections=None, name=None):
  """The largest harmonic mean of precision and recall over evenly spread thresholds of predictions in [0, 1]."""
  with vs.variable_scope(name, "f1", (labels, predictions, weights)):
    predictions, labels, weights = base.remove_squeezable_dimensions(
        predictions=predictions, labels=labels, weights=weights)
    values, updates = counts._counts_at_thresholds(
        labels, predictions, counts._even_thresholds(num_thresholds), weights, includes=("tp", "fp", "fn"))

    def best(kinds, name):
      tp, fp, fn = (kinds[kind] for kind in ("tp", "fp", "fn"))
      precision = math_ops.div(tp, 1e-7 + tp + fp, name="precision_" + name)
      recall = math_ops.div(tp, 1e-7 + tp + fn, name="recall_" + name)
      return math_ops.reduce_max(2.0 * precision * recall / (precision + recall + 1e-7))

    value = base.add_to(metrics_collections, best(values, "value"))
    return value, base.add_to(updates_collections, best(updates, "update"))


def _rate(default_name, false_metric, true_metric, predictions, labels, weights, metrics_collections,
          updates_collections, name):
  """The share of the false decisions among those and the true ones of the other kind."""
  with vs.variable_scope(name, default_name, (predictions, labels, weights)):
    predictions, labels, weights = base.remove_squeezable_dimensions(
        predictions=math_ops.cast(predictions, dtype=dtypes.bool), labels=math_ops.cast(labels, dtype=dtypes.bool),
        weights=weights)
    wrong, update_wrong = false_metric(labels, predictions, weights)
    right, update_right = true_metric(labels, predictions, weights)

    def compute(wrong, right, name):
      return array_ops.where(math_ops.greater(wrong + right, 0), math_ops.div(wrong, wrong + right), 0, name)

    value = base.add_to(metrics_collections, compute(wrong, right, "value"))
    return value, base.add_to(updates_collections, compute(update_wrong, update_right, "update_op"))


def streaming_false_positive_rate(predictions, labels, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """False positives over all that are labelled negative."""
  return _rate("false_positive_rate", metrics.false_positives, metrics.true_negatives, predictions, labels, weights,
               metrics_collections, updates_collections, name)


def streaming_false_negative_rate(predictions, labels, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """False negatives over all that are labelled positive."""
  return _rate("false_negative_rate", metrics.false_negatives, metrics.true_positives, predictions, labels, weights,
               metrics_collections, updates_collections, name)


def _rate_at_thresholds(metric, short, wrong, right, predictions, labels, thresholds, weights, metrics_collections,
                        updates_collections, name):
  with vs.variable_scope(name, metric + "_at_thresholds", (predictions, labels, weights)):
    values, updates = counts._counts_at_thresholds(labels, predictions, thresholds, weights, includes=(wrong, right),
                                                   check_range=False)

    def compute(kinds, name):
      return math_ops.div(kinds[wrong], 1e-7 + kinds[wrong] + kinds[right], name="%s_%s" % (short, name))

    value = base.add_to(metrics_collections, compute(values, "value"))
    return value, base.add_to(updates_collections, compute(updates, "update_op"))


def streaming_false_positive_rate_at_thresholds(predictions, labels, thresholds, weights=None,
                                                metrics_collections=None, updates_collections=None, name=None):
  """streaming_false_positive_rate of the decisions `predictions > threshold`."""
  return _rate_at_thresholds("false_positive_rate", "fpr", "fp", "tn", predictions, labels, thresholds, weights,
                             metrics_collections, updates_collections, name)


def streaming_false_negative_rate_at_thresholds(predictions, labels, thresholds, weights=None,
                                                metrics_collections=None, updates_collections=None, name=None):
  """streaming_false_negative_rate of the decisions `predictions > threshold`."""
  return _rate_at_thresholds("false_negative_rate", "fnr", "fn", "tp", predictions, labels, thresholds, weights,
                             metrics_collections, updates_collections, name)


def _count_at_thresholds(kind, predictions, labels, thresholds, weights):
  values, updates = counts._counts_at_thresholds(labels, predictions, thresholds, weights, includes=(kind,),
                                                 check_range=False)
  return values[kind], updates[kind]


def streaming_true_positives_at_thresholds(predictions, labels, thresholds, weights=None):
  """The number of true positives at each threshold, as a variable, and its update."""
  return _count_at_thresholds("tp", predictions, labels, thresholds, weights)


def streaming_true_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
  """The number of true negatives at each threshold, as a variable, and its update."""
  return _count_at_thresholds("tn", predictions, labels, thresholds, weights)


def streaming_false_positives_at_thresholds(predictions, labels, thresholds, weights=None):
  """The number of false positives at each threshold, as a variable, and its update."""
  return _count_at_thresholds("fp", predictions, labels, thresholds, weights)


def streaming_false_negatives_at_thresholds(predictions, labels, thresholds, weights=None):
  """The number of false negatives at each threshold, as a variable, and its update."""
  return _count_at_thresholds("fn", predictions, labels, thresholds, weights)
