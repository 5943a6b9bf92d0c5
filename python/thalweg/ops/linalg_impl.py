"""Linear algebra made of other operations: logarithms of determinants, exponentials, pseudo-inverses, ranks."""

import math

import numpy as np

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, check_ops, linalg_ops, math_ops, while_loop


def adjoint(matrix, name=None):
  """The conjugate transpose of the last two dimensions."""
  with ops.name_scope(name, "adjoint", [matrix]):
    matrix = ops.convert_to_tensor(matrix, name="matrix")
    return array_ops.matrix_transpose(matrix, conjugate=True)


def logdet(matrix, name=None):
  """The logarithm of the determinant of Hermitian positive definite matrices."""
  with ops.name_scope(name, "logdet", [matrix]):
    factor = linalg_ops.cholesky(matrix)
    return 2.0 * math_ops.reduce_sum(math_ops.log(math_ops.real(array_ops.matrix_diag_part(factor))), axis=[-1])


def normalize(tensor, ord="euclidean", axis=None, name=None):  # noqa: A002
  """(tensor / its norm, the norm); see norm()."""
  with ops.name_scope(name, "normalize", [tensor]):
    tensor = ops.convert_to_tensor(tensor)
    size = linalg_ops.norm(tensor, ord, axis, keepdims=True)
    return tensor / math_ops.cast(size, tensor.dtype), size


# By dtype of the real part: the degree of the Pade approximant and the 1-norm up to which its error is below the unit
# roundoff, from Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005.
_PADE = {"float32": (7, 3.925724783138660), "float64": (13, 5.371920351148152)}


def _pade(matrix, identity, degree):
  """The diagonal Pade approximant of this degree to the exponential."""
  b = [math.factorial(2 * degree - j) * math.factorial(degree) /
       (math.factorial(2 * degree) * math.factorial(degree - j) * math.factorial(j)) for j in range(degree + 1)]
  square = math_ops.matmul(matrix, matrix)
  powers = [identity, square]  # of the square
  while len(powers) <= min(degree // 2, 3):
    powers.append(math_ops.matmul(powers[-1], square))

  def weighted(coefficients):
    """The polynomial in the square with these coefficients, those above its cube by Horner's rule."""
    total = math_ops.add_n([p * c for p, c in zip(powers, coefficients)])
    if len(coefficients) > len(powers):
      above = math_ops.add_n([p * c for p, c in zip(powers[1:], coefficients[len(powers):])])
      total += math_ops.matmul(powers[-1], above)
    return total

  odd = math_ops.matmul(matrix, weighted(b[1::2]))
  even = weighted(b[0::2])
  return linalg_ops.matrix_solve(even - odd, even + odd)


def matrix_exponential(input, name=None):  # noqa: A002
  """The exponential of matrices, by scaling and squaring."""
  with ops.name_scope(name, "matrix_exponential", [input]):
    matrix = ops.convert_to_tensor(input, name="input")
    if matrix.shape[-2:] == [0, 0]:
      return matrix
    if matrix.dtype == dtypes.float16:
      # Its range does not hold the coefficients.
      return math_ops.cast(matrix_exponential(math_ops.cast(matrix, dtypes.float32)), dtypes.float16)
    real = matrix.dtype.real_dtype
    if real.name not in _PADE:
      raise ValueError("tf.linalg.expm does not support matrices of type %s" % matrix.dtype)
    degree, limit = _PADE[real.name]
    shape = array_ops.shape(matrix)
    matrices = array_ops.reshape(matrix, array_ops.concat([[-1], shape[-2:]], axis=0))
    size = math_ops.reduce_max(math_ops.reduce_sum(math_ops.abs(matrices), axis=-2), axis=-1)
    halvings = math_ops.maximum(math_ops.ceil(math_ops.log(size / limit) / math.log(2.0)), 0)
    # Without end for a matrix that is not finite; the solver refuses that one.
    halvings = array_ops.where(math_ops.is_finite(halvings), halvings, array_ops.zeros_like(halvings))
    halvings = array_ops.reshape(halvings, [-1, 1, 1])
    scale = math_ops.cast(math_ops.pow(array_ops.constant(2.0, real), -halvings), matrix.dtype)
    identity = linalg_ops.eye(shape[-1], batch_shape=[array_ops.shape(matrices)[0]], dtype=matrix.dtype)
    result = _pade(matrices * scale, identity, degree)
    steps = math_ops.reduce_max(halvings)

    def square(i, r):
      return i + 1, array_ops.where_v2(i < halvings, math_ops.matmul(r, r), r)

    i = array_ops.constant(0, real)
    _, result = while_loop.while_loop(lambda i, _: i < steps, square, [i, result],
                                      shape_invariants=[i.shape, result.shape])
    result = array_ops.reshape(result, shape)
    result.set_shape(matrix.shape)
    return result


def _matrices(a, validate_args, dependent):
  """`a`, checked to have two dimensions or more: now, or with validate_args when it runs."""
  if a.shape.ndims is not None:
    if a.shape.ndims < 2:
      raise ValueError("Input `a` must have at least 2 dimensions (saw: %d)" % a.shape.ndims)
    return a
  if not validate_args:
    return a
  with ops.control_dependencies([check_ops.assert_rank_at_least(
      a, rank=2, message="Input `a` must have at least 2 dimensions")]):
    return array_ops.identity(a, name=dependent)


def _larger_side(a):
  """max(rows, columns) as a float of the type of `a`."""
  sides = a.shape[-2:]
  if sides.is_fully_defined():
    return float(max(sides.as_list()))
  return math_ops.cast(math_ops.reduce_max(array_ops.shape(a)[-2:]), a.dtype.real_dtype)


def matrix_rank(a, tol=None, validate_args=False, name=None):
  """How many singular values are above `tol`, which by default is the largest times eps times the larger side."""
  with ops.name_scope(name, "matrix_rank", [a, tol]):
    a = _matrices(ops.convert_to_tensor(a, name="a"), validate_args, "a")
    s = linalg_ops.svd(a, compute_uv=False)
    if tol is None:
      eps = np.finfo(s.dtype.as_numpy_dtype).eps
      tol = eps * _larger_side(a) * math_ops.reduce_max(s, axis=-1, keepdims=True)
    return math_ops.reduce_sum(math_ops.cast(s > tol, dtypes.int32), axis=-1)


def pinv(a, rcond=None, validate_args=False, name=None):
  """The Moore-Penrose pseudo-inverse; singular values below `rcond` (10 eps times the larger side) times the largest
  count as zero."""
  with ops.name_scope(name, "pinv", [a, rcond]):
    a = ops.convert_to_tensor(a, name="a")
    if not a.dtype.is_floating:
      raise TypeError("Input `a` must have `float`-like `dtype` (saw %s)" % a.dtype.name)
    a = _matrices(a, validate_args, "a")
    if rcond is None:
      rcond = 10. * np.finfo(a.dtype.as_numpy_dtype).eps * _larger_side(a)
    rcond = ops.convert_to_tensor(rcond, dtype=a.dtype, name="rcond")
    s, u, v = linalg_ops.svd(a, full_matrices=False, compute_uv=True)
    cutoff = rcond * math_ops.reduce_max(s, axis=-1)
    s = array_ops.where_v2(s > array_ops.expand_dims(cutoff, -1), s, array_ops.constant(np.inf, s.dtype))
    result = math_ops.matmul(v / array_ops.expand_dims(s, -2), u, adjoint_b=True)
    if a.shape.ndims is not None:
      result.set_shape(a.shape[:-2].concatenate([a.shape[-1], a.shape[-2]]))
    return result
