"""Sparse tensors: how they are made, changed, computed with, fed and fetched."""

import numpy as np

INDICES = np.array([[0, 1], [1, 0], [1, 3], [2, 2]], np.int64)
VALUES = np.array([1.5, -2.0, 3.0, 0.5], np.float32)
OTHER = np.array([[0, 0], [1, 0], [1, 2], [2, 2], [2, 3]], np.int64)


def _sparse(tf, dtype=np.float32):
  return tf.SparseTensor(INDICES, VALUES.astype(dtype), [3, 4])


def _other(tf):
  return tf.SparseTensor(OTHER, np.cos(np.arange(5.0)).astype(np.float32), [3, 4])


def _unknown(tf):
  return tf.sparse_placeholder(tf.float32, name="sp")


def _fed(tf, sp):
  return {sp: tf.SparseTensorValue(INDICES, VALUES, [3, 4])}


def made(tf):
  x = tf.sparse.from_dense([[0, 2, 0], [1, 0, 0]])
  y = tf.sparse.eye(2)
  z = tf.sparse.eye(2, num_columns=tf.constant(3), dtype=tf.int32, name="eyes")
  return [x, y, z, tf.sparse.to_dense(z)]


def joined(tf):
  a, b = _sparse(tf), _other(tf)
  wide = tf.SparseTensor([[0, 0], [4, 1]], [7.0, 8.0], [5, 2])
  return [tf.sparse_concat(1, [a, b]), tf.sparse.concat(-2, [a, b], name="rows"), tf.sparse_concat(axis=0, sp_inputs=[a]),
          tf.sparse_concat(1, [a, wide], expand_nonconcat_dim=True),
          tf.sparse_concat(-1, [a, wide], expand_nonconcat_dim=True)]


def parted(tf):
  a = _sparse(tf)
  parts = tf.sparse_split(sp_input=a, num_split=3, axis=1)
  return [parts, tf.sparse.split(sp_input=a, num_split=2, axis=0, name="rows"), tf.sparse_slice(a, [1, 0], [5, 3]),
          tf.sparse.slice(a, [0, 0], [1, 4], name="first")]


def kept(tf):
  a, sp = _sparse(tf), _unknown(tf)
  slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [3.0]]), tf.constant([5, 2, 7]))
  masked = tf.sparse_mask(slices, [2, 9])
  return [tf.sparse_retain(a, [True, False, True, False]), masked.values, masked.indices,
          (tf.sparse.retain(sp, sp.values > 0.7), _fed(tf, sp))]


def reordered(tf):
  a, sp = tf.SparseTensor([[2, 2], [0, 1], [1, 3]], ["x", "y", "z"], [3, 4]), _unknown(tf)
  return [tf.sparse_reorder(a), (tf.sparse.reorder(sp, name="sorted"), _fed(tf, sp)),
          tf.sparse.transpose(a, [0, 1], name="same"), (tf.sparse.transpose(sp, perm=[1, 0]), _fed(tf, sp))]


def reshaped(tf):
  a, sp = _sparse(tf), _unknown(tf)
  shape = tf.placeholder_with_default(np.array([6, 2], np.int64), [2])
  return [tf.sparse_reshape(a, [2, -1]), tf.sparse.reshape(a, [3, 2, 2], name="cube"), tf.sparse_reshape(a, shape),
          (tf.sparse_reshape(sp, [4, 3]), _fed(tf, sp)), tf.sparse.expand_dims(a), tf.sparse.expand_dims(a, 0),
          tf.sparse.expand_dims(a, axis=-2, name="middle")]


def larger(tf):
  a = _sparse(tf)
  return [tf.sparse_reset_shape(a, [5, 4]), tf.sparse_reset_shape(a)]


def larger_when_run(tf):
  sp = _unknown(tf)
  return [(tf.sparse.reset_shape(sp, np.array([3, 7], np.int64)), _fed(tf, sp))]


def filled(tf):
  a = tf.SparseTensor([[0, 1], [3, 0]], [1.0, 2.0], [5, 2])
  x, empty = tf.sparse_fill_empty_rows(a, -1.0)
  y, _ = tf.sparse.fill_empty_rows(a, 0.0, name="fill")
  return [x, empty, y]


def dense_forms(tf):
  a = _sparse(tf)
  ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([3, 1, 0], tf.int64), [3, 2])
  ids32 = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [3, 1, 0], [3, 2])
  weights = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [0.5, 0.25, 2.0], [3, 2])
  other = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([1, 1, 0], tf.int64), [3, 2])
  return [tf.sparse_tensor_to_dense(a), tf.sparse.to_dense(a, -1.0, name="dense"),
          tf.sparse_to_dense([1, 3], [5], [7, 8], default_value=9), tf.sparse_to_indicator(ids, 5),
          tf.sparse_merge(ids, weights, 4), tf.sparse.merge(ids32, weights, 4, already_sorted=True, name="merged"),
          tf.sparse_merge([ids, other], weights, [4, 2])]


def sums(tf):
  a, b = _sparse(tf), _other(tf)
  dense = tf.constant(np.ones([3, 4], np.float32))
  return [tf.sparse_add(a, b), tf.sparse.add(a, b, threshold=1.0), tf.sparse_add(a, dense), tf.sparse_add(dense, a),
          tf.sparse_add(a, b, thresh=0.3)]


