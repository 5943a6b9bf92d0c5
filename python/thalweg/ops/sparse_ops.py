"""Sparse tensors: making them, and changing what shape, place and order their entries have.

Functions take a SparseTensor or a SparseTensorValue; anything else is a TypeError. Sums, products and other arithmetic
are in sparse_math_ops, and can be had from here too.
"""

import numpy as np

from thalweg.framework import dtypes, ops, tensor_shape, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.framework.sparse_tensor import SparseTensor, SparseTensorValue, as_sparse, parts
from thalweg.framework.tensor import IndexedSlices, Tensor
from thalweg.ops import array_ops, check_ops, control_flow_ops, math_ops
from thalweg.util.deprecation import deprecated_argument_lookup


class KeywordRequired:
  """Stands where a function takes only named arguments."""

  def __repr__(self):
    return "KeywordRequired()"


def _sparse_list(values):
  if not isinstance(values, (list, tuple)):
    raise TypeError("Inputs must be a list.")
  return [as_sparse(x) for x in values]


def _int64(value, name):
  if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
    return ops.convert_to_tensor(value, name=name, dtype=dtypes.int64)
  return math_ops.cast(value, dtypes.int64)


# --- making ---

def from_dense(tensor, name=None):
  """The elements that are not zero."""
  with ops.name_scope(name, "dense_to_sparse"):
    tensor = ops.convert_to_tensor(tensor)
    indices = array_ops.where_v2(math_ops.not_equal(tensor, array_ops.constant(0, tensor.dtype)))
    values = array_ops.gather_nd(tensor, indices)
    return SparseTensor(indices, values, array_ops.shape(tensor, out_type=dtypes.int64))


def sparse_eye(num_rows, num_columns=None, dtype=dtypes.float32, name=None):
  """A matrix with ones on its diagonal."""
  with ops.name_scope(name, default_name="eye", values=[num_rows, num_columns]):
    num_rows = _int64(num_rows, "num_rows")
    num_columns = num_rows if num_columns is None else _int64(num_columns, "num_columns")
    size = math_ops.minimum(num_rows, num_columns)
    along = math_ops.range(size, dtype=dtypes.int64)
    return SparseTensor(indices=array_ops.stack([along, along], axis=1), values=array_ops.ones(size, dtype=dtype),
                        dense_shape=[num_rows, num_columns])


# --- joining and parting ---

def sparse_concat(axis, sp_inputs, name=None, expand_nonconcat_dim=False, concat_dim=None, expand_nonconcat_dims=None):
  """Sparse tensors joined along an axis; with expand_nonconcat_dims their other sizes may differ."""
  expand_nonconcat_dim = deprecated_argument_lookup("expand_nonconcat_dims", expand_nonconcat_dims,
                                                    "expand_nonconcat_dim", expand_nonconcat_dim or None)
  axis = deprecated_argument_lookup("axis", axis, "concat_dim", concat_dim)
  sp_inputs = _sparse_list(sp_inputs)
  if len(sp_inputs) == 1:
    return sp_inputs[0]
  shapes = [x.dense_shape for x in sp_inputs]
  if expand_nonconcat_dim:
    largest = math_ops.reduce_max(array_ops.concat([array_ops.reshape(s, [1, -1]) for s in shapes], 0), 0)
    shapes = [array_ops.concat([largest[:axis], s[-1:] if axis == -1 else s[axis:axis + 1],
                                [] if axis == -1 else largest[axis + 1:]], 0) for s in shapes]
  indices, values, shape = _op("SparseConcat", name,
                               ([x.indices for x in sp_inputs], [x.values for x in sp_inputs], shapes),
                               {"concat_dim": axis})
  if not expand_nonconcat_dim and all(x.shape.is_fully_defined() for x in sp_inputs):
    sizes = sp_inputs[0].shape.as_list()
    sizes[axis] = sum(x.shape.as_list()[axis] for x in sp_inputs)
    shape = ops.convert_to_tensor(sizes, dtypes.int64)
  return SparseTensor(indices, values, shape)


