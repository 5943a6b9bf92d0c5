"""Lookup tables in checkpoints."""

from thalweg.framework import ops
from thalweg.framework.op_create import operation as _operation
from thalweg.train.saveables import SaveableObject, SaveSpec


class TableSaveable(SaveableObject):
  """A table's keys and values, under NAME-keys and NAME-values."""

  def __init__(self, table, name):
    keys, values = table.export()
    super().__init__(table, [SaveSpec(keys, "", name + "-keys", keys.dtype),
                             SaveSpec(values, "", name + "-values", values.dtype)], name)

  def restore(self, restored_tensors, restored_shapes):
    with ops.name_scope("%s_table_restore" % self.name):
      return _operation("LookupTableImportV2", None, (self.op.resource_handle, restored_tensors[0], restored_tensors[1]))
