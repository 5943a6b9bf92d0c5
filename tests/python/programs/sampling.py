"""Candidate samplers and the losses upon them."""

import numpy as np

W = np.sin(np.arange(20 * 4, dtype=np.float32)).reshape(20, 4)
B = np.cos(np.arange(20, dtype=np.float32))
X = np.sin(np.arange(3 * 4, dtype=np.float32) + 1).reshape(3, 4)
LABELS = np.array([[1], [7], [3]], np.int64)
PAIRS = np.array([[1, 2], [7, 0], [3, 9]], np.int64)


def samplers(tf):
  n = tf.nn
  made = [n.uniform_candidate_sampler(PAIRS, 2, 5, True, 12, seed=3),
          n.log_uniform_candidate_sampler(PAIRS, 2, 5, True, 40, seed=4, name="named"),
          n.log_uniform_candidate_sampler(PAIRS, 2, 5, False, 40),
          n.fixed_unigram_candidate_sampler(PAIRS, 2, 4, False, 10, unigrams=[1.0, 2.0, 3.0, 1.0, 5.0, 1.0, 1.0, 4.0, 1.0, 1.0],
                                            distortion=0.75, seed=6),
          n.fixed_unigram_candidate_sampler(PAIRS, 2, 3, True, 10, unigrams=[2.0] * 9, num_reserved_ids=1, seed=6),
          n.all_candidate_sampler(PAIRS, 2, 10, True)]
  again = tf.random.uniform_candidate_sampler(PAIRS, 2, 5, False, 12, seed=3)
  return [made, again, made]


def learned(tf):
  return [tf.nn.learned_unigram_candidate_sampler(PAIRS, 2, 4, False, 10, seed=2)]


def hits(tf):
  return [tf.nn.compute_accidental_hits(PAIRS, tf.constant([9, 1, 4, 0, 1], tf.int64), 2)]


def nce(tf):
  w, b, x = tf.constant(W), tf.constant(B), tf.constant(X)
  y = tf.nn.nce_loss(w, b, tf.constant(LABELS), x, 6, 20)
  return [y]


def nce_gradients(tf):
  w, b, x = tf.get_variable("w", initializer=W), tf.get_variable("b", initializer=B), tf.constant(X)
  sampled = tf.nn.uniform_candidate_sampler(PAIRS, 2, 6, True, 20, seed=3)
  y = tf.nn.nce_loss(w, b, tf.constant(PAIRS), x, 6, 20, num_true=2, sampled_values=sampled,
                     remove_accidental_hits=True, name="mine")
  dw, db, dx = tf.gradients(y, [w, b, x])
  return [[y, dx, tf.convert_to_tensor(dw), tf.convert_to_tensor(db)]]


def nce_parts(tf):
  with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(3)):
    w = tf.get_variable("w", [20, 4], initializer=tf.constant_initializer(0.25))
  y = tf.nn.nce_loss(w, tf.constant(B), tf.constant(LABELS, tf.int32), tf.constant(X), 6, 20, partition_strategy="div",
                     sampled_values=tf.nn.log_uniform_candidate_sampler(LABELS, 1, 6, True, 20, seed=3))
  return [y]


def softmax(tf):
  return [tf.nn.sampled_softmax_loss(tf.constant(W), tf.constant(B), tf.constant(LABELS), tf.constant(X), 8, 20, seed=9)]


def softmax_gradients(tf):
  w, b, x = tf.get_variable("w", initializer=W), tf.get_variable("b", initializer=B), tf.constant(X)
  y = tf.nn.sampled_softmax_loss(w, b, tf.constant(PAIRS), x, 8, 20, num_true=2, seed=9)
  dw, db, dx = tf.gradients(y, [w, b, x])
  opt = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_mean(y), var_list=[w, b])
  return [[y, dx, tf.convert_to_tensor(dw), tf.convert_to_tensor(db)], opt, [w.read_value(), b.read_value()]]


def sparse_softmax(tf):
  return [tf.contrib.nn.sampled_sparse_softmax_loss(
      tf.constant(W), tf.constant(B), tf.constant(LABELS), tf.constant(X), 8, 20,
      sampled_values=tf.nn.log_uniform_candidate_sampler(LABELS, 1, 8, True, 20, seed=3))]


def rank_softmax(tf):
  w, b, x = tf.constant(W), tf.constant(B), tf.constant(X)
  sampled = tf.nn.log_uniform_candidate_sampler(LABELS, 1, 8, True, 20, seed=3)
  y = tf.contrib.nn.rank_sampled_softmax_loss(w, b, tf.constant(LABELS), x, 8, 4, 20, 1, sampled, 2.0, True, "mod")
  return [y, tf.gradients(y, x)]


def flipped(tf):
  n = tf.contrib.nn
  x, z = tf.constant(X), tf.nn.softmax(tf.constant(2 * X))
  return [[n.deprecated_flipped_softmax_cross_entropy_with_logits(x, z), tf.contrib.nn.nth_element(x, 1),
           n.deprecated_flipped_sparse_softmax_cross_entropy_with_logits(x, tf.constant([0, 3, 1])),
           n.deprecated_flipped_sigmoid_cross_entropy_with_logits(x, z), n.nth_element(x, 0, reverse=True, name="top")]]


def activations(tf):
  x, a = tf.constant(X), tf.constant([0.5, 1.0, 2.0, 0.25])
  n = tf.contrib.nn
  y = [n.scaled_softplus(x, a), n.scaled_softplus(x, 0.3, clip=tf.constant(0.6))]
  return [y, tf.gradients(y[0], [x, a]), tf.gradients(tf.square(y[1]), x), n.alpha_dropout(x, 0.7, seed=3),
          n.alpha_dropout(x, 1.0)]


def resampled_too_many(tf):
  tf.contrib.nn.rank_sampled_softmax_loss(W, B, LABELS, X, 4, 4, 20, 1, None, 1.0, True, "mod")


def wrong_keep_prob(tf):
  tf.contrib.nn.alpha_dropout(tf.constant(X), 0.0)


def no_unigrams(tf):
  return [tf.nn.fixed_unigram_candidate_sampler(PAIRS, 2, 4, False, 10)]


def more_than_there_are(tf):
  return [tf.nn.uniform_candidate_sampler(PAIRS, 2, 5, True, 4)]


def wrong_number(tf):
  return [tf.nn.uniform_candidate_sampler(tf.placeholder_with_default(PAIRS, [None, None]), 3, 5, False, 4)]


def float_classes(tf):
  return [tf.nn.uniform_candidate_sampler([[1.5]], 1, 5, False, 4)]


PROGRAMS = [samplers, learned, hits, nce, softmax, flipped]
VALUES_ONLY = [nce_gradients, nce_parts, softmax_gradients, sparse_softmax, rank_softmax, activations]
ERRORS = [no_unigrams, more_than_there_are, wrong_number, float_classes, resampled_too_many,
          wrong_keep_prob]
