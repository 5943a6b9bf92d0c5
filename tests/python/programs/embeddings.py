"""Rows of embedding tables by sparse ids: their sums and means, with weights, with ids that are invalid or missing."""

import numpy as np

TABLE = np.arange(12, dtype=np.float32).reshape(6, 2) / 3


def _sparse(tf, values):
  """Not constant, for TensorFlow works out what depends on nothing but constants to tell static shapes."""
  fed = tf.placeholder_with_default
  return tf.SparseTensor(fed(np.array([[0, 0], [0, 1], [2, 0], [3, 2]], np.int64), [4, 2]), fed(values, [None]),
                         fed(np.array([4, 3], np.int64), [2]))


def _ids(tf, values=(1, 4, 0, 1)):
  return _sparse(tf, np.array(values, np.int64))


def _weights(tf, values=(1.0, 0.5, 2.0, 3.0)):
  return _sparse(tf, np.array(values, np.float32))


def sparse_ids(tf):
  table, ids, weights = tf.constant(TABLE), _ids(tf), _weights(tf)
  f = tf.nn.embedding_lookup_sparse
  return [f(table, ids, None), f(table, ids, None, combiner="sum", name="sum"), f(table, ids, None, combiner="sqrtn"),
          f(table, ids, weights), f(table, ids, weights, combiner="sum"), f(table, ids, weights, combiner="sqrtn", name="n"),
          f([table[:3], table[3:]], ids, weights, partition_strategy="div", combiner="mean")]


def sparse_ids_of_variables(tf):
  v = tf.get_variable("table", initializer=TABLE)
  r = tf.get_variable("resource", initializer=TABLE, use_resource=True)
  ids = _ids(tf)
  y = [tf.nn.embedding_lookup_sparse(t, ids, None, combiner="sum") for t in (v, r)]
  return [y]


def safe(tf):
  table = tf.constant(TABLE)
  ids, weights = _ids(tf, (1, -4, 0, 1)), _weights(tf, (1.0, 0.5, 0.0, 3.0))
  f = tf.nn.safe_embedding_lookup_sparse
  return [f([table], ids), f([table], ids, weights), f(table, ids, weights, combiner="sum", default_id=2, name="default"),
          f([table[:3], table[3:]], ids, default_id=5)]


def safe_of_higher_rank(tf):
  ids = tf.SparseTensor([[0, 0, 0], [0, 1, 1], [1, 1, 0]], tf.constant([2, -1, 3], tf.int64), [2, 2, 2])
  fed = tf.sparse_placeholder(tf.int64)
  table = tf.get_variable("table", initializer=TABLE, use_resource=True)
  return [tf.nn.safe_embedding_lookup_sparse([table], ids), (
      tf.nn.safe_embedding_lookup_sparse(table, fed, combiner="sum"),
      {fed: tf.SparseTensorValue([[0, 0, 0], [1, 1, 1]], [5, 4], [2, 2, 3])})]


def gradients(tf):
  table, w = tf.constant(TABLE), tf.constant([1.0, 0.5, 2.0, 3.0])
  weights = tf.SparseTensor([[0, 0], [0, 1], [2, 0], [3, 2]], w, [4, 3])
  ys = [tf.nn.embedding_lookup_sparse(table, _ids(tf), weights, combiner=c) for c in ("sum", "mean", "sqrtn")]
  ys.append(tf.nn.safe_embedding_lookup_sparse([table], _ids(tf, (1, -4, 0, 1)), weights))
  return [[tf.convert_to_tensor(g) for g in tf.gradients(y * y, [table, w])] for y in ys]


def unknown_combiner(tf):
  tf.nn.embedding_lookup_sparse(tf.constant(TABLE), _ids(tf), None, combiner="max")


def dense_ids(tf):
  tf.nn.embedding_lookup_sparse(tf.constant(TABLE), tf.constant([1]), None)


def no_table(tf):
  tf.nn.safe_embedding_lookup_sparse([], _ids(tf))


PROGRAMS = [sparse_ids, sparse_ids_of_variables, safe]
VALUES_ONLY = [safe_of_higher_rank, gradients]
ERRORS = [unknown_combiner, dense_ids, no_table]