def sparse_split(keyword_required=KeywordRequired(), sp_input=None, num_split=None, axis=None,
                 name=None, split_dim=None):
  """A list of `num_split` parts along an axis; the first ones are larger by one where its size does not divide."""
  if not isinstance(keyword_required, KeywordRequired):
    raise ValueError("Keyword arguments are required for this function.")
  axis = deprecated_argument_lookup("axis", axis, "split_dim", split_dim)
  for key, value in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
    if value is None:
      raise ValueError("%s is required" % key)
  sp_input = as_sparse(sp_input)
  made = _op("SparseSplit", name, (axis,) + parts(sp_input), {"num_split": num_split})
  return [SparseTensor(*parts) for parts in zip(*made)]


def sparse_slice(sp_input, start, size, name=None):
  """The entries within the box of `size` that begins at `start`."""
  sp_input = as_sparse(sp_input)
  start = ops.convert_to_tensor(start, dtypes.int64)
  size = ops.convert_to_tensor(size, dtypes.int64)
  with ops.name_scope(name, "SparseSlice", [sp_input]) as name:
    return SparseTensor(*_op("SparseSlice", name, parts(sp_input) + (start, size)))


def sparse_retain(sp_input, to_retain):
  """The entries where the vector of booleans says so."""
  sp_input = as_sparse(sp_input)
  to_retain = ops.convert_to_tensor(to_retain)
  count = to_retain.shape
  count.assert_has_rank(1)
  if sp_input.values.shape.dims is not None:
    sp_input.values.shape.dims[0].merge_with(tensor_shape.dimension_at_index(count, 0))
  kept = array_ops.reshape(array_ops.where(to_retain), [-1])
  return SparseTensor(array_ops.gather(sp_input.indices, kept), array_ops.gather(sp_input.values, kept),
                      array_ops.identity(sp_input.dense_shape))


def sparse_mask(a, mask_indices, name=None):
  """IndexedSlices without the rows that `mask_indices` names."""
  with ops.name_scope(name, "sparse_mask", [a, mask_indices]) as name:
    indices, rows = array_ops.setdiff1d(a.indices, mask_indices)
    return IndexedSlices(array_ops.gather(a.values, rows, name=name), indices, a.dense_shape)


# --- shape and order ---

def sparse_reorder(sp_input, name=None):
  """The entries in row-major order, as most operations want them."""
  sp_input = as_sparse(sp_input)
  indices, values = _op("SparseReorder", name, parts(sp_input))
  shape = sp_input.shape
  return SparseTensor(indices, values, shape if shape.is_fully_defined() else array_ops.identity(sp_input.dense_shape))


def sparse_reshape(sp_input, shape, name=None):
  """The entries at the same places of another shape; one size may be -1 and is found out."""
  sp_input = as_sparse(sp_input)
  # As in TensorFlow, sizes that operations compute are not looked up, even where they could be.
  told = [shape] if isinstance(shape, Tensor) else shape if isinstance(shape, (list, tuple)) else []
  computed = any(isinstance(t, Tensor) and t.op.type != "Const" for t in told)
  shape = math_ops.cast(shape, dtype=dtypes.int64)
  with ops.name_scope(name, "SparseReshape", [sp_input]) as name:
    indices, new_shape = _op("SparseReshape", name, (sp_input.indices, sp_input.dense_shape, shape))
    sizes = None if computed else tensor_util.constant_value(shape)
    if sizes is not None and sp_input.shape.is_fully_defined():
      unknown = [i for i, d in enumerate(sizes) if d == -1]
      if len(unknown) > 1:
        raise ValueError("At most one dimension can be inferred (-1). Found: %s" % sizes)
      wanted, count = [int(d) for d in sizes], int(np.prod(sp_input.shape.as_list()))
      if unknown:
        rest = int(np.prod([d for d in wanted if d != -1]))
        wanted[unknown[0]] = count // rest if rest else 0
      if int(np.prod(wanted)) != count:
        raise ValueError("Cannot reshape a tensor with %d elements to shape %s (%d elements)." % (
            count, wanted, int(np.prod(wanted))))
      new_shape = ops.convert_to_tensor(wanted, dtypes.int64)
    return SparseTensor(indices, array_ops.identity(sp_input.values), new_shape)


