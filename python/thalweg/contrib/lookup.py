"""tf.contrib.lookup."""

from thalweg.framework import dtypes, ops
from thalweg.ops import lookup_ops
from thalweg.ops.lookup_ops import (DenseHashTable, FastHashSpec, HasherSpec, IdTableWithHashBuckets,  # noqa: F401
                                    KeyValueTensorInitializer, LookupInterface, StaticHashTable, StrongHashSpec,
                                    TextFileIdTableInitializer, TextFileIndex, TextFileInitializer,
                                    TextFileStringTableInitializer, index_table_from_file,
                                    index_to_string_table_from_file, index_to_string_table_from_tensor,
                                    tables_initializer)

InitializableLookupTableBase = StaticHashTable


class HashTable(StaticHashTable):
  """A table that `initializer` fills once."""

  def __init__(self, initializer, default_value, shared_name=None, name=None):
    super().__init__(_Named(initializer, shared_name), default_value, name)


class _Named(object):
  """An initializer whose table has a name of the caller's."""

  def __init__(self, initializer, shared_name):
    self._initializer, self._shared_name = initializer, shared_name or initializer._shared_name

  def __getattr__(self, name):
    return getattr(self._initializer, name)


class MutableHashTable(lookup_ops.MutableHashTable):
  """A table without keys in the beginning."""

  def __init__(self, key_dtype, value_dtype, default_value, shared_name=None, name="MutableHashTable", checkpoint=True):
    self._shared = shared_name or ""
    super().__init__(key_dtype, value_dtype, default_value, name=name, checkpoint=checkpoint)


class MutableDenseHashTable(DenseHashTable):
  """A table in which one key marks free places."""

  def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets=None,
               shared_name=None, name="MutableDenseHashTable", checkpoint=True):
    self._shared = shared_name or ""
    super().__init__(key_dtype, value_dtype, default_value, empty_key, deleted_key,
                     initial_num_buckets=initial_num_buckets, name=name, checkpoint=checkpoint)


def index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                            dtype=dtypes.string, name=None):
  if mapping is None:
    raise ValueError("mapping must be specified.")
  return lookup_ops.index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, dtype, name)


def string_to_index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                                    hasher_spec=FastHashSpec, name=None):
  return index_table_from_file(vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec,
                               key_dtype=dtypes.string, name=name)


def string_to_index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec, name=None):
  with ops.name_scope(name, "string_to_index") as scope:
    mapping = ops.convert_to_tensor(mapping)
  if mapping.dtype.base_dtype != dtypes.string:
    raise ValueError("string_to_index_table_from_tensor requires string.")
  return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, dtypes.string, scope)


def string_to_index(tensor, mapping, default_value=-1, name=None):
  """The positions of strings in `mapping`; needs tables_initializer()."""
  return index_table_from_tensor(mapping, default_value=default_value, name=name).lookup(tensor)


def index_to_string(tensor, mapping, default_value="UNK", name=None):
  """The strings of `mapping` at positions; needs tables_initializer()."""
  return index_to_string_table_from_tensor(mapping, default_value, name=name).lookup(tensor)
