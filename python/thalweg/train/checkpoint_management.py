"""The `checkpoint` file of a folder: which checkpoint is the last, and which others are kept."""

import os

from thalweg import _protos
from thalweg.framework import errors
from thalweg.platform import gfile
from thalweg.platform import tf_logging as logging


def _state_file(save_dir, latest_filename):
  return os.path.join(save_dir, latest_filename or "checkpoint")


def generate_checkpoint_state_proto(save_dir, model_checkpoint_path, all_model_checkpoint_paths=None,
                                    all_model_checkpoint_timestamps=None, last_preserved_timestamp=None):
  """A CheckpointState; paths below a relative `save_dir` are written relative to it, so that the folder can move."""
  paths = list(all_model_checkpoint_paths or [])
  if not paths or paths[-1] != model_checkpoint_path:
    logging.info("%s is not in all_model_checkpoint_paths. Manually adding it.", model_checkpoint_path)
    paths.append(model_checkpoint_path)
  times = all_model_checkpoint_timestamps
  if times and len(times) != len(paths):
    raise ValueError("Checkpoint timestamps, if provided, must match checkpoint paths (got paths %s and timestamps %s)" %
                     (paths, times))
  if not os.path.isabs(save_dir):
    paths = [p if os.path.isabs(p) else os.path.relpath(p, save_dir) for p in paths]
    if not os.path.isabs(model_checkpoint_path):
      model_checkpoint_path = os.path.relpath(model_checkpoint_path, save_dir)
  return _protos.message("CheckpointState")(
      model_checkpoint_path=model_checkpoint_path, all_model_checkpoint_paths=paths,
      all_model_checkpoint_timestamps=times, last_preserved_timestamp=last_preserved_timestamp)


def update_checkpoint_state(save_dir, model_checkpoint_path, all_model_checkpoint_paths=None, latest_filename=None,
                            all_model_checkpoint_timestamps=None, last_preserved_timestamp=None):
  """Writes the state file anew."""
  update_checkpoint_state_internal(save_dir, model_checkpoint_path, all_model_checkpoint_paths, latest_filename, False,
                                   all_model_checkpoint_timestamps, last_preserved_timestamp)


def update_checkpoint_state_internal(save_dir, model_checkpoint_path, all_model_checkpoint_paths=None,
                                     latest_filename=None, save_relative_paths=False,
                                     all_model_checkpoint_timestamps=None, last_preserved_timestamp=None):
  path = _state_file(save_dir, latest_filename)
  paths = all_model_checkpoint_paths
  if save_relative_paths:
    relative = lambda p: os.path.relpath(p, save_dir) if os.path.isabs(p) else p
    model_checkpoint_path = relative(model_checkpoint_path)
    paths = [relative(p) for p in paths or ()]
  state = generate_checkpoint_state_proto(save_dir, model_checkpoint_path, paths, all_model_checkpoint_timestamps,
                                          last_preserved_timestamp)
  if path == state.model_checkpoint_path:
    raise RuntimeError("Save path '%s' conflicts with path used for checkpoint state.  Please use a different save "
                       "path." % model_checkpoint_path)
  from google.protobuf import text_format
  temporary = path + ".tmp%d" % os.getpid()
  try:
    with open(temporary, "w", encoding="utf-8") as f:
      f.write(text_format.MessageToString(state))
      f.flush()
      os.fsync(f.fileno())
    os.replace(temporary, path)
  except OSError as e:
    if os.path.exists(temporary):
      os.remove(temporary)
    gfile._raise(e, path)


def get_checkpoint_state(checkpoint_dir, latest_filename=None):
  """The CheckpointState of a folder with full paths; None when there is none or it cannot be read."""
  path = _state_file(os.fspath(checkpoint_dir), latest_filename)
  if not os.path.exists(path):
    return None
  from google.protobuf import text_format
  state = _protos.message("CheckpointState")()
  try:
    with open(path, encoding="utf-8") as f:
      text_format.Merge(f.read(), state)
  except (OSError, UnicodeDecodeError) as e:
    logging.warning("%s: Checkpoint ignored: %s", path, e)
    return None
  except text_format.ParseError as e:
    logging.warning("%s: Checkpoint ignored: %s", path, e)
    return None
  if not state.model_checkpoint_path:
    raise ValueError("Invalid checkpoint state loaded from %s" % checkpoint_dir)
  full = lambda p: p if os.path.isabs(p) else os.path.join(checkpoint_dir, p)
  state.model_checkpoint_path = full(state.model_checkpoint_path)
  for i, p in enumerate(state.all_model_checkpoint_paths):
    state.all_model_checkpoint_paths[i] = full(p)
  return state


def _escaped(prefix):
  return "".join("[%s]" % c if c in "*?[" else c for c in prefix)


def checkpoint_exists(checkpoint_prefix):
  """Whether there are files of a checkpoint of either version at the prefix."""
  return bool(os.path.exists(checkpoint_prefix + ".index") or gfile.glob(checkpoint_prefix))


def latest_checkpoint(checkpoint_dir, latest_filename=None):
  """The path of the last checkpoint in a folder, or None."""
  state = get_checkpoint_state(checkpoint_dir, latest_filename)
  if state and state.model_checkpoint_path:
    if checkpoint_exists(state.model_checkpoint_path):
      return state.model_checkpoint_path
    logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
  return None


def get_checkpoint_mtimes(checkpoint_prefixes):
  """When each checkpoint was written, in seconds; those that do not exist are left out."""
  times = []
  for prefix in checkpoint_prefixes:
    for path in [prefix + ".index"] + gfile.glob(prefix):
      if os.path.exists(path):
        times.append(os.path.getmtime(path))
        break
  return times


def meta_graph_filename(checkpoint_filename, meta_graph_suffix="meta"):
  """"model.ckpt-?????-of-00002" -> "model.ckpt.meta"."""
  import re
  base = re.sub(r"-[\d\?]+-of-\d+$", "", checkpoint_filename)
  return ".".join([base, meta_graph_suffix])


def _remove_if_there(pattern):
  for path in gfile.glob(pattern):
    try:
      gfile.remove(path)
    except errors.NotFoundError:
      pass


def remove_checkpoint(checkpoint_prefix, checkpoint_format_version=2, meta_graph_suffix="meta"):
  """Removes the files of a checkpoint."""
  _remove_if_there(_escaped(meta_graph_filename(checkpoint_prefix, meta_graph_suffix)))
  if checkpoint_format_version == 2:
    # The index goes first: without it what is left is no checkpoint any more.
    _remove_if_there(_escaped(checkpoint_prefix) + ".index")
    _remove_if_there(_escaped(checkpoint_prefix) + ".data-?????-of-?????")
  else:
    _remove_if_there(checkpoint_prefix)
