"""tf.contrib.metrics over two batches."""

import numpy as np

P = np.array([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]], np.float32)
Q = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6]], np.float32)
LABELS = np.array([1, 2, 2, 0], np.int64)


def _steps(tf, metrics, x, z=None):
  values, updates = zip(*metrics)
  first, second = {x: P}, {x: Q}
  return [(list(updates), first), (list(values), first), (list(updates), second), (list(values), second)]


def means(tf):
  m = tf.contrib.metrics
  x = tf.placeholder(tf.float32, [4, 3])
  y, w = tf.constant(P[::-1].copy()), tf.constant([[1.0], [0.5], [2.0], [0.0]])
  made = [m.streaming_mean(x), m.streaming_mean(x, w, name="named"), m.streaming_mean_tensor(x),
          m.streaming_mean_absolute_error(x, y), m.streaming_mean_squared_error(x, y, w),
          m.streaming_root_mean_squared_error(x, y), m.streaming_mean_relative_error(x, y, y + 1.0),
          m.streaming_mean_cosine_distance(x, y, 1), m.streaming_percentage_less(x, 0.3), m.count(x), m.count(x, w)]
  return _steps(tf, made, x)


def decisions(tf):
  m = tf.contrib.metrics
  x = tf.placeholder(tf.float32, [4, 3])
  best, labels = tf.argmax(x, 1), tf.constant(LABELS)
  guess, truth = x[:, 0] > 0.3, labels < 2
  w = tf.constant([1.0, 0.5, 2.0, 1.0])
  made = [m.streaming_accuracy(best, labels, updates_collections=["ups"]), m.streaming_precision(guess, truth),
          m.streaming_recall(guess, truth, w), m.streaming_true_positives(guess, truth),
          m.streaming_false_positives(guess, truth), m.streaming_true_negatives(guess, truth),
          m.streaming_false_negatives(guess, truth), m.streaming_false_positive_rate(guess, truth),
          m.streaming_false_negative_rate(guess, truth, w, name="named"), m.streaming_mean_iou(best, labels, 3),
          m.cohen_kappa(labels, best, 3), m.cohen_kappa(labels, best, 3, weights=w)]
  return _steps(tf, made, x)


def thresholds(tf):
  m = tf.contrib.metrics
  x = tf.placeholder(tf.float32, [4, 3])
  p, truth = x[:, 0], tf.constant(LABELS) < 2
  w, t = tf.constant([1.0, 0.5, 2.0, 1.0]), [0.15, 0.5]
  made = [m.streaming_auc(p, truth), m.streaming_auc(p, truth, curve="PR", num_thresholds=20),
          m.streaming_precision_at_thresholds(p, truth, t), m.streaming_recall_at_thresholds(p, truth, t, w),
          m.streaming_sensitivity_at_specificity(p, truth, 0.5), m.streaming_specificity_at_sensitivity(p, truth, 0.5),
          m.streaming_false_positive_rate_at_thresholds(p, truth, t),
          m.streaming_false_negative_rate_at_thresholds(p, truth, t, w), m.f1_score(truth, p),
          m.f1_score(truth, p, w, num_thresholds=10, name="mine")]
  for count in (m.streaming_true_positives_at_thresholds, m.streaming_true_negatives_at_thresholds,
                m.streaming_false_positives_at_thresholds, m.streaming_false_negatives_at_thresholds):
    with tf.variable_scope(count.__name__):
      made.append(count(p * 3.0 - 1.0, truth, t))
  return _steps(tf, made, x)


def at_k(tf):
  m = tf.contrib.metrics
  x = tf.placeholder(tf.float32, [4, 3])
  labels = tf.constant(LABELS)
  rows = tf.reshape(labels, [4, 1])
  _, top = tf.nn.top_k(x, 2)
  top = tf.cast(top, tf.int64)
  made = [m.streaming_recall_at_k(x, labels, 2), m.streaming_sparse_precision_at_k(x, rows, 2),
          m.streaming_sparse_recall_at_k(x, rows, 2, class_id=1),
          m.streaming_sparse_precision_at_top_k(top, rows), m.sparse_recall_at_top_k(rows, top)]
  return _steps(tf, made, x)


def statistics(tf):
  m = tf.contrib.metrics
  x = tf.placeholder(tf.float32, [4, 3])
  y, w = tf.constant(np.sin(np.arange(12, dtype=np.float32)).reshape(4, 3)), tf.constant([[1.0], [0.5], [2.0], [0.0]])
  made = [m.streaming_covariance(x, y), m.streaming_covariance(x, y, w, name="weighted"),
          m.streaming_pearson_correlation(x, y), m.streaming_pearson_correlation(x, y, w, metrics_collections=["ms"])]
  return _steps(tf, made, x)


def of_one_batch(tf):
  m = tf.contrib.metrics
  best, labels = tf.argmax(tf.constant(P), 1), tf.constant(LABELS)
  values, updates = m.aggregate_metrics((tf.constant(1.0), tf.constant(2.0)), (tf.constant(3.0), tf.constant(4.0)))
  by_name = m.aggregate_metric_map({"a": (tf.constant(5.0), tf.constant(6.0))})
  assert sorted(by_name[0]) == ["a"]
  return [[m.accuracy(best, labels), m.accuracy(best, labels, weights=tf.constant([1.0, 0.5, 2.0, 0.0])),
           m.confusion_matrix(labels, best, 3)], values, updates, by_name[0], by_name[1]]


def float_labels(tf):
  tf.contrib.metrics.accuracy(tf.constant([1.0]), tf.constant([1.0]))


def unlike_labels(tf):
  tf.contrib.metrics.accuracy(tf.constant([1]), tf.constant([1], tf.int64))


def nothing_to_aggregate(tf):
  tf.contrib.metrics.aggregate_metrics()


def one_class(tf):
  tf.contrib.metrics.cohen_kappa(tf.constant([1]), tf.constant([1]), 1)


def unlike_shapes(tf):
  tf.contrib.metrics.streaming_covariance(tf.constant([1.0, 2.0]), tf.constant([1.0]))


PROGRAMS = []
VALUES_ONLY = [means, decisions, thresholds, at_k, statistics, of_one_batch]
ERRORS = [float_labels, unlike_labels, nothing_to_aggregate, one_class, unlike_shapes]
