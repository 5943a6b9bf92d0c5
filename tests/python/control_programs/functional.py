"""Programs with map_fn(), scan(), foldl() and foldr()."""

import numpy as np


def map_fn(tf, sess):
  x = tf.placeholder(tf.float32, [3, 2])
  y = tf.map_fn(lambda r: tf.reduce_sum(r) * r, x)
  z = tf.map_fn(lambda r: tf.cast(tf.reduce_sum(r), tf.int32), x, dtype=tf.int32)
  return y.name, str(y.shape), str(z.shape), sess.run([y, z] + tf.gradients(y, x), {x: np.arange(6.0).reshape(3, 2)})


def map_fn_structures(tf, sess):
  x, y = tf.constant([1.0, 2.0]), tf.constant([[1, 2], [3, 4]])
  a = tf.map_fn(lambda t: t[0] + tf.cast(t[1][0], tf.float32), (x, y), dtype=tf.float32)
  b = tf.map_fn(lambda t: {"s": t["x"] * 2, "d": t["y"]}, {"x": x, "y": y}, dtype={"s": tf.float32, "d": tf.int32})
  return sess.run([a, b])


def map_fn_unknown_size(tf, sess):
  x = tf.placeholder(tf.float32, [None])
  y = tf.map_fn(lambda e: e * e, x)
  return str(y.shape), sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0]})


def map_fn_variables(tf, sess):
  y = tf.map_fn(lambda e: tf.layers.dense(e, 2, kernel_initializer=tf.ones_initializer(), use_bias=False),
                tf.ones([3, 1, 2]))
  sess.run(tf.global_variables_initializer())
  return [v.name for v in tf.global_variables()], sess.run(y)


def map_fn_of_scalar(tf, sess):
  tf.map_fn(lambda x: x, tf.constant(1.0))


def map_fn_other_structure(tf, sess):
  tf.map_fn(lambda x: (x, x), tf.zeros([3]))


def map_fn_not_callable(tf, sess):
  tf.map_fn(3, tf.zeros([3]))


def map_fn_of_sparse(tf, sess):
  tf.map_fn(lambda x: x, tf.SparseTensor([[0, 1]], [1.0], [2, 2]))


def map_fn_sizes(tf, sess):
  tf.map_fn(lambda x: x[0] + x[1], (tf.zeros([3]), tf.zeros([2])), dtype=tf.float32)


def scan(tf, sess):
  x = tf.placeholder(tf.float32, [4])
  a = tf.scan(lambda s, e: s * e + 1, x)
  b = tf.scan(lambda s, e: s * e + 1, x, initializer=2.0)
  c = tf.scan(lambda s, e: s + e, x, reverse=True)
  d = tf.scan(lambda s, e: s * e, x, initializer=1.0, reverse=True)
  feed = {x: [1.0, 2.0, 3.0, 4.0]}
  return a.name, str(a.shape), sess.run([a, b, c, d], feed), sess.run(tf.gradients([a, b, c, d], x), feed)


def scan_structures(tf, sess):
  x = tf.constant([1.0, 2.0, 3.0])
  a, b = tf.scan(lambda s, e: (s[0] + e, s[1] * e), x, initializer=(0.0, 1.0))
  c = tf.scan(lambda s, e: s + e[0] * tf.cast(e[1], tf.float32), (x, tf.constant([1, 2, 3])), initializer=0.0)
  return sess.run([a, b, c])


def scan_other_structure(tf, sess):
  tf.scan(lambda a, x: (a, x), tf.zeros([3]), initializer=0.0)


def fold(tf, sess):
  x = tf.placeholder(tf.float32, [None])
  ys = [tf.foldl(lambda a, e: a * 2 + e, x), tf.foldl(lambda a, e: a * 2 + e, x, initializer=1.0),
        tf.foldr(lambda a, e: a * 2 + e, x), tf.foldr(lambda a, e: a * 2 + e, x, initializer=1.0)]
  feed = {x: [1.0, 2.0, 3.0]}
  return ys[0].name, ys[2].name, sess.run(ys, feed), [sess.run(tf.gradients(y, x)[0], feed) for y in ys]


def fold_other_structure(tf, sess):
  tf.foldr(lambda a, x: (a, x), tf.zeros([3]), initializer=0.0)


def fold_not_callable(tf, sess):
  tf.foldl(3, tf.zeros([3]))
