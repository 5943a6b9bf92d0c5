"""Examples, tables and tensors out of strings."""

import collections
import re

from thalweg.framework import dtypes, ops, sparse_tensor, tensor_shape
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops


class VarLenFeature(collections.namedtuple("VarLenFeature", ["dtype"])):
  """A feature of any number of elements, parsed to a SparseTensor."""


class SparseFeature(collections.namedtuple("SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"])):
  """A SparseTensor whose indices and values are two features, or more with a list of index keys and sizes."""

  def __new__(cls, index_key, value_key, dtype, size, already_sorted=False):
    return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


class FixedLenFeature(collections.namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
  """A feature of one shape; an example without it is an error when there is no default."""

  def __new__(cls, shape, dtype, default_value=None):
    return super().__new__(cls, shape, dtype, default_value)


class FixedLenSequenceFeature(
    collections.namedtuple("FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"])):
  """Any number of rows of one shape, padded with the default in batches of examples."""

  def __new__(cls, shape, dtype, allow_missing=False, default_value=None):
    return super().__new__(cls, shape, dtype, allow_missing, default_value)


class _Wanted(object):
  """Keys, dtypes, shapes and defaults that features ask for; keys in sorted order."""

  def __init__(self, features, kinds):
    self.sparse_keys, self.sparse_types = [], []
    self.dense_keys, self.dense_types, self.dense_shapes, self.defaults = [], [], [], {}
    self.may_miss = []
    self._features = features or {}
    for key in sorted(self._features, key=str):
      feature = self._features[key]
      if not isinstance(feature, kinds):
        raise ValueError("Unsupported %s %s." % (type(feature).__name__, feature))
      self._add(key, feature)

  def _add_sparse(self, key, dtype):
    if key in self.sparse_keys:
      known = self.sparse_types[self.sparse_keys.index(key)]
      if known != dtype:
        raise ValueError("Conflicting type %s vs %s for feature %s." % (known, dtype, key))
      return
    self.sparse_keys.append(key)
    self.sparse_types.append(dtype)

  def _add(self, key, feature):
    if not feature.dtype:
      raise ValueError("Missing type for feature %s." % (key,))
    dtype = dtypes.as_dtype(feature.dtype)
    if isinstance(feature, VarLenFeature):
      self._add_sparse(key, dtype)
      return
    if isinstance(feature, SparseFeature):
      if not feature.index_key:
        raise ValueError("Missing index_key for SparseFeature %s." % (feature,))
      if not feature.value_key:
        raise ValueError("Missing value_key for SparseFeature %s." % (feature,))
      index_keys = [feature.index_key] if isinstance(feature.index_key, str) else feature.index_key
      for index_key in sorted(index_keys):
        self._add_sparse(index_key, dtypes.int64)
      self._add_sparse(feature.value_key, dtype)
      return
    if feature.shape is None:
      raise ValueError("Missing shape for feature %s." % (key,))
    shape = tensor_shape.as_shape(feature.shape)
    if isinstance(feature, FixedLenFeature):
      if shape.ndims and shape.dims[0].value is None and any(d is None for d in shape.as_list()[1:]):
        raise ValueError("All dimensions of shape for feature %s need to be known but received %s." % (key, shape))
    if isinstance(feature, FixedLenSequenceFeature) and feature.allow_missing:
      self.may_miss.append(key)
    self.dense_keys.append(key)
    self.dense_types.append(dtype)
    self.dense_shapes.append(shape)
    if feature.default_value is not None:
      self.defaults[key] = feature.default_value

  def with_rows(self):
    """Sequence features become dense ones with an unknown first dimension."""
    for i, key in enumerate(self.dense_keys):
      feature = self._features[key]
      if isinstance(feature, FixedLenSequenceFeature):
        if not feature.allow_missing:
          raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
        self.dense_shapes[i] = tensor_shape.TensorShape([None]).concatenate(self.dense_shapes[i])
    return self

  def default_tensors(self):
    """One for each dense key: of its shape, empty where there is none, a scalar of padding for rows."""
    tensors = []
    for key, dtype, shape in zip(self.dense_keys, self.dense_types, self.dense_shapes):
      value = self.defaults.get(key)
      rows = bool(shape.ndims) and shape.dims[0].value is None
      if value is None and rows:
        value = ops.convert_to_tensor("" if dtype == dtypes.string else 0, dtype=dtype)
      elif value is None:
        value = ops.convert_to_tensor([], dtype=dtype)
      elif rows:
        value = array_ops.reshape(ops.convert_to_tensor(value, dtype=dtype), [])
      elif not isinstance(value, ops.Tensor):
        name = "key_" + re.sub("[^A-Za-z0-9_.\\-/]", "_", str(key))
        value = array_ops.reshape(ops.convert_to_tensor(value, dtype=dtype, name=name), shape)
      tensors.append(value)
    return tensors

  def result(self, sparse, dense):
    """Feature name -> tensor, from (indices, values, shapes) and the dense tensors."""
    found = {k: sparse_tensor.SparseTensor(i, v, s) for k, i, v, s in zip(self.sparse_keys, *sparse)}
    found.update(zip(self.dense_keys, dense))
    parts = dict(found)
    for key in sorted(self._features, key=str):
      feature = self._features[key]
      if isinstance(feature, SparseFeature):
        found[key] = _merged(feature, parts)
    for feature in self._features.values():
      if isinstance(feature, SparseFeature):
        index_keys = [feature.index_key] if isinstance(feature.index_key, str) else feature.index_key
        for part in list(index_keys) + [feature.value_key]:
          if part not in self._features:
            found.pop(part, None)
    return found


