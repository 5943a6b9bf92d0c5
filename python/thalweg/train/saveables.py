"""What a Saver saves: objects that give tensors to write and take restored ones."""

from thalweg.framework import ops
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, control_flow_ops, state_ops, variables
from thalweg.ops.partitioned_variable import PartitionedVariable


class SaveSpec(object):
  """One tensor of a saveable: what to write, under which name, and which slice of a larger tensor it is."""

  def __init__(self, tensor, slice_spec, name, dtype=None, device=None):
    self._tensor = tensor
    self.slice_spec, self.name = slice_spec, name
    self.dtype = dtype if dtype is not None else self.tensor.dtype
    self.device = device if device is not None else self.tensor.device

  @property
  def tensor(self):
    return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject(object):
  """Base of what can be saved; subclasses define restore()."""

  def __init__(self, op, specs, name):
    self.op, self.specs, self.name = op, specs, name

  @property
  def optional_restore(self):
    return False

  @property
  def device(self):
    return self.specs[0].device

  def restore(self, restored_tensors, restored_shapes):
    """An operation that takes the restored tensors over."""
    raise ValueError("Calling an abstract method.")


class ReferenceVariableSaveable(SaveableObject):

  def __init__(self, var, slice_spec, name):
    super(ReferenceVariableSaveable, self).__init__(
        var, [SaveSpec(var, slice_spec, name, dtype=var.dtype.base_dtype)], name)

  def restore(self, restored_tensors, restored_shapes):
    tensor = restored_tensors[0]
    if restored_shapes is not None:
      tensor = array_ops.reshape(tensor, restored_shapes[0])
    return state_ops.assign(self.op, tensor,
                            validate_shape=restored_shapes is None and self.op.get_shape().is_fully_defined()).op


class ResourceVariableSaveable(SaveableObject):

  def __init__(self, var, slice_spec, name):
    self._shape, self._device = var.shape, var.device
    self._handle = var.handle

    def read():
      with ops.device(var.device):
        return var.read_value()

    super(ResourceVariableSaveable, self).__init__(
        var, [SaveSpec(read, slice_spec, name, dtype=var.dtype, device=var.device)], name)

  def restore(self, restored_tensors, restored_shapes):
    tensor = restored_tensors[0]
    if restored_shapes is not None:
      tensor = array_ops.reshape(tensor, restored_shapes[0])
    with ops.device(self._device):
      tensor = array_ops.identity(tensor)
      tensor.set_shape(self._shape)
      return _operation("AssignVariableOp", None, (self._handle, tensor))


def _one(var, slice_spec, name):
  if getattr(var, "_is_resource", False):
    return ResourceVariableSaveable(var, slice_spec, name)
  if isinstance(var, variables.Variable):
    return ReferenceVariableSaveable(var._ref(), slice_spec, name)
  return ReferenceVariableSaveable(var, slice_spec, name)


def saveable_objects_for_op(op, name):
  """The SaveableObjects of one entry of a Saver's var_list."""
  if not isinstance(name, str):
    raise TypeError("names_to_saveables must be a dict mapping string names to trackable operations. Name is not a "
                    "string: %s" % name)
  if isinstance(op, SaveableObject):
    yield op
  elif isinstance(op, (list, tuple, PartitionedVariable)):
    slice_name = None
    for part in op:
      info = part._save_slice_info if isinstance(part, variables.Variable) else None
      if info is None:
        raise ValueError("Slices must all be from the same tensor: %s != %s" % (slice_name, part))
      if slice_name is not None and info.full_name != slice_name:
        raise ValueError("Slices must all be from the same tensor: %s != %s" % (slice_name, info.full_name))
      slice_name = info.full_name
      yield _one(part, info.spec, name)
  elif isinstance(op, variables.Variable):
    info = op._save_slice_info
    yield _one(op, info.spec if info else "", name)
  elif isinstance(op, Tensor) and op.dtype._is_ref_dtype:
    yield ReferenceVariableSaveable(op, "", name)
  else:
    raise TypeError("names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: %s" % (op,))


def op_list_to_dict(op_list):
  """name -> variable (a list of slices for a partitioned one)."""
  if not isinstance(op_list, (list, tuple, set)):
    raise TypeError("Variables to save should be passed in a dict or a list: %s" % (op_list,))
  named = {}
  for var in op_list:
    if isinstance(var, SaveableObject):
      name = var.name
    elif isinstance(var, PartitionedVariable):
      name = var.name
    elif isinstance(var, variables.Variable) and var._save_slice_info:
      name = var._save_slice_info.full_name
      if not isinstance(named.setdefault(name, []), list):
        raise ValueError("Mixing slices and non-slices with the same name: %s" % name)
      named[name].append(var)
      continue
    else:
      name = var.op.name
    if name in named:
      raise ValueError("At least two variables have the same name: %s" % name)
    named[name] = var
  return named


def validate_and_slice_inputs(names_to_saveables):
  """A list of SaveableObjects in order of names; each variable once."""
  if not isinstance(names_to_saveables, dict):
    names_to_saveables = op_list_to_dict(names_to_saveables)
  saveables, seen = [], set()
  for name in sorted(names_to_saveables):
    for saveable in saveable_objects_for_op(names_to_saveables[name], name):
      if id(saveable.op) in seen:
        raise ValueError("The same saveable will be restored with two names: %s" % saveable.name)
      seen.add(id(saveable.op))
      saveables.append(saveable)
  return saveables


def add_save_op(filename, saveables):
  """SaveV2 of the saveables; a tensor that gives the filename when they are written."""
  specs = [spec for saveable in saveables for spec in saveable.specs]
  with ops.device("/cpu:0"):
    save = _operation("SaveV2", None, (filename, [s.name for s in specs], [s.slice_spec for s in specs],
                                       [s.tensor for s in specs]))
  return control_flow_ops.with_dependencies([save], filename)


def add_save_op_v1(filename, saveables):
  specs = [spec for saveable in saveables for spec in saveable.specs]
  save = _operation("SaveSlices", "save", (filename, [s.name for s in specs], [s.slice_spec for s in specs],
                                           [s.tensor for s in specs]))
  return control_flow_ops.with_dependencies([save], filename)


def restore_tensors(filename, saveables):
  """All tensors of the saveables by one RestoreV2."""
  specs = [spec for saveable in saveables for spec in saveable.specs]
  with ops.device("/cpu:0"):
    tensors = _op("RestoreV2", None, (filename, [s.name for s in specs], [s.slice_spec for s in specs]),
                  {"dtypes": [s.dtype.base_dtype for s in specs]})
  return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
