"""Variables kept in parts, as get_variable makes them with a partitioner."""

from thalweg.framework import ops, tensor_shape
from thalweg.ops import array_ops


class PartitionedVariable:
  """One variable kept as several, split along one dimension."""

  def __init__(self, name, shape, dtype, variable_list, partitions):
    if not isinstance(variable_list, (list, tuple)):
      raise TypeError("variable_list is not a list or tuple: %s" % variable_list)
    if not isinstance(partitions, (list, tuple)):
      raise TypeError("partitions is not a list or tuple: %s" % partitions)
    if not all(p >= 1 for p in partitions):
      raise ValueError("partition values must be positive: %s" % partitions)
    if not variable_list:
      raise ValueError("variable_list may not be empty")
    self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
    self._name, self._shape, self._dtype = name, shape, dtype
    self._partitions = partitions
    self._as_tensor = None

  def __iter__(self):
    return iter(self._variable_list)

  def __len__(self):
    if len(self._partition_axes()) > 1:
      raise ValueError("Cannot get a length for %d > 1 partition axes" % len(self._partition_axes()))
    return len(self._variable_list)

  def _partition_axes(self):
    if all(p == 1 for p in self._partitions):
      return [0]
    return [i for i, p in enumerate(self._partitions) if p > 1]

  def _concat(self):
    if len(self._variable_list) == 1:
      with ops.name_scope(None):
        return array_ops.identity(self._variable_list[0], name=self._name)
    axes = self._partition_axes()
    if len(axes) > 1:
      raise NotImplementedError("Cannot concatenate along more than one dimension: %s." % axes)
    with ops.name_scope(self._name + "/ConcatPartitions/"):
      concatenated = array_ops.concat(self._variable_list, axes[0])
    with ops.name_scope(None):
      return array_ops.identity(concatenated, name=self._name)

  def as_tensor(self):
    with ops.control_dependencies(None):
      return self._concat()

  @staticmethod
  def _TensorConversionFunction(v, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(v.dtype):
      raise ValueError("Incompatible type conversion requested to type '%s' for variable of type '%s'" % (
          dtype.name, v.dtype.name))
    if as_ref:
      raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    return v.as_tensor()

  @property
  def name(self):
    return self._name

  @property
  def dtype(self):
    return self._dtype

  @property
  def shape(self):
    return tensor_shape.as_shape(self._shape)

  def get_shape(self):
    return self.shape

  def _get_variable_list(self):
    return self._variable_list

  def _get_partitions(self):
    return self._partitions

  def _apply(self, assign, value):
    """assign(part, part of the value) for each part, as a list."""
    axes = self._partition_axes()
    if len(axes) > 1:
      raise NotImplementedError("Cannot do assign action along more than one dimension: %s.  Multi-axis partition assign "
                                "action is not supported " % axes)
    if isinstance(value, list):
      if len(value) != len(self._variable_list):
        raise ValueError("%s has %d parts, but was given %d values" % (self._name, len(self._variable_list), len(value)))
      values = value
    elif isinstance(value, PartitionedVariable):
      values = list(value)
    else:
      values = array_ops.split(value, [v.shape.as_list()[axes[0]] for v in self._variable_list], axes[0])
    return [assign(v, part) for v, part in zip(self._variable_list, values)]

  def assign(self, value, use_locking=False, name=None, read_value=True):
    """Writes all parts. `value` is a tensor of the whole shape, a PartitionedVariable, or a list of values of parts."""
    return self._apply(lambda v, part: v.assign(part, use_locking, name, read_value), value)

  def assign_add(self, value, use_locking=False, name=None, read_value=True):
    return self._apply(lambda v, part: v.assign_add(part, use_locking, name, read_value), value)

  def assign_sub(self, value, use_locking=False, name=None, read_value=True):
    return self._apply(lambda v, part: v.assign_sub(part, use_locking, name, read_value), value)


ops.register_tensor_conversion_function(PartitionedVariable, PartitionedVariable._TensorConversionFunction)
