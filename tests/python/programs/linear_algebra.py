"""Linear algebra: decompositions, solvers, norms, functions of matrices, and gradients through them."""

import numpy as np

GENERAL = np.sin(1.0 + np.arange(18.0) ** 2 * 0.9).reshape(2, 3, 3).astype(np.float32)
DEFINITE = np.matmul(GENERAL, GENERAL.transpose(0, 2, 1)) + np.eye(3, dtype=np.float32)
TALL = np.cos(np.arange(24.0) ** 2).reshape(2, 4, 3).astype(np.float32)
RIGHT = np.sin(np.arange(12.0)).reshape(2, 3, 2).astype(np.float32)
COMPLEX = (GENERAL + 1j * np.cos(GENERAL * 3)).astype(np.complex64)


def _magnitudes(tf, parts):
  """What does not depend on the signs of vectors, which are the library's choice."""
  return [tf.abs(p) for p in parts]


def solvers(tf):
  a, r, d = tf.constant(GENERAL), tf.constant(RIGHT), tf.constant(DEFINITE)
  chol = tf.cholesky(d)
  return [chol, tf.matrix_inverse(a), tf.linalg.inv(a, adjoint=True, name="inverse"), tf.matrix_determinant(a),
          tf.linalg.det(DEFINITE, name="det"), tf.matrix_solve(a, r), tf.linalg.solve(a, r, adjoint=True),
          tf.matrix_triangular_solve(a, r), tf.linalg.triangular_solve(a, r, lower=False, adjoint=True, name="upper"),
          tf.cholesky_solve(chol, r), tf.linalg.cholesky_solve(chol, r, name="by_factor"), tf.linalg.slogdet(a),
          tf.linalg.logdet(d), tf.linalg.logdet(d, name="log"), tf.linalg.adjoint(COMPLEX), tf.linalg.transpose(a),
          tf.linalg.inv(COMPLEX), tf.linalg.lu(a)[1]]


def factors(tf):
  a, t, d = tf.constant(GENERAL), tf.constant(TALL), tf.constant(DEFINITE)
  q, r = tf.qr(t)
  full, _ = tf.linalg.qr(t, full_matrices=True, name="full")
  s, u, v = tf.svd(t)
  e, w = tf.self_adjoint_eig(d)
  return [_magnitudes(tf, [q, r, u, v, w]), tf.matmul(q, r), tf.matmul(full, full, transpose_a=True), s, e,
          tf.linalg.svd(a, compute_uv=False, name="values"), tf.self_adjoint_eigvals(d), tf.linalg.eigvalsh(d, name="e"),
          tf.linalg.eigh(d)[0], tf.svd(COMPLEX, compute_uv=False)]


def norms(tf):
  a, z = tf.constant(GENERAL), tf.constant(COMPLEX)
  n = tf.norm
  return [n(a), n(a, 1), n(a, np.inf, axis=1), n(a, 3, axis=-1, keepdims=True), n(a, axis=[1, 2]),
          n(a, "fro", axis=(-2, -1), name="frobenius"), n(a, 1, axis=[0, 2]), n(a, np.inf, axis=[-2, -1], keep_dims=True),
          n(z), tf.linalg.norm(a, axis=0), tf.linalg.normalize(a, axis=-1), tf.linalg.global_norm([a, tf.ones([3])]),
          tf.trace(a), tf.linalg.trace(a, name="t"), tf.eye(2), tf.linalg.eye(2, 3, batch_shape=[2])]


def functions(tf):
  a, t = tf.constant(GENERAL), tf.constant(TALL)
  low = tf.matmul(t, t, transpose_b=True)
  wide = tf.constant(np.array([[1e2, 3.0], [-2.0, 5e-3]]))
  m = tf.linalg
  return [m.expm(a), m.expm(a * 20.0), m.expm(wide / 10), m.expm(tf.zeros([2, 2])), m.expm(COMPLEX), m.pinv(t),
          m.pinv(low), m.pinv(t, rcond=0.5), m.matrix_rank(low), m.matrix_rank(t, tol=1.5),
          tf.norm(a, 2, axis=[-2, -1]), tf.norm(t, 2, axis=(0, 1), keepdims=True)]


