"""tf.metrics: variables, collections and values over two batches."""

import numpy as np

P = [np.array([0.1, 0.7, 0.2, 0.9], np.float32), np.array([0.4, 0.6, 0.3, 0.8], np.float32)]
L = [np.array([0.0, 1.0, 1.0, 1.0], np.float32), np.array([1.0, 0.0, 0.0, 1.0], np.float32)]
W = [np.array([1.0, 0.5, 0.0, 2.0], np.float32), np.array([0.5, 0.5, 1.0, 1.0], np.float32)]
SCORES = [np.array([[0.1, 0.5, 0.4, 0.2], [0.9, 0.3, 0.6, 0.5]], np.float32),
          np.array([[0.6, 0.1, 0.2, 0.7], [0.2, 0.8, 0.1, 0.3]], np.float32)]


def _batches(metrics, feeds):
  """Value, update and value again for each batch."""
  steps = []
  for feed in feeds:
    steps += [[u for _, u in metrics], [v for v, _ in metrics]]
    steps = [(s, feed) if not isinstance(s, tuple) else s for s in steps]
  return [([v for v, _ in metrics], feeds[0])] + steps


def _inputs(tf):
  p, l, w = (tf.placeholder(tf.float32, [4], name=n) for n in "plw")
  return p, l, w, [{p: a, l: b, w: c} for a, b, c in zip(P, L, W)]


def means(tf):
  p, l, w, feeds = _inputs(tf)
  m = tf.metrics
  found = [m.mean(p), m.mean(p, w, name="weighted"), m.mean(p, 0.5), m.mean_tensor(p), m.mean_tensor(p, w),
           m.accuracy(l, tf.round(p)), m.accuracy(l, tf.round(p), w, name="acc"), m.mean_absolute_error(l, p),
           m.mean_squared_error(l, p, w), m.root_mean_squared_error(l, p), m.percentage_below(p, 0.5),
           m.mean_relative_error(l, p, l), m.mean_cosine_distance(l, p, 0)]
  return _batches(found, feeds)


def counts(tf):
  p, l, w, feeds = _inputs(tf)
  b = p > 0.5
  m = tf.metrics
  found = [f(l, b) for f in (m.true_positives, m.true_negatives, m.false_positives, m.false_negatives, m.precision,
                             m.recall)]
  found += [m.true_positives(l, b, w), m.precision(l, b, w), m.recall(l, b, w, name="r")]
  return _batches(found, feeds)


def thresholds(tf):
  p, l, w, feeds = _inputs(tf)
  m = tf.metrics
  found = [f(l, p, [0.2, 0.5, 0.8]) for f in (
      m.true_positives_at_thresholds, m.true_negatives_at_thresholds, m.false_positives_at_thresholds,
      m.false_negatives_at_thresholds, m.precision_at_thresholds, m.recall_at_thresholds)]
  found += [m.precision_at_thresholds(l, p, [0.2, 0.5], w)]
  return _batches(found, feeds)


def curves(tf):
  p, l, w, feeds = _inputs(tf)
  m = tf.metrics
  found = [m.auc(l, p), m.auc(l, p, w, num_thresholds=11), m.auc(l, p, curve="PR"),
           m.auc(l, p, curve="PR", summation_method="careful_interpolation"),
           m.auc(l, p, summation_method="minoring"), m.auc(l, p, summation_method="majoring", thresholds=[0.5, 0.3]),
           m.sensitivity_at_specificity(l, p, 0.6), m.specificity_at_sensitivity(l, p, 0.6, num_thresholds=20)]
  return _batches(found, feeds)


def per_class(tf):
  p = tf.placeholder(tf.int64, [3], name="p")
  l = tf.placeholder(tf.int64, [3], name="l")
  m = tf.metrics
  feeds = [{p: [0, 2, 1], l: [0, 1, 1]}, {p: [2, 2, 0], l: [2, 0, 0]}]
  return _batches([m.mean_per_class_accuracy(l, p, 4),
                   m.mean_per_class_accuracy(l, p, 4, weights=tf.constant([1.0, 2.0, 0.5]))], feeds)


