"""Assigning variables from arrays and from checkpoints."""

from thalweg.contrib.framework.variables import get_variable_full_name
from thalweg.framework import ops
from thalweg.ops import array_ops, control_flow_ops
from thalweg.platform import tf_logging as logging
from thalweg.train import NewCheckpointReader, Saver


def _assignment(var):
  """A placeholder and the operation that assigns it."""
  value = array_ops.placeholder(dtype=var.dtype.base_dtype, shape=var.get_shape(), name="placeholder/" + var.op.name)
  return value, var.assign(value)


def assign_from_values(var_names_to_values):
  """(operation, feed dict) that assign arrays to variables by name."""
  feeds, assigns = {}, []
  for name, value in var_names_to_values.items():
    found = ops.get_collection(ops.GraphKeys.GLOBAL_VARIABLES, name)
    if not found:
      raise ValueError("Variable %s wasn't found" % name)
    exact = found if len(found) == 1 else [v for v in found if v.op.name == name]
    if not exact:
      raise ValueError("Variable %s doesn't uniquely identify a variable" % name)
    placeholder, assign = _assignment(exact[0])
    assigns.append(assign)
    feeds[placeholder] = value.reshape(exact[0].get_shape().as_list())
  return control_flow_ops.group(*assigns), feeds


def assign_from_values_fn(var_names_to_values):
  """A function of a session that assigns arrays to variables by name."""
  assign_op, feed_dict = assign_from_values(var_names_to_values)
  return lambda session: session.run(assign_op, feed_dict)


def assign_from_checkpoint(model_path, var_list, ignore_missing_vars=False):
  """(operation, feed dict) that assign variables from a checkpoint. `var_list` is a list of variables, or a dictionary of
  names in the checkpoint and variables, or lists of the slices of one."""
  grouped = {}
  if isinstance(var_list, (tuple, list)):
    for var in var_list:
      grouped.setdefault(get_variable_full_name(var), []).append(var)
  else:
    for name, value in var_list.items():
      grouped[name] = value if isinstance(value, (tuple, list)) else [value]
  reader = NewCheckpointReader(model_path)
  feeds, assigns = {}, []
  for name, group in grouped.items():
    if not reader.has_tensor(name):
      text = "Checkpoint is missing variable [%s]" % name
      if not ignore_missing_vars:
        raise ValueError(text)
      logging.warning(text)
      continue
    value = reader.get_tensor(name)
    for var in group:
      placeholder, assign = _assignment(var)
      assigns.append(assign)
      part = var._save_slice_info
      if part:
        window = tuple(slice(start, start + size) for start, size in zip(part.var_offset, part.var_shape))
        feeds[placeholder] = value[window].reshape(part.var_shape)
      elif tuple(var.get_shape().as_list()) != value.shape:
        raise ValueError("Total size of new array must be unchanged for %s lh_shape: [%s], rh_shape: [%s]" % (
            name, value.shape, var.get_shape()))
      else:
        feeds[placeholder] = value
  return control_flow_ops.group(*assigns), feeds


def assign_from_checkpoint_fn(model_path, var_list, ignore_missing_vars=False, reshape_variables=False):
  """A function of a session that restores variables; None when the checkpoint has none of them."""
  if not var_list:
    raise ValueError("var_list cannot be empty")
  if ignore_missing_vars:
    reader = NewCheckpointReader(model_path)
    wanted = var_list if isinstance(var_list, dict) else {var.op.name: var for var in var_list}
    var_list = {}
    for name, var in wanted.items():
      if reader.has_tensor(name):
        var_list[name] = var
      else:
        logging.warning("Variable %s missing in checkpoint %s", name, model_path)
    if not var_list:
      logging.warning("No Variables to restore")
      return None
  saver = Saver(var_list, reshape=reshape_variables)
  return lambda session: saver.restore(session, model_path)