def _merged(feature, parts):
  """The SparseTensor of a SparseFeature: the batch dimensions of its values, then their indices."""
  from thalweg.ops import math_ops
  single = isinstance(feature.index_key, str)
  index_keys = [feature.index_key] if single else list(feature.index_key)
  sizes = [feature.size] if single else list(feature.size)
  if len(index_keys) != len(sizes):
    raise ValueError("SparseFeature has %d index keys but %d sizes: %s" % (len(index_keys), len(sizes), feature))
  values = parts[feature.value_key]
  columns = [array_ops.expand_dims(math_ops.cast(parts[k].values, dtypes.int64), 1) for k in index_keys]
  indices = array_ops.concat([values.indices[:, :-1]] + columns, 1)
  sizes = ops.convert_to_tensor([int(s) for s in sizes], dtype=dtypes.int64)
  dense_shape = array_ops.concat([values.dense_shape[:-1], sizes], 0)
  if not feature.already_sorted:
    indices, sorted_values = _op("SparseReorder", None, (indices, values.values, dense_shape))
  else:
    sorted_values = values.values
  return sparse_tensor.SparseTensor(indices, sorted_values, dense_shape)


_EXAMPLE_FEATURES = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)


def parse_example(serialized, features, name=None, example_names=None):
  """Name -> Tensor or SparseTensor, of a batch of serialised Example messages.

  Args:
    serialized: string [batch].
    features: name -> FixedLenFeature, VarLenFeature, SparseFeature or FixedLenSequenceFeature.
    name: scope of the operations.
    example_names: string [batch], for messages.
  """
  if not features:
    raise ValueError("Missing: features was %s." % (features,))
  wanted = _Wanted(features, _EXAMPLE_FEATURES).with_rows()
  with ops.name_scope(name, "ParseExample", [serialized, example_names]):
    names = ops.convert_to_tensor([] if example_names is None else example_names, dtype=dtypes.string, name="names")
    result = _op("ParseExample", name, (
        serialized, names, list(wanted.sparse_keys), list(wanted.dense_keys), wanted.default_tensors()), {
            "sparse_types": wanted.sparse_types, "dense_shapes": wanted.dense_shapes, "Tdense": wanted.dense_types,
            "Nsparse": len(wanted.sparse_keys), "Ndense": len(wanted.dense_keys)})
    return wanted.result(result[:3], result[3])


