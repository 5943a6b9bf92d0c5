"""Summaries under the names they had before TensorFlow 1.0; `tag` is written as it is given, without scopes."""

from thalweg import summary
from thalweg.framework import ops
from thalweg.framework.op_create import op as _op


def _collected(op_type, scope_name, tag, values, attrs, collections, name):
  with ops.name_scope(name, scope_name, [tag, values]) as scope:
    return summary._collect(_op(op_type, scope, (tag, values), attrs), collections)


def scalar_summary(tags, values, collections=None, name=None):
  """summary.scalar under its name before 1.0, for tags as tensors."""
  return _collected("ScalarSummary", "ScalarSummary", tags, values, None, collections, name)


def histogram_summary(tag, values, collections=None, name=None):
  """summary.histogram under its name before 1.0."""
  return _collected("HistogramSummary", "HistogramSummary", tag, values, None, collections, name)


def image_summary(tag, tensor, max_images=3, collections=None, name=None):
  """summary.image under its name before 1.0."""
  return _collected("ImageSummary", "ImageSummary", tag, tensor, {"max_images": max_images}, collections, name)


def merge_summary(inputs, collections=None, name=None):
  """summary.merge under its name before 1.0."""
  return summary.merge(inputs, collections, name)


def merge_all_summaries(key=ops.GraphKeys.SUMMARIES):
  """summary.merge_all under its name before 1.0."""
  return summary.merge_all(key)
