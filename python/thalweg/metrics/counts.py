"""Streaming counts of true and false positives and negatives, at one or many thresholds, and what follows from them."""

from thalweg.framework import constant_op, dtypes, ops
from thalweg.metrics import base
from thalweg.ops import array_ops, check_ops, math_ops, state_ops, variable_scope, weights_broadcast_ops
from thalweg.platform import tf_logging as logging

# What a label and a prediction are, and the variable that counts them.
_KINDS = {"tp": (True, True, "true_positives"), "fn": (True, False, "false_negatives"),
          "tn": (False, False, "true_negatives"), "fp": (False, True, "false_positives")}


# --- counts of boolean predictions ---


def _as_bools(labels, predictions, weights):
  return base.remove_squeezable_dimensions(
      predictions=math_ops.cast(predictions, dtype=dtypes.bool), labels=math_ops.cast(labels, dtype=dtypes.bool),
      weights=weights)


def _count_condition(values, weights, metrics_collections, updates_collections):
  """The weighted number of true values so far."""
  check_ops.assert_type(values, dtypes.bool)
  count = base.metric_variable([], dtypes.float32, name="count")
  values = math_ops.cast(values, dtypes.float32)
  if weights is not None:
    with ops.control_dependencies((check_ops.assert_rank_in(weights, (0, array_ops.rank(values))),)):
      weights = math_ops.cast(weights, dtypes.float32)
      values = math_ops.multiply(values, weights)
  value = base.add_to(metrics_collections, array_ops.identity(count))
  return value, base.add_to(updates_collections, state_ops.assign_add(count, math_ops.reduce_sum(values)))


def _count(kind, labels, predictions, weights, metrics_collections, updates_collections, name):
  label, prediction, default_name = _KINDS[kind]
  with variable_scope.variable_scope(name, default_name, (predictions, labels, weights)):
    predictions, labels, weights = _as_bools(labels, predictions, weights)
    chosen = math_ops.logical_and(math_ops.equal(labels, label), math_ops.equal(predictions, prediction))
    return _count_condition(chosen, weights, metrics_collections, updates_collections)