def sparse_expand_dims(sp_input, axis=None, name=None):
  """A dimension of size 1 before dimension `axis`, the last by default."""
  rank = sp_input.dense_shape.shape[0]
  axis = -1 if axis is None else axis
  with ops.name_scope(name, default_name="expand_dims", values=[sp_input]):
    if isinstance(axis, (int, np.integer)):
      axis = ops.convert_to_tensor(axis, name="axis", dtype=dtypes.int32)
    elif not isinstance(axis, Tensor):
      raise TypeError("axis must be an integer value in range [-rank(sp_input) - 1, rank(sp_input)]")
    axis = array_ops.where_v2(axis >= 0, axis, axis + rank + 1)
    column = array_ops.zeros([array_ops.shape(sp_input.indices)[0], 1], dtype=dtypes.int64)
    indices = array_ops.concat([array_ops.slice(sp_input.indices, [0, 0], [-1, axis]), column,
                                array_ops.slice(sp_input.indices, [0, axis], [-1, -1])], axis=1)
    before = array_ops.slice(sp_input.dense_shape, [0], [axis])
    after = array_ops.slice(sp_input.dense_shape, [axis], [-1])
    one = ops.convert_to_tensor([1], name="new_shape", dtype=dtypes.int64)
    shape = array_ops.concat([before, one, after], axis=0)
    return SparseTensor(indices=indices, values=sp_input.values, dense_shape=shape)


def sparse_transpose(sp_input, perm=None, name=None):
  """The dimensions in the order `perm`, reversed by default."""
  with ops.name_scope(name, "SparseTranspose", [sp_input]) as name:
    given = perm
    if perm is None:
      rank = array_ops.rank(sp_input)
      perm = (rank - 1) - math_ops.range(0, rank, 1)
    indices = array_ops.transpose(array_ops.gather(array_ops.transpose(sp_input.indices), perm))
    order = None if given is None else tensor_util.constant_value(ops.convert_to_tensor(given))
    if order is not None and sp_input.shape.is_fully_defined():
      sizes = sp_input.shape.as_list()
      shape = [sizes[p] for p in order]
    else:
      shape = array_ops.gather(sp_input.dense_shape, perm)
    return sparse_reorder(SparseTensor(indices, sp_input.values, shape))


def sparse_reset_shape(sp_input, new_shape=None):
  """The entries in a larger shape, or in the smallest that holds them."""
  sp_input = as_sparse(sp_input)
  indices = array_ops.identity(sp_input.indices)
  values = array_ops.identity(sp_input.values)
  shape = array_ops.identity(sp_input.dense_shape)
  if new_shape is None:
    largest = math_ops.reduce_max(indices, axis=0)
    # Not below zero: without entries the largest index is the lowest integer.
    return SparseTensor(indices, values, math_ops.maximum(array_ops.constant(0, dtype=dtypes.int64), math_ops.add(
        largest, array_ops.ones_like(shape))))
  output = ops.convert_to_tensor(new_shape)
  output.shape.assert_has_rank(1)
  output = math_ops.cast(output, dtypes.int64)
  if output.shape.is_fully_defined() and shape.shape.is_fully_defined():
    output.shape.dims[0].merge_with(shape.shape.dims[0])
  wanted = tensor_util.constant_value(output)
  if wanted is not None and sp_input.shape.is_fully_defined():
    if not np.all(np.array(sp_input.shape.as_list()) <= wanted):
      raise ValueError("Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape (%s), "
                       "sp_input.shape (%s)." % (sp_input.shape.as_list(), wanted))
    output = wanted
  else:
    output = control_flow_ops.with_dependencies(
        [check_ops.assert_equal(array_ops.shape(shape), array_ops.shape(output))], output)
    output = control_flow_ops.with_dependencies([check_ops.assert_less_equal(shape, output)], output)
  return SparseTensor(indices, values, output)


def sparse_fill_empty_rows(sp_input, default_value, name=None):
  """(the tensor with an entry `default_value` at the start of each row that had none, which rows those were)."""
  sp_input = as_sparse(sp_input)
  with ops.name_scope(name, "SparseFillEmptyRows", [sp_input]):
    default_value = ops.convert_to_tensor(default_value, dtype=sp_input.values.dtype)
    indices, values, empty, _ = _op("SparseFillEmptyRows", None, parts(sp_input) + (default_value,))
    return SparseTensor(indices=indices, values=values, dense_shape=sp_input.dense_shape), empty


