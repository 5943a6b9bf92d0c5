"""tf.contrib.legacy_seq2seq."""

import numpy as np


def _steps(tf, steps, depth=3):
  return [tf.constant(np.sin(np.arange(2 * depth) + t).reshape(2, depth), tf.float32) for t in range(steps)]


def _ids(tf, steps):
  return [tf.constant([(t * 3) % 5, (t + 1) % 5]) for t in range(steps)]


def _scope(tf):
  return tf.variable_scope("model", initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def basic(tf):
  s = tf.contrib.legacy_seq2seq
  with _scope(tf):
    y = s.basic_rnn_seq2seq(_steps(tf, 2), _steps(tf, 3), tf.contrib.rnn.GRUCell(4))
    z = s.tied_rnn_seq2seq(_steps(tf, 2), _steps(tf, 3), tf.contrib.rnn.BasicLSTMCell(4))
    d = s.rnn_decoder(_steps(tf, 2, 4), tf.zeros([2, 4]), tf.contrib.rnn.GRUCell(4), loop_function=lambda p, i: p * i,
                      scope="fed")
  return [[list(y), list(z), list(d)]]


def embedding(tf):
  s = tf.contrib.legacy_seq2seq
  with _scope(tf):
    y = s.embedding_rnn_seq2seq(_ids(tf, 2), _ids(tf, 3), tf.contrib.rnn.GRUCell(4), 5, 6, 3)
    z = s.embedding_rnn_seq2seq(_ids(tf, 2), _ids(tf, 3), tf.contrib.rnn.GRUCell(4), 5, 6, 3, feed_previous=True,
                                scope="fed")
  return [[list(y), list(z)]]


def attention(tf):
  s = tf.contrib.legacy_seq2seq
  with _scope(tf):
    cell = tf.contrib.rnn.MultiRNNCell([tf.contrib.rnn.BasicLSTMCell(4), tf.contrib.rnn.GRUCell(3)])
    y = s.embedding_attention_seq2seq(_ids(tf, 3), _ids(tf, 2), cell, 5, 6, 3, num_heads=2)
    z = s.embedding_attention_seq2seq(_ids(tf, 3), _ids(tf, 2), tf.contrib.rnn.GRUCell(4), 5, 6, 3, scope="fed",
                                      feed_previous=True, initial_state_attention=True)
  return [[list(y), list(z)]]


def fed_by_tensor(tf):
  s = tf.contrib.legacy_seq2seq
  feed = tf.placeholder(tf.bool, [])
  with _scope(tf):
    y = s.embedding_attention_seq2seq(_ids(tf, 2), _ids(tf, 3), tf.contrib.rnn.GRUCell(4), 5, 6, 3, feed_previous=feed)
  return [(list(y), {feed: v}) for v in (False, True)]


def losses(tf):
  s = tf.contrib.legacy_seq2seq
  logits, targets = _steps(tf, 3), [tf.constant([0, 2]), tf.constant([1, 1]), tf.constant([2, 0])]
  weights = [tf.constant([1.0, 1.0]), tf.constant([1.0, 0.5]), tf.constant([0.0, 0.0])]
  return [[s.sequence_loss_by_example(logits, targets, weights), s.sequence_loss(logits, targets, weights),
           s.sequence_loss_by_example(logits, targets, weights, average_across_timesteps=False),
           s.sequence_loss(logits, targets, weights, average_across_batch=False)]]


def buckets(tf):
  s = tf.contrib.legacy_seq2seq
  ids, weights = _ids(tf, 4), [tf.constant([1.0, 0.5])] * 4
  with _scope(tf):
    outputs, made = s.model_with_buckets(
        ids, ids, ids, weights, [(1, 2), (3, 4)],
        lambda x, y: s.embedding_rnn_seq2seq(x, y, tf.contrib.rnn.GRUCell(4), 5, 5, 3))
  return [[made, outputs], tf.gradients(made[1], tf.trainable_variables()[1])]


def lengths(tf):
  tf.contrib.legacy_seq2seq.sequence_loss(_steps(tf, 2), _ids(tf, 1), [tf.ones([2])] * 2)


def short(tf):
  ids = _ids(tf, 2)
  tf.contrib.legacy_seq2seq.model_with_buckets(ids, ids, ids, ids, [(3, 2)], None)


def no_heads(tf):
  tf.contrib.legacy_seq2seq.attention_decoder(_steps(tf, 1), tf.ones([2, 3]), tf.ones([2, 3, 4]),
                                              tf.contrib.rnn.GRUCell(3), num_heads=0)


PROGRAMS = [basic, embedding, attention, losses]
VALUES_ONLY = [fed_by_tensor, buckets]
ERRORS = [lengths, short, no_heads]
