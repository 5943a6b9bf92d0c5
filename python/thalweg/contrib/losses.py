"""tf.contrib.losses: tf.losses with predictions before labels."""

from thalweg import losses as _losses
from thalweg.framework import ops
from thalweg.losses import add_loss, get_losses, get_regularization_losses  # noqa: F401


def get_total_loss(add_regularization_losses=True, name="total_loss"):
  return _losses.get_total_loss(add_regularization_losses, name)


def compute_weighted_loss(losses, weights=1.0, scope=None):
  return _losses.compute_weighted_loss(losses, weights, scope=scope)


def absolute_difference(predictions, labels=None, weights=1.0, scope=None):
  return _losses.absolute_difference(labels, predictions, weights, scope)


def sigmoid_cross_entropy(logits, multi_class_labels, weights=1.0, label_smoothing=0, scope=None):
  return _losses.sigmoid_cross_entropy(multi_class_labels, logits, weights, label_smoothing, scope)


def softmax_cross_entropy(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
  return _losses.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(logits, labels, weights=1.0, scope=None):
  return _losses.sparse_softmax_cross_entropy(labels, logits, weights, scope)


def log_loss(predictions, labels=None, weights=1.0, epsilon=1e-7, scope=None):
  return _losses.log_loss(labels, predictions, weights, epsilon, scope)


def hinge_loss(logits, labels=None, scope=None):
  """max(0, 1 - s * logits) per example, s = 1 or -1; neither reduced nor in a collection."""
  from thalweg.ops import array_ops, math_ops, nn_ops
  with ops.name_scope(scope, "hinge_loss", [logits, labels]):
    logits.get_shape().assert_is_compatible_with(labels.get_shape())
    labels = math_ops.cast(labels, "float32")
    ones = array_ops.ones_like(labels)
    labels = math_ops.subtract(2 * labels, ones)
    return nn_ops.relu(math_ops.subtract(ones, math_ops.multiply(labels, logits)))


def mean_squared_error(predictions, labels=None, weights=1.0, scope=None):
  return _losses.mean_squared_error(labels, predictions, weights, scope)


def mean_pairwise_squared_error(predictions, labels=None, weights=1.0, scope=None):
  # Here elements are paired with themselves too.
  return _losses.losses_impl._pairwise(labels, predictions, weights, scope, ops.GraphKeys.LOSSES, lambda count: count)


def cosine_distance(predictions, labels=None, axis=None, weights=1.0, scope=None, dim=None):
  return _losses.cosine_distance(labels, predictions, axis, weights, scope, dim=dim)
