"""Weighted losses. Each is added to a collection, GraphKeys.LOSSES by default, and returned."""

from thalweg.framework import dtypes, ops
from thalweg.losses import util
from thalweg.ops import array_ops, confusion_matrix, math_ops, nn_impl, nn_ops, weights_broadcast_ops
from thalweg.util.deprecation import deprecated_argument_lookup


class Reduction(object):
  """How the losses of a batch become one number."""

  NONE = "none"
  SUM = "weighted_sum"
  SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
  MEAN = "weighted_mean"
  SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
  SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

  @classmethod
  def all(cls):
    return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS)

  @classmethod
  def validate(cls, key):
    if key not in cls.all():
      raise ValueError("Invalid Reduction Key %s." % key)


def _mean_of(losses, count):
  """The sum over `count`, or 0 when that is 0."""
  return math_ops.div_no_nan(math_ops.reduce_sum(losses), count, name="value")


def _num_elements(losses):
  with ops.name_scope(None, "num_elements", values=[losses]) as scope:
    return math_ops.cast(array_ops.size(losses, name=scope), dtype=losses.dtype)


def _num_present(losses, weights, per_batch=False):
  """The number of losses whose weight is not zero: in all, or of each example with the axes kept."""
  if isinstance(weights, float) and weights != 0.0:
    return _num_elements(losses)
  with ops.name_scope(None, "num_present", (losses, weights)) as scope:
    weights = math_ops.cast(weights, dtype=dtypes.float32)
    present = array_ops.where(math_ops.equal(weights, 0.0), array_ops.zeros_like(weights),
                              array_ops.ones_like(weights))
    present = weights_broadcast_ops.broadcast_weights(present, losses)
    if per_batch:
      return math_ops.reduce_sum(present, axis=math_ops.range(1, array_ops.rank(present)), keepdims=True, name=scope)
    return math_ops.reduce_sum(present, name=scope)


