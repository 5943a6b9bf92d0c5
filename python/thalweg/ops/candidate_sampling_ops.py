"""Samplers of classes: the true ones of a batch, int64 [batch, num_true], against a sample of all.

Each gives (sampled_candidates [num_sampled], true_expected_count [batch, num_true], sampled_expected_count
[num_sampled]); the counts say how often each class is expected in the sample. `unique` samples without replacement.
"""

from thalweg.framework import ops
from thalweg.ops import random_ops


def _sampler(op_type, true_classes, num_true, num_sampled, unique, seed, name, **attrs):
  return ops.op(op_type, name, [true_classes], dict(
      attrs, num_true=num_true, num_sampled=num_sampled, unique=unique, **random_ops._seeds(seed)))


def uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
  """Draws classes below range_max, each as likely."""
  return _sampler("UniformCandidateSampler", true_classes, num_true, num_sampled, unique, seed, name,
                  range_max=range_max)


def log_uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
  """Draws class c with probability log((c + 2) / (c + 1)) / log(range_max + 1): Zipf's law, for classes in order of
  falling frequency."""
  return _sampler("LogUniformCandidateSampler", true_classes, num_true, num_sampled, unique, seed, name,
                  range_max=range_max)


def learned_unigram_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
  """Draws classes as often as they were among the true ones of earlier steps."""
  return _sampler("LearnedUnigramCandidateSampler", true_classes, num_true, num_sampled, unique, seed, name,
                  range_max=range_max)


def fixed_unigram_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, vocab_file="",
                                    distortion=1.0, num_reserved_ids=0, num_shards=1, shard=0, unigrams=(), seed=None,
                                    name=None):
  """Draws classes by weights ** distortion, the weights being in `unigrams` or the last column of a file of comma
  separated values. The first num_reserved_ids classes are never drawn; one of num_shards parts of the rest can be."""
  return _sampler("FixedUnigramCandidateSampler", true_classes, num_true, num_sampled, unique, seed, name,
                  range_max=range_max, vocab_file=vocab_file, distortion=distortion, num_reserved_ids=num_reserved_ids,
                  num_shards=num_shards, shard=shard, unigrams=unigrams)


def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
  """The first num_sampled classes, all of them."""
  return _sampler("AllCandidateSampler", true_classes, num_true, num_sampled, unique, seed, name)


def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
  """(rows, positions in the sample, weights) of the true classes that were sampled; the weights are so negative that
  added to a logit they leave nothing of it."""
  return ops.op("ComputeAccidentalHits", name, [true_classes, sampled_candidates],
                dict(random_ops._seeds(seed), num_true=num_true))
