"""Lookup tables: from keys to values, filled once by an initializer, or by the steps themselves.

A table of the first kind adds its initializer to the collection TABLE_INITIALIZERS, which tables_initializer() runs.
"""

import collections
import uuid

from thalweg.framework import dtypes, ops, sparse_tensor, tensor_shape
from thalweg.framework.op_create import op as _op, operation as _operation
from thalweg.ops import array_ops, control_flow_ops, math_ops


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


def _keys_of(keys, dtype):
  """(values to look up, function that puts the result where they came from)."""
  if isinstance(keys, sparse_tensor.SparseTensor):
    return keys.values, lambda found: sparse_tensor.SparseTensor(keys.indices, found, keys.dense_shape)
  return ops.convert_to_tensor(keys, dtype=dtype, name="keys"), lambda found: found


class LookupInterface(object):
  """What all tables have in common."""

  def __init__(self, key_dtype, value_dtype):
    self._key_dtype, self._value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)

  @property
  def key_dtype(self):
    return self._key_dtype

  @property
  def value_dtype(self):
    return self._value_dtype

  @property
  def name(self):
    return NotImplementedError

  def size(self, name=None):
    raise NotImplementedError

  def lookup(self, keys, name=None):
    raise NotImplementedError

  def _check_keys(self, keys):
    if keys.dtype.base_dtype != self._key_dtype:
      raise TypeError("Signature mismatch. Keys must be dtype %s, got %s." % (self._key_dtype, keys.dtype))


class _Table(LookupInterface):
  """A table behind one resource."""

  def __init__(self, key_dtype, value_dtype, default_value):
    super().__init__(key_dtype, value_dtype)
    self._default_value = ops.convert_to_tensor(default_value, dtype=self._value_dtype)
    self._value_shape = self._default_value.shape

  def _made(self, resource_handle):
    self.resource_handle = resource_handle
    self._table_name = resource_handle.op.name.split("/")[-1]

  @property
  def name(self):
    return self._table_name

  @property
  def default_value(self):
    return self._default_value

  def size(self, name=None):
    with ops.name_scope(name, "%s_Size" % self.name, [self.resource_handle]):
      return _op("LookupTableSizeV2", None, (self.resource_handle,))

  def lookup(self, keys, name=None):
    """The values of a Tensor or SparseTensor of keys; the table's default where there is none."""
    if isinstance(keys, (ops.Tensor, sparse_tensor.SparseTensor)):
      self._check_keys(keys)
    with ops.name_scope(name, "%s_Lookup" % self.name, [self.resource_handle]):
      values, put_back = _keys_of(keys, self._key_dtype)
      self._check_keys(values)
      found = _op("LookupTableFindV2", None, (self.resource_handle, values, self._default_value))
      found.set_shape(values.shape.concatenate(self._value_shape))
      return put_back(found)

  def export(self, name=None):
    """(keys, values) of all entries, in no order."""
    with ops.name_scope(name, "%s_Export" % self.name, [self.resource_handle]):
      keys, values = _op("LookupTableExportV2", None, (self.resource_handle,),
                         {"Tkeys": self._key_dtype, "Tvalues": self._value_dtype})
      values.set_shape(keys.shape.concatenate(self._value_shape))
      return keys, values


class StaticHashTable(_Table):
  """A table that `initializer` fills once."""

  def __init__(self, initializer, default_value, name=None):
    self._initializer = initializer
    self._shared_name = initializer._shared_name or "table_%s" % (uuid.uuid4(),)
    with ops.name_scope(name, "hash_table"):
      super().__init__(initializer.key_dtype, initializer.value_dtype, default_value)
      self._made(_op("HashTableV2", "hash_table", (), {
          "shared_name": self._shared_name, "key_dtype": self._key_dtype, "value_dtype": self._value_dtype}))
      self._init_op = initializer.initialize(self)

  @property
  def initializer(self):
    return self._init_op

  @property
  def init(self):
    return self._init_op


HashTable = StaticHashTableV1 = StaticHashTable


class TableInitializerBase(object):
  """Fills a table: initialize(table) gives the operation, which it adds to TABLE_INITIALIZERS."""

  def __init__(self, key_dtype, value_dtype):
    self._key_dtype, self._value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)

  @property
  def key_dtype(self):
    return self._key_dtype

  @property
  def value_dtype(self):
    return self._value_dtype

  # Tables of equal contents may share one name, and then one table.
  _shared_name = None

  def initialize(self, table):
    raise NotImplementedError

  def _check(self, table):
    if table.key_dtype != self._key_dtype:
      raise TypeError("Invalid key dtype, expected %s but got %s." % (self._key_dtype, table.key_dtype))
    if table.value_dtype != self._value_dtype:
      raise TypeError("Invalid value dtype, expected %s but got %s." % (self._value_dtype, table.value_dtype))


