"""Tables of vocabularies: from words to their numbers and back, with buckets by hash for words that are in none."""

import collections

from thalweg.framework import dtypes, ops, sparse_tensor
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops, control_flow_ops, math_ops
from thalweg.ops.lookup_initializers import (KeyValueTensorInitializer, TableInitializerBase,  # noqa: F401
                                             TextFileIdTableInitializer, TextFileIndex, TextFileInitializer,
                                             TextFileStringTableInitializer)
from thalweg.ops.lookup_tables import (DenseHashTable, HashTable, LookupInterface, MutableHashTable,  # noqa: F401
                                       StaticHashTable, StaticHashTableV1, keys_of)


class HasherSpec(collections.namedtuple("HasherSpec", ["hasher", "key"])):
  """How keys that are not in a vocabulary are hashed."""


FastHashSpec = HasherSpec("fasthash", None)


class StrongHashSpec(HasherSpec):
  """A keyed hash, which nobody who does not know the two integers of `key` can direct."""

  def __new__(cls, key):
    if len(key) != 2:
      raise ValueError("key must have size 2, got %s." % len(key))
    if not isinstance(key[0], int) or not isinstance(key[1], int):
      raise TypeError("Invalid key %s. Must be unsigned integer values." % (key,))
    return super().__new__(cls, "stronghash", key)


class IdTableWithHashBuckets(LookupInterface):
  """The ids of a table of known keys, and behind them a bucket by hash for every other key."""

  def __init__(self, table, num_oov_buckets, hasher_spec=FastHashSpec, name=None, key_dtype=None):
    if num_oov_buckets < 0:
      raise ValueError("num_oov_buckets must be >= 0, but is %d" % num_oov_buckets)
    if table is None and num_oov_buckets == 0:
      raise ValueError("oov_buckets must be > 0 if no table is supplied, but is %d" % num_oov_buckets)
    if table is not None and table.value_dtype != dtypes.int64:
      raise TypeError("Invalid value dtype, expected %s but got %s." % (dtypes.int64, table.value_dtype))
    key_dtype = dtypes.as_dtype(key_dtype or (table.key_dtype if table is not None else dtypes.string))
    if not (key_dtype.is_integer or key_dtype == dtypes.string):
      raise TypeError("Invalid key_dtype, expected integer or string but got %s." % key_dtype)
    if not isinstance(hasher_spec, HasherSpec):
      raise TypeError("hasher_spec must be of type HasherSpec, got %s" % type(hasher_spec))
    super().__init__(key_dtype, dtypes.int64)
    self._table, self._num_oov_buckets, self._hasher_spec = table, num_oov_buckets, hasher_spec
    self._name = (name or (table.name + "_" if table is not None else "")
                  + "bucket").rstrip("/").split("/")[-1]

  @property
  def name(self):
    return self._name

  @property
  def resource_handle(self):
    return self._table.resource_handle if self._table is not None else None

  @property
  def initializer(self):
    if self._table is not None:
      return self._table.initializer
    with ops.name_scope(None, "init"):
      return control_flow_ops.no_op()

  init = initializer

  def size(self, name=None):
    with ops.name_scope(name, "%s_Size" % self.name):
      known = self._table.size() if self._table is not None else ops.convert_to_tensor(0, dtype=dtypes.int64)
      return known + self._num_oov_buckets

  def _bucket(self, keys):
    strings = keys if keys.dtype == dtypes.string else _op("AsString", None, (keys,))
    if self._hasher_spec.hasher == "fasthash":
      return _op("StringToHashBucketFast", "hash_bucket", (strings,), {"num_buckets": self._num_oov_buckets})
    if self._hasher_spec.hasher == "stronghash":
      return _op("StringToHashBucketStrong", "hash_bucket", (strings,), {
          "num_buckets": self._num_oov_buckets, "key": list(self._hasher_spec.key)})
    raise ValueError("Unknown hasher %s" % self._hasher_spec.hasher)

  def lookup(self, keys, name=None):
    if isinstance(keys, (ops.Tensor, sparse_tensor.SparseTensor)):
      self._check_keys(keys)
    with ops.name_scope(name, "%s_Lookup" % self.name):
      values, put_back = keys_of(keys, self._key_dtype)
      if self._num_oov_buckets == 0:
        return put_back(self._table.lookup(values))
      buckets = self._bucket(values)
      if self._table is None:
        return put_back(buckets)
      ids = self._table.lookup(values)
      known = math_ops.not_equal(ids, self._table.default_value)
      return put_back(array_ops.where(known, ids, buckets + self._table.size()))


class StaticVocabularyTable(LookupInterface):
  """Ids of the keys of an initializer, whose values number them from 0, and buckets for all other keys."""

  def __init__(self, initializer, num_oov_buckets, lookup_key_dtype=None, name=None):
    if num_oov_buckets <= 0:
      raise ValueError("oov_buckets must be > 0.")
    if initializer is not None:
      if initializer.value_dtype != dtypes.int64:
        raise TypeError("Invalid value dtype, expected %s but got %s." % (dtypes.int64, initializer.value_dtype))
      key_dtype = dtypes.as_dtype(lookup_key_dtype or initializer.key_dtype)
      if key_dtype != initializer.key_dtype and not (key_dtype.is_integer and initializer.key_dtype.is_integer):
        raise TypeError("Invalid key dtype, expected %s but got %s." % (initializer.key_dtype, key_dtype))
      self._table = StaticHashTable(initializer, default_value=-1)
    else:
      key_dtype, self._table = dtypes.as_dtype(lookup_key_dtype or dtypes.string), None
    super().__init__(key_dtype, dtypes.int64)
    self._buckets = IdTableWithHashBuckets(self._table, num_oov_buckets, name=name,
                                           key_dtype=self._table.key_dtype if self._table is not None else key_dtype)

  @property
  def name(self):
    return self._buckets.name

  @property
  def resource_handle(self):
    return self._buckets.resource_handle

  @property
  def initializer(self):
    return self._buckets.initializer

  def size(self, name=None):
    return self._buckets.size(name)

  def lookup(self, keys, name=None):
    if isinstance(keys, (ops.Tensor, sparse_tensor.SparseTensor)):
      self._check_keys(keys)
    inner = self._buckets.key_dtype
    if inner == self._key_dtype:
      return self._buckets.lookup(keys, name)
    values, put_back = keys_of(keys, self._key_dtype)
    return put_back(self._buckets.lookup(math_ops.cast(values, inner), name))