def products(tf):
  a, b = _sparse(tf), tf.constant(np.arange(8, dtype=np.float32).reshape(4, 2))
  c = tf.constant(np.arange(6, dtype=np.float32).reshape(3, 2))
  return [tf.sparse_tensor_dense_matmul(a, b), tf.sparse.matmul(a, c, adjoint_a=True, name="product"),
          tf.sparse.sparse_dense_matmul(a, tf.transpose(b), adjoint_b=True)]


def reductions(tf):
  a, sp = _sparse(tf), _unknown(tf)
  return [tf.sparse_reduce_sum(a), tf.sparse_reduce_sum(a, 1), tf.sparse.reduce_sum(a, [0], keepdims=True),
          tf.sparse_reduce_sum_sparse(a, axis=1), tf.sparse_reduce_max(a, reduction_axes=[0]),
          tf.sparse.reduce_max_sparse(a, axis=-1, keep_dims=True), (tf.sparse_reduce_sum(sp), _fed(tf, sp))]


def elementwise(tf):
  a, b = _sparse(tf), _other(tf)
  return [tf.sparse_softmax(a), tf.sparse.softmax(b, name="soft"), tf.sparse_maximum(a, b),
          tf.sparse.minimum(a, b, name="smaller")]


def operators(tf):
  a, ints = _sparse(tf), _sparse(tf, np.int32)
  row = tf.constant([[1.0, 2.0, 3.0, 4.0]])
  return [a * row, a / row, ints / 4, a * 2.0, tf.fill([3, 4], 3.0) * a, tf.cast(a, tf.int32), tf.shape(a),
          tf.size(a), tf.rank(a)]


def functions_of_entries(tf):
  a = _sparse(tf)
  return [tf.sparse_transpose(a), tf.square(a), tf.negative(a), tf.abs(a), tf.sign(a), tf.tanh(a)]


def fed_and_fetched(tf):
  sp = tf.sparse_placeholder(tf.float32, shape=[3, 4], name="part")
  free = tf.sparse_placeholder(tf.int32)
  value = tf.SparseTensorValue(INDICES, VALUES, [3, 4])
  ints = (INDICES, VALUES.astype(np.int32), [3, 4])
  return [(sp, {sp: value}), ({"a": sp, "b": [free, free.values]}, {sp: value, free: ints})]


def gradients(tf):
  values, more = tf.constant(VALUES), tf.constant(np.cos(np.arange(5.0)).astype(np.float32))
  dense = tf.constant(np.arange(1, 13, dtype=np.float32).reshape(4, 3) / 7)
  a, b = tf.SparseTensor(INDICES, values, [3, 4]), tf.SparseTensor(OTHER, more, [3, 4])
  weights = tf.constant(np.linspace(-1, 1, 16).astype(np.float32))

  def total(x):
    x = x.values if isinstance(x, tf.SparseTensor) else tf.reshape(x, [-1])
    return tf.reduce_sum(tf.square(x) * weights[:tf.size(x)])

  ys = [tf.sparse_tensor_dense_matmul(a, dense), tf.sparse_add(a, b), tf.sparse_add(a, tf.transpose(dense)),
        tf.sparse_softmax(a), tf.sparse_reduce_sum(a, 1), tf.sparse_reorder(a), tf.sparse_slice(a, [1, 0], [5, 3]),
        tf.sparse_fill_empty_rows(a, 1.0)[0], a * tf.transpose(dense), a / tf.transpose(dense),
        tf.sparse_tensor_to_dense(a)]
  found = [[g for g in tf.gradients(total(y), [values, more, dense]) if g is not None] for y in ys]
  return [found]


def not_sparse(tf):
  tf.sparse_reorder(tf.constant([1.0]))


def both_dense(tf):
  tf.sparse_add(tf.constant([1.0]), tf.constant([1.0]))


def two_unknown_sizes(tf):
  tf.sparse_reshape(_sparse(tf), [-1, 2, -1])


def wrong_count(tf):
  tf.sparse_reshape(_sparse(tf), [5, 2])


def wrong_count_of_flags(tf):
  tf.sparse_retain(_sparse(tf), [True, False])


def smaller_shape(tf):
  tf.sparse_reset_shape(_sparse(tf), [2, 4])


def keywords_left_out(tf):
  tf.sparse_split(_sparse(tf), 2, 0)


def split_without_axis(tf):
  tf.sparse_split(sp_input=_sparse(tf), num_split=2)


def shapes_that_differ(tf):
  tf.sparse_add(_sparse(tf), tf.SparseTensor([[0, 0]], [1.0], [3, 5]))


def out_of_order(tf):
  return [tf.sparse_tensor_to_dense(tf.SparseTensor([[1, 0], [0, 0]], [1.0, 2.0], [2, 1]))]


def out_of_bounds(tf):
  return [tf.sparse_tensor_dense_matmul(tf.SparseTensor([[0, 7]], [1.0], [2, 8]), tf.ones([3, 1]))]


PROGRAMS = [made, joined, parted, kept, reordered, reshaped, larger, filled, dense_forms, sums, products, reductions,
            elementwise, operators, fed_and_fetched]
VALUES_ONLY = [gradients, larger_when_run, functions_of_entries]
ERRORS = [not_sparse, both_dense, two_unknown_sizes, wrong_count, wrong_count_of_flags, smaller_shape, keywords_left_out,
          split_without_axis, shapes_that_differ, out_of_order, out_of_bounds]
