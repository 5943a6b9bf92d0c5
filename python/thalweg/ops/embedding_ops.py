"""Rows of embedding tables."""

from thalweg.framework import dtypes, ops, sparse_tensor, tensor_shape
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, clip_ops, math_ops, sparse_ops
from thalweg.ops.partitioned_variable import PartitionedVariable


def _gather(params, ids, name=None):
  if hasattr(params, "sparse_read"):
    return params.sparse_read(ids, name=name)
  return array_ops.gather(params, ids, name=name)


def _clip(values, ids, max_norm):
  if max_norm is None:
    return values
  ids_rank, values_rank = ids.shape.ndims, values.shape.ndims
  axes = (list(range(ids_rank, values_rank)) if ids_rank is not None and values_rank is not None
          else math_ops.range(array_ops.rank(ids), array_ops.rank(values)))
  return clip_ops.clip_by_norm(values, max_norm, axes=axes)


def embedding_lookup(params, ids, partition_strategy="mod", name=None, validate_indices=True, max_norm=None):
  """Rows `ids` of a table that may be split over a list of tensors."""
  if params is None or isinstance(params, (list, tuple)) and len(params) < 1:
    raise ValueError("Need at least one param")
  if isinstance(params, PartitionedVariable):
    params = list(params)
  if not isinstance(params, (list, tuple)):
    params = [params]
  with ops.name_scope(name, "embedding_lookup", list(params) + [ids]) as name:
    count = len(params)
    if not any(hasattr(p, "sparse_read") for p in params):
      params = ops.convert_n_to_tensor_or_indexed_slices(params, name="params")
    ids = ops.convert_to_tensor(ids, name="ids")
    if count == 1:
      with ops.colocate_with(params[0]):
        result = _clip(_gather(params[0], ids, name=name), ids, max_norm)
      # Outside the block: what uses the rows need not be where the table is.
      return array_ops.identity(result)
    flat_ids = array_ops.reshape(ids, [-1])
    original = math_ops.range(array_ops.size(flat_ids))
    if partition_strategy == "mod":
      p_assignments, new_ids = flat_ids % count, flat_ids // count
    elif partition_strategy == "div":
      sizes = [p.shape.dims[0].value for p in params]
      if any(s is None for s in sizes):
        total = math_ops.cast(sum(array_ops.shape(p)[0] for p in params), flat_ids.dtype)
      else:
        total = array_ops.constant(sum(sizes), flat_ids.dtype)
      ids_per, extras = total // count, total % count
      p_assignments = math_ops.maximum(flat_ids // (ids_per + 1), (flat_ids - extras) // ids_per)
      new_ids = array_ops.where(p_assignments < extras, flat_ids % (ids_per + 1), (flat_ids - extras) % ids_per)
    else:
      raise ValueError("Unrecognized partition strategy: " + partition_strategy)
    p_assignments = math_ops.cast(p_assignments, dtypes.int32)
    gather_ids = _op("DynamicPartition", None, (new_ids, p_assignments), {"num_partitions": count})
    pindices = _op("DynamicPartition", None, (original, p_assignments), {"num_partitions": count})
    parts = []
    for p in range(count):
      with ops.colocate_with(params[p]):
        parts.append(_clip(_gather(params[p], gather_ids[p]), gather_ids[p], max_norm))
    ret = _op("ParallelDynamicStitch", name, (pindices, parts))
    element_shape = params[0].shape[1:]
    for p in params[1:]:
      element_shape = element_shape.merge_with(p.shape[1:])
    if element_shape.is_fully_defined():
      ret = array_ops.reshape(ret, array_ops.concat([array_ops.shape(ids), element_shape.as_list()], 0))
    else:
      ret = array_ops.reshape(ret, array_ops.concat([array_ops.shape(ids), array_ops.shape(params[0])[1:]], 0))
    ret.set_shape(ids.shape.concatenate(element_shape))
    return ret


def embedding_lookup_sparse(params, sp_ids, sp_weights, partition_strategy="mod", name=None, combiner=None,
                            max_norm=None):
  """Sums, means or sqrtn-scaled sums of the rows each line of `sp_ids` names."""
  from thalweg.framework.sparse_tensor import SparseTensor
  if combiner is None:
    combiner = "mean"
  if combiner not in ("mean", "sqrtn", "sum"):
    raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
  if isinstance(params, PartitionedVariable):
    params = list(params)
  if not isinstance(params, list):
    params = [params]
  if not isinstance(sp_ids, SparseTensor):
    raise TypeError("sp_ids must be SparseTensor")
  if sp_weights is not None and not isinstance(sp_weights, SparseTensor):
    raise TypeError("sp_weights must be either None or SparseTensor")
  with ops.name_scope(name, "embedding_lookup_sparse", params + [sp_ids]) as name:
    segment_ids = math_ops.cast(sp_ids.indices[:, 0], dtypes.int32)
    ids, idx = array_ops.unique(sp_ids.values)
    embeddings = embedding_lookup(params, ids, partition_strategy=partition_strategy, max_norm=max_norm)
    if sp_weights is None:
      fn = {"sum": math_ops.sparse_segment_sum, "mean": math_ops.sparse_segment_mean,
            "sqrtn": math_ops.sparse_segment_sqrt_n}[combiner]
      return fn(embeddings, idx, segment_ids, name=name)
    weights = sp_weights.values
    if weights.dtype != embeddings.dtype:
      weights = math_ops.cast(weights, embeddings.dtype)
    embeddings = array_ops.gather(embeddings, idx)
    ones = array_ops.fill(array_ops.expand_dims(array_ops.rank(embeddings) - 1, 0), 1)
    weights_shape = array_ops.concat([array_ops.shape(weights), ones], 0)
    original_shape = weights.shape
    weights = array_ops.reshape(weights, weights_shape)
    if embeddings.shape.ndims is not None:
      weights.set_shape(original_shape.concatenate([1] * (embeddings.shape.ndims - 1)))
    embeddings *= weights
    if combiner == "sum":
      return math_ops.segment_sum(embeddings, segment_ids, name=name)
    embeddings = math_ops.segment_sum(embeddings, segment_ids)
    if combiner == "mean":
      weight_sum = math_ops.segment_sum(weights, segment_ids)
    else:
      weight_sum = math_ops.sqrt(math_ops.segment_sum(math_ops.pow(weights, 2), segment_ids))
    return math_ops.div(embeddings, weight_sum, name=name)


def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner="mean", default_id=None,
                                 name=None, partition_strategy="div", max_norm=None):
  """embedding_lookup_sparse() of ids of any rank, some of which may be invalid, and with lines that may be empty.

  Negative ids are left out, and, unless `combiner` is "sum", those whose weight is not positive. A line without ids gives
  the row `default_id`, or zeros without one. The result has the shape of the ids with the row in place of the last
  dimension.
  """
  if embedding_weights is None:
    raise ValueError("Missing embedding_weights %s." % embedding_weights)
  if isinstance(embedding_weights, PartitionedVariable):
    embedding_weights = list(embedding_weights)
  if not isinstance(embedding_weights, list):
    embedding_weights = [embedding_weights]
  if len(embedding_weights) < 1:
    raise ValueError("Missing embedding_weights %s." % embedding_weights)
  dtype = None if sparse_weights is None else sparse_weights.dtype
  embedding_weights = [w if hasattr(w, "sparse_read") and dtype in (None, w.dtype.base_dtype) else
                       ops.convert_to_tensor(w, dtype=dtype) for w in embedding_weights]
  with ops.name_scope(name, "embedding_lookup", embedding_weights + [sparse_ids, sparse_weights]) as scope:
    shape = sparse_ids.dense_shape
    known_rank = tensor_shape.dimension_value(shape.shape.with_rank(1)[0])
    rank = array_ops.size(shape) if known_rank is None else known_rank
    lines = math_ops.reduce_prod(array_ops.slice(shape, [0], [rank - 1]))
    sparse_ids = sparse_ops.sparse_reshape(sparse_ids, [lines, array_ops.gather(shape, rank - 1)])
    valid = math_ops.greater_equal(sparse_ids.values, 0)
    if sparse_weights is not None:
      sparse_weights = sparse_tensor.SparseTensor(sparse_ids.indices, sparse_weights.values, sparse_ids.dense_shape)
      valid = math_ops.logical_and(valid, array_ops.ones_like(sparse_weights.values, dtype=dtypes.bool))
    sparse_ids, sparse_weights = _retain(sparse_ids, sparse_weights, valid)
    if combiner != "sum" and sparse_weights is not None:
      sparse_ids, sparse_weights = _retain(sparse_ids, sparse_weights, math_ops.greater(sparse_weights.values, 0))
    sparse_ids, empty = sparse_ops.sparse_fill_empty_rows(sparse_ids, default_id or 0)
    if sparse_weights is not None:
      sparse_weights, _ = sparse_ops.sparse_fill_empty_rows(sparse_weights, 1.0)
    result = embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights, combiner=combiner,
                                     partition_strategy=partition_strategy,
                                     name=None if default_id is None else scope, max_norm=max_norm)
    if default_id is None:
      empty = array_ops.tile(array_ops.reshape(empty, [-1, 1]), array_ops.stack([1, array_ops.shape(result)[1]]))
      result = array_ops.where(empty, array_ops.zeros_like(result), result, name=scope)
    final = array_ops.reshape(result, array_ops.concat(
        [array_ops.slice(math_ops.cast(shape, dtypes.int32), [0], [rank - 1]),
         array_ops.slice(array_ops.shape(result), [1], [-1])], 0))
    outer = tensor_shape.unknown_shape() if known_rank is None else tensor_shape.unknown_shape(known_rank - 1)
    final.set_shape(outer.concatenate(result.shape[1:]))
    return final


def _retain(ids, weights, kept):
  return (sparse_ops.sparse_retain(ids, kept), None if weights is None else sparse_ops.sparse_retain(weights, kept))
