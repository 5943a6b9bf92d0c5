"""Arithmetic on sparse tensors."""

from thalweg.framework import ops
from thalweg.framework.op_create import op as _op
from thalweg.framework.sparse_tensor import SparseTensor, SparseTensorValue, as_sparse, parts
from thalweg.ops import math_ops
from thalweg.util.deprecation import deprecated_argument_lookup
from thalweg.util.functions import named


def sparse_add(a, b, threshold=None, thresh=None):
  """The sum: sparse for two sparse tensors, dense when one of them is. Entries of a sparse sum whose magnitude is below
  `threshold` (0) are left out."""
  threshold = deprecated_argument_lookup("threshold", threshold, "thresh", thresh)
  kinds = (SparseTensor, SparseTensorValue)
  if not isinstance(a, kinds) and not isinstance(b, kinds):
    raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
  if isinstance(a, kinds) and isinstance(b, kinds):
    a, b = as_sparse(a), as_sparse(b)
    threshold = ops.convert_to_tensor(0 if threshold is None else threshold, dtype=a.values.dtype.real_dtype.base_dtype,
                                      name="threshold")
    indices, values, shape = _op("SparseAdd", None, parts(a) + parts(b) + (threshold,))
    a.shape.assert_is_compatible_with(b.shape)
    known = a.shape.merge_with(b.shape)
    return SparseTensor(indices, values, known.as_list() if known.is_fully_defined() else shape)
  if isinstance(b, kinds):
    a, b = b, a
  return _op("SparseTensorDenseAdd", None, parts(as_sparse(a)) + (b,))


def sparse_dense_cwise_add(sp_t, dense_t):
  """The entries plus the elements of a dense tensor, which broadcasts, at their places."""
  return SparseTensor(sp_t.indices, _op("SparseDenseCwiseAdd", None, parts(sp_t) + (dense_t,)), sp_t.dense_shape)


def sparse_tensor_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
  """The product of a sparse and a dense matrix."""
  sp_a = as_sparse(sp_a)
  with ops.name_scope(name, "SparseTensorDenseMatMul", [sp_a.indices, sp_a.values, b]):
    b = ops.convert_to_tensor(b, name="b")
    return _op("SparseTensorDenseMatMul", None, parts(sp_a) + (b,),
               {"adjoint_a": adjoint_a, "adjoint_b": adjoint_b})


def sparse_softmax(sp_input, name=None):
  """The softmax over the entries of each innermost row."""
  with ops.name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]):
    return SparseTensor(sp_input.indices, _op("SparseSoftmax", None, parts(sp_input)), sp_input.dense_shape)


def _extreme(fn_name, op_type, doc):

  def fn(sp_a, sp_b, name=None):
    with ops.name_scope(name, op_type, [sp_a.indices, sp_a.values, sp_b.indices, sp_b.values]) as name:
      return SparseTensor(*_op(op_type, name, parts(sp_a) + parts(sp_b)), dense_shape=sp_a.dense_shape)

  return named(fn, fn_name, doc)


sparse_maximum = _extreme("sparse_maximum", "SparseSparseMaximum",
                          "The larger of each two entries; where one tensor has none, it counts as 0.")
sparse_minimum = _extreme("sparse_minimum", "SparseSparseMinimum",
                          "The smaller of each two entries; where one tensor has none, it counts as 0.")


def _reduction(fn_name, op_type, doc):

  def fn(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    axis = deprecated_argument_lookup("axis", axis, "reduction_axes", reduction_axes)
    keepdims = deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims)
    made = _op(op_type, None, parts(sp_input) + (math_ops._reduction_dims(sp_input, axis),),
               {"keep_dims": bool(keepdims)})
    return SparseTensor(*made) if op_type.endswith("Sparse") else made

  return named(fn, fn_name, doc)


sparse_reduce_sum = _reduction("sparse_reduce_sum", "SparseReduceSum", "Sums over dimensions, as a dense tensor.")
sparse_reduce_sum_sparse = _reduction("sparse_reduce_sum_sparse", "SparseReduceSumSparse",
                                      "Sums over dimensions, as a sparse tensor.")
sparse_reduce_max = _reduction("sparse_reduce_max", "SparseReduceMax",
                               "Largest entries over dimensions, as a dense tensor with 0 where there is none.")
sparse_reduce_max_sparse = _reduction("sparse_reduce_max_sparse", "SparseReduceMaxSparse",
                                      "Largest entries over dimensions, as a sparse tensor.")