def _check_file(vocabulary_file, vocab_size):
  if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
    raise ValueError("vocabulary_file must be specified and must not be empty.")
  if vocab_size is not None and vocab_size < 1:
    raise ValueError("vocab_size must be greater than 0, got %d." % vocab_size)


def _vocabulary_type(dtype, num_oov_buckets):
  """The type of the words of a vocabulary that has so many buckets for others."""
  if num_oov_buckets < 0:
    raise ValueError("num_oov_buckets must be greater or equal than 0, got %d." % num_oov_buckets)
  dtype = dtypes.as_dtype(dtype)
  if not (dtype.is_integer or dtype == dtypes.string):
    raise TypeError("Only integer and string keys are supported.")
  return dtype


def _vocabulary(table, num_oov_buckets, hasher_spec, key_dtype):
  if not num_oov_buckets:
    return table
  return IdTableWithHashBuckets(table, num_oov_buckets=num_oov_buckets, hasher_spec=hasher_spec, key_dtype=key_dtype)


def index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                          hasher_spec=FastHashSpec, key_dtype=dtypes.string, name=None,
                          key_column_index=TextFileIndex.WHOLE_LINE, value_column_index=TextFileIndex.LINE_NUMBER,
                          delimiter="\t"):
  """A table from the lines of a file to their numbers; other keys get `default_value`, or one of the buckets behind."""
  _check_file(vocabulary_file, vocab_size)
  key_dtype = _vocabulary_type(key_dtype, num_oov_buckets)
  with ops.name_scope(name, "string_to_index"):
    # Integers are in the file as text, and looked up as such.
    initializer = TextFileIdTableInitializer(
        vocabulary_file, vocab_size=vocab_size, key_dtype=dtypes.int64 if key_dtype.is_integer else key_dtype,
        name="table_init", key_column_index=key_column_index, value_column_index=value_column_index,
        delimiter=delimiter)
    return _vocabulary(StaticHashTable(initializer, default_value), num_oov_buckets, hasher_spec, key_dtype)


def index_table_from_tensor(vocabulary_list, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                            dtype=dtypes.string, name=None):
  """A table from the elements of a vector to their positions."""
  if vocabulary_list is None:
    raise ValueError("vocabulary_list must be specified.")
  dtype = _vocabulary_type(dtype, num_oov_buckets)
  with ops.name_scope(name, "string_to_index"):
    keys = ops.convert_to_tensor(vocabulary_list)
    if keys.dtype.is_integer != dtype.is_integer:
      raise ValueError("Expected %s, got %s." % ("integer" if dtype.is_integer else "non-integer", keys.dtype))
    if not dtype.is_integer and keys.dtype.base_dtype != dtype:
      raise ValueError("Expected %s, got %s." % (dtype, keys.dtype))
    values = math_ops.cast(math_ops.range(array_ops.size(keys)), dtypes.int64)
    keys = math_ops.cast(keys, dtypes.int64) if dtype.is_integer else keys
    initializer = KeyValueTensorInitializer(keys, values, keys.dtype.base_dtype, dtypes.int64, name="table_init")
    return _vocabulary(StaticHashTable(initializer, default_value), num_oov_buckets, hasher_spec, keys.dtype)


def index_to_string_table_from_file(vocabulary_file, vocab_size=None, default_value="UNK", name=None,
                                    key_column_index=TextFileIndex.LINE_NUMBER,
                                    value_column_index=TextFileIndex.WHOLE_LINE, delimiter="\t"):
  """A table from the numbers of a file's lines to the lines."""
  _check_file(vocabulary_file, vocab_size)
  with ops.name_scope(name, "index_to_string"):
    initializer = TextFileStringTableInitializer(vocabulary_file, vocab_size=vocab_size, name="table_init",
                                                 key_column_index=key_column_index,
                                                 value_column_index=value_column_index, delimiter=delimiter)
    return StaticHashTable(initializer, default_value)


def index_to_string_table_from_tensor(vocabulary_list, default_value="UNK", name=None):
  """A table from positions to the elements of a vector of strings."""
  if vocabulary_list is None:
    raise ValueError("vocabulary_list must be specified.")
  with ops.name_scope(name, "index_to_string"):
    values = ops.convert_to_tensor(vocabulary_list, dtype=dtypes.string)
    keys = math_ops.cast(math_ops.range(array_ops.size(values)), dtypes.int64)
    initializer = KeyValueTensorInitializer(keys, values, dtypes.int64, dtypes.string, name="table_init")
    return StaticHashTable(initializer, default_value)


def tables_initializer(name="init_all_tables"):
  """The operation that runs the initializers of all tables."""
  initializers = ops.get_collection(ops.GraphKeys.TABLE_INITIALIZERS)
  return control_flow_ops.group(*initializers, name=name) if initializers else control_flow_ops.no_op(name=name)


def initialize_all_tables(name="init_all_tables"):
  """tables_initializer, by its old name."""
  return tables_initializer(name)