def compute_weighted_loss(losses, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
                          reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """losses * weights, reduced. Weights are a scalar or fit the losses axis by axis."""
  Reduction.validate(reduction)
  with ops.name_scope(scope, "weighted_loss", (losses, weights)):
    ops.get_default_graph()._last_loss_reduction = reduction
    with ops.control_dependencies((weights_broadcast_ops.assert_broadcastable(weights, losses),)):
      losses = ops.convert_to_tensor(losses)
      input_dtype = losses.dtype
      losses = math_ops.cast(losses, dtype=dtypes.float32)
      weights = math_ops.cast(weights, dtype=dtypes.float32)
      loss = math_ops.multiply(losses, weights)
      if reduction != Reduction.NONE:
        loss = math_ops.reduce_sum(loss)
        if reduction == Reduction.MEAN:
          loss = _mean_of(loss, math_ops.reduce_sum(array_ops.ones_like(losses) * weights))
        elif reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
          loss = _mean_of(loss, _num_present(losses, weights))
        elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
          loss = _mean_of(loss, _num_elements(losses))
      # Sums are taken in 32 bits, whatever came in.
      loss = math_ops.cast(loss, input_dtype)
      util.add_loss(loss, loss_collection)
      return loss


def _require(**tensors):
  for name, tensor in tensors.items():
    if tensor is None:
      raise ValueError("%s must not be None." % name)


def _as_floats(first, second):
  """Both as 32-bit floats of one shape."""
  first = math_ops.cast(first, dtype=dtypes.float32)
  second = math_ops.cast(second, dtype=dtypes.float32)
  first.get_shape().assert_is_compatible_with(second.get_shape())
  return first, second


def absolute_difference(labels, predictions, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
                        reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """|predictions - labels|."""
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "absolute_difference", (predictions, labels, weights)) as scope:
    predictions, labels = _as_floats(predictions, labels)
    losses = math_ops.abs(math_ops.subtract(predictions, labels))
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def cosine_distance(labels, predictions, axis=None, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
                    reduction=Reduction.SUM_BY_NONZERO_WEIGHTS, dim=None):
  """1 - the dot product along `axis`, of vectors that have unit length already."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  if axis is None:
    raise ValueError("You must specify 'axis'.")
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "cosine_distance_loss", (predictions, labels, weights)) as scope:
    predictions, labels = _as_floats(predictions, labels)
    losses = 1 - math_ops.reduce_sum(math_ops.multiply(predictions, labels), axis=(axis,), keepdims=True)
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def hinge_loss(labels, logits, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
               reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """max(0, 1 - s * logits) with s = 1 for labels 1 and -1 for labels 0."""
  _require(labels=labels, logits=logits)
  with ops.name_scope(scope, "hinge_loss", (logits, labels, weights)) as scope:
    logits, labels = _as_floats(logits, labels)
    ones = array_ops.ones_like(labels)
    labels = math_ops.subtract(2 * labels, ones)
    losses = nn_ops.relu(math_ops.subtract(ones, math_ops.multiply(labels, logits)))
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
               reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """e ** 2 / 2 for errors |e| <= delta, growing linearly beyond (Huber 1964)."""
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "huber_loss", (predictions, labels, weights)) as scope:
    predictions, labels = _as_floats(predictions, labels)
    abs_error = math_ops.abs(math_ops.subtract(predictions, labels))
    quadratic = math_ops.minimum(abs_error, delta)
    # The part of the error beyond delta.
    linear = math_ops.subtract(abs_error, quadratic)
    half = ops.convert_to_tensor(0.5, dtype=quadratic.dtype)
    losses = math_ops.add(math_ops.multiply(half, math_ops.multiply(quadratic, quadratic)),
                          math_ops.multiply(delta, linear))
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection=ops.GraphKeys.LOSSES,
             reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """The cross entropy of probabilities with labels in [0, 1]; epsilon keeps the logarithm finite."""
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "log_loss", (predictions, labels, weights)) as scope:
    predictions, labels = _as_floats(predictions, labels)
    of_ones = -math_ops.multiply(labels, math_ops.log(predictions + epsilon))
    losses = of_ones - math_ops.multiply(1 - labels, math_ops.log(1 - predictions + epsilon))
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def mean_pairwise_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES):
  """The mean over pairs of elements (i, j) of an example of ((p_i - p_j) - (l_i - l_j)) ** 2, summed over examples."""
  return _pairwise(labels, predictions, weights, scope, loss_collection, lambda count: count - 1)


def _pairwise(labels, predictions, weights, scope, loss_collection, others):
  """`others` gives the number of elements that each of `count` is paired with."""
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "mean_pairwise_squared_error", (predictions, labels, weights)) as scope:
    weights = math_ops.cast(weights, dtype=dtypes.float32)
    labels = math_ops.cast(labels, dtype=dtypes.float32)
    with ops.control_dependencies((weights_broadcast_ops.assert_broadcastable(weights, labels),)):
      predictions = math_ops.cast(predictions, dtype=dtypes.float32)
      predictions.get_shape().assert_is_compatible_with(labels.get_shape())
      diffs = math_ops.subtract(predictions, labels)
      axis = math_ops.range(1, array_ops.rank(diffs))
      # The sum over pairs from the sum of squares and the square of the sum.
      squares = math_ops.reduce_sum(math_ops.square(diffs), axis=axis, keepdims=True)
      count = _num_present(diffs, weights, per_batch=True)
      first = 2.0 * math_ops.div_no_nan(squares, math_ops.maximum(others(count), 0), name="value")
      total = math_ops.reduce_sum(diffs, axis=axis, keepdims=True)
      second = 2.0 * math_ops.div_no_nan(
          math_ops.square(total), math_ops.maximum(math_ops.multiply(count, others(count)), 0), name="value")
      loss = math_ops.reduce_sum(math_ops.multiply(first - second, weights))
      mean_loss = array_ops.where(math_ops.reduce_sum(count) > 0, loss, array_ops.zeros_like(loss), name="value")
      util.add_loss(mean_loss, loss_collection)
      return mean_loss


def mean_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
                       reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """(predictions - labels) ** 2."""
  _require(labels=labels, predictions=predictions)
  with ops.name_scope(scope, "mean_squared_error", (predictions, labels, weights)) as scope:
    predictions, labels = _as_floats(predictions, labels)
    losses = math_ops.squared_difference(predictions, labels)
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None,
                          loss_collection=ops.GraphKeys.LOSSES, reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """sigmoid_cross_entropy_with_logits; smoothing draws the labels towards 1/2."""
  _require(multi_class_labels=multi_class_labels, logits=logits)
  with ops.name_scope(scope, "sigmoid_cross_entropy_loss", (logits, multi_class_labels, weights)) as scope:
    logits = ops.convert_to_tensor(logits)
    labels = math_ops.cast(multi_class_labels, logits.dtype)
    logits.get_shape().assert_is_compatible_with(labels.get_shape())
    if label_smoothing > 0:
      labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
    losses = nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None,
                          loss_collection=ops.GraphKeys.LOSSES, reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """softmax_cross_entropy_with_logits; smoothing draws the labels towards 1/classes."""
  _require(onehot_labels=onehot_labels, logits=logits)
  with ops.name_scope(scope, "softmax_cross_entropy_loss", (logits, onehot_labels, weights)) as scope:
    logits = ops.convert_to_tensor(logits)
    labels = math_ops.cast(onehot_labels, logits.dtype)
    logits.get_shape().assert_is_compatible_with(labels.get_shape())
    if label_smoothing > 0:
      classes = math_ops.cast(array_ops.shape(labels)[-1], logits.dtype)
      negatives = label_smoothing / classes
      labels = labels * (1.0 - label_smoothing) + negatives
    labels = array_ops.stop_gradient(labels, name="labels_stop_gradient")
    losses = nn_ops.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def _squeeze_weights(labels, weights):
  """The weights without a last axis of size 1 that the labels do not have."""
  weights = ops.convert_to_tensor(weights)
  shape, labels_rank = weights.get_shape(), labels.get_shape().ndims
  if labels_rank is not None and shape.ndims is not None:
    return array_ops.squeeze(weights, [-1]) if shape.ndims - labels_rank == 1 else weights
  rank_diff = array_ops.rank(weights) - array_ops.rank(labels)
  if shape.ndims is None or (shape.ndims > 0 and shape.dims[-1].is_compatible_with(1)):
    weights = confusion_matrix.squeeze_last(weights, math_ops.equal(1, rank_diff))
  return weights


def sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, loss_collection=ops.GraphKeys.LOSSES,
                                 reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):
  """sparse_softmax_cross_entropy_with_logits; labels and weights may have a last axis of size 1."""
  _require(labels=labels, logits=logits)
  with ops.name_scope(scope, "sparse_softmax_cross_entropy_loss", (logits, labels, weights)) as scope:
    labels, logits = confusion_matrix.remove_squeezable_dimensions(labels, logits, expected_rank_diff=1)
    if weights is not None:
      weights = _squeeze_weights(labels, weights)
    losses = nn_ops.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
    return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)
