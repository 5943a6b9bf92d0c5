"""Losses over a sample of the classes, for classifiers with too many of them to look at each."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, candidate_sampling_ops, embedding_ops, math_ops, nn_impl, nn_ops
from thalweg.ops.partitioned_variable import PartitionedVariable


def _rows_of(table, ids, partition_strategy, dtype):
  rows = embedding_ops.embedding_lookup(table, ids, partition_strategy=partition_strategy)
  return rows if rows.dtype == dtype else math_ops.cast(rows, dtype)


def _row_sums(x):
  """The sums of the rows of a matrix, as a product with ones, whose gradient is cheap."""
  ones = array_ops.ones(array_ops.stack([array_ops.shape(x)[1], 1]), x.dtype)
  return array_ops.reshape(math_ops.matmul(x, ones), [-1])


def _without_hits(sampled_logits, labels, sampled, num_true, num_sampled):
  """The logits of the sample with those that are true classes of their row pushed out of sight."""
  rows, positions, weights = candidate_sampling_ops.compute_accidental_hits(labels, sampled, num_true=num_true)
  rows = array_ops.reshape(rows, [-1, 1])
  positions = array_ops.reshape(math_ops.cast(positions, dtypes.int32), [-1, 1])
  indices = array_ops.concat([rows, positions], 1, "sparse_indices")
  shape = array_ops.concat([array_ops.shape(labels)[:1], array_ops.expand_dims(num_sampled, 0)], 0)
  if sampled_logits.dtype != weights.dtype:
    weights = math_ops.cast(weights, sampled_logits.dtype)
  return sampled_logits + ops.op("SparseToDense", None, [indices, shape, weights, 0.0], {"validate_indices": False})


def compute_sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
                           subtract_log_q=True, remove_accidental_hits=False, partition_strategy="mod", name=None,
                           seed=None):
  """(logits, labels), both [batch, num_true + num_sampled]: the true classes of each row, then the sample.

  weights [num_classes, dim] and biases [num_classes] may be in parts; inputs is [batch, dim]. The logarithm of how often
  a class is expected in the sample is taken off its logit on request.
  """
  if isinstance(weights, PartitionedVariable):
    weights = list(weights)
  if not isinstance(weights, list):
    weights = [weights]
  with ops.name_scope(name, "compute_sampled_logits", weights + [biases, inputs, labels]):
    if labels.dtype != dtypes.int64:
      labels = math_ops.cast(labels, dtypes.int64)
    labels_flat = array_ops.reshape(labels, [-1])
    if sampled_values is None:
      sampled_values = candidate_sampling_ops.log_uniform_candidate_sampler(
          true_classes=labels, num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes,
          seed=seed)
    sampled, true_count, sampled_count = (array_ops.stop_gradient(v) for v in sampled_values)
    sampled = math_ops.cast(sampled, dtypes.int64)
    # One look into each table for the true classes and the sample together.
    ids = array_ops.concat([labels_flat, sampled], 0)
    rows = _rows_of(weights, ids, partition_strategy, inputs.dtype)
    true_w = array_ops.slice(rows, [0, 0], array_ops.stack([array_ops.shape(labels_flat)[0], -1]))
    sampled_w = array_ops.slice(rows, array_ops.stack([array_ops.shape(labels_flat)[0], 0]), [-1, -1])
    sampled_logits = math_ops.matmul(inputs, sampled_w, transpose_b=True)
    offsets = _rows_of(biases, ids, partition_strategy, inputs.dtype)
    true_b = array_ops.slice(offsets, [0], array_ops.shape(labels_flat))
    sampled_b = array_ops.slice(offsets, array_ops.shape(labels_flat), [-1])

    dim = array_ops.shape(true_w)[1:2]
    by_row = array_ops.concat([[-1, num_true], dim], 0)
    products = math_ops.multiply(array_ops.expand_dims(inputs, 1), array_ops.reshape(true_w, by_row))
    products = array_ops.reshape(products, array_ops.concat([[-1], dim], 0))
    true_logits = array_ops.reshape(_row_sums(products), [-1, num_true])
    true_logits += array_ops.reshape(true_b, [-1, num_true])
    sampled_logits += sampled_b
    if remove_accidental_hits:
      sampled_logits = _without_hits(sampled_logits, labels, sampled, num_true, num_sampled)
    if subtract_log_q:
      true_logits -= math_ops.log(true_count)
      sampled_logits -= math_ops.log(sampled_count)
    logits = array_ops.concat([true_logits, sampled_logits], 1)
    # The labels of a row sum to one.
    labels = array_ops.concat([array_ops.ones_like(true_logits) / num_true, array_ops.zeros_like(sampled_logits)], 1)
    return logits, labels


def nce_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
             remove_accidental_hits=False, partition_strategy="mod", name="nce_loss"):
  """Noise-contrastive estimation (Gutmann and Hyvarinen 2010), per example: a logistic loss that tells the true classes
  from sampled ones."""
  logits, labels = compute_sampled_logits(
      weights, biases, labels, inputs, num_sampled, num_classes, num_true=num_true, sampled_values=sampled_values,
      remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name)
  losses = nn_impl.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="sampled_losses")
  return _row_sums(losses)


def sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
                         remove_accidental_hits=True, partition_strategy="mod", name="sampled_softmax_loss", seed=None):
  """The cross entropy of a softmax over the true classes and a sample (Jean et al. 2014), per example; for training
  only."""
  logits, labels = compute_sampled_logits(
      weights, biases, labels, inputs, num_sampled, num_classes, num_true=num_true, sampled_values=sampled_values,
      remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name, seed=seed)
  labels = array_ops.stop_gradient(labels, name="labels_stop_gradient")
  return nn_ops.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
