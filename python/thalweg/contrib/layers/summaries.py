"""Summaries of tensors and of whole collections of them."""

import functools
import re

from thalweg import summary
from thalweg.framework import dtypes, ops
from thalweg.ops import math_ops


def summarize_tensor(tensor, tag=None):
  """A scalar or a histogram, named after the tensor; None for strings and bools."""
  if tensor.dtype.is_compatible_with(dtypes.string) or tensor.dtype.base_dtype == dtypes.bool:
    return None
  make = summary.scalar if tensor.get_shape().ndims == 0 else summary.histogram
  return make(tag or "%s_summary" % tensor.op.name, tensor)


def _fraction(condition, tag):
  summary.scalar(tag, math_ops.reduce_mean(math_ops.to_float(condition)))


def summarize_activation(op):
  """A histogram of an activation, and how much of it is at the ends where no gradient flows."""
  if op.op.type in ("Relu", "Softplus", "Relu6"):
    inputs = op.op.inputs[0]
    _fraction(math_ops.less(inputs, math_ops.cast(0.0, inputs.dtype)), "%s/zeros" % op.op.name)
  if op.op.type == "Relu6":
    inputs = op.op.inputs[0]
    _fraction(math_ops.greater(inputs, math_ops.cast(6.0, inputs.dtype)), "%s/sixes" % op.op.name)
  return summary.histogram("%s/activation" % op.op.name, op)


def summarize_tensors(tensors, summarizer=summarize_tensor):
  return [summarizer(tensor) for tensor in tensors]


def summarize_collection(collection, name_filter=None, summarizer=summarize_tensor):
  """Summaries of the tensors of a collection whose names match."""
  found = [t for t in ops.get_collection(collection) if name_filter is None or re.match(name_filter, t.op.name)]
  return summarize_tensors(found, summarizer)


summarize_variables = functools.partial(summarize_collection, ops.GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, ops.GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, ops.GraphKeys.BIASES)


def summarize_activations(name_filter=None, summarizer=summarize_activation):
  return summarize_collection(ops.GraphKeys.ACTIVATIONS, name_filter, summarizer)