class KeyValueTensorInitializer(TableInitializerBase):
  """Vectors of keys and values."""

  def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
    self._name = name
    with ops.init_scope(), ops.name_scope(name, "key_value_init", [keys, values]):
      self._keys = ops.convert_to_tensor(keys, dtype=key_dtype, name="keys")
      self._values = ops.convert_to_tensor(values, dtype=value_dtype, name="values")
    super().__init__(self._keys.dtype, self._values.dtype)

  def initialize(self, table):
    self._check(table)
    with ops.name_scope(self._name, "key_value_init", [table.resource_handle, self._keys, self._values]):
      made = _operation("InitializeTableV2", None, (table.resource_handle, self._keys, self._values))
    ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, made)
    return made


class TextFileIndex(object):
  """What of a line is a key or a value, beside the number of a column."""

  WHOLE_LINE = -2
  LINE_NUMBER = -1


class TextFileInitializer(TableInitializerBase):
  """The lines of a text file: key and value are columns from 0, the whole line, or its number."""

  def __init__(self, filename, key_dtype, key_index, value_dtype, value_index, vocab_size=None, delimiter="\t", name=None):
    key_dtype, value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
    if not isinstance(filename, ops.Tensor) and not filename:
      raise ValueError("Filename required for %s." % name)
    if key_index < -2:
      raise ValueError("Invalid key index %s." % key_index)
    if value_index < -2:
      raise ValueError("Invalid value index %s." % value_index)
    if key_index == TextFileIndex.LINE_NUMBER and key_dtype != dtypes.int64:
      raise ValueError("Signature mismatch. Keys must be dtype %s, got %s." % (dtypes.int64, key_dtype))
    if key_index == TextFileIndex.WHOLE_LINE and not (key_dtype.is_integer or key_dtype == dtypes.string):
      raise ValueError("Signature mismatch. Keys must be integer or string, got %s." % key_dtype)
    if value_index == TextFileIndex.LINE_NUMBER and value_dtype != dtypes.int64:
      raise ValueError("Signature mismatch. Values must be dtype %s, got %s." % (dtypes.int64, value_dtype))
    if value_index == TextFileIndex.WHOLE_LINE and value_dtype != dtypes.string:
      raise ValueError("Signature mismatch. Values must be dtype %s, got %s." % (dtypes.string, value_dtype))
    if vocab_size is not None and not isinstance(vocab_size, ops.Tensor) and vocab_size <= 0:
      raise ValueError("Invalid vocab_size %s." % vocab_size)
    self._filename, self._name = filename, name
    self._attrs = {"key_index": key_index, "value_index": value_index,
                   "vocab_size": -1 if vocab_size is None else vocab_size, "delimiter": delimiter}
    super().__init__(key_dtype, value_dtype)

  @property
  def _shared_name(self):
    if isinstance(self._filename, ops.Tensor):
      return None
    a = self._attrs
    return "hash_table_%s_%s_%s_%s" % (self._filename, a["vocab_size"], a["key_index"], a["value_index"])

  def initialize(self, table):
    self._check(table)
    with ops.name_scope(self._name, "text_file_init", [table.resource_handle]):
      filename = ops.convert_to_tensor(self._filename, dtypes.string, name="asset_filepath")
      made = _operation("InitializeTableFromTextFileV2", None, (table.resource_handle, filename), self._attrs)
    ops.add_to_collection(ops.GraphKeys.TABLE_INITIALIZERS, made)
    ops.add_to_collection(ops.GraphKeys.ASSET_FILEPATHS, filename)
    return made


class TextFileStringTableInitializer(TextFileInitializer):
  """Line numbers to strings."""

  def __init__(self, filename, key_column_index=TextFileIndex.LINE_NUMBER,
               value_column_index=TextFileIndex.WHOLE_LINE, vocab_size=None, delimiter="\t",
               name="text_file_string_table_init"):
    super().__init__(filename, dtypes.int64, key_column_index, dtypes.string, value_column_index,
                     vocab_size=vocab_size, delimiter=delimiter, name=name)


class TextFileIdTableInitializer(TextFileInitializer):
  """Strings to line numbers."""

  def __init__(self, filename, key_column_index=TextFileIndex.WHOLE_LINE,
               value_column_index=TextFileIndex.LINE_NUMBER, vocab_size=None, delimiter="\t",
               name="text_file_id_table_init", key_dtype=dtypes.string):
    super().__init__(filename, key_dtype, key_column_index, dtypes.int64, value_column_index, vocab_size=vocab_size,
                     delimiter=delimiter, name=name)


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
      values, put_back = _keys_of(keys, self._key_dtype)
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
    values, put_back = _keys_of(keys, self._key_dtype)
    return put_back(self._buckets.lookup(math_ops.cast(values, inner), name))


def _vocabulary(table, num_oov_buckets, hasher_spec, key_dtype):
  if not num_oov_buckets:
    return table
  return IdTableWithHashBuckets(table, num_oov_buckets=num_oov_buckets, hasher_spec=hasher_spec, key_dtype=key_dtype)