# --- dense forms, and joining ids with values ---

def sparse_to_dense(sparse_indices, output_shape, sparse_values, default_value=0, validate_indices=True, name=None):
  """A dense tensor with values at indices and `default_value` elsewhere."""
  return _op("SparseToDense", name, (sparse_indices, output_shape, sparse_values, default_value),
             {"validate_indices": validate_indices})


def sparse_tensor_to_dense(sp_input, default_value=None, validate_indices=True, name=None):
  """The dense tensor; `default_value` (zero) stands where the sparse one says nothing."""
  sp_input = as_sparse(sp_input)
  if default_value is None:
    default_value = array_ops.zeros([], dtype=sp_input.dtype)
  return sparse_to_dense(sp_input.indices, sp_input.dense_shape, sp_input.values, default_value=default_value,
                         validate_indices=validate_indices, name=name)


def sparse_to_indicator(sp_input, vocab_size, name=None):
  """Dense booleans [..., vocab_size]: which ids below `vocab_size` the innermost rows hold."""
  sp_input = as_sparse(sp_input)
  with ops.name_scope(name, "SparseToIndicator", [sp_input]) as name:
    count = array_ops.shape(sp_input.indices)[0]
    yes = array_ops.fill(array_ops.expand_dims(count, 0), True)
    found = sparse_merge(sp_input, SparseTensor(sp_input.indices, yes, sp_input.dense_shape), vocab_size, name)
    return sparse_tensor_to_dense(found, False, validate_indices=False, name=name)


def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
  """Values at the places their ids name: the last dimension of the ids gives way to one of `vocab_size`, or to several
  for a list of ids and of sizes."""
  if isinstance(sp_values, SparseTensorValue):
    sp_values = SparseTensor.from_value(sp_values)
  if not isinstance(sp_ids, (SparseTensor, SparseTensorValue)):
    if not isinstance(sp_ids, (list, tuple)):
      raise TypeError("sp_ids has to be a SparseTensor or list thereof. Found %s" % type(sp_ids))
    if not isinstance(vocab_size, (list, tuple)):
      raise TypeError("vocab_size has to be a list of Tensors or Python ints. Found %s" % type(vocab_size))
    if len(sp_ids) != len(vocab_size):
      raise ValueError("sp_ids and vocab_size have to have equal lengths.")
  else:
    if isinstance(vocab_size, (list, tuple)):
      raise TypeError("vocab_size has to be an integer for one SparseTensor of ids. Found %s" % type(vocab_size))
    sp_ids, vocab_size = [sp_ids], [vocab_size]
  with ops.name_scope(name, "SparseMerge", [sp_ids[0], sp_values]):
    sp_ids, sp_values = [as_sparse(x) for x in sp_ids], as_sparse(sp_values)
    columns = []
    for x in sp_ids:
      ids = x.values
      if x.dtype != dtypes.int64:
        ids = math_ops.cast(ids, dtypes.int64)
      columns.append(array_ops.expand_dims(ids, axis=1))
    sizes = [math_ops.cast(x, dtypes.int64) for x in vocab_size]
    indices = array_ops.concat([sp_ids[0].indices[:, :-1]] + columns, 1)
    shape = array_ops.concat([sp_ids[0].dense_shape[:-1], sizes], 0)
    merged = SparseTensor(indices, sp_values.values, shape)
    if already_sorted:
      return merged
    in_order = sparse_reorder(merged)
    return SparseTensor(in_order.indices, in_order.values, shape)


# This module uses what is above.
from thalweg.ops.sparse_math_ops import (  # noqa: E402, F401
    sparse_add, sparse_dense_cwise_add, sparse_maximum, sparse_minimum, sparse_reduce_max, sparse_reduce_max_sparse,
    sparse_reduce_sum, sparse_reduce_sum_sparse, sparse_softmax, sparse_tensor_dense_matmul)
