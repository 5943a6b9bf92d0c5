"""Lookup tables, each behind one resource: filled once by an initializer, or changed by the steps themselves.

Keys have any shape, or are sparse; a value is found for each, so that values are [keys' shape, a value's shape].
"""

import uuid

from thalweg.framework import ops, sparse_tensor
from thalweg.framework.op_create import op as _op, operation as _operation
from thalweg.ops.lookup_initializers import KeyValueTypes


def keys_of(keys, dtype):
  """(values to look up, function that puts the result where they came from)."""
  if isinstance(keys, sparse_tensor.SparseTensor):
    return keys.values, lambda found: sparse_tensor.SparseTensor(keys.indices, found, keys.dense_shape)
  return ops.convert_to_tensor(keys, dtype=dtype, name="keys"), lambda found: found


class LookupInterface(KeyValueTypes):
  """What all tables have in common."""

  @property
  def name(self):
    raise NotImplementedError

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
      values, put_back = keys_of(keys, self._key_dtype)
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
