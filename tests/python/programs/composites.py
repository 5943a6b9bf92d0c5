"""Functions over several ops: einsum, sorting, histograms, random numbers without state, checks."""

import numpy as np

A = np.sin(np.arange(6, dtype=np.float32)).reshape(2, 3)
B = np.cos(np.arange(12, dtype=np.float32)).reshape(3, 4)
C = np.sin(np.arange(24, dtype=np.float32)).reshape(2, 3, 4)


def einsums(tf):
  def e(equation, *inputs):
    return tf.einsum(equation, *[tf.convert_to_tensor(x) for x in inputs])

  x = tf.placeholder_with_default(C, [None, 3, None])
  y = [e("ij,jk->ik", A, B), e("ij,jk", A, B), e("ij->ji", A), e("ij->", A), e("ij", A), e("ij,ij->i", A, A),
       e("bij,jk->bik", C, tf.ones([4, 5])), e("bij,bij->b", C, C), e("bij,bkj->bik", x, x), e("ijk,ij->k", x, A),
       e("i,j->ij", A[0], B[0]), e("ij,jk,kl->il", A, B, tf.ones([4, 2])), e("ij,kl->ikjl", A, B), e("ijk->kj", x),
       e("ij,jk->k", A, B), e("ii", np.ones([3, 3], np.float32)), e("abc,cd->adb", C, tf.ones([4, 2]))]
  return [y, tf.gradients(e("bij,bkj->bik", x, x), x)]


def sorts(tf):
  x = tf.constant([[3.0, 1.0, 2.0], [1.0, 5.0, 1.0]])
  return [[tf.sort(x), tf.sort(x, direction="DESCENDING"), tf.sort(x, axis=0), tf.argsort(x), tf.argsort(x, axis=0),
           tf.argsort(x, direction="DESCENDING"), tf.sort([3, 1, 2]), tf.sort(tf.constant(C), axis=1)]]


def histograms(tf):
  x = tf.constant([-1.0, 0.0, 1.5, 2.0, 5.0, 15.0])
  return [[tf.histogram_fixed_width(x, [0.0, 5.0], nbins=5), tf.histogram_fixed_width_bins(x, [0.0, 5.0], nbins=5),
           tf.histogram_fixed_width(x, [0.0, 5.0], nbins=3, dtype=tf.int64)]]


def random_numbers(tf):
  r = tf.random
  return [[r.stateless_uniform([5], [1, 2]), r.stateless_uniform([5], [1, 2], 3, 9, tf.int32),
           r.stateless_normal([2, 3], [3, 4], 1.0, 2.0), r.stateless_truncated_normal([4], [3, 4]),
           r.stateless_categorical([[0.5, 0.2, 0.1]], 6, [5, 6]), r.stateless_multinomial([[0.5, 0.2]], 4, [7, 8]),
           tf.random_poisson([0.5, 10.0], [3], seed=2)]]


def polynomials(tf):
  x = tf.constant([0.0, 2.0, -1.0])
  m = tf.math
  return [[m.polyval([1.0, 2.0, 3.0], x), m.polyval([], x), m.reciprocal_no_nan(x),
           m.multiply_no_nan(tf.constant([float("inf"), 1.0, 2.0]), x), m.softmax([[1.0, 2.0]]),
           m.log_softmax([[1.0, 2.0]]), tf.dtypes.cast(x, tf.int32), tf.dtypes.as_string([1, 2])]]


def finite(tf):
  x = tf.constant([1.0, 2.0])
  y = tf.verify_tensor_all_finite(x, "x is not finite") + tf.debugging.assert_all_finite(x, "x")
  check = tf.add_check_numerics_ops()
  return [y, check]


def not_finite(tf):
  return [tf.verify_tensor_all_finite(tf.placeholder_with_default([float("nan")], [1]), "x is not finite")]


def not_finite_anywhere(tf):
  tf.log(tf.placeholder_with_default(-1.0, []))
  return [tf.add_check_numerics_ops()]


def too_few(tf):
  tf.einsum("ij,jk->ik", tf.constant(A))


def wrong_letters(tf):
  tf.einsum("i1,1k->ik", tf.constant(A), tf.constant(B))


def new_letter(tf):
  tf.einsum("ij,jk->il", tf.constant(A), tf.constant(B))


def twice(tf):
  tf.einsum("iij->j", tf.ones([2, 2, 3]))


def wrong_sizes(tf):
  tf.einsum("ij,jk->ik", tf.constant(A), tf.constant(A))


def wrong_direction(tf):
  tf.sort([1.0], direction="UP")


def no_maxval(tf):
  tf.random.stateless_uniform([2], [1, 2], dtype=tf.int32)


VALUES_ONLY = [einsums, sorts, histograms, random_numbers, polynomials, finite]
ERRORS = [not_finite, not_finite_anywhere, too_few, wrong_letters, new_letter, twice, wrong_sizes, wrong_direction,
          no_maxval]
