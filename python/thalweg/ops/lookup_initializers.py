"""What fills lookup tables once: vectors of keys and values, or the lines of a text file.

Initializers are added to the collection TABLE_INITIALIZERS, which tables_initializer() runs.
"""

from thalweg.framework import dtypes, ops
from thalweg.framework.op_create import operation as _operation


class KeyValueTypes(object):
  """Something that has a type of keys and a type of values."""

  def __init__(self, key_dtype, value_dtype):
    self._key_dtype, self._value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)

  @property
  def key_dtype(self):
    return self._key_dtype

  @property
  def value_dtype(self):
    return self._value_dtype


class TableInitializerBase(KeyValueTypes):
  """Fills a table: initialize(table) gives the operation, which it adds to TABLE_INITIALIZERS."""

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
