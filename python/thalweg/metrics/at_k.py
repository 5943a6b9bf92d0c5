"""Streaming precision and recall of the k highest predictions, against sets of labels.

Sets lie along the last axis: labels are [..., labels], dense or sparse, and predicted classes [..., k]. A set is held
here as a dense tensor of ids and a mask of those that count; ids that repeat count once.
"""

import collections

from thalweg.framework import dtypes, ops
from thalweg.framework.sparse_tensor import SparseTensor, SparseTensorValue
from thalweg.metrics import base
from thalweg.ops import array_ops, math_ops, nn_ops, sparse_ops, state_ops, weights_broadcast_ops

_Set = collections.namedtuple("_Set", ["ids", "present"])


def _at_k_name(name, k=None, class_id=None):
  name = "%s_at_%s" % (name, "k" if k is None else "%d" % k)
  return name if class_id is None else "%s_class%d" % (name, class_id)


def _dense(labels):
  """Labels as a set; places that a sparse tensor leaves empty are not in it."""
  if isinstance(labels, SparseTensorValue):
    labels = SparseTensor.from_value(labels)
  if not isinstance(labels, SparseTensor):
    ids = math_ops.cast(ops.convert_to_tensor(labels), dtypes.int64)
    return _Set(ids, array_ops.ones_like(ids, dtype=dtypes.bool))

  def dense(values, default):
    return sparse_ops.sparse_to_dense(labels.indices, labels.dense_shape, values, default, validate_indices=False)

  return _Set(dense(math_ops.cast(labels.values, dtypes.int64), 0),
              dense(array_ops.ones_like(labels.values, dtype=dtypes.bool), False))


def _label_set(labels, predictions_idx):
  """The labels as sets; labels of one axis less than the predictions are sets of one."""
  labels = _dense(labels)
  rank, predictions_rank = labels.ids.get_shape().ndims, predictions_idx.get_shape().ndims
  if rank is None or predictions_rank is None:
    raise ValueError("The ranks of labels and predictions must be known, not %s and %s." % (
        labels.ids.get_shape(), predictions_idx.get_shape()))
  if predictions_rank == rank:
    return labels
  if predictions_rank == rank + 1:
    return _Set(array_ops.expand_dims(labels.ids, -1), array_ops.expand_dims(labels.present, -1))
  raise ValueError("Unexpected labels shape %s for predictions shape %s." % (
      labels.ids.get_shape(), predictions_idx.get_shape()))


def _select(ids, class_id):
  """The set's members that are the class; all when there is none."""
  if class_id is None:
    return ids
  return _Set(ids.ids, math_ops.logical_and(ids.present, math_ops.equal(ids.ids, math_ops.cast(class_id, "int64"))))


def _pairs(a, b):
  """[..., a, b]: whether a member of one set is that of the other."""
  same = math_ops.equal(array_ops.expand_dims(a.ids, -1), array_ops.expand_dims(b.ids, -2))
  both = math_ops.logical_and(array_ops.expand_dims(a.present, -1), array_ops.expand_dims(b.present, -2))
  return math_ops.logical_and(same, both)


def _unique(a):
  """[..., a]: members that do not repeat an earlier one."""
  size = array_ops.shape(a.ids)[-1]
  earlier = math_ops.less(array_ops.expand_dims(math_ops.range(size), 0),
                          array_ops.expand_dims(math_ops.range(size), 1))
  repeated = math_ops.reduce_any(math_ops.logical_and(_pairs(a, a), earlier), axis=-1)
  return math_ops.logical_and(a.present, math_ops.logical_not(repeated))


def _contained(a, b):
  """[..., a]: members of a that are in b."""
  return math_ops.reduce_any(_pairs(a, b), axis=-1)


def _size(mask):
  return math_ops.reduce_sum(math_ops.cast(mask, dtypes.float64), axis=-1)


def _true_positives(labels, predicted):
  return _size(math_ops.logical_and(_unique(predicted), _contained(predicted, labels)))


def _false_negatives(labels, predicted):
  return _size(math_ops.logical_and(_unique(labels), math_ops.logical_not(_contained(labels, predicted))))


def _false_positives(labels, predicted):
  return _size(math_ops.logical_and(_unique(predicted), math_ops.logical_not(_contained(predicted, labels))))


def _streaming(counted, name, labels, predicted, weights, k, class_id):
  """The variable and update of a weighted count."""
  with ops.name_scope(None, _at_k_name(name, k, class_id), (predicted.ids, labels.ids, weights)) as scope:
    count = counted(labels, predicted)
    if weights is not None:
      with ops.control_dependencies((weights_broadcast_ops.assert_broadcastable(weights, count),)):
        count = math_ops.multiply(count, math_ops.cast(weights, dtypes.float64))
    variable = base.metric_variable([], dtypes.float64, name=scope)
    return variable, state_ops.assign_add(variable, math_ops.reduce_sum(count), name="update")


def _ratio_at_top_k(metric, other_count, other_name, labels, predictions_idx, k, class_id, weights,
                    metrics_collections, updates_collections, name):
  with ops.name_scope(name, _at_k_name(metric, k, class_id), (predictions_idx, weights)) as scope:
    predictions_idx = math_ops.cast(predictions_idx, dtypes.int64)
    labels = _select(_label_set(labels, predictions_idx), class_id)
    predicted = _select(_dense(predictions_idx), class_id)
    tp, tp_update = _streaming(_true_positives, "true_positive", labels, predicted, weights, k, class_id)
    other, other_update = _streaming(other_count, other_name, labels, predicted, weights, k, class_id)
    value = base.add_to(metrics_collections, math_ops.div(tp, math_ops.add(tp, other), name=scope))
    update = math_ops.div(tp_update, math_ops.add(tp_update, other_update), name="update")
    return value, base.add_to(updates_collections, update)