def true_positives(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """(value, update) of the weighted number of labels that are true and predicted so."""
  return _count("tp", labels, predictions, weights, metrics_collections, updates_collections, name)


def true_negatives(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """(value, update) of the weighted number of labels that are false and predicted so."""
  return _count("tn", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_positives(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """(value, update) of the weighted number of labels that are false and predicted true."""
  return _count("fp", labels, predictions, weights, metrics_collections, updates_collections, name)


def false_negatives(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """(value, update) of the weighted number of labels that are true and predicted false."""
  return _count("fn", labels, predictions, weights, metrics_collections, updates_collections, name)


def _fraction(default_name, other_count, labels, predictions, weights, metrics_collections, updates_collections, name):
  """True positives over true positives and another count; 0 when there are none."""
  with variable_scope.variable_scope(name, default_name, (predictions, labels, weights)):
    predictions, labels, weights = _as_bools(labels, predictions, weights)
    true_p, update_true_p = true_positives(labels, predictions, weights)
    other, update_other = other_count(labels, predictions, weights)

    def compute(tp, rest, name):
      return array_ops.where(math_ops.greater(tp + rest, 0), math_ops.div(tp, tp + rest), 0, name)

    value = base.add_to(metrics_collections, compute(true_p, other, "value"))
    return value, base.add_to(updates_collections, compute(update_true_p, update_other, "update_op"))


def precision(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """tp / (tp + fp)."""
  return _fraction("precision", false_positives, labels, predictions, weights, metrics_collections,
                   updates_collections, name)


def recall(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
  """tp / (tp + fn)."""
  return _fraction("recall", false_negatives, labels, predictions, weights, metrics_collections, updates_collections,
                   name)


# --- counts at thresholds ---


def _counts_at_thresholds(labels, predictions, thresholds, weights=None, includes=("tp", "fn", "tn", "fp"),
                          check_range=True):
  """Variables and updates, by kind, of the counts at each threshold for predictions, which are to be in [0, 1] unless
  that is not checked."""
  in_range = [check(predictions, math_ops.cast(bound, dtype=predictions.dtype), message="predictions must be in [0, 1]")
              for check, bound in ((check_ops.assert_greater_equal, 0.0), (check_ops.assert_less_equal, 1.0))
              if check_range]
  with ops.control_dependencies(in_range):
    predictions, labels, weights = base.remove_squeezable_dimensions(
        predictions=math_ops.cast(predictions, dtypes.float32), labels=math_ops.cast(labels, dtype=dtypes.bool),
        weights=weights)
  num_thresholds = len(thresholds)
  predictions_2d = array_ops.reshape(predictions, [-1, 1])
  labels_2d = array_ops.reshape(math_ops.cast(labels, dtype=dtypes.bool), [1, -1])
  num_predictions = predictions_2d.get_shape().as_list()[0]
  if num_predictions is None:
    num_predictions = array_ops.shape(predictions_2d)[0]
  tiled = array_ops.tile(array_ops.expand_dims(constant_op.constant(thresholds), [1]),
                         array_ops.stack([1, num_predictions]))
  positive = {}
  positive["prediction", True] = math_ops.greater(
      array_ops.tile(array_ops.transpose(predictions_2d), [num_thresholds, 1]), tiled)
  if "fn" in includes or "tn" in includes:
    positive["prediction", False] = math_ops.logical_not(positive["prediction", True])
  positive["label", True] = array_ops.tile(labels_2d, [num_thresholds, 1])
  if "fp" in includes or "tn" in includes:
    positive["label", False] = math_ops.logical_not(positive["label", True])
  weights_tiled = None
  if weights is not None:
    weights = weights_broadcast_ops.broadcast_weights(math_ops.cast(weights, dtypes.float32), predictions)
    weights_tiled = array_ops.tile(array_ops.reshape(weights, [1, -1]), [num_thresholds, 1])
    tiled.get_shape().assert_is_compatible_with(weights_tiled.get_shape())
  values, updates = {}, {}
  for kind, (label, prediction, name) in _KINDS.items():
    if kind in includes:
      values[kind] = base.metric_variable([num_thresholds], dtypes.float32, name=name)
      chosen = math_ops.cast(math_ops.logical_and(positive["label", label], positive["prediction", prediction]),
                             dtypes.float32)
      if weights_tiled is not None:
        chosen *= weights_tiled
      updates[kind] = state_ops.assign_add(values[kind], math_ops.reduce_sum(chosen, 1))
  return values, updates


def _count_at_thresholds(kind, labels, predictions, thresholds, weights, metrics_collections, updates_collections, name):
  with variable_scope.variable_scope(name, _KINDS[kind][2], (predictions, labels, weights)):
    values, updates = _counts_at_thresholds(labels, predictions, thresholds, weights=weights, includes=(kind,))
    value = base.add_to(metrics_collections, array_ops.identity(values[kind]))
    return value, base.add_to(updates_collections, updates[kind])


def true_positives_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                                 updates_collections=None, name=None):
  """true_positives, a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _count_at_thresholds("tp", labels, predictions, thresholds, weights, metrics_collections, updates_collections,
                              name)


def true_negatives_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                                 updates_collections=None, name=None):
  """true_negatives, a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _count_at_thresholds("tn", labels, predictions, thresholds, weights, metrics_collections, updates_collections,
                              name)


def false_positives_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """false_positives, a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _count_at_thresholds("fp", labels, predictions, thresholds, weights, metrics_collections, updates_collections,
                              name)


def false_negatives_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """false_negatives, a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _count_at_thresholds("fn", labels, predictions, thresholds, weights, metrics_collections, updates_collections,
                              name)


def _fraction_at_thresholds(metric, other, labels, predictions, thresholds, weights, metrics_collections,
                            updates_collections, name):
  with variable_scope.variable_scope(name, metric + "_at_thresholds", (predictions, labels, weights)):
    values, updates = _counts_at_thresholds(labels, predictions, thresholds, weights, includes=("tp", other))

    def compute(counts, name):
      return math_ops.div(counts["tp"], 1e-7 + counts["tp"] + counts[other], name="%s_%s" % (metric, name))

    value = base.add_to(metrics_collections, compute(values, "value"))
    return value, base.add_to(updates_collections, compute(updates, "update_op"))


def precision_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):
  """tp / (tp + fp), a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _fraction_at_thresholds("precision", "fp", labels, predictions, thresholds, weights, metrics_collections,
                                 updates_collections, name)


def recall_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                         updates_collections=None, name=None):
  """tp / (tp + fn), a vector, for predictions in [0, 1] that count as true above each threshold."""
  return _fraction_at_thresholds("recall", "fn", labels, predictions, thresholds, weights, metrics_collections,
                                 updates_collections, name)


# --- curves ---

_EPSILON = 1e-7


def _even_thresholds(num_thresholds):
  """Thresholds between 0 and 1, without the ends."""
  return [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]


def _interpolated_pr_auc(counts, last):
  """The area under precision over recall with the interpolation of Davis and Goadrich (2006)."""
  tp, fp, fn = counts["tp"], counts["fp"], counts["fn"]
  dtp = tp[:last] - tp[1:]
  p = tp + fp
  slope = math_ops.div_no_nan(dtp, math_ops.maximum(p[:last] - p[1:], 0), name="prec_slope")
  intercept = tp[1:] - math_ops.multiply(slope, p[1:])
  ratio = array_ops.where(
      math_ops.logical_and(p[:last] > 0, p[1:] > 0),
      math_ops.div_no_nan(p[:last], math_ops.maximum(p[1:], 0), name="recall_relative_ratio"),
      array_ops.ones_like(p[1:]))
  return math_ops.reduce_sum(
      math_ops.div_no_nan(slope * (dtp + intercept * math_ops.log(ratio)), math_ops.maximum(tp[1:] + fn[1:], 0),
                          name="pr_auc_increment"), name="interpolate_pr_auc")


def _area(counts, curve, summation_method, last, name):
  if curve == "PR":
    if summation_method == "trapezoidal":
      logging.warning("The trapezoidal rule overstates areas under PR curves; summation_method='careful_interpolation' "
                      "does not.")
    elif summation_method == "careful_interpolation":
      return _interpolated_pr_auc(counts, last)
  epsilon = 1e-6
  tp, fn, fp = counts["tp"], counts["fn"], counts["fp"]
  rec = math_ops.div(tp + epsilon, tp + fn + epsilon)
  if curve == "ROC":
    x, y = math_ops.div(fp, fp + counts["tn"] + epsilon), rec
  else:
    x, y = rec, math_ops.div(tp + epsilon, tp + fp + epsilon)
  if summation_method in ("trapezoidal", "careful_interpolation"):
    width = x[:last] - x[1:]
    return math_ops.reduce_sum(math_ops.multiply(width, (y[:last] + y[1:]) / 2.), name=name)
  if summation_method in ("minoring", "majoring"):
    width = x[:last] - x[1:]
    bound = math_ops.minimum if summation_method == "minoring" else math_ops.maximum
    return math_ops.reduce_sum(math_ops.multiply(width, bound(y[:last], y[1:])), name=name)
  raise ValueError("Invalid summation_method: %s" % summation_method)


def auc(labels, predictions, weights=None, num_thresholds=200, metrics_collections=None, updates_collections=None,
        curve="ROC", name=None, summation_method="trapezoidal", thresholds=None):
  """The area under the ROC or PR curve, from counts at thresholds."""
  with variable_scope.variable_scope(name, "auc", (labels, predictions, weights)):
    if curve not in ("ROC", "PR"):
      raise ValueError("curve must be either ROC or PR, %s unknown" % curve)
    inner = sorted(thresholds) if thresholds is not None else _even_thresholds(num_thresholds)
    # The ends lie outside [0, 1], so that all predictions are above the first and below the last.
    thresholds = [0.0 - _EPSILON] + inner + [1.0 + _EPSILON]
    values, updates = _counts_at_thresholds(labels, predictions, thresholds, weights)
    last = len(thresholds) - 1
    value = base.add_to(metrics_collections, _area(values, curve, summation_method, last, "value"))
    return value, base.add_to(updates_collections, _area(updates, curve, summation_method, last, "update_op"))


def _at_operating_point(default_name, bound, choose, labels, predictions, weights, num_thresholds, upper_end,
                        metrics_collections, updates_collections, name):
  """A rate at the threshold where another rate is nearest to `bound`."""
  with variable_scope.variable_scope(name, default_name, (predictions, labels, weights)):
    thresholds = [0.0 - _EPSILON] + _even_thresholds(num_thresholds) + [upper_end]
    values, updates = _counts_at_thresholds(labels, predictions, thresholds, weights)
    value = base.add_to(metrics_collections, choose(values, bound, "value"))
    return value, base.add_to(updates_collections, choose(updates, bound, "update_op"))


def _sensitivity_at(counts, specificity, name):
  specificities = math_ops.div(counts["tn"], counts["tn"] + counts["fp"] + _EPSILON)
  index = math_ops.argmin(math_ops.abs(specificities - specificity), 0)
  index = math_ops.cast(index, dtypes.int32)
  return math_ops.div(counts["tp"][index], counts["tp"][index] + counts["fn"][index] + _EPSILON, name)


def _specificity_at(counts, sensitivity, name):
  sensitivities = math_ops.div(counts["tp"], counts["tp"] + counts["fn"] + _EPSILON)
  nearest = math_ops.reduce_min(math_ops.abs(sensitivities - sensitivity))
  at_nearest = math_ops.equal(math_ops.abs(sensitivities - sensitivity), nearest)
  # The last of equally near thresholds, as the running count is largest from there on.
  running = math_ops.cumsum(math_ops.cast(at_nearest, dtypes.int64))
  index = math_ops.cast(math_ops.argmax(running, 0), dtypes.int32)
  return math_ops.div(counts["tn"][index], counts["tn"][index] + counts["fp"][index] + _EPSILON, name)


def sensitivity_at_specificity(labels, predictions, specificity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):
  """tp / (tp + fn) at the threshold where tn / (tn + fp) is nearest to `specificity`."""
  if specificity < 0 or specificity > 1:
    raise ValueError("`specificity` must be in the range [0, 1].")
  return _at_operating_point("sensitivity_at_specificity", specificity, _sensitivity_at, labels, predictions, weights,
                             num_thresholds, 1.0 + _EPSILON, metrics_collections, updates_collections, name)


def specificity_at_sensitivity(labels, predictions, sensitivity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):
  """tn / (tn + fp) at the threshold where tp / (tp + fn) is nearest to `sensitivity`."""
  if sensitivity < 0 or sensitivity > 1:
    raise ValueError("`sensitivity` must be in the range [0, 1].")
  # TensorFlow 1.15 ends these thresholds just below 1.
  return _at_operating_point("specificity_at_sensitivity", sensitivity, _specificity_at, labels, predictions, weights,
                             num_thresholds, 1.0 - _EPSILON, metrics_collections, updates_collections, name)
