"""tf.train.Saver: checkpoints of variables, and meta graphs."""

import collections
import numbers
import os
import time
import uuid

from thalweg import _protos
from thalweg.framework import errors, meta_graph, ops
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.ops import array_ops, control_flow_ops, variables
from thalweg.platform import gfile
from thalweg.platform import tf_logging as logging
from thalweg.train import checkpoint_management, saveables


class BaseSaverBuilder(object):
  """Adds the nodes that save and restore."""

  SaveSpec = saveables.SaveSpec
  SaveableObject = saveables.SaveableObject
  VariableSaveable = saveables.ReferenceVariableSaveable

  def __init__(self, write_version=2):
    self._write_version = write_version

  def save_op(self, filename_tensor, saveables_):
    return saveables.add_save_op(filename_tensor, saveables_).op

  def restore_op(self, filename_tensor, saveable, preferred_shard):
    return saveables.restore_tensors(filename_tensor, [saveable])

  def bulk_restore(self, filename_tensor, saveables_, preferred_shard, restore_sequentially):
    return saveables.restore_tensors(filename_tensor, saveables_)

  def _add_save(self, filename, items):
    add = saveables.add_save_op_v1 if self._write_version == 1 else saveables.add_save_op
    return add(filename, items)

  def _add_restore(self, filename, items, reshape, restore_sequentially, name):
    tensors = self.bulk_restore(filename, items, -1, restore_sequentially)
    assigns, at = [], 0
    for item in items:
      shapes = None
      if reshape:
        shapes = []
        for spec in item.specs:
          shape = item.op.get_shape() if hasattr(item.op, "get_shape") else spec.tensor.shape
          if not shape.is_fully_defined():
            shape = array_ops.shape(spec.tensor)
          shapes.append(shape)
      part = tensors[at:at + len(item.specs)]
      at += len(item.specs)
      with ops.control_dependencies(assigns[-1:] if restore_sequentially else None):
        assigns.append(item.restore(part, shapes))
    return control_flow_ops.group(*assigns, name=name)

  def _group_by_devices(self, items):
    """(device, saveables) in order of device names."""
    groups = collections.defaultdict(list)
    for item in items:
      devices = {spec.device for spec in item.specs}
      if len(devices) > 1:
        raise ValueError("All tensors of a saveable object must be on the same device: %s" % item.name)
      groups[devices.pop()].append(item)
    return sorted(groups.items())

  def _add_sharded_save(self, filename, groups):
    count = len(groups)
    if self._write_version == 1:
      shards = ops.convert_to_tensor(count, name="num_shards")
      saves = []
      for i, (device, items) in enumerate(groups):
        with ops.device(device):
          saves.append(self._add_save(_op("ShardedFilename", None, (filename, i, shards)), items))
      with ops.control_dependencies([s.op for s in saves]):
        return _op("ShardedFilespec", None, (filename, shards))
    parts = _op("StringJoin", None, ([filename, "_temp_%s/part" % uuid.uuid4().hex],))
    shards = ops.convert_to_tensor(count, name="num_shards")
    prefixes, saves = [], []
    for i, (device, items) in enumerate(groups):
      with ops.device(device):
        prefixes.append(_op("ShardedFilename", None, (parts, i, shards)))
        saves.append(self._add_save(prefixes[-1], items))
    with ops.control_dependencies([s.op for s in saves]):
      merge = _operation("MergeV2Checkpoints", None, (prefixes, filename), {"delete_old_dirs": True})
      with ops.control_dependencies([merge]):
        return array_ops.identity(filename)

  def build(self, names_to_saveables, reshape=False, sharded=False, max_to_keep=5,
            keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False, filename="model"):
    return self._build_internal(names_to_saveables, reshape, sharded, max_to_keep, keep_checkpoint_every_n_hours, name,
                                restore_sequentially, filename)

  def _build_internal(self, names_to_saveables, reshape=False, sharded=False, max_to_keep=5,
                      keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False, filename="model",
                      build_save=True, build_restore=True):
    items = saveables.validate_and_slice_inputs(names_to_saveables)
    if max_to_keep is None:
      max_to_keep = 0
    with ops.name_scope(name, "save"):
      filename_tensor = array_ops.placeholder_with_default(filename or "model", shape=(), name="filename")
      filename_tensor = array_ops.placeholder_with_default(filename_tensor, shape=(), name="Const")
      save_tensor = restore_op = None
      if sharded:
        groups = self._group_by_devices(items)
        if build_save:
          save_tensor = self._add_sharded_save(filename_tensor, groups)
        if build_restore:
          shards = []
          for device, group in groups:
            with ops.device(device):
              shards.append(self._add_restore(filename_tensor, group, reshape, restore_sequentially,
                                              "restore_shard"))
          restore_op = control_flow_ops.group(*shards, name="restore_all")
      else:
        if build_save:
          save_tensor = self._add_save(filename_tensor, items)
        if build_restore:
          restore_op = self._add_restore(filename_tensor, items, reshape, restore_sequentially, "restore_all")
    return _protos.message("SaverDef")(
        filename_tensor_name=filename_tensor.name, save_tensor_name=save_tensor.name if build_save else "",
        restore_op_name=restore_op.name if build_restore else "", max_to_keep=max_to_keep, sharded=sharded,
        keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, version=self._write_version)


