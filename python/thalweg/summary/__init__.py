"""tf.summary: operations that make summaries, and the files they go to."""

import contextlib
import re

from thalweg import _protos
from thalweg.framework import ops
from thalweg.framework.op_create import op as _op
from thalweg.platform import tf_logging as logging
from thalweg.summary.writer import FileWriter, FileWriterCache  # noqa: F401

_SUMMARIES = [ops.GraphKeys.SUMMARIES]
_ILLEGAL = re.compile(r"[^-/\w\.]")


def _clean_tag(name):
  """The name without characters that node names do not allow."""
  if name is None:
    return None
  clean = _ILLEGAL.sub("_", name).lstrip("/")
  if clean != name:
    logging.info("Summary name %s is illegal; using %s instead.", name, clean)
  return clean


@contextlib.contextmanager
def summary_scope(name, family=None, default_name=None, values=None):
  """Gives (tag, scope): the tag carries the scopes it is made in, and the family once more in front."""
  name, family = _clean_tag(name or default_name), _clean_tag(family)
  base = name if family is None else "%s/%s" % (family, name)
  with ops.name_scope(base, default_name, values=values) as scope:
    tag = scope.rstrip("/")
    yield (tag if family is None else "%s/%s" % (family, tag)), scope


def _collect(value, collections, default=_SUMMARIES):
  for key in default if collections is None else collections:
    ops.add_to_collection(key, value)
  return value


def scalar(name, tensor, collections=None, family=None):
  """A Summary of a scalar, serialized. It is added to `collections`, SUMMARIES by default, as all summaries are."""
  with summary_scope(name, family, values=[tensor]) as (tag, scope):
    return _collect(_op("ScalarSummary", scope, (tag, tensor)), collections)


def image(name, tensor, max_outputs=3, collections=None, family=None):
  """A Summary of the first images of [batch, rows, columns, channels], with 1, 3 or 4 channels of uint8 or floats."""
  with summary_scope(name, family, values=[tensor]) as (tag, scope):
    return _collect(_op("ImageSummary", scope, (tag, tensor), {"max_images": max_outputs}), collections)


def histogram(name, values, collections=None, family=None):
  """A Summary of how the values are distributed; InvalidArgumentError when one is not finite."""
  with summary_scope(name, family, values=[values], default_name="HistogramSummary") as (tag, scope):
    return _collect(_op("HistogramSummary", scope, (tag, values)), collections)


def audio(name, tensor, sample_rate, max_outputs=3, collections=None, family=None):
  """A Summary of the first clips of [batch, frames] or [batch, frames, channels], floats in [-1, 1]; the rate is in hertz."""
  with summary_scope(name, family=family, values=[tensor]) as (tag, scope):
    from thalweg.framework import dtypes
    rate = ops.convert_to_tensor(sample_rate, dtype=dtypes.float32, name="sample_rate")
    return _collect(_op("AudioSummaryV2", scope, (tag, tensor, rate), {"max_outputs": max_outputs}), collections)


def tensor_summary(name, tensor, summary_description=None, collections=None, summary_metadata=None, family=None,
                   display_name=None):
  """The whole tensor, with metadata that tells a plug-in of the board what to do with it."""
  metadata = _protos.message("SummaryMetadata")()
  if summary_metadata is not None:
    metadata.CopyFrom(summary_metadata)
  if display_name is not None:
    metadata.display_name = display_name
  if summary_description is not None:
    metadata.summary_description = summary_description
  with summary_scope(name, family, values=[tensor]) as (tag, scope):
    return _collect(_op("TensorSummaryV2", scope, (tag, tensor, metadata.SerializeToString())), collections)


def text(name, tensor, collections=None):
  """A Summary of strings of any shape."""
  from thalweg.framework import dtypes
  tensor = ops.convert_to_tensor(tensor)
  if tensor.dtype != dtypes.string:
    raise ValueError("Expected tensor %s to have dtype string, got %s" % (tensor.name, tensor.dtype))
  metadata = _protos.message("SummaryMetadata")()
  metadata.plugin_data.plugin_name = "text"
  return tensor_summary(name=name, tensor=tensor, summary_metadata=metadata, collections=collections)


def merge(inputs, collections=None, name=None):
  """One summary of several."""
  inputs = list(inputs)
  with ops.name_scope(name, "Merge", inputs):
    return _collect(_op("MergeSummary", name, (inputs,)), collections, [])


def merge_all(key=ops.GraphKeys.SUMMARIES, scope=None, name=None):
  """One summary of all that were made; None when none were."""
  found = ops.get_collection(key, scope=scope)
  return merge(found, name=name) if found else None


def get_summary_description(node_def):
  """The SummaryDescription of a TensorSummary node."""
  if node_def.op != "TensorSummary":
    raise ValueError("Can't get_summary_description on %s" % node_def.op)
  from google.protobuf import json_format
  made = _protos.message("SummaryDescription")()
  json_format.Parse(node_def.attr["description"].s.decode() or "{}", made)
  return made


def initialize(graph=None, session=None):
  """Nothing has to be set up: FileWriter writes without nodes in the graph."""


def __getattr__(name):
  if name in ("Summary", "SummaryDescription", "Event", "SessionLog", "TaggedRunMetadata"):
    return _protos.message(name)
  raise AttributeError("module 'thalweg.summary' has no attribute %r" % name)
