"""Embeddings of sparse ids, of ids that repeat, and bags of words."""

from thalweg.contrib.framework import variables as contrib_variables
from thalweg.framework import ops
from thalweg.framework.sparse_tensor import SparseTensor
from thalweg.ops import array_ops, check_ops, embedding_ops, math_ops, sparse_ops, variable_scope as vs
from thalweg.ops.partitioned_variable import PartitionedVariable
from thalweg.platform import tf_logging as logging


def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner=None, default_id=None,
                                 name=None, partition_strategy="div", max_norm=None):
  """tf.nn.safe_embedding_lookup_sparse, which takes means unless it is told otherwise."""
  if combiner is None:
    logging.warn("The default value of combiner will change from \"mean\" to \"sqrtn\" after 2016/11/01.")
    combiner = "mean"
  parts = embedding_weights
  if isinstance(parts, PartitionedVariable) or not isinstance(parts, list):
    parts = list(parts) if isinstance(parts, PartitionedVariable) else [parts]
  check_ops.assert_same_float_dtype([p for p in parts if p is not None] + [sparse_weights])
  return embedding_ops.safe_embedding_lookup_sparse(
      embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm)


def embedding_lookup_unique(params, ids, partition_strategy="mod", name=None):
  """embedding_lookup that looks each id up once, however often it occurs."""
  with ops.name_scope(name, "EmbeddingLookupUnique", [params, ids]):
    ids = ops.convert_to_tensor(ids)
    shape = array_ops.shape(ids)
    unique, places = array_ops.unique(array_ops.reshape(ids, math_ops.reduce_prod(shape, keepdims=True)))
    rows = embedding_ops.embedding_lookup(params, unique, partition_strategy)
    embeddings = array_ops.gather(rows, places)
    embeddings = array_ops.reshape(embeddings, array_ops.concat([shape, array_ops.shape(rows)[1:]], 0))
    embeddings.set_shape(ids.get_shape().concatenate(rows.get_shape()[1:]))
    return embeddings


def bow_encoder(ids, vocab_size, embed_dim, sparse_lookup=True, initializer=None, regularizer=None, trainable=True,
                scope=None, reuse=None):
  """The mean of the embeddings of each row of ids [batch, words]; zeros are no words when they are looked up sparsely."""
  if not vocab_size or not embed_dim:
    raise ValueError("Must specify vocab size and embedding dimension")
  with vs.variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
    embeddings = contrib_variables.model_variable("embeddings", shape=[vocab_size, embed_dim], initializer=initializer,
                                                  regularizer=regularizer, trainable=trainable)
    if sparse_lookup:
      sparse_ids = ids if isinstance(ids, SparseTensor) else sparse_ops.from_dense(ids)
      return safe_embedding_lookup_sparse([embeddings], sparse_ids, combiner="mean", default_id=0)
    if isinstance(ids, SparseTensor):
      raise TypeError("ids are expected to be dense Tensor, got: %s" % ids)
    return math_ops.reduce_mean(embedding_ops.embedding_lookup(embeddings, ids), axis=1)