BulkSaverBuilder = BaseSaverBuilder


def get_checkpoint_state(checkpoint_dir, latest_filename=None):
  return checkpoint_management.get_checkpoint_state(checkpoint_dir, latest_filename)


class Saver(object):
  """Saves variables into checkpoints, keeps the last few, and restores them."""

  # The formats, as SaverDef numbers them.
  LEGACY, V1, V2 = 0, 1, 2

  def __init__(self, var_list=None, reshape=False, sharded=False, max_to_keep=5, keep_checkpoint_every_n_hours=10000.0,
               name=None, restore_sequentially=False, saver_def=None, builder=None, defer_build=False,
               allow_empty=False, write_version=2, pad_step_number=False, save_relative_paths=False, filename=None):
    if defer_build and var_list:
      raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                       "var_list=None.")
    self._var_list, self._reshape, self._sharded = var_list, reshape, sharded
    self._max_to_keep, self._keep_hours = max_to_keep, keep_checkpoint_every_n_hours
    self._name, self._restore_sequentially = name, restore_sequentially
    self.saver_def, self._builder = saver_def, builder
    self._is_built, self._is_empty, self._allow_empty = False, False, allow_empty
    self._write_version, self._pad_step_number, self._filename = write_version, pad_step_number, filename
    self._save_relative_paths = save_relative_paths
    self._last_checkpoints = []
    self._checkpoints_to_be_deleted = []
    if not defer_build:
      self.build()
    if self.saver_def:
      self._check_saver_def()
      self._write_version = self.saver_def.version

  def build(self):
    """Adds the nodes, for savers made with defer_build."""
    if self._is_built:
      return
    self._is_built = True
    if not self.saver_def or self._builder:
      if self._builder is None:
        self._builder = BaseSaverBuilder(self._write_version)
      if self._var_list is None:
        self._var_list = variables._all_saveable_objects()
      if not self._var_list:
        if not self._allow_empty:
          raise ValueError("No variables to save")
        self._is_empty = True
        return
      self.saver_def = self._builder._build_internal(
          self._var_list, reshape=self._reshape, sharded=self._sharded, max_to_keep=self._max_to_keep,
          keep_checkpoint_every_n_hours=self._keep_hours, name=self._name,
          restore_sequentially=self._restore_sequentially, filename=self._filename)
    elif self._name:
      join = lambda n: ops.prepend_name_scope(n, self._name)
      self.saver_def.filename_tensor_name = join(self.saver_def.filename_tensor_name)
      self.saver_def.save_tensor_name = join(self.saver_def.save_tensor_name)
      self.saver_def.restore_op_name = join(self.saver_def.restore_op_name)
    self._check_saver_def()
    self._next_checkpoint_time = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

  def _check_saver_def(self):
    if not hasattr(self.saver_def, "restore_op_name"):
      raise ValueError("saver_def must be a saver_pb2.SaverDef: %s" % self.saver_def)
    if not self.saver_def.save_tensor_name:
      raise ValueError("saver_def must specify the save_tensor_name: %s" % str(self.saver_def))
    if not self.saver_def.restore_op_name:
      raise ValueError("saver_def must specify the restore_op_name: %s" % str(self.saver_def))

  # --- the checkpoints that are kept ---

  @property
  def last_checkpoints(self):
    """The paths of the checkpoints that are not deleted yet, oldest first."""
    return [path for path, _ in self._last_checkpoints]

  def set_last_checkpoints(self, last_checkpoints):
    assert isinstance(last_checkpoints, list)
    self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

  def set_last_checkpoints_with_time(self, last_checkpoints_with_time):
    assert isinstance(last_checkpoints_with_time, list)
    self._last_checkpoints = last_checkpoints_with_time

  def recover_last_checkpoints(self, checkpoint_paths):
    """After a restart: continues to count those of the paths that still exist."""
    existing = [p for p in checkpoint_paths if checkpoint_management.checkpoint_exists(p)]
    self.set_last_checkpoints_with_time(list(zip(existing, checkpoint_management.get_checkpoint_mtimes(existing))))

  def _record(self, path):
    """Notes a new checkpoint, and which old one goes for it."""
    if not self.saver_def.max_to_keep:
      return
    self._last_checkpoints = [entry for entry in self._last_checkpoints if entry[0] != path]
    self._last_checkpoints.append((path, time.time()))
    if len(self._last_checkpoints) <= self.saver_def.max_to_keep:
      return
    oldest = self._last_checkpoints.pop(0)
    # Now and then one is kept for good.
    if oldest[1] > self._next_checkpoint_time:
      self._next_checkpoint_time += self.saver_def.keep_checkpoint_every_n_hours * 3600
      return
    self._checkpoints_to_be_deleted.append(oldest)

  def _delete_old(self, meta_graph_suffix="meta"):
    while self._checkpoints_to_be_deleted:
      path, _ = self._checkpoints_to_be_deleted.pop(0)
      try:
        checkpoint_management.remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
      except Exception as e:
        logging.warning("Ignoring: %s", e)

  # --- saving and restoring ---

  def save(self, sess, save_path, global_step=None, latest_filename=None, meta_graph_suffix="meta",
           write_meta_graph=True, write_state=True, strip_default_attrs=False, save_debug_info=False):
    """Writes a checkpoint and returns its prefix. What was there before stays readable until the new one is whole."""
    if not self._is_built:
      raise RuntimeError("`build()` should be called before save if defer_build==True")
    latest_filename = latest_filename or "checkpoint"
    save_path = os.fspath(save_path)
    if os.path.split(latest_filename)[0]:
      raise ValueError("'latest_filename' must not contain path components")
    if self._write_version != self.V2:
      logging.warning("TensorFlow's V1 checkpoint format has been deprecated. Consider switching to the more efficient "
                      "V2 format, now on by default.")
    checkpoint_file = save_path
    if global_step is not None:
      if not isinstance(global_step, numbers.Integral):
        from thalweg.train import training_util
        global_step = training_util.global_step(sess, global_step)
      checkpoint_file = "%s-%s" % (save_path, "%08d" % global_step if self._pad_step_number else int(global_step))
    elif os.path.basename(save_path) == latest_filename and not self._sharded:
      raise ValueError("'latest_filename' collides with 'save_path': '%s' and '%s'" % (latest_filename, save_path))
    if not hasattr(sess, "run"):
      raise TypeError("'sess' must be a Session; %s" % sess)
    folder = os.path.dirname(save_path)
    model_path = None
    if not self._is_empty:
      try:
        model_path = sess.run(self.saver_def.save_tensor_name, {self.saver_def.filename_tensor_name: checkpoint_file})
      except (errors.FailedPreconditionError, errors.NotFoundError) as exc:
        if not gfile.isdir(folder or "."):
          raise ValueError("Parent directory of {} doesn't exist, can't save.".format(save_path)) from exc
        raise
      model_path = model_path.decode() if isinstance(model_path, bytes) else str(model_path)
      if write_state:
        self._record(model_path)
        checkpoint_management.update_checkpoint_state_internal(
            save_dir=folder, model_checkpoint_path=model_path, all_model_checkpoint_paths=self.last_checkpoints,
            latest_filename=latest_filename, save_relative_paths=self._save_relative_paths)
        self._delete_old(meta_graph_suffix)
    if write_meta_graph:
      path = checkpoint_management.meta_graph_filename(checkpoint_file, meta_graph_suffix)
      with sess.graph.as_default():
        self.export_meta_graph(path, strip_default_attrs=strip_default_attrs)
    return None if self._is_empty else model_path

  def restore(self, sess, save_path):
    """Gives the variables the values of a checkpoint."""
    if self._is_empty:
      return
    if save_path is None:
      raise ValueError("Can't load save_path when it is None.")
    save_path = os.fspath(save_path)
    if not checkpoint_management.checkpoint_exists(save_path):
      raise ValueError("The passed save_path is not a valid checkpoint: " + save_path)
    logging.info("Restoring parameters from %s", save_path)
    try:
      sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: save_path})
    except errors.NotFoundError as e:
      raise _restore_error(e, "a Variable name or other graph key that is missing")
    except errors.InvalidArgumentError as e:
      raise _restore_error(e, "a mismatch between the current graph and the graph")

  def as_saver_def(self):
    return self.saver_def

  def to_proto(self, export_scope=None):
    """The SaverDef, with names relative to `export_scope`."""
    if export_scope is None:
      return self.saver_def
    if not (self.saver_def.filename_tensor_name.startswith(export_scope) and
            self.saver_def.save_tensor_name.startswith(export_scope) and
            self.saver_def.restore_op_name.startswith(export_scope)):
      return None
    proto = _protos.message("SaverDef")()
    proto.CopyFrom(self.saver_def)
    for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
      setattr(proto, field, ops.strip_name_scope(getattr(proto, field), export_scope))
    return proto

  @staticmethod
  def from_proto(saver_def, import_scope=None):
    return Saver(saver_def=saver_def, name=import_scope)

  def export_meta_graph(self, filename=None, collection_list=None, as_text=False, export_scope=None,
                        clear_devices=False, clear_extraneous_savers=False, strip_default_attrs=False,
                        save_debug_info=False):
    return export_meta_graph(filename=filename, saver_def=self.saver_def, collection_list=collection_list,
                             as_text=as_text, export_scope=export_scope, clear_devices=clear_devices,
                             clear_extraneous_savers=clear_extraneous_savers, strip_default_attrs=strip_default_attrs)


