"""Linear algebra: decompositions, solvers and norms, on matrices in the last two dimensions."""

import numpy as np

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
  """Identity matrices."""
  with ops.name_scope(name, default_name="eye", values=[num_rows, num_columns, batch_shape]):
    is_square = num_columns is None
    batch_shape = [] if batch_shape is None else batch_shape
    num_columns = num_rows if num_columns is None else num_columns
    if isinstance(num_rows, ops.Tensor) or isinstance(num_columns, ops.Tensor):
      diag_size = math_ops.minimum(num_rows, num_columns)
    else:
      if not isinstance(num_rows, ops.Tensor) and not isinstance(num_columns, ops.Tensor):
        num_rows, num_columns = int(num_rows), int(num_columns)
      diag_size = min(num_rows, num_columns)
    if isinstance(batch_shape, ops.Tensor) or isinstance(diag_size, ops.Tensor):
      batch_shape = ops.convert_to_tensor(batch_shape, name="shape", dtype=dtypes.int32)
      diag_shape = array_ops.concat((batch_shape, [diag_size]), axis=0)
      shape = None if is_square else array_ops.concat((batch_shape, [num_rows, num_columns]), axis=0)
    else:
      batch_shape = [int(d) for d in batch_shape]
      diag_shape = batch_shape + [diag_size]
      shape = None if is_square else batch_shape + [num_rows, num_columns]
    diag_ones = array_ops.ones(diag_shape, dtype=dtype)
    if is_square:
      return array_ops.matrix_diag(diag_ones)
    return array_ops.matrix_set_diag(array_ops.zeros(shape, dtype=dtype), diag_ones)


# --- decompositions ---

def cholesky(input, name=None):  # noqa: A002
  """The lower triangular L with L L^H = input, which is Hermitian and positive definite."""
  return _op("Cholesky", name, (input,))


def qr(input, full_matrices=False, name=None):  # noqa: A002
  """(q, r): input = q r with orthonormal columns in q and r upper triangular."""
  return _op("Qr", name, (input,), {"full_matrices": full_matrices})


def lu(input, output_idx_type=dtypes.int32, name=None):  # noqa: A002
  """(lu, p): both triangular factors in one matrix, the lower one with a unit diagonal, and the order of the rows."""
  return _op("Lu", name, (input,), {"output_idx_type": output_idx_type})


def svd(tensor, full_matrices=False, compute_uv=True, name=None):
  """(s, u, v): tensor = u diag(s) v^H, singular values falling; only s without compute_uv."""
  s, u, v = _op("Svd", name, (tensor,), {"compute_uv": compute_uv, "full_matrices": full_matrices})
  return (math_ops.real(s), u, v) if compute_uv else math_ops.real(s)


def self_adjoint_eig(tensor, name=None):
  """(e, v): eigenvalues, rising, and eigenvectors in the columns of v, of Hermitian matrices."""
  e, v = _op("SelfAdjointEigV2", name, (tensor,), {"compute_v": True})
  return e, v


def self_adjoint_eigvals(tensor, name=None):
  """The eigenvalues, rising, of Hermitian matrices."""
  return _op("SelfAdjointEigV2", name, (tensor,), {"compute_v": False})[0]


# --- solvers ---

def matrix_inverse(input, adjoint=False, name=None):  # noqa: A002
  """The inverses, or with `adjoint` those of the adjoints."""
  return _op("MatrixInverse", name, (input,), {"adjoint": adjoint})


def matrix_determinant(input, name=None):  # noqa: A002
  """The determinants."""
  return _op("MatrixDeterminant", name, (input,))


def log_matrix_determinant(input, name=None):  # noqa: A002
  """(sign, logarithm of the magnitude) of the determinants."""
  return _op("LogMatrixDeterminant", name, (input,))


def matrix_solve(matrix, rhs, adjoint=False, name=None):
  """x with matrix x = rhs, or with the adjoint of the matrix."""
  return _op("MatrixSolve", name, (matrix, rhs), {"adjoint": adjoint})


def matrix_triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
  """x with matrix x = rhs, of whose matrix only the lower or the upper triangle is read."""
  return _op("MatrixTriangularSolve", name, (matrix, rhs), {"lower": lower, "adjoint": adjoint})


def cholesky_solve(chol, rhs, name=None):
  """x with A x = rhs, by the Cholesky factor of A."""
  with ops.name_scope(name, "cholesky_solve", [chol, rhs]):
    y = matrix_triangular_solve(chol, rhs, adjoint=False, lower=True)
    return matrix_triangular_solve(chol, y, adjoint=True, lower=True)


def _regularised_cholesky(matrix, regularizer, second):
  """The Cholesky factor of matrix^H matrix, or with `second` of matrix matrix^H, plus a multiple of the identity."""
  gram = math_ops.matmul(matrix, matrix, adjoint_a=not second, adjoint_b=second)
  if regularizer is not None:
    shape = array_ops.shape(gram)
    gram += regularizer * eye(shape[-1], batch_shape=shape[:-2], dtype=matrix.dtype)
  return cholesky(gram)


