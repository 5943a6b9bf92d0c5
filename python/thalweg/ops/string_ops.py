"""Operations on strings and files."""

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, math_ops
from thalweg.util.deprecation import deprecated_argument_lookup


# --- text and numbers ---

def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):  # noqa: A002
  """Numbers and booleans as text; `precision`, `scientific` and `shortest` are for floats, `width` and `fill` for all."""
  return _op("AsString", name, (input,), {"precision": precision, "scientific": scientific, "shortest": shortest,
                                         "width": width, "fill": fill})


def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):  # noqa: A002
  """Numbers from their text; InvalidArgumentError for other text."""
  string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
  return _op("StringToNumber", name, (string_tensor,), {"out_type": out_type})


def string_format(template, inputs, placeholder="{}", summarize=3, name=None):
  """The template with its placeholders replaced by tensors: of each dimension the first and last `summarize` elements."""
  if isinstance(inputs, ops.Tensor) or not isinstance(inputs, (list, tuple)):
    inputs = [inputs]
  if template.count(placeholder) != len(inputs):
    raise ValueError("%d placeholder(s) in template does not match %d tensor(s) provided as input" % (
        template.count(placeholder), len(inputs)))
  return _op("StringFormat", name, (list(inputs),), {"template": template, "placeholder": placeholder,
                                                     "summarize": summarize})


def decode_raw(input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None):  # noqa: A002
  """The bytes of strings of one length as numbers, along a new last dimension."""
  input_bytes = deprecated_argument_lookup("input_bytes", input_bytes, "bytes", bytes)
  if out_type is None:
    raise ValueError("decode_raw() missing 1 positional argument: 'out_type'")
  return _op("DecodeRaw", name, (input_bytes,), {"out_type": out_type, "little_endian": little_endian})


def encode_base64(input, pad=False, name=None):  # noqa: A002
  """Strings in the web-safe alphabet of base64, filled up with "=" when `pad`."""
  return _op("EncodeBase64", name, (input,), {"pad": pad})


def decode_base64(input, name=None):  # noqa: A002
  """The strings that encode_base64 was given; InvalidArgumentError for what it never gives."""
  return _op("DecodeBase64", name, (input,))


# --- parts and forms ---

def string_length(input, name=None, unit="BYTE"):  # noqa: A002
  """The numbers of bytes, or with unit "UTF8_CHAR" of characters, int32."""
  return _op("StringLength", name, (input,), {"unit": unit})


def substr(input, pos, len, name=None, unit="BYTE"):  # noqa: A002
  """`len` bytes or characters of strings, from `pos` on; a negative position counts from the end."""
  return _op("Substr", name, (input, pos, len), {"unit": unit})


def string_lower(input, encoding="", name=None):  # noqa: A002
  """Lower case, of ASCII letters, or with encoding "utf-8" of all."""
  return _op("StringLower", name, (input,), {"encoding": encoding})


def string_upper(input, encoding="", name=None):  # noqa: A002
  """Upper case, of ASCII letters, or with encoding "utf-8" of all."""
  return _op("StringUpper", name, (input,), {"encoding": encoding})


def string_strip(input, name=None):  # noqa: A002
  """Strings without white space at either end."""
  return _op("StringStrip", name, (input,))


def regex_full_match(input, pattern, name=None):  # noqa: A002
  """Whether the whole of a string matches a pattern of RE2."""
  if isinstance(pattern, (str, bytes)):
    return _op("StaticRegexFullMatch", name, (input,), {"pattern": pattern})
  return _op("RegexFullMatch", name, (input, pattern))


def regex_replace(input, pattern, rewrite, replace_global=True, name=None):  # noqa: A002
  """Strings with matches of a pattern of RE2, all or the first, replaced; `\\\\1` in `rewrite` is the first group."""
  if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
    return _op("StaticRegexReplace", name, (input,), {"pattern": pattern, "rewrite": rewrite,
                                                      "replace_global": replace_global})
  return _op("RegexReplace", name, (input, pattern, rewrite), {"replace_global": replace_global})


# --- joining and splitting ---

def string_join(inputs, separator="", name=None):
  """Strings of several tensors, broadcast from scalars, joined element by element."""
  return _op("StringJoin", name, (list(inputs),), {"separator": separator})


def reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None,
                keepdims=None):
  """Strings joined along dimensions, all of them by default, the last one running fastest."""
  keepdims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
  axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
  with ops.name_scope(None, "ReduceJoin", [inputs, axis]):
    inputs = ops.convert_to_tensor(inputs)
    if axis is None:
      rank = inputs.shape.ndims
      axis = (array_ops.constant(np.arange(rank - 1, -1, -1), dtypes.int32) if rank is not None else
              math_ops.range(array_ops.rank(inputs) - 1, -1, -1))
    return _op("ReduceJoin", name, (inputs, axis), {"keep_dims": keepdims, "separator": separator})


def unsorted_segment_join(inputs, segment_ids, num_segments, separator="", name=None):
  """The strings with each id joined, in order; empty for ids without any."""
  return _op("UnsortedSegmentJoin", name, (inputs, segment_ids, num_segments), {"separator": separator})


def _pieces(op_type, source, separator, attrs):
  source = ops.convert_to_tensor(source, dtype=dtypes.string)
  indices, values, shape = _op(op_type, None, (source, separator), attrs)
  indices.set_shape([None, 2])
  values.set_shape([None])
  shape.set_shape([2])
  return sparse_tensor.SparseTensor(indices=indices, values=values, dense_shape=shape)


def string_split(source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None):
  """A sparse matrix with the pieces of each string of a vector, cut at each byte of `sep` (a space by default); an empty
  one cuts between all bytes."""
  _check_result_type(result_type)
  with ops.name_scope(name, "StringSplit", [source]):
    sep = deprecated_argument_lookup("sep", sep, "delimiter", delimiter)
    sep = ops.convert_to_tensor(" " if sep is None else sep, dtype=dtypes.string)
    return _pieces("StringSplit", source, sep, {"skip_empty": skip_empty})


def string_split_v2(source, sep=None, maxsplit=-1):
  """A sparse matrix with the pieces of each string of a vector, cut at `sep`, or at white space as str.split() does."""
  sep = ops.convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
  return _pieces("StringSplitV2", source, sep, {"maxsplit": maxsplit})


def strings_split(input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None):  # noqa: A002
  """tf.strings.split: string_split_v2() of strings of any shape, as a sparse tensor with one dimension more."""
  input = deprecated_argument_lookup("input", input, "source", source)  # noqa: A001
  _check_result_type(result_type)
  with ops.name_scope(name, "StringSplit", [input]):
    input = ops.convert_to_tensor(input, dtype=dtypes.string, name="input")  # noqa: A001
    if input.shape.ndims == 1:
      return string_split_v2(input, sep=sep, maxsplit=maxsplit)
    pieces = string_split_v2(array_ops.reshape(input, [-1]), sep=sep, maxsplit=maxsplit)
    from thalweg.ops import sparse_ops
    return sparse_ops.sparse_reshape(pieces, array_ops.concat([array_ops.shape(input, out_type=dtypes.int64),
                                                               pieces.dense_shape[1:]], 0))


def _check_result_type(result_type):
  if result_type != "SparseTensor":
    raise ValueError("result_type must be 'SparseTensor', not %r: there are no ragged tensors" % (result_type,))


# --- hashes ---

def string_to_hash_bucket(string_tensor=None, num_buckets=None, name=None, input=None):  # noqa: A002
  """A number below `num_buckets` for each string, by a hash that stays the same from run to run."""
  string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
  return _op("StringToHashBucket", name, (string_tensor,), {"num_buckets": num_buckets})


def string_to_hash_bucket_fast(input, num_buckets, name=None):  # noqa: A002
  """A number below `num_buckets` for each string, by a fast hash that stays the same from run to run."""
  return _op("StringToHashBucketFast", name, (input,), {"num_buckets": num_buckets})


def string_to_hash_bucket_strong(input, num_buckets, key, name=None):  # noqa: A002
  """A number below `num_buckets` for each string, by a hash under a key of two numbers, against inputs made to collide."""
  return _op("StringToHashBucketStrong", name, (input,), {"num_buckets": num_buckets, "key": key})


def fingerprint(data, method="farmhash64", name=None):
  """[rows, 8] bytes: a fingerprint of each row."""
  return _op("Fingerprint", name, (data, method))


# --- files ---

def read_file(filename, name=None):
  """The contents of a file, a scalar string; NotFoundError when there is none."""
  return _op("ReadFile", name, (filename,))


def write_file(filename, contents, name=None):
  """The operation that writes a file, in new folders where they are missing."""
  return _op("WriteFile", name, (filename, contents))


def matching_files(pattern, name=None):
  """A vector of the names of files that match a shell pattern, or one of several."""
  return _op("MatchingFiles", name, (pattern,))