def _restore_error(e, cause):
  text = ("Restoring from checkpoint failed. This is most likely due to {} from the checkpoint. Please ensure that you "
          "have not altered the graph expected based on the checkpoint. Original error:\n\n{}").format(cause, e.message)
  return e.__class__(e.node_def, e.op, text)


def export_meta_graph(filename=None, meta_info_def=None, graph_def=None, saver_def=None, collection_list=None,
                      as_text=False, graph=None, export_scope=None, clear_devices=False,
                      clear_extraneous_savers=False, strip_default_attrs=False, save_debug_info=False, **kwargs):
  """The MetaGraphDef of the default graph; written to `filename` if given."""
  meta, _ = meta_graph.export_scoped_meta_graph(
      filename=filename, meta_info_def=meta_info_def, graph_def=graph_def, saver_def=saver_def,
      collection_list=collection_list, as_text=as_text, graph=graph, export_scope=export_scope,
      clear_devices=clear_devices, clear_extraneous_savers=clear_extraneous_savers,
      strip_default_attrs=strip_default_attrs, **kwargs)
  return meta


def import_meta_graph(meta_graph_or_file, clear_devices=False, import_scope=None, **kwargs):
  """Adds a meta graph to the default graph; returns its Saver, or None when it has none and no variables."""
  meta = (meta_graph_or_file if hasattr(meta_graph_or_file, "collection_def") else
          meta_graph.read_meta_graph_file(meta_graph_or_file))
  graph = ops.get_default_graph()
  scope = graph.unique_name(import_scope, mark_as_used=False) if import_scope else ""
  found, _ = meta_graph.import_scoped_meta_graph_with_return_elements(meta, clear_devices=clear_devices,
                                                                      import_scope=import_scope, **kwargs)
  if meta.HasField("saver_def"):
    saver_def = _protos.message("SaverDef")()
    saver_def.CopyFrom(meta.saver_def)
    return Saver(saver_def=saver_def, name=scope)
  if variables._all_saveable_objects(scope=scope or None):
    return Saver()
  logging.info("Saver not created because there are no variables in the graph to restore")
  return None


def _saver_def():
  return _protos.message("SaverDef")()


ops.register_proto_function(ops.GraphKeys.SAVERS, proto_type=_saver_def, to_proto=Saver.to_proto,
                            from_proto=Saver.from_proto)
