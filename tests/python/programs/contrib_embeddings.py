"""tf.contrib.layers' embeddings of sparse ids and of ids that repeat, and bags of words."""

import numpy as np

W = np.sin(np.arange(6 * 3, dtype=np.float32)).reshape(6, 3)


def _ids(tf):
  return tf.SparseTensor([[0, 0], [0, 1], [1, 0], [3, 2], [4, 0]], tf.constant([1, 4, -1, 2, 5], tf.int64), [5, 3])


def safe(tf):
  w = tf.constant(W)
  weights = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [3, 2], [4, 0]], tf.constant([0.5, 2.0, 1.0, -1.0, 3.0]), [5, 3])
  look = tf.contrib.layers.safe_embedding_lookup_sparse
  with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(2)):
    parts = tf.get_variable("w", [6, 3], initializer=tf.constant_initializer(0.25))
  return [[look(w, _ids(tf)), look([w], _ids(tf), weights, combiner="sum", max_norm=0.5), look(parts, _ids(tf)),
           look(w, _ids(tf), weights, combiner="sqrtn", default_id=3)]]


def unique(tf):
  ids = tf.placeholder_with_default([[1, 4, 1], [4, 4, 0]], [2, 3])
  look = tf.contrib.layers.embedding_lookup_unique
  return [[look(tf.constant(W), ids), look([tf.constant(W[:3]), tf.constant(W[3:])], ids, "div", name="mine")]]


def bags(tf):
  l = tf.contrib.layers
  init = tf.constant_initializer(W)
  ids = tf.constant([[1, 2, 0], [5, 5, 3]], tf.int64)
  y = [l.bow_encoder(ids, 6, 3, initializer=init, scope="a"),
       l.bow_encoder(ids, 6, 3, sparse_lookup=False, initializer=init, regularizer=l.l2_regularizer(0.1)),
       l.bow_encoder(_ids(tf), 6, 3, scope="a", reuse=True)]
  return [y]


def mixed_types_in_core(tf):
  tf.nn.safe_embedding_lookup_sparse([tf.constant(W), tf.constant(W, tf.float64)], _ids(tf))


def mixed_types(tf):
  tf.contrib.layers.safe_embedding_lookup_sparse([tf.constant(W), tf.constant(W, tf.float64)], _ids(tf))


def no_table(tf):
  tf.contrib.layers.safe_embedding_lookup_sparse(None, _ids(tf))


def no_vocabulary(tf):
  tf.contrib.layers.bow_encoder(tf.constant([[1]], tf.int64), 0, 3)


def sparse_dense_bag(tf):
  tf.contrib.layers.bow_encoder(_ids(tf), 6, 3, sparse_lookup=False)


PROGRAMS = [unique]
VALUES_ONLY = [safe, bags]
ERRORS = [mixed_types_in_core, mixed_types, no_table, no_vocabulary, sparse_dense_bag]
