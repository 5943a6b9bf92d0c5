"""Linear algebra where TensorFlow 1.15 gives no golden: half precision, shapes known when they run, checks then."""

import numpy as np
import pytest
import thalweg as tf

MATRIX = np.array([[0.5, -1.0, 0.2], [1.5, 0.3, -0.7], [0.1, 0.9, -1.1]], np.float32)


def test_exponentials_of_any_type_and_shape():
  whole = tf.linalg.expm(MATRIX)
  half = tf.linalg.expm(MATRIX.astype(np.float16))
  fed = tf.placeholder(tf.float32)
  of_fed = tf.linalg.expm(fed)
  assert half.dtype == tf.float16 and of_fed.shape.ndims is None
  with tf.Session() as session:
    want = session.run(whole)
    np.testing.assert_allclose(session.run(half), want, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(session.run(of_fed, {fed: np.stack([MATRIX, 0 * MATRIX])}), [want, np.eye(3)], rtol=1e-5,
                               atol=1e-6)
    # A power of e for numbers; as large as the type holds, and no further.
    np.testing.assert_allclose(session.run(of_fed, {fed: [[80.0]]}), [[np.exp(80.0)]], rtol=2e-4)
    for wrong in (np.inf, np.nan):
      with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        session.run(of_fed, {fed: [[wrong]]})
  with pytest.raises(ValueError, match="does not support"):
    tf.linalg.expm(tf.constant([[1]]))


def test_exponential_to_second_order():
  x = tf.constant(0.7, tf.float64)
  y = tf.linalg.expm(x * tf.constant([[0.0, 1.0], [-1.0, 0.0]], tf.float64))[0, 1]  # sin(x)
  first, = tf.gradients(y, x)
  second, = tf.gradients(first, x)
  with tf.Session() as session:
    np.testing.assert_allclose(session.run([y, first, second]), [np.sin(0.7), np.cos(0.7), -np.sin(0.7)], rtol=1e-12)


def test_ranks_that_are_checked_when_they_run():
  fed = tf.placeholder(tf.float32)
  inverse, rank = tf.linalg.pinv(fed, validate_args=True), tf.linalg.matrix_rank(fed, validate_args=True)
  with tf.Session() as session:
    np.testing.assert_allclose(session.run(inverse, {fed: [[2.0, 0.0]]}), [[0.5], [0.0]])
    assert session.run(rank, {fed: np.diag([3.0, 0.0, 1.0])}) == 2
    for fetch in (inverse, rank):
      with pytest.raises(tf.errors.InvalidArgumentError, match="at least 2 dimensions|rank"):
        session.run(fetch, {fed: [1.0, 2.0]})