def least_squares(tf):
  a, b = tf.constant(TALL), tf.constant(np.sin(np.arange(16.0)).reshape(2, 4, 2).astype(np.float32))
  short = tf.matrix_transpose(a)
  unknown = tf.placeholder_with_default(TALL[0], [None, None])
  m, twice = tf.linalg, tf.constant([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [0.0, 1.0, 3.0], [1.0, 3.0, 4.0]])
  return [m.lstsq(a, b), m.lstsq(a, b, l2_regularizer=0.5), tf.matrix_solve_ls(short, a[:, :3, :2], name="wide"),
          m.lstsq(short, a[:, :3, :2], 0.25), m.lstsq(unknown, b[0]), m.lstsq(tf.transpose(unknown), b[0, :3], 0.5),
          m.lstsq(twice, b[0], fast=False), m.lstsq(tf.transpose(twice), b[0, :3], fast=False),
          m.lstsq(COMPLEX.astype(np.complex128), RIGHT.astype(np.complex128)),
          tf.gradients(m.lstsq(a, b), [a, b])]


def gradients(tf):
  a, r, d, t = (tf.constant(x.astype(np.float64)) for x in (GENERAL, RIGHT, DEFINITE, TALL))
  sym = (d + tf.matrix_transpose(d)) / 2
  q, up = tf.qr(t)
  s, u, v = tf.svd(t)
  e, w = tf.self_adjoint_eig(sym)
  ys = [tf.cholesky(sym), tf.matrix_inverse(a), tf.matrix_determinant(a), tf.matrix_solve(a, r),
        tf.matrix_triangular_solve(a, r), tf.cholesky_solve(tf.cholesky(sym), r), tf.linalg.slogdet(a)[1],
        tf.linalg.logdet(sym), tf.matmul(q, q, transpose_b=True), tf.abs(up), s, tf.abs(u), tf.abs(v), e, tf.abs(w),
        tf.norm(a, axis=-1), tf.linalg.expm(a / 3)]
  found = []
  for y in ys:
    weights = tf.reshape(tf.sin(tf.cast(tf.range(tf.size(y)), tf.float64)), tf.shape(y))
    found += [g for g in tf.gradients(tf.reduce_sum(y * weights), [a, r, d, t]) if g is not None]
  return [found]


def not_invertible(tf):
  return [tf.matrix_inverse(tf.zeros([2, 2]))]


def not_square(tf):
  tf.matrix_inverse(tf.zeros([2, 3]))


def not_definite(tf):
  return [tf.cholesky(tf.constant([[-1.0]]))]


def wrong_sides(tf):
  tf.matrix_solve(tf.zeros([3, 3]), tf.zeros([2, 1]))


def integers(tf):
  tf.matrix_inverse(tf.constant([[1]]))


def unknown_norm(tf):
  tf.norm(tf.constant([1.0]), "spectral")


def unknown_matrix_norm(tf):
  tf.norm(tf.ones([2, 2]), 3, axis=[0, 1])


def same_axis_twice(tf):
  tf.norm(tf.ones([2, 2]), axis=[0, 0])


def axis_that_is_not_there(tf):
  tf.norm(tf.ones([2, 2]), 2, axis=[0, 9])


def pseudo_inverse_of_vector(tf):
  tf.linalg.pinv(tf.constant([1.0]))


def pseudo_inverse_of_integers(tf):
  tf.linalg.pinv(tf.constant([[1]]))


PROGRAMS = [solvers, factors, norms]
VALUES_ONLY = [functions, least_squares, gradients]
ERRORS = [not_invertible, not_square, not_definite, wrong_sides, integers, unknown_norm, unknown_matrix_norm,
          same_axis_twice, axis_that_is_not_there, pseudo_inverse_of_vector, pseudo_inverse_of_integers]