def parse_single_example(serialized, features, name=None, example_names=None):
  """As parse_example, of one message: a string scalar, and results without the batch dimension."""
  if not features:
    raise ValueError("Missing features.")
  if example_names is not None:
    with ops.name_scope(name, "ParseSingleExample", [serialized, example_names]):
      batch = parse_example(array_ops.expand_dims(serialized, 0), features,
                            example_names=array_ops.expand_dims(example_names, 0))
      return {k: _first(t) for k, t in batch.items()}
  wanted = _Wanted(features, _EXAMPLE_FEATURES).with_rows()
  with ops.name_scope(name, "ParseSingleExample", [serialized]):
    serialized = ops.convert_to_tensor(serialized, name="serialized")
    result = _op("ParseSingleExample", name, (serialized, wanted.default_tensors()), {
        "num_sparse": len(wanted.sparse_keys), "sparse_keys": wanted.sparse_keys, "sparse_types": wanted.sparse_types,
        "dense_keys": wanted.dense_keys, "dense_shapes": wanted.dense_shapes, "Tdense": wanted.dense_types})
    return wanted.result(result[:3], result[3])


def _first(t):
  """The only example of a batch."""
  if isinstance(t, sparse_tensor.SparseTensor):
    return sparse_tensor.SparseTensor(t.indices[:, 1:], t.values, t.dense_shape[1:])
  return array_ops.squeeze(t, [0])


def parse_single_sequence_example(serialized, context_features=None, sequence_features=None, example_name=None,
                                  name=None):
  """(context, sequences): name -> tensor each, of one serialised SequenceExample.

  Args:
    serialized: a string scalar.
    context_features: name -> FixedLenFeature or VarLenFeature.
    sequence_features: name -> FixedLenSequenceFeature (a tensor [time] + shape) or VarLenFeature (a SparseTensor
      [time, number]).
    example_name: a string scalar, for messages.
    name: scope of the operations.
  """
  if not (context_features or sequence_features):
    raise ValueError("Missing features.")
  context = _Wanted(context_features, (VarLenFeature, FixedLenFeature))
  sequence = _Wanted(sequence_features, (VarLenFeature, FixedLenSequenceFeature))
  with ops.name_scope(name, "ParseSingleSequenceExample", [serialized]):
    result = _op("ParseSingleSequenceExample", name, (
        serialized, ops.convert_to_tensor(sequence.may_miss, dtype=dtypes.string), list(context.sparse_keys),
        list(context.dense_keys), list(sequence.sparse_keys), list(sequence.dense_keys), context.default_tensors(),
        "" if example_name is None else example_name), {
            "Ncontext_sparse": len(context.sparse_keys), "Ncontext_dense": len(context.dense_keys),
            "Nfeature_list_sparse": len(sequence.sparse_keys), "Nfeature_list_dense": len(sequence.dense_keys),
            "context_sparse_types": context.sparse_types, "Tcontext_dense": context.dense_types,
            "context_dense_shapes": context.dense_shapes, "feature_list_sparse_types": sequence.sparse_types,
            "feature_list_dense_types": sequence.dense_types, "feature_list_dense_shapes": sequence.dense_shapes})
    return context.result(result[:3], result[3]), sequence.result(result[4:7], result[7])


def decode_csv(records, record_defaults, field_delim=",", use_quote_delim=True, name=None, na_value="",
               select_cols=None):
  """The columns of lines of comma-separated values, a tensor for each default. A default is a list of one value, or an
  empty one of a dtype when the field must be there."""
  return _op("DecodeCSV", name, (records, [_csv_default(d) for d in record_defaults]), {
      "field_delim": field_delim, "use_quote_delim": use_quote_delim, "na_value": na_value,
      "select_cols": list(select_cols or [])})


def _csv_default(default):
  return ops.convert_to_tensor([], dtype=default) if isinstance(default, dtypes.DType) else default


def parse_tensor(serialized, out_type, name=None):
  """The tensor, of type out_type, in a serialized TensorProto, a scalar string."""
  return _op("ParseTensor", name, (serialized,), {"out_type": out_type})


def serialize_tensor(tensor, name=None):
  """The tensor as a serialized TensorProto, a scalar string."""
  return _op("SerializeTensor", name, (tensor,))


def decode_compressed(bytes, compression_type="", name=None):  # noqa: A002
  """The strings, decompressed: `compression_type` is "ZLIB", "GZIP", or "" for none."""
  return _op("DecodeCompressed", name, (bytes,), {"compression_type": compression_type or ""})


from thalweg.ops.string_ops import decode_raw  # noqa: E402, F401  (under this name too)
