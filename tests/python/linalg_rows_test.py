"""Diagonals in bands, least squares, matrix functions, cumulative_logsumexp."""

import numpy as np
import pytest
import thalweg as tf


def run(t):
  with tf.Session() as sess:
    return sess.run(t)


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def test_diag_and_diag_part_of_a_band_are_inverse():
  x = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
  band = tf.linalg.diag_part(x, k=(-1, 1), padding_value=-9)
  assert run(band).tolist() == [[2, 7, 12], [1, 6, 11], [5, 10, -9]]
  back = tf.linalg.diag(band, k=(-1, 1), num_rows=3, num_cols=4)
  assert run(back).tolist() == [[1, 2, 0, 0], [5, 6, 7, 0], [0, 10, 11, 12]]


def test_the_first_version_of_the_op_serves_the_main_diagonal():
  assert tf.linalg.diag([1.0, 2]).op.type == "MatrixDiag"
  assert tf.linalg.diag([True, True], k=1).op.type == "MatrixDiagV2"
  assert run(tf.linalg.diag([True, True], k=1)).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_set_diag_and_its_gradient():
  x, d = tf.constant(np.zeros((2, 3), np.float32)), tf.constant([5.0, 6])
  y = tf.linalg.set_diag(x, d, k=1)
  assert run(y).tolist() == [[0, 5, 0], [0, 0, 6]]
  dx, dd = run(tf.gradients(y * np.arange(6, dtype=np.float32).reshape(2, 3), [x, d]))
  assert dx.tolist() == [[0, 0, 2], [3, 4, 0]] and dd.tolist() == [1, 5]


def test_a_band_outside_of_the_matrix_is_refused():
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="out of bound"):
    tf.linalg.diag_part(np.zeros((2, 3), np.float32), k=3)
  k = tf.placeholder(tf.int32)
  y = tf.linalg.diag_part(np.zeros((2, 3), np.float32), k=k)
  with tf.Session() as sess:
    assert sess.run(y, {k: [1, 2]}).shape == (2, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bound"):
      sess.run(y, {k: -2})


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_lstsq_agrees_with_numpy_and_has_a_gradient(shape):
  rng = np.random.RandomState(0)
  a, b = rng.randn(*shape), rng.randn(shape[0], 2)
  want = np.linalg.lstsq(a, b, rcond=None)[0]
  for fast in (True, False):
    np.testing.assert_allclose(run(tf.linalg.lstsq(a, b, fast=fast)), want, atol=1e-8)
  x, y = tf.constant(a), tf.constant(b)
  da, db = run(tf.gradients(tf.reduce_sum(tf.sin(tf.linalg.lstsq(x, y, l2_regularizer=0.3))), [x, y]))
  step = rng.randn(*a.shape), rng.randn(*b.shape)

  def at(h):
    return run(tf.reduce_sum(tf.sin(tf.linalg.lstsq(a + h * step[0], b + h * step[1], l2_regularizer=0.3))))

  slope = (at(1e-5) - at(-1e-5)) / 2e-5
  assert abs(slope - (da * step[0]).sum() - (db * step[1]).sum()) < 1e-6 * max(1, abs(slope))
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="fast=False"):
    tf.gradients(tf.linalg.lstsq(x, y, fast=False), x)


@pytest.mark.parametrize("name", ["expm", "sqrtm", "logm"])
def test_matrix_functions_and_their_gradients(name):
  rng = np.random.RandomState(1)
  a = np.eye(3) * 3 + rng.randn(3, 3) * 0.5
  if name == "logm":
    a = a.astype(np.complex128)
  fn = getattr(tf.linalg, name)
  y = run(fn(a))
  if name == "expm":
    want = term = np.eye(3)
    for i in range(1, 60):
      term = term @ a / i
      want = want + term
  elif name == "sqrtm":
    want, y = a, y @ y
  else:
    want, y = a, run(tf.linalg.expm(y))
  np.testing.assert_allclose(y, want, rtol=1e-9)
  x = tf.constant(a)
  weight = rng.randn(3, 3)
  g = run(tf.gradients(tf.reduce_sum(tf.cast(tf.real(fn(x)), tf.float64) * weight), x)[0])
  step = rng.randn(3, 3)
  slope = ((run(fn(a + 1e-5 * step)) - run(fn(a - 1e-5 * step))).real * weight).sum() / 2e-5
  assert abs((g.real * step).sum() - slope) < 1e-5 * max(1, abs(slope))


def test_cumulative_logsumexp_and_its_gradient():
  x = tf.constant([[-800.0, 0, 3, -2], [1, 1, 1, 1]], tf.float64)
  y = tf.math.cumulative_logsumexp(x, axis=1)
  np.testing.assert_allclose(run(y), np.logaddexp.accumulate(run(x), axis=1))
  weight = np.array([[1.0, -2, 3, 1], [0.5, 0, -1, 2]])
  g = run(tf.gradients(y * weight, x)[0])
  sums = run(y)
  want = np.array([[sum(weight[r, j] * np.exp(run(x)[r, i] - sums[r, j]) for j in range(i, 4)) for i in range(4)]
                   for r in range(2)])
  np.testing.assert_allclose(g, want, atol=1e-9)


def test_random_gamma_is_differentiable_to_alpha():
  alpha = tf.constant([0.7, 3.0], tf.float64)
  y = tf.random.gamma([20000], alpha, dtype=tf.float64, seed=3)
  g = run(tf.gradients(tf.reduce_mean(y, 0), alpha)[0])
  # The mean is alpha itself.
  np.testing.assert_allclose(g, [1, 1], atol=0.05)
