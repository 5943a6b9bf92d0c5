"""Printing while a step runs."""

import sys

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.op_create import op as _op
from thalweg.ops import string_ops
from thalweg.platform import tf_logging


def Print(input_, data, message=None, first_n=None, summarize=None, name=None):  # noqa: N802
  """`input_`, and a line on standard error with the data each time it is computed."""
  return _op("Print", name, (input_, data), {"message": message, "first_n": first_n, "summarize": summarize})


class _Written:
  """Stands in a structure for text that str() of the structure is to have in its place."""

  def __init__(self, text):
    self.text = text

  def __repr__(self):
    return self.text


def _stream(output_stream):
  """The name by which the operation knows a stream."""
  if isinstance(output_stream, str):
    if output_stream.startswith("file://") or output_stream in ("stdout", "stderr"):
      return output_stream
  for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr"), (tf_logging.info, "log(info)"),
                       (tf_logging.warning, "log(warning)"), (tf_logging.error, "log(error)"),
                       (tf_logging.INFO, "log(info)"), (tf_logging.WARN, "log(warning)"),
                       (tf_logging.ERROR, "log(error)")):
    if output_stream is stream or not callable(stream) and output_stream == stream:
      return name
  raise ValueError("Unsupported output stream, logging level, or file: %s. Supported streams are sys.stdout, "
                   "sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error and file://FILENAME" % (
                       output_stream,))


def print_v2(*inputs, **kwargs):
  """An operation that writes its inputs, which may be tensors, structures with tensors in them and other objects.

  Args:
    *inputs: what to write; strings as they are, everything else as str() gives it, tensors by their values.
    output_stream: sys.stderr (the default), sys.stdout, "file://NAME", or a function or level of tf.logging.
    summarize: how many elements to write at the start and end of each dimension of a tensor; -1 for all. 3 by default.
    sep: between inputs; a space by default.
    end: after the last; a new line by default.
    name: of the operation.
  """
  output_stream = kwargs.pop("output_stream", sys.stderr)
  name, summarize = kwargs.pop("name", None), kwargs.pop("summarize", 3)
  sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
  if kwargs:
    raise ValueError("Unrecognized keyword arguments for tf.print: %s" % kwargs)
  stream = _stream(output_stream)
  only = inputs[0] if len(inputs) == 1 else None
  if isinstance(only, ops.Tensor) and only.dtype == dtypes.string and only.shape.ndims == 0:
    text = only
  else:
    placeholder = _unused([x if isinstance(x, str) else repr(x) for x in inputs])
    tensors = []
    template = sep.join(x if isinstance(x, str) else str(_template(x, placeholder, tensors)) for x in inputs)
    text = string_ops.string_format(template, tensors, placeholder=placeholder, summarize=summarize)
  return _op("PrintV2", name, (text,), {"output_stream": stream, "end": end})


def _template(x, placeholder, tensors):
  """What str() of gives the structure with placeholders for its tensors, which are added to `tensors`."""
  if isinstance(x, sparse_tensor.SparseTensor):
    tensors.extend(sparse_tensor.parts(x))
    return _Written("'SparseTensor(indices={0}, values={0}, shape={0})'".format(placeholder))
  if isinstance(x, ops.Tensor) or hasattr(x, "_as_graph_element"):
    tensors.append(ops.convert_to_tensor(x))
    return _Written(placeholder)
  if isinstance(x, dict):
    return _Written("{%s}" % ", ".join("%r: %r" % (k, _template(x[k], placeholder, tensors)) for k in sorted(x)))
  if isinstance(x, (list, tuple)):
    parts = [_template(v, placeholder, tensors) for v in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
  return x


def _unused(texts):
  """A placeholder that none of the texts has in it."""
  placeholder = "{}"
  while any(placeholder in t for t in texts):
    placeholder = "{" + placeholder + "}"
  return placeholder
