"""Linear algebra."""

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops


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


def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):  # noqa: A002
  """Vector and matrix norms."""
  import numpy as np
  keepdims = keep_dims if keepdims is None else keepdims
  keepdims = bool(keepdims)
  is_matrix = isinstance(axis, tuple) or isinstance(axis, list)
  if is_matrix:
    axis = tuple(axis)
    if len(axis) != 2:
      raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
  with ops.name_scope(name, "norm", [tensor]):
    tensor = ops.convert_to_tensor(tensor)
    if ord in ("fro", "euclidean", 2, 2.0):
      if is_matrix and ord in (2, 2.0):
        raise ValueError("'ord' not supported for matrices: %s" % ord)
      result = math_ops.sqrt(math_ops.reduce_sum(tensor * math_ops.conj(tensor), axis, keepdims=True))
    else:
      result = math_ops.abs(tensor)
      if ord == 1:
        result = math_ops.reduce_sum(result, None if axis is None else axis[0] if is_matrix else axis, keepdims=True)
        if is_matrix:
          result = math_ops.reduce_max(result, axis[-1], keepdims=True)
      elif ord == np.inf:
        if is_matrix:
          result = math_ops.reduce_sum(result, axis[1], keepdims=True)
        result = math_ops.reduce_max(result, None if axis is None else axis[0] if is_matrix else axis, keepdims=True)
      else:
        if is_matrix:
          raise ValueError("'ord' not supported for matrices: %s" % ord)
        result = math_ops.pow(math_ops.reduce_sum(math_ops.pow(result, ord), axis, keepdims=True), 1.0 / ord)
    return result if keepdims else array_ops.squeeze(result, axis)


def trace(x, name=None):
  with ops.name_scope(name, "Trace", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    return math_ops.reduce_sum(array_ops.matrix_diag_part(x), [-1], name=name)


def matrix_solve_ls(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
  """The x of least |matrix x - rhs|^2 + l2_regularizer |x|^2; [..., m, n] and [..., m, k] give [..., n, k].

  fast solves the normal equations, and fails for matrices that are close to rank-deficient; without it the solution is
  the one of least norm, l2_regularizer is not used, and there is no gradient.
  """
  return _op("MatrixSolveLs", name, (matrix, rhs, l2_regularizer), {"fast": fast})


def matrix_exponential(input, name=None):  # noqa: A002
  return _op("MatrixExponential", name, (input,))


def matrix_logarithm(input, name=None):  # noqa: A002
  return _op("MatrixLogarithm", name, (input,))


def matrix_square_root(input, name=None):  # noqa: A002
  return _op("MatrixSquareRoot", name, (input,))
