"""Losses over sampled classes, and cross entropies with their arguments the old way around."""

from thalweg.framework import dtypes, ops
from thalweg.ops import (array_ops, candidate_sampling_ops, embedding_ops, math_ops, nn_impl, nn_ops,
                         sampled_losses)


def deprecated_flipped_softmax_cross_entropy_with_logits(logits, labels, dim=-1, name=None):
  """tf.nn.softmax_cross_entropy_with_logits, logits first."""
  return nn_ops.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=dim, name=name)


def deprecated_flipped_sparse_softmax_cross_entropy_with_logits(logits, labels, name=None):
  """tf.nn.sparse_softmax_cross_entropy_with_logits, logits first."""
  return nn_ops.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name=name)


def deprecated_flipped_sigmoid_cross_entropy_with_logits(logits, targets, name=None):
  """tf.nn.sigmoid_cross_entropy_with_logits, logits first."""
  return nn_impl.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name=name)


def sampled_sparse_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, sampled_values=None,
                                remove_accidental_hits=True, partition_strategy="mod",
                                name="sampled_sparse_softmax_loss"):
  """tf.nn.sampled_softmax_loss for labels [batch, 1], through the sparse cross entropy."""
  logits, _ = sampled_losses.compute_sampled_logits(
      weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=sampled_values,
      remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name)
  # The true class comes first in each row.
  first = array_ops.zeros([array_ops.shape(logits)[0], 1], dtype=dtypes.int64)
  return nn_ops.sparse_softmax_cross_entropy_with_logits(labels=array_ops.squeeze(first), logits=logits)


def rank_sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_resampled, num_classes, num_true,
                              sampled_values, resampling_temperature, remove_accidental_hits, partition_strategy,
                              name=None):
  """sampled_softmax_loss upon the num_resampled hardest classes of the sample: those whose logits over the temperature
  have the largest log-sum-exp over the batch."""
  if num_sampled > num_classes:
    raise ValueError("num_sampled ({}) cannot be greater than num_classes ({})".format(num_sampled, num_classes))
  if num_sampled <= num_resampled:
    raise ValueError("num_resampled ({}) must be less than num_sampled ({})".format(num_resampled, num_sampled))
  if partition_strategy not in ("div", "mod"):
    raise ValueError("unsupported partition_strategy ({})".format(partition_strategy))
  with ops.name_scope(name, "rank_sampled_softmax_loss",
                      [weights, biases, labels, inputs, sampled_values, resampling_temperature]) as name:
    if not sampled_values:
      sampled_values = candidate_sampling_ops.learned_unigram_candidate_sampler(
          true_classes=labels, num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes)
    sampled, true_count, sampled_count = (array_ops.stop_gradient(v) for v in sampled_values)
    sampled = math_ops.cast(sampled, dtypes.int64)
    rows = embedding_ops.embedding_lookup(weights, sampled, partition_strategy=partition_strategy)
    logits = math_ops.matmul(rows, inputs / resampling_temperature, transpose_b=True)
    offsets = embedding_ops.embedding_lookup(biases, sampled, partition_strategy=partition_strategy)
    # Hard classes are those that many examples of the batch take for likely.
    hardness = math_ops.reduce_logsumexp(logits, axis=1)
    hardness += array_ops.reshape(offsets, [-1]) / resampling_temperature
    _, hardest = nn_ops.top_k(hardness, k=num_resampled, sorted=False)
    resampled = (array_ops.gather(sampled, hardest), true_count, array_ops.gather(sampled_count, hardest))
    return sampled_losses.sampled_softmax_loss(
        weights, biases, labels, inputs, num_resampled, num_classes, num_true=num_true, sampled_values=resampled,
        remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name)
