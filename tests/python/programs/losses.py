"""tf.losses over constants, placeholders and the collections."""

import numpy as np

P = np.array([[0.1, 0.7, 0.2], [0.9, 0.3, 0.6]], np.float32)
L = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]], np.float32)
W = np.array([[1.0], [0.5]], np.float32)
REDUCTIONS = ("none", "weighted_sum", "weighted_mean", "weighted_sum_over_batch_size",
              "weighted_sum_by_nonzero_weights")


def elementwise(tf):
  p, l = tf.constant(P), tf.constant(L)
  losses = [
      tf.losses.absolute_difference(l, p), tf.losses.hinge_loss(l, p), tf.losses.huber_loss(l, p, delta=0.3),
      tf.losses.log_loss(l, p), tf.losses.mean_squared_error(l, p), tf.losses.mean_pairwise_squared_error(l, p),
      tf.losses.cosine_distance(l, p, axis=1), tf.losses.cosine_distance(l, p, dim=0),
      tf.losses.sigmoid_cross_entropy(l, p), tf.losses.sigmoid_cross_entropy(l, p, label_smoothing=0.1),
      tf.losses.softmax_cross_entropy(l, p), tf.losses.softmax_cross_entropy(l, p, label_smoothing=0.1),
      tf.losses.sparse_softmax_cross_entropy([1, 0], p)]
  return [losses, tf.losses.get_total_loss()]


def weighted(tf):
  p, l = tf.constant(P), tf.constant(L)
  losses = [tf.losses.mean_squared_error(l, p, weights=w, scope="s") for w in (2.0, 0.0, W, np.float32(3), [[1., 0., 2.]])]
  losses += [tf.losses.mean_pairwise_squared_error(l, p, weights=W),
             tf.losses.sparse_softmax_cross_entropy([[1], [0]], p, weights=W, scope="sparse"),
             tf.losses.softmax_cross_entropy(l, p, weights=[1.0, 0.0])]
  return [losses]


def reductions(tf):
  p, l = tf.constant(P), tf.constant(L)
  return [[tf.losses.absolute_difference(l, p, weights=W, reduction=r) for r in REDUCTIONS],
          [tf.losses.compute_weighted_loss(p, w, reduction=r, loss_collection="mine") for r in REDUCTIONS
           for w in (1.0, W)]]


def placeholders(tf):
  p = tf.placeholder(tf.float32, [None, 3])
  l = tf.placeholder(tf.int32, [None, 3])
  c = tf.placeholder(tf.int64, [None])
  losses = [tf.losses.mean_squared_error(l, p), tf.losses.softmax_cross_entropy(l, p, weights=0.5),
            tf.losses.sparse_softmax_cross_entropy(c, p, loss_collection=None)]
  feeds = {p: P, l: L.astype(np.int32), c: [2, 1]}
  return [(losses, feeds), (tf.gradients(losses[1], p), feeds)]


def halves(tf):
  return [tf.losses.mean_squared_error(tf.constant(L, tf.float16), tf.constant(P, tf.float16)),
          tf.losses.compute_weighted_loss(tf.constant(P, tf.float64), 0.5)]


def collections(tf):
  with tf.name_scope("a"):
    a = tf.losses.mean_squared_error(L, P)
  tf.losses.add_loss(tf.constant(3.0, name="own"))
  tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(5.0, name="reg"))
  return [a, tf.losses.get_regularization_loss(), tf.losses.get_total_loss(), tf.losses.get_losses("a/"),
          tf.losses.get_total_loss(add_regularization_losses=False, name="sum"),
          tf.losses.get_regularization_losses()]


def no_regularization(tf):
  return [tf.losses.get_regularization_loss()]


def missing_labels(tf):
  tf.losses.mean_squared_error(None, P)


def wrong_reduction(tf):
  tf.losses.mean_squared_error(L, P, reduction="mean")


def wrong_weights(tf):
  tf.losses.mean_squared_error(L, P, weights=[1.0, 2.0])


def wrong_weight_size(tf):
  tf.losses.mean_squared_error(L, P, weights=[[1.0, 2.0]])


def wrong_shapes(tf):
  tf.losses.log_loss(L[:1], P)


def no_axis(tf):
  tf.losses.cosine_distance(L, P)


def no_losses(tf):
  tf.losses.get_total_loss()


PROGRAMS = [elementwise, weighted, reductions, placeholders, halves, collections, no_regularization]
ERRORS = [missing_labels, wrong_reduction, wrong_weights, wrong_weight_size, wrong_shapes, no_axis, no_losses]