def index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                          hasher_spec=FastHashSpec, key_dtype=dtypes.string, name=None,
                          key_column_index=TextFileIndex.WHOLE_LINE, value_column_index=TextFileIndex.LINE_NUMBER,
                          delimiter="\t"):
  """A table from the lines of a file to their numbers; other keys get `default_value`, or one of the buckets behind."""
  if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
    raise ValueError("vocabulary_file must be specified and must not be empty.")
  if num_oov_buckets < 0:
    raise ValueError("num_oov_buckets must be greater or equal than 0, got %d." % num_oov_buckets)
  if vocab_size is not None and vocab_size < 1:
    raise ValueError("vocab_size must be greater than 0, got %d." % vocab_size)
  key_dtype = dtypes.as_dtype(key_dtype)
  if not (key_dtype.is_integer or key_dtype == dtypes.string):
    raise TypeError("Only integer and string keys are supported.")
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
  if num_oov_buckets < 0:
    raise ValueError("num_oov_buckets must be greater or equal than 0, got %d." % num_oov_buckets)
  dtype = dtypes.as_dtype(dtype)
  if not (dtype.is_integer or dtype == dtypes.string):
    raise TypeError("Only integer and string keys are supported.")
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
  if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
    raise ValueError("vocabulary_file must be specified and must not be empty.")
  if vocab_size is not None and vocab_size < 1:
    raise ValueError("vocab_size must be greater than 0, got %d." % vocab_size)
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


class _MutableTable(_Table):
  """A table that steps change; saved with the variables when `checkpoint`."""

  _shared = ""  # the name under which others find it

  def _finish(self, handle, checkpoint):
    self._made(handle)
    if checkpoint:
      from thalweg.train.table_saveable import TableSaveable
      ops.add_to_collection(ops.GraphKeys.SAVEABLE_OBJECTS, TableSaveable(self, handle.op.name))

  def insert(self, keys, values, name=None):
    """The operation that puts in keys and their values, in place of what was there."""
    with ops.name_scope(name, "%s_lookup_table_insert" % self.name, [self.resource_handle, keys, values]):
      keys = ops.convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
      values = ops.convert_to_tensor(values, dtype=self._value_dtype, name="values")
      return _operation("LookupTableInsertV2", None, (self.resource_handle, keys, values))

  def remove(self, keys, name=None):
    """The operation that takes keys out."""
    if isinstance(keys, ops.Tensor):
      self._check_keys(keys)
    with ops.name_scope(name, "%s_lookup_table_remove" % self.name, [self.resource_handle, keys]):
      keys = ops.convert_to_tensor(keys, dtype=self._key_dtype, name="keys")
      return _operation("LookupTableRemoveV2", None, (self.resource_handle, keys))


class MutableHashTable(_MutableTable):
  """A table without keys in the beginning."""

  def __init__(self, key_dtype, value_dtype, default_value, name="MutableHashTable", checkpoint=True):
    super().__init__(key_dtype, value_dtype, default_value)
    attrs = {"key_dtype": self._key_dtype, "value_dtype": self._value_dtype, "use_node_name_sharing": checkpoint,
             "shared_name": self._shared}
    if self._value_shape.ndims == 0:
      handle = _op("MutableHashTableV2", name, (), attrs)
    else:
      handle = _op("MutableHashTableOfTensorsV2", name, (), dict(attrs, value_shape=self._value_shape))
    self._finish(handle, checkpoint)


class DenseHashTable(_MutableTable):
  """A table in which two keys are not allowed: one that marks free places, and one that marks removed keys."""

  def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets=None,
               name="MutableDenseHashTable", checkpoint=True):
    super().__init__(key_dtype, value_dtype, default_value)
    empty_key = ops.convert_to_tensor(empty_key, dtype=self._key_dtype, name="empty_key")
    deleted_key = ops.convert_to_tensor(deleted_key, dtype=self._key_dtype, name="deleted_key")
    attrs = {"value_dtype": self._value_dtype, "value_shape": self._value_shape, "use_node_name_sharing": checkpoint,
             "shared_name": self._shared}
    if initial_num_buckets is not None:
      attrs["initial_num_buckets"] = initial_num_buckets
    self._finish(_op("MutableDenseHashTableV2", name, (empty_key, deleted_key), attrs), checkpoint)

  def insert_or_assign(self, keys, values, name=None):
    return self.insert(keys, values, name)

  def erase(self, keys, name=None):
    return self.remove(keys, name)


def tables_initializer(name="init_all_tables"):
  """The operation that runs the initializers of all tables."""
  initializers = ops.get_collection(ops.GraphKeys.TABLE_INITIALIZERS)
  return control_flow_ops.group(*initializers, name=name) if initializers else control_flow_ops.no_op(name=name)


def initialize_all_tables(name="init_all_tables"):
  return tables_initializer(name)