def matrix_solve_ls(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
  """x with the least |matrix x - rhs|^2 + l2_regularizer |x|^2; of several, the one of the least norm.

  Args:
    matrix: [..., rows, columns].
    rhs: [..., rows, right sides].
    l2_regularizer: a number; without `fast` it does not count.
    fast: whether to go by the normal equations, which need a matrix of full rank that is not too badly conditioned.
      Without it there is no gradient.
  """
  with ops.name_scope(name, "matrix_solve_ls", [matrix, rhs, l2_regularizer]) as name:
    matrix = ops.convert_to_tensor(matrix, name="matrix")
    if not fast:
      return _op("MatrixSolveLs", name, (matrix, rhs, l2_regularizer), {"fast": False})
    regularizer = None
    if not isinstance(l2_regularizer, (int, float)) or l2_regularizer != 0:
      regularizer = ops.convert_to_tensor(l2_regularizer, dtype=matrix.dtype.real_dtype.base_dtype,
                                          name="l2_regularizer")
      regularizer = math_ops.cast(regularizer, matrix.dtype)

    def tall():
      factor = _regularised_cholesky(matrix, regularizer, second=False)
      return cholesky_solve(factor, math_ops.matmul(matrix, rhs, adjoint_a=True))

    def wide():
      factor = _regularised_cholesky(matrix, regularizer, second=True)
      return math_ops.matmul(matrix, cholesky_solve(factor, rhs), adjoint_a=True)

    rows, columns = (None, None) if matrix.shape.ndims is None else matrix.shape[-2:].as_list()
    if rows is not None and columns is not None:
      return tall() if rows >= columns else wide()
    from thalweg.ops import cond
    shape = array_ops.shape(matrix)[-2:]
    return cond.cond(shape[0] >= shape[1], tall, wide)


# --- norms ---

def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):  # noqa: A002
  """The norm of vectors along `axis`, of matrices when it is a pair, or of all the elements as one vector.

  Args:
    tensor: real or complex.
    ord: "euclidean", 1, 2, np.inf or another positive number for vectors; "fro" or "euclidean", 1, 2 (the largest
      singular value) or np.inf for matrices.
    axis: None, an integer, or a pair of integers.
    keepdims: whether the dimensions stay, with size 1.
  """
  keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
  is_matrix = (isinstance(axis, tuple) or isinstance(axis, list)) and len(axis) == 2
  if is_matrix:
    axis = tuple(axis)
    if not np.issubdtype(np.array(axis).dtype, np.integer) or axis[0] == axis[1]:
      raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers, got %s" % (axis,))
    if ord not in ("euclidean", "fro", 1, 2, np.inf):
      raise ValueError("'ord' must be a supported matrix norm in ['euclidean', 'fro', 1, 2, inf], got %s" % ord)
  else:
    if axis is not None and not np.isscalar(axis):
      raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers, got %s" % (axis,))
    if ord not in ("euclidean", 1, 2, np.inf) and (not np.isreal(ord) or ord <= 0):
      raise ValueError("'ord' must be a supported vector norm or a positive number, got %s" % ord)
    if axis is not None:
      axis = (axis,)
  with ops.name_scope(name, "norm", [tensor]):
    tensor = ops.convert_to_tensor(tensor)
    if ord == 2 and is_matrix:
      result = _spectral_norm(tensor, axis)
    elif ord in ("fro", "euclidean", 2):
      result = math_ops.sqrt(math_ops.reduce_sum(tensor * math_ops.conj(tensor), axis, keepdims=True))
    else:
      result = math_ops.abs(tensor)
      if ord == 1:
        result = math_ops.reduce_sum(result, None if axis is None else axis[0], keepdims=True)
        if is_matrix:
          result = math_ops.reduce_max(result, axis[-1], keepdims=True)
      elif ord == np.inf:
        if is_matrix:
          result = math_ops.reduce_sum(result, axis[1], keepdims=True)
        result = math_ops.reduce_max(result, None if axis is None else axis[0], keepdims=True)
      else:
        result = math_ops.pow(math_ops.reduce_sum(math_ops.pow(result, ord), axis, keepdims=True), 1.0 / ord)
    return result if keepdims else array_ops.squeeze(result, axis)


def _spectral_norm(tensor, axis):
  """The largest singular value of the matrices in two dimensions, which stay with size 1."""
  known = tensor.shape.ndims
  if known is not None and any(not -known <= a < known for a in axis):
    raise ValueError("'axis' %s of the norm is not in [%d, %d)" % (axis, -known, known))
  rank = array_ops.rank(tensor)
  places = [a if a >= 0 else a + rank for a in axis]
  order, _ = array_ops.setdiff1d(math_ops.range(rank), array_ops.stack(places))
  order = array_ops.concat([order, places], 0)
  largest = math_ops.reduce_max(svd(array_ops.transpose(tensor, order), compute_uv=False), -1, keepdims=True)
  result = array_ops.transpose(array_ops.expand_dims(largest, -1), array_ops.invert_permutation(order))
  if known is not None:
    sizes = tensor.shape.as_list()
    for a in axis:
      sizes[a] = 1
    result.set_shape(sizes)
  return result


def trace(x, name=None):
  """The sums of the diagonals."""
  with ops.name_scope(name, "Trace", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    return math_ops.reduce_sum(array_ops.matrix_diag_part(x), [-1], name=name)


def matrix_logarithm(input, name=None):  # noqa: A002
  """The principal logarithms of complex matrices [..., n, n]."""
  return _op("MatrixLogarithm", name, (input,))


def matrix_square_root(input, name=None):  # noqa: A002
  """The square roots of matrices [..., n, n]."""
  return _op("MatrixSquareRoot", name, (input,))
