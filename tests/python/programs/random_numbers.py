"""Random numbers: TensorFlow's for its seeds, with the nodes that its functions make."""

import numpy as np


def normal(tf):
  r = tf.random
  shape = tf.placeholder_with_default([2, 2], [2])
  return [[tf.random_normal([3], seed=1), r.normal(shape, mean=2.0, stddev=[1.0, 3.0], dtype=tf.float64, name="pairs"),
           tf.truncated_normal([2, 3], stddev=0.5, seed=2), r.truncated_normal([4], 1.0, name="cut"),
           tf.random_normal([])]]


def uniform(tf):
  r = tf.random
  return [[tf.random_uniform([3], seed=1), r.uniform([2, 2], -1.0, 1.0, tf.float64, name="around"),
           tf.random_uniform([4], 3, 10, tf.int32), r.uniform([2], maxval=5, dtype=tf.int64, seed=6),
           tf.random_uniform(tf.constant([2]), maxval=tf.constant(7.0)), tf.random_uniform([2], dtype=tf.float16)]]


def choices(tf):
  x = tf.constant(np.arange(24).reshape(6, 4))
  return [[tf.random_shuffle(x, seed=3), tf.random.shuffle([1, 2, 3, 4], name="order"),
           tf.random_crop(x, [3, 2], seed=4), tf.random_crop(x, [6, 1], seed=2, name="column"),
           tf.multinomial([[0.1, 2.0, 0.3]], 5, seed=5), tf.random.categorical([[0.1, 2.0]], 4, dtype=tf.int32, seed=6),
           tf.random.multinomial([[1.0, 1.0], [5.0, 0.0]], 3, 7, name="drawn", output_dtype=tf.int32)]]


def distributions(tf):
  r = tf.random
  rates = tf.constant([0.5, 4.0, 30.0])
  return [[tf.random_gamma([2], [0.5, 3.0], seed=1), r.gamma([3], 2.0, beta=[1.0, 4.0], name="shaped"),
           tf.random_gamma([], 0.3, dtype=tf.float64), tf.random_poisson(rates, [2], seed=2),
           r.poisson(3.0, [4], dtype=tf.float64, name="events"), tf.random_poisson([2.0], [], dtype=tf.int32)]]


def without_state(tf):
  r = tf.random
  return [[r.stateless_uniform([3], [1, 2]), r.stateless_uniform([3], [1, 2], 2, 9, tf.int64, name="ints"),
           r.stateless_normal([2, 2], tf.constant([5, 6], tf.int64), 1.0, 2.0), r.stateless_truncated_normal([3], [7, 8]),
           r.stateless_normal([2], [1, 2], dtype=tf.float64, name="doubles"),
           r.stateless_categorical([[0.5, 0.2]], 6, [5, 6]),
           r.stateless_multinomial([[0.5, 0.2]], 4, [7, 8], output_dtype=tf.int32, name="drawn")]]


def seeds(tf):
  first = [tf.random_uniform([2]), tf.random_uniform([2])]
  tf.set_random_seed(11)
  second = [tf.random.uniform([2]), tf.random_uniform([2], seed=0)]
  tf.random.set_random_seed(None)
  return [first, second, [tf.random_uniform([2], seed=9)], tf.constant(tf.get_seed(5))]


def bits(tf):
  b = tf.bitwise
  x, y = tf.constant([5, -3, 255], tf.int32), tf.constant([3, 2, 15], tf.int32)
  return [[b.bitwise_and(x, y), b.bitwise_or(x, y, name="either"), b.bitwise_xor(x, y), b.invert(x), b.left_shift(x, y),
           b.right_shift(x, y, name="down"), b.invert(tf.constant([5], tf.uint8))]]


def moved(tf):
  m, x = tf.manip, tf.constant(np.arange(12).reshape(3, 4))
  return [[m.roll(x, 1, 0), tf.roll(x, [1, -1], [0, 1], name="both"), m.tile(x, [1, 2]), m.reverse(x, [1]),
           m.gather_nd(x, [[0, 1], [2, 3]]), m.scatter_nd([[1], [3]], [5, 6], [4]), m.reshape(x, [4, 3]),
           m.space_to_batch_nd(tf.reshape(x, [1, 4, 3, 1]), [2], [[0, 0]]),
           m.batch_to_space_nd(tf.reshape(x, [2, 2, 3, 1]), [2], [[0, 0]])]]


def no_maximum(tf):
  tf.random_uniform([2], dtype=tf.int32)


def strings(tf):
  tf.random_uniform([2], dtype=tf.string)


def crop_too_large(tf):
  return [tf.random_crop(tf.placeholder_with_default([1, 2, 3], [None]), [5])]


PROGRAMS = [normal, uniform, choices, distributions, without_state, seeds, bits, moved]
ERRORS = [no_maximum, strings, crop_too_large]