def confusion(tf):
  p = tf.placeholder(tf.int64, [3], name="p")
  l = tf.placeholder(tf.int64, [3], name="l")
  feeds = [{p: [0, 2, 1], l: [0, 1, 1]}, {p: [2, 2, 0], l: [2, 0, 0]}]
  m = tf.metrics
  steps = _batches([m.mean_iou(l, p, 4), m.mean_iou(l, p, 3, weights=tf.constant([1.0, 2.0, 0.5]))], feeds)
  return steps + [([tf.confusion_matrix(l, p), tf.confusion_matrix(l, p, 5, tf.float32, weights=[1.0, 2.0, 0.5])],
                   feeds[1])]


def at_k(tf):
  s = tf.placeholder(tf.float32, [2, 4], name="s")
  l = tf.placeholder(tf.int64, [2, 2], name="l")
  one = tf.placeholder(tf.int64, [2], name="one")
  sparse = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 2, 3], tf.int64), [2, 2])
  feeds = [{s: SCORES[0], l: [[1, 3], [2, 2]], one: [1, 3]}, {s: SCORES[1], l: [[0, 1], [3, 1]], one: [0, 1]}]
  m = tf.metrics
  found = [m.recall_at_k(l, s, 2), m.precision_at_k(l, s, 2),
           m.recall_at_k(one, s, 1), m.precision_at_k(one, s, 3, weights=tf.constant([1.0, 0.5])),
           m.recall_at_k(l, s, 2, class_id=1), m.precision_at_k(l, s, 2, class_id=1), m.recall_at_k(sparse, s, 2),
           m.precision_at_k(sparse, s, 2), m.recall_at_top_k(l, tf.constant([[1, 2], [3, 0]], tf.int64), 2)]
  return _batches(found, feeds)


def average_precision(tf):
  s = tf.placeholder(tf.float32, [2, 4], name="s")
  l = tf.placeholder(tf.int64, [2, 2], name="l")
  one = tf.placeholder(tf.int64, [2], name="one")
  sparse = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 2, 3], tf.int64), [2, 2])
  feeds = [{s: SCORES[0], l: [[1, 3], [2, 7]], one: [1, 3]}, {s: SCORES[1], l: [[0, 1], [3, 1]], one: [0, 1]}]
  m = tf.metrics
  found = [m.average_precision_at_k(l, s, 3), m.average_precision_at_k(sparse, s, 2),
           m.average_precision_at_k(one, s, 2, weights=tf.constant([1.0, 0.25]))]
  steps = [[tf.local_variables_initializer()]] + _batches(found, feeds)
  # TensorFlow's variable max is max_1, after a Max that nothing here needs.
  for key in (tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.METRIC_VARIABLES):
    tf.get_default_graph().clear_collection(key)
  return steps


def collections(tf):
  v, u = tf.metrics.mean([1.0, 2.0], metrics_collections=["values"], updates_collections=["updates"])
  tf.metrics.accuracy([1, 0], [1, 1], metrics_collections="values", updates_collections="updates")
  with tf.variable_scope("eval"):
    tf.metrics.recall([1, 0], [1, 1], updates_collections=["updates"])
  return [u, v]


def out_of_range(tf):
  _, update = tf.metrics.auc(tf.constant([1, 0]), tf.placeholder_with_default([0.5, 1.5], [2]))
  return [update]


def wrong_curve(tf):
  tf.metrics.auc([1, 0], tf.constant([0.5, 0.2]), curve="roc")


def wrong_method(tf):
  tf.metrics.auc([1, 0], tf.constant([0.5, 0.2]), summation_method="sum")


def wrong_specificity(tf):
  tf.metrics.sensitivity_at_specificity([1, 0], tf.constant([0.5, 0.2]), 2)


def wrong_shapes(tf):
  tf.metrics.accuracy([1, 0, 1], [1, 0])


def negative_label(tf):
  return [tf.confusion_matrix(tf.placeholder_with_default([-1, 0], [2]), [0, 1])]


def label_out_of_bound(tf):
  return [tf.confusion_matrix(tf.placeholder_with_default([3, 0], [2]), [0, 1], num_classes=2)]


def wrong_k(tf):
  tf.metrics.average_precision_at_k([[1]], [[0.1, 0.2]], 0)


PROGRAMS = [means, counts, per_class, collections]
VALUES_ONLY = [thresholds, curves, confusion, at_k, average_precision]
ERRORS = [out_of_range, wrong_curve, wrong_method, wrong_specificity, wrong_shapes, negative_label,
          label_out_of_bound, wrong_k]
