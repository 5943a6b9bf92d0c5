"""tf.contrib.crf."""

import numpy as np

SCORES = np.sin(np.arange(3 * 5 * 4, dtype=np.float32)).reshape(3, 5, 4)
TRANSITIONS = np.cos(np.arange(4 * 4, dtype=np.float32)).reshape(4, 4)
TAGS = np.array([[1, 2, 0, 3, 1], [0, 0, 3, 1, 2], [2, 1, 1, 0, 0]], np.int32)


def scores(tf):
  c = tf.contrib.crf
  x, t, lengths = tf.constant(SCORES), tf.constant(TRANSITIONS), tf.constant([5, 3, 1])
  allowed = tf.constant(np.arange(3 * 5 * 4).reshape(3, 5, 4) % 3 > 0)
  return [c.crf_unary_score(tf.constant(TAGS), lengths, x), c.crf_binary_score(tf.constant(TAGS, tf.int64), lengths, t),
          c.crf_sequence_score(x, tf.constant(TAGS), lengths, t), c.crf_log_norm(x, lengths, t),
          c.crf_multitag_sequence_score(x, allowed, lengths, t)]


def likelihood(tf):
  x, tags = tf.placeholder(tf.float32, [None, None, 4]), tf.placeholder(tf.int32, [None, None])
  with tf.variable_scope("crf", initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
    y, transitions = tf.contrib.crf.crf_log_likelihood(x, tags, tf.constant([5, 2, 0], tf.int64))
  opt = tf.train.GradientDescentOptimizer(0.5).minimize(-tf.reduce_mean(y), var_list=[transitions])
  feed = {x: SCORES, tags: TAGS}
  return [([y, tf.gradients(y, [x, transitions])], feed), (opt, feed), (transitions.read_value(), feed), (y, feed)]


def one_step(tf):
  c = tf.contrib.crf
  x = tf.placeholder_with_default(SCORES[:, :1], [3, None, 4])
  known, t, lengths = tf.constant(SCORES[:, :1]), tf.constant(TRANSITIONS), tf.constant([1, 0, 1])
  tags = tf.placeholder_with_default(TAGS[:, :1], [3, None])
  allowed = tf.constant(np.arange(3 * 4).reshape(3, 1, 4) % 3 > 0)
  return [[c.crf_sequence_score(v, tags, lengths, t), c.crf_log_norm(v, lengths, t), list(c.crf_decode(v, t, lengths)),
           c.crf_multitag_sequence_score(v, allowed, lengths, t)] for v in (x, known)]


def decoding(tf):
  x, t = tf.constant(SCORES), tf.constant(TRANSITIONS)
  tags, best = tf.contrib.crf.viterbi_decode(SCORES[0], TRANSITIONS)
  return [tf.contrib.crf.crf_decode(x, t, tf.constant([5, 3, 1])), [tf.constant(np.array(tags)), tf.constant(best)]]


PROGRAMS = []
VALUES_ONLY = [scores, likelihood, one_step, decoding]
ERRORS = []
