"""tf.confusion_matrix, and the last axis of size 1 that labels or predictions may have."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, check_ops, control_flow_ops, math_ops
from thalweg.ops.cond import cond


def squeeze_last(tensor, condition):
  """`tensor` without its last axis where the condition, known only at run time, holds."""
  return cond(condition, lambda: array_ops.squeeze(tensor, [-1]), lambda: tensor)


def remove_squeezable_dimensions(labels, predictions, expected_rank_diff=0, name=None):
  """Takes a last axis of size 1 off that one which has an axis more than rank(predictions) - rank(labels) ==
  expected_rank_diff allows."""
  with ops.name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
    predictions = ops.convert_to_tensor(predictions)
    labels = ops.convert_to_tensor(labels)
    predictions_shape, labels_shape = predictions.get_shape(), labels.get_shape()
    if labels_shape.ndims is not None and predictions_shape.ndims is not None:
      rank_diff = predictions_shape.ndims - labels_shape.ndims
      if rank_diff == expected_rank_diff + 1:
        predictions = array_ops.squeeze(predictions, [-1])
      elif rank_diff == expected_rank_diff - 1:
        labels = array_ops.squeeze(labels, [-1])
      return labels, predictions
    rank_diff = array_ops.rank(predictions) - array_ops.rank(labels)
    if predictions_shape.ndims is None or predictions_shape.dims[-1].is_compatible_with(1):
      predictions = squeeze_last(predictions, math_ops.equal(expected_rank_diff + 1, rank_diff))
    if labels_shape.ndims is None or labels_shape.dims[-1].is_compatible_with(1):
      labels = squeeze_last(labels, math_ops.equal(expected_rank_diff - 1, rank_diff))
    return labels, predictions


def _checked(assertion, tensor):
  return control_flow_ops.with_dependencies([assertion], tensor)


def confusion_matrix(labels, predictions, num_classes=None, dtype=dtypes.int32, name=None, weights=None):
  """[classes, classes]: how often, or with what weight, a label (row) was predicted as a class (column)."""
  with ops.name_scope(name, "confusion_matrix", (predictions, labels, num_classes, weights)) as name:
    labels, predictions = remove_squeezable_dimensions(ops.convert_to_tensor(labels, name="labels"),
                                                       ops.convert_to_tensor(predictions, name="predictions"))
    predictions = math_ops.cast(predictions, dtypes.int64)
    labels = math_ops.cast(labels, dtypes.int64)
    labels = _checked(check_ops.assert_non_negative(labels, message="`labels` contains negative values"), labels)
    predictions = _checked(
        check_ops.assert_non_negative(predictions, message="`predictions` contains negative values"), predictions)
    if num_classes is None:
      num_classes = math_ops.maximum(math_ops.reduce_max(predictions), math_ops.reduce_max(labels)) + 1
    else:
      limit = math_ops.cast(num_classes, dtypes.int64)
      labels = _checked(check_ops.assert_less(labels, limit, message="`labels` out of bound"), labels)
      predictions = _checked(check_ops.assert_less(predictions, limit, message="`predictions` out of bound"),
                             predictions)
    if weights is not None:
      weights = ops.convert_to_tensor(weights, name="weights")
      predictions.get_shape().assert_is_compatible_with(weights.get_shape())
      weights = math_ops.cast(weights, dtype)
    shape = array_ops.stack([num_classes, num_classes])
    indices = array_ops.stack([labels, predictions], axis=1)
    values = array_ops.ones_like(predictions, dtype) if weights is None else weights
    return array_ops.scatter_nd(indices, values, math_ops.cast(shape, dtypes.int64), name=name)
