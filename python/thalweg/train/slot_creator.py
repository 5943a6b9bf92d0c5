"""Variables that accompany others: an optimizer's accumulators, a moving average's shadow."""

from thalweg.framework import ops, tensor_shape
from thalweg.ops import array_ops, init_ops, variable_scope, variables


def _slot_variable(primary, value, scope, validate_shape, shape, dtype):
  """A variable of its own, or a resource variable where the primary is one; partitioned as the primary is."""
  static = callable(value) or isinstance(value, ops.Tensor) and value.get_shape().is_fully_defined()
  slot = variable_scope.get_variable(
      scope, initializer=value, trainable=False, use_resource=variables.is_resource_variable(primary),
      shape=shape if callable(value) else None, dtype=dtype if callable(value) else None,
      validate_shape=validate_shape if static else False)
  info = getattr(primary, "_save_slice_info", None)
  if info is not None and info.full_name is not None:
    # The slice of the slot lies where the slice of the primary does.
    name = slot.name[len(primary.op.name + "/"):-2]
    slot._set_save_slice_info(variables.Variable.SaveSliceInfo(
        info.full_name + "/" + name, info.full_shape[:], info.var_offset[:], info.var_shape[:]))
  return slot


def create_slot(primary, val, name, colocate_with_primary=True):
  """A variable named `primary`/`name` with the initial value `val`."""
  with variable_scope.variable_scope(None, primary.op.name + "/" + name):
    if not colocate_with_primary:
      return _slot_variable(primary, val, "", val.get_shape().is_fully_defined(), None, None)
    with ops.colocate_with(primary):
      return _slot_variable(primary, val, "", val.get_shape().is_fully_defined(), None, None)


def create_slot_with_initializer(primary, initializer, shape, dtype, name, colocate_with_primary=True):
  """As create_slot, with an initializer for a value of that shape and type."""
  shape = tensor_shape.as_shape(shape)
  with variable_scope.variable_scope(None, primary.op.name + "/" + name):
    if not colocate_with_primary:
      return _slot_variable(primary, initializer, "", shape.is_fully_defined(), shape, dtype)
    with ops.colocate_with(primary):
      return _slot_variable(primary, initializer, "", shape.is_fully_defined(), shape, dtype)


def create_zeros_slot(primary, name, dtype=None, colocate_with_primary=True):
  """A variable of zeros with the shape of `primary`."""
  if dtype is None:
    dtype = primary.dtype
  shape = primary.get_shape()
  if shape.is_fully_defined():
    return create_slot_with_initializer(primary, init_ops.zeros_initializer(), shape, dtype, name,
                                        colocate_with_primary=colocate_with_primary)
  value = array_ops.zeros(array_ops.shape(primary.initialized_value()), dtype=dtype)
  return create_slot(primary, value, name, colocate_with_primary=colocate_with_primary)
