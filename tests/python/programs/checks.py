"""tf.assert_* and the questions beside them. Assert itself is a guarded branch in TensorFlow, so values only."""

import numpy as np


def _fed(tf, value):
  return tf.placeholder_with_default(np.asarray(value), None)


def static(tf):
  x = tf.constant([1, 2, 3])
  tf.assert_rank(x, 1)
  tf.assert_rank_at_least(x, 1, name="least")
  tf.assert_rank_in(x, [0, 1])
  tf.assert_integer(x)
  tf.assert_type(x, tf.int32)
  tf.assert_scalar(3)
  tf.assert_equal(x, x)
  return []


def dynamic(tf):
  x = tf.placeholder_with_default([1.0, 2.0], [None])
  checks = [tf.assert_positive(x), tf.assert_non_negative(x), tf.assert_less(x, 3.0), tf.assert_greater(x, 0.5),
            tf.assert_less_equal(x, 2.0), tf.assert_greater_equal(x, 1.0), tf.assert_none_equal(x, 5.0),
            tf.assert_negative(-x), tf.assert_non_positive(-x), tf.assert_near(x, [1.0, 2.0]),
            tf.assert_equal(x, [1.0, 2.0]), tf.assert_rank(_fed(tf, [1.0]), 1), tf.assert_rank_in(_fed(tf, 1.0), (0, 1)),
            tf.assert_rank_at_least(_fed(tf, [[1]]), 1),
            tf.debugging.assert_shapes([(x, ["n"]), (tf.ones([2, 3]), ["n", 3])])]
  with tf.control_dependencies(checks):
    return [tf.identity(x)]


def questions(tf):
  return [[tf.is_non_decreasing(_fed(tf, v)) for v in ([1, 1, 2], [2, 1], [3], np.zeros([0], np.int32))],
          [tf.is_strictly_increasing(_fed(tf, v)) for v in ([1, 1, 2], [1.0, 2.0], [3])]]


def static_equal(tf):
  tf.assert_equal([1], [2])


def static_positive(tf):
  tf.assert_positive([1, 0])


def static_rank(tf):
  tf.assert_rank([1], 2)


def static_rank_in(tf):
  tf.assert_rank_in([1], (0, 2))


def static_rank_at_least(tf):
  tf.assert_rank_at_least([1], 2)


def integer(tf):
  tf.assert_integer(1.0)


def wrong_type(tf):
  tf.assert_type(1.0, tf.int32)


def not_scalar(tf):
  tf.assert_scalar([1])


def not_proper(tf):
  tf.assert_proper_iterable(tf.constant([1]))


def shapes_rank(tf):
  tf.debugging.assert_shapes([(tf.ones([2, 3]), ["n", "n", 3])])


def shapes_size(tf):
  tf.debugging.assert_shapes([(tf.ones([2, 3]), ["n", "n"])])


def run_less(tf):
  return [tf.group(tf.assert_less(_fed(tf, [1.0, 2.0]), 2.0))]


def run_rank(tf):
  return [tf.group(tf.assert_rank(_fed(tf, [1.0, 2.0]), 2))]


def run_near(tf):
  return [tf.group(tf.assert_near(_fed(tf, np.float32([1.0, 2.0])), [1.0, 2.1]))]


def run_shapes(tf):
  return [tf.group(tf.debugging.assert_shapes([(tf.placeholder_with_default([1, 2], [None]), [3])]))]


def not_numeric(tf):
  tf.is_non_decreasing(["a", "b"])


def float_types(tf):
  tf.debugging.assert_same_float_dtype([tf.constant(1.0), tf.constant(1.0, tf.float64)])


PROGRAMS = [static]
VALUES_ONLY = [dynamic, questions]
ERRORS = [static_equal, static_positive, static_rank, static_rank_in, static_rank_at_least, integer, wrong_type,
          not_scalar, not_proper, shapes_rank, shapes_size, run_less, run_rank, run_near, run_shapes, not_numeric,
          float_types]