def recall_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                    updates_collections=None, name=None):
  """The fraction of labels that are among the predicted classes. `k` goes into names only."""
  return _ratio_at_top_k("recall", _false_negatives, "false_negative", labels, predictions_idx, k, class_id, weights,
                         metrics_collections, updates_collections, name)


def precision_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                       updates_collections=None, name=None):
  """The fraction of predicted classes that are labels. `k` goes into names only."""
  return _ratio_at_top_k("precision", _false_positives, "false_positive", labels, predictions_idx, k, class_id,
                         weights, metrics_collections, updates_collections, name)


def _at_k(metric, at_top_k, labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name):
  """at_top_k(labels, classes, ...) of the k highest predictions."""
  with ops.name_scope(name, _at_k_name(metric, k, class_id), (predictions, weights)) as scope:
    _, top_k_idx = nn_ops.top_k(predictions, k)
    return at_top_k(labels, top_k_idx, k=k, class_id=class_id, weights=weights,
                    metrics_collections=metrics_collections, updates_collections=updates_collections, name=scope)


def recall_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                updates_collections=None, name=None):
  """The fraction of labels that are among the k highest predictions."""
  return _at_k("recall", recall_at_top_k, labels, predictions, k, class_id, weights, metrics_collections,
               updates_collections, name)


def precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                   updates_collections=None, name=None):
  """The fraction of the k highest predictions that are labels."""
  return _at_k("precision", precision_at_top_k, labels, predictions, k, class_id, weights, metrics_collections,
               updates_collections, name)


def sparse_precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                          updates_collections=None, name=None):
  """precision_at_k, by its old name."""
  return precision_at_k(labels=labels, predictions=predictions, k=k, class_id=class_id, weights=weights,
                        metrics_collections=metrics_collections, updates_collections=updates_collections, name=name)


def _average_precision(labels, predictions_idx, sparse):
  """The mean, over the relevant labels of an example, of the precision at each rank where one is found."""
  k = predictions_idx.get_shape().as_list()[-1]
  if k is None:
    raise ValueError("The last dimension of predictions_idx must be set.")
  relevant = math_ops.cast(_contained(_dense(predictions_idx), labels), dtypes.float64)
  found = math_ops.cumsum(relevant, axis=-1)
  precision = found / math_ops.cumsum(array_ops.ones_like(relevant), axis=-1)
  total = math_ops.reduce_sum(precision * relevant, axis=-1)
  # Dense labels below zero stand for none.
  counted = _unique(labels) if sparse else math_ops.logical_and(labels.present, labels.ids >= 0)
  return math_ops.div(total, math_ops.minimum(_size(counted), k))


def average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None, updates_collections=None,
                           name=None):
  """The mean average precision of the k highest predictions."""
  if k < 1:
    raise ValueError("Invalid k=%s." % k)
  with ops.name_scope(name, _at_k_name("average_precision", k), (predictions, weights)) as outer:
    _, predictions_idx = nn_ops.top_k(predictions, k)
    with ops.name_scope(outer, "average_precision_at_top_k", (predictions_idx, weights)) as scope:
      predictions_idx = math_ops.cast(predictions_idx, dtypes.int64)
      sparse = isinstance(labels, (SparseTensor, SparseTensorValue))
      labels = _label_set(labels, predictions_idx)
      # A label that is no class is never found, and counts for none when labels are dense.
      known = math_ops.less(labels.ids, math_ops.cast(array_ops.shape(predictions)[-1], dtypes.int64))
      labels = _Set(array_ops.where(known, labels.ids, -array_ops.ones_like(labels.ids)), labels.present)
      precision = _average_precision(labels, predictions_idx, sparse)
      if weights is not None:
        weights = weights_broadcast_ops.broadcast_weights(math_ops.cast(weights, dtypes.float64), precision)
        precision = math_ops.multiply(precision, weights)
      with ops.name_scope(None, "max", (precision,)) as max_scope:
        max_var = base.metric_variable([], dtypes.float64, name=max_scope)
        if weights is None:
          batch_max = math_ops.cast(array_ops.size(precision, name="batch_max"), dtypes.float64)
        else:
          batch_max = math_ops.reduce_sum(weights, name="batch_max")
        max_update = state_ops.assign_add(max_var, batch_max, name="update")
      with ops.name_scope(None, "total", (precision,)) as total_scope:
        total_var = base.metric_variable([], dtypes.float64, name=total_scope)
        total_update = state_ops.assign_add(total_var, math_ops.reduce_sum(precision, name="batch_total"),
                                            name="update")
      value = base.add_to(metrics_collections, math_ops.div_no_nan(total_var, max_var, name="mean"))
      return value, base.add_to(updates_collections, math_ops.div_no_nan(total_update, max_update, name=scope))


def sparse_average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):
  """average_precision_at_k, by its old name."""
  return average_precision_at_k(labels=labels, predictions=predictions, k=k, weights=weights,
                                metrics_collections=metrics_collections, updates_collections=updates_collections,
                                name=name)
