"""Looking into checkpoints without a graph."""

import os

from thalweg import _tensors
from thalweg._c import borrowed, check, ffi, lib, raw
from thalweg.framework import dtypes, ops
from thalweg.ops.partitioned_variable import PartitionedVariable
from thalweg.train import checkpoint_management


class CheckpointReader(object):
  """tf.train.NewCheckpointReader: names, shapes and values of a checkpoint of either version."""

  def __init__(self, filepattern):
    out = ffi.new("tw_checkpoint**")
    check(lib.tw_checkpoint_open(borrowed(os.fsencode(filepattern)), out))
    self._handle = ffi.gc(out[0], lib.tw_checkpoint_release)
    self._entries = {}
    name, dtype, dims, rank = ffi.new("tw_str*"), ffi.new("int32_t*"), ffi.new("int64_t[]", 12), ffi.new("int32_t*")
    for i in range(lib.tw_checkpoint_count(self._handle)):
      check(lib.tw_checkpoint_entry(self._handle, i, name, dtype, dims, rank))
      self._entries[raw(name[0]).decode("utf-8", "surrogateescape")] = (dtype[0], [dims[d] for d in range(rank[0])])

  def has_tensor(self, tensor_str):
    return _text(tensor_str) in self._entries

  def get_tensor(self, tensor_str):
    out = ffi.new("tw_tensor**")
    name = _text(tensor_str).encode("utf-8", "surrogateescape")
    check(lib.tw_checkpoint_read(self._handle, borrowed(name), out))
    return _tensors.to_numpy(out[0])

  def get_variable_to_shape_map(self):
    return {name: list(shape) for name, (_, shape) in self._entries.items()}

  def get_variable_to_dtype_map(self):
    return {name: dtypes.as_dtype(dtype) for name, (dtype, _) in self._entries.items()}

  def debug_string(self):
    lines = ["%s (%s) %s" % (name, dtypes.as_dtype(dtype).name.upper(), shape)
             for name, (dtype, shape) in sorted(self._entries.items())]
    return "\n".join(lines).encode()


NewCheckpointReader = CheckpointReader


def _text(name):
  return name.decode() if isinstance(name, bytes) else name


def load_checkpoint(ckpt_dir_or_file):
  """A reader of a checkpoint, or of the last one in a folder."""
  filename = ckpt_dir_or_file
  if os.path.isdir(filename):
    filename = checkpoint_management.latest_checkpoint(filename)
  if filename is None:
    raise ValueError("Couldn't find 'checkpoint' file or checkpoints in given directory %s" % ckpt_dir_or_file)
  return CheckpointReader(filename)


def load_variable(ckpt_dir_or_file, name):
  """The value of one variable of a checkpoint."""
  if name.endswith(":0"):
    name = name[:-2]
  return load_checkpoint(ckpt_dir_or_file).get_tensor(name)


def list_variables(ckpt_dir_or_file):
  """(name, shape) of every variable of a checkpoint."""
  return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def init_from_checkpoint(ckpt_dir_or_file, assignment_map):
  """Makes the initializers of variables read a checkpoint: {"name in checkpoint": variable or its name, "scope/":
  "other_scope/"}."""
  from thalweg.framework.op_create import op as make_op
  from thalweg.ops import variable_scope, variables
  reader = load_checkpoint(ckpt_dir_or_file)
  shapes = reader.get_variable_to_shape_map()
  filename = ckpt_dir_or_file
  if os.path.isdir(filename):
    filename = checkpoint_management.latest_checkpoint(filename)
  store = variable_scope._get_default_variable_store()._vars
  pairs = []
  for source, target in sorted(assignment_map.items(), key=lambda item: str(item[0])):
    if isinstance(target, variables.Variable) or isinstance(target, (list, PartitionedVariable)):
      pairs.append((source, list(target) if not isinstance(target, variables.Variable) else [target]))
    elif not source.endswith("/") and not target.endswith("/"):
      if target not in store:
        raise ValueError("Variable %s is not found in the graph" % target)
      pairs.append((source, [store[target]]))
    else:
      scope = "" if source == "/" else source.rstrip("/") + "/"
      into = target.rstrip("/")
      prefix = into + "/" if into else ""
      found = [(v.op.name, v) for v in store.values() if v.op.name.startswith(prefix)]
      if not found:
        raise ValueError("No variables found for scope %s" % target)
      for name, v in found:
        in_checkpoint = scope + name[len(prefix):]
        if in_checkpoint not in shapes:
          raise ValueError("Tensor %s (%s in %s) is not found in %s checkpoint" %
                           (in_checkpoint, name, target, ckpt_dir_or_file))
        pairs.append((in_checkpoint, [v]))
  for source, parts in pairs:
    if source not in shapes:
      raise ValueError("Tensor %s is not found in %s checkpoint %s" % (source, ckpt_dir_or_file, sorted(shapes)))
    for v in parts:
      info = v._save_slice_info
      shape = list(info.full_shape) if info else v.shape.as_list()
      if shape != shapes[source]:
        raise ValueError("Shape of variable %s (%s) doesn't match with shape of tensor %s (%s) from checkpoint reader." %
                         (v.name, v.shape, source, shapes[source]))
      with ops.device("/cpu:0"), ops.name_scope("checkpoint_initializer"):
        value = make_op("RestoreV2", None, (filename, [source], [info.spec if info else ""]),
                        {"dtypes": [v.dtype.base_dtype]})[0]
        value.set_shape(v.shape)
      v._initializer_op = v.assign(value).op
      v._initial_value = value
