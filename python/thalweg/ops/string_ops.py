"""Operations on strings and files."""

from thalweg.framework import dtypes
from thalweg.framework.op_create import op as _op
from thalweg.ops import math_ops


def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):  # noqa: A002
  return _op("AsString", name, (input,), {"precision": precision, "scientific": scientific, "shortest": shortest,
                                         "width": width, "fill": fill})


def string_join(inputs, separator="", name=None):
  return _op("StringJoin", name, (list(inputs),), {"separator": separator})


def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):  # noqa: A002
  return _op("StringToNumber", name, (input if string_tensor is None else string_tensor,), {"out_type": out_type})


def string_length(input, name=None, unit="BYTE"):  # noqa: A002
  return _op("StringLength", name, (input,), {"unit": unit})


def reduce_join(inputs=None, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None,
                keepdims=None):
  axis = reduction_indices if axis is None else axis
  keepdims = keep_dims if keepdims is None else keepdims
  return _op("ReduceJoin", name, (inputs, math_ops._reduction_dims(inputs, axis)),
             {"keep_dims": bool(keepdims), "separator": separator})


def read_file(filename, name=None):
  return _op("ReadFile", name, (filename,))


def write_file(filename, contents, name=None):
  return _op("WriteFile", name, (filename, contents))


def matching_files(pattern, name=None):
  return _op("MatchingFiles", name, (pattern,))
