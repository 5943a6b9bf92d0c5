"""Operations on strings and files."""

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops


def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):  # noqa: A002
  return _op("AsString", name, (input,), {"precision": precision, "scientific": scientific, "shortest": shortest,
                                         "width": width, "fill": fill})


def string_join(inputs, separator="", name=None):
  return _op("StringJoin", name, (list(inputs),), {"separator": separator})


def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):  # noqa: A002
  return _op("StringToNumber", name, (input if string_tensor is None else string_tensor,), {"out_type": out_type})


def string_length(input, name=None, unit="BYTE"):  # noqa: A002
  return _op("StringLength", name, (input,), {"unit": unit})


def reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None,
                keepdims=None):
  axis = reduction_indices if axis is None else axis
  keepdims = keep_dims if keepdims is None else keepdims
  if axis is None:
    # All dimensions, the last one running fastest.
    inputs = ops.convert_to_tensor(inputs)
    axis = list(range(inputs.shape.ndims - 1, -1, -1)) if inputs.shape.ndims is not None else math_ops.range(
        array_ops.rank(inputs) - 1, -1, -1)
  return _op("ReduceJoin", name, (inputs, axis),
             {"keep_dims": bool(keepdims), "separator": separator})


def read_file(filename, name=None):
  return _op("ReadFile", name, (filename,))


def write_file(filename, contents, name=None):
  return _op("WriteFile", name, (filename, contents))


def matching_files(pattern, name=None):
  return _op("MatchingFiles", name, (pattern,))
