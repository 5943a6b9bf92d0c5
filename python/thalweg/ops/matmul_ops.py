"""Products of matrices and tensors."""

import numpy as np

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops


def sparse_matmul(a, b, transpose_a=False, transpose_b=False, a_is_sparse=False, b_is_sparse=False, name=None):
  """The matrix product; the hints that an argument is mostly zeros change nothing."""
  return matmul(a, b, transpose_a, transpose_b, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, name=name)


def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
           b_is_sparse=False, name=None):
  """The matrix product; over the last two dimensions when there are more."""
  with ops.name_scope(name, "MatMul", [a, b]) as name:
    if transpose_a and adjoint_a:
      raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
      raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    a = ops.convert_to_tensor(a, name="a")
    b = ops.convert_to_tensor(b, name="b")
    a_rank, b_rank = a.shape.ndims, b.shape.ndims
    batched = a_rank is None or a_rank > 2 or b_rank is None or b_rank > 2
    if batched and not a_is_sparse and not b_is_sparse:
      if transpose_a:
        a, adjoint_a = math_ops.conj(a), True
      if transpose_b:
        b, adjoint_b = math_ops.conj(b), True
      return _op("BatchMatMulV2", name, (a, b), {"adj_x": adjoint_a, "adj_y": adjoint_b})
    if adjoint_a:
      a, transpose_a = math_ops.conj(a), True
    if adjoint_b:
      b, transpose_b = math_ops.conj(b), True
    return _op("MatMul", name, (a, b), {"transpose_a": transpose_a, "transpose_b": transpose_b})


def matvec(a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None):
  """Matrices [..., m, n] times vectors [..., n]: [..., m]."""
  with ops.name_scope(name, "MatVec", [a, b]) as name:
    output = matmul(a, array_ops.expand_dims(b, axis=-1), transpose_a=transpose_a, adjoint_a=adjoint_a,
                    a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse)
    return array_ops.squeeze(output, axis=-1)


def batch_matmul(x, y, adj_x=False, adj_y=False, name=None):
  return _op("BatchMatMul", name, (x, y), {"adj_x": adj_x, "adj_y": adj_y})


def tensordot(a, b, axes, name=None):
  """The sum of products over the given axes of a and b."""

  def reshape_to_matrix(a, axes, flipped):
    rank = a.shape.ndims
    if a.shape.is_fully_defined() and isinstance(axes, (list, tuple)):
      shape = a.shape.as_list()
      axes = [i if i >= 0 else i + rank for i in axes]
      free = [i for i in range(rank) if i not in axes]
      free_dims = [shape[i] for i in free]
      prod_free, prod_axes = int(np.prod(free_dims)), int(np.prod([shape[i] for i in axes]))
      perm = list(axes) + free if flipped else free + list(axes)
      new_shape = [prod_axes, prod_free] if flipped else [prod_free, prod_axes]
      return array_ops.reshape(array_ops.transpose(a, perm), new_shape), free_dims, free_dims
    if rank is not None and isinstance(axes, (list, tuple)):
      shape_static = a.shape.as_list()
      axes = [i if i >= 0 else i + rank for i in axes]
      free = [i for i in range(rank) if i not in axes]
      free_static = [shape_static[i] for i in free]
      axes_t = ops.convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
      free_t = ops.convert_to_tensor(free, dtype=dtypes.int32, name="free")
      shape = array_ops.shape(a)
    else:
      free_static = None
      shape = array_ops.shape(a)
      rank_t = array_ops.rank(a)
      axes_t = ops.convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
      axes_t = array_ops.where(axes_t >= 0, axes_t, axes_t + rank_t)
      free_t, _ = array_ops.setdiff1d(math_ops.range(rank_t), axes_t)
    free_dims = array_ops.gather(shape, free_t)
    axes_dims = array_ops.gather(shape, axes_t)
    prod_free, prod_axes = math_ops.reduce_prod(free_dims), math_ops.reduce_prod(axes_dims)
    if flipped:
      perm, new_shape = array_ops.concat([axes_t, free_t], 0), array_ops.stack([prod_axes, prod_free])
    else:
      perm, new_shape = array_ops.concat([free_t, axes_t], 0), array_ops.stack([prod_free, prod_axes])
    return array_ops.reshape(array_ops.transpose(a, perm), new_shape), free_dims, free_static

  with ops.name_scope(name, "Tensordot", [a, b, axes]) as name:
    a = ops.convert_to_tensor(a, name="a")
    b = ops.convert_to_tensor(b, name="b")
    if isinstance(axes, (int, np.integer)):
      if axes < 0:
        raise ValueError("'axes' must be at least 0.")
      if a.shape.ndims is not None:
        if axes > a.shape.ndims:
          raise ValueError("'axes' must not be larger than the number of dimensions of tensor %s." % a)
        a_axes, b_axes = list(range(a.shape.ndims - axes, a.shape.ndims)), list(range(axes))
      else:
        rank = array_ops.rank(a)
        a_axes, b_axes = math_ops.range(rank - axes, rank), math_ops.range(axes)
    elif isinstance(axes, (list, tuple)):
      if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
      a_axes, b_axes = axes
      a_axes = [a_axes] if isinstance(a_axes, (int, np.integer)) else list(a_axes)
      b_axes = [b_axes] if isinstance(b_axes, (int, np.integer)) else list(b_axes)
      if len(a_axes) != len(b_axes):
        raise ValueError("Different number of contraction axes 'a' and 'b', %s != %s." % (len(a_axes), len(b_axes)))
    else:
      axes = ops.convert_to_tensor(axes, name="axes", dtype=dtypes.int32)
      a_axes, b_axes = axes[0], axes[1]
    a_matrix, a_free, a_static = reshape_to_matrix(a, a_axes, False)
    b_matrix, b_free, b_static = reshape_to_matrix(b, b_axes, True)
    product = matmul(a_matrix, b_matrix)
    if isinstance(a_free, list) and isinstance(b_free, list):
      return array_ops.reshape(product, a_free + b_free, name=name)
    a_free = ops.convert_to_tensor(a_free, dtype=dtypes.int32)
    b_free = ops.convert_to_tensor(b_free, dtype=dtypes.int32)
    product = array_ops.reshape(product, array_ops.concat([a_free, b_free], 0), name=name)
    if a_static is not None and b_static is not None:
      product.set_shape(a_static + b_static)
    return product
