"""SessionManager: sessions whose variables are initialised or restored."""

import time

from thalweg.client import session
from thalweg.framework import errors, ops
from thalweg.platform import tf_logging as logging
from thalweg.train import checkpoint_management


def _name(obj):
  return "None" if obj is None else getattr(obj, "name", "<no name for %s>" % type(obj))


def _ready(op, sess, text):
  """(True, None), or (False, why not): `op` gives the names of variables that are not initialised."""
  if op is None:
    return True, None
  try:
    value = sess.run(op)
  except errors.FailedPreconditionError as e:
    if "uninitialized" not in str(e):
      logging.warning("%s : error [%s]", text, e)
      raise
    return False, str(e)
  if value is None or value.dtype.kind == "i" or value.size == 0:
    return True, None
  return False, "Variables not initialized: " + ", ".join(name.decode("utf-8") for name in value)


class SessionManager(object):
  """Makes sessions with a model that is ready: from a checkpoint, by an initialiser, or by waiting for a chief."""

  def __init__(self, local_init_op=None, ready_op=None, ready_for_local_init_op=None, graph=None,
               recovery_wait_secs=30, local_init_run_options=None):
    if ready_for_local_init_op is not None and local_init_op is None:
      raise ValueError("If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                       "ready_for_local_init_op [%s]" % ready_for_local_init_op)
    self._local_init_op = local_init_op
    self._ready_op = ready_op
    self._ready_for_local_init_op = ready_for_local_init_op
    self._graph = graph or ops.get_default_graph()
    self._recovery_wait_secs = recovery_wait_secs
    self._local_init_run_options = local_init_run_options

  def _restore(self, sess, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs):
    """Whether a checkpoint was found and restored."""
    if checkpoint_dir and checkpoint_filename_with_path:
      raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
    if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
      return False
    if checkpoint_filename_with_path:
      saver.restore(sess, checkpoint_filename_with_path)
      return True
    deadline = time.monotonic() + max_wait_secs
    state = checkpoint_management.get_checkpoint_state(checkpoint_dir)
    while not state or not state.model_checkpoint_path:
      if not wait_for_checkpoint or time.monotonic() >= deadline:
        return False
      logging.info("Waiting for checkpoint to be available.")
      time.sleep(self._recovery_wait_secs)
      state = checkpoint_management.get_checkpoint_state(checkpoint_dir)
    saver.restore(sess, state.model_checkpoint_path)
    saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
    return True

  def prepare_session(self, master, init_op=None, saver=None, checkpoint_dir=None, checkpoint_filename_with_path=None,
                      wait_for_checkpoint=False, max_wait_secs=7200, config=None, init_feed_dict=None, init_fn=None):
    """A session restored from the checkpoint, or initialised when there is none. RuntimeError when the model is not ready
    after that."""
    sess = session.Session(master, graph=self._graph, config=config)
    loaded = self._restore(sess, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint,
                           max_wait_secs)
    if not loaded:
      if init_op is None and not init_fn and self._local_init_op is None:
        raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
      if init_op is not None:
        sess.run(init_op, feed_dict=init_feed_dict)
      if init_fn:
        init_fn(sess)
    done, text = self._try_run_local_init_op(sess)
    if not done:
      raise RuntimeError("Init operations did not make model ready for local_init.  Init op: %s, init fn: %s, error: %s"
                         % (_name(init_op), init_fn, text))
    ready, text = _ready(self._ready_op, sess, "Model not ready")
    if not ready:
      raise RuntimeError("Init operations did not make model ready.  Init op: %s, init fn: %s, local_init_op: %s, error: "
                         "%s" % (_name(init_op), init_fn, self._local_init_op, text))
    return sess

  def recover_session(self, master, saver=None, checkpoint_dir=None, checkpoint_filename_with_path=None,
                      wait_for_checkpoint=False, max_wait_secs=7200, config=None):
    """(session, whether the model was restored from a checkpoint and is ready)."""
    sess = session.Session(master, graph=self._graph, config=config)
    loaded = self._restore(sess, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint,
                           max_wait_secs)
    done, text = self._try_run_local_init_op(sess)
    if not loaded:
      return sess, False
    source = checkpoint_dir or checkpoint_filename_with_path
    if not done:
      logging.info("Restoring model from %s did not make model ready for local init: %s", source, text)
      return sess, False
    ready, text = _ready(self._ready_op, sess, "Model not ready")
    if not ready:
      logging.info("Restoring model from %s did not make model ready: %s", source, text)
      return sess, False
    logging.info("Restored model from %s", source)
    return sess, True

  def wait_for_session(self, master, config=None, max_wait_secs=float("Inf")):
    """A session whose model somebody else has made ready; DeadlineExceededError when that takes too long."""
    deadline = time.monotonic() + (float("Inf") if max_wait_secs is None else max_wait_secs)
    while True:
      sess = session.Session(master, graph=self._graph, config=config)
      done, local_text = self._try_run_local_init_op(sess)
      text = None
      if done:
        ready, text = _ready(self._ready_op, sess, "Model not ready")
        if ready:
          return sess
      sess.close()
      if deadline - time.monotonic() < self._recovery_wait_secs:
        raise errors.DeadlineExceededError(None, None, "Session was not ready after waiting %s secs." % (max_wait_secs,))
      logging.info("Waiting for model to be ready.  Ready_for_local_init_op:  %s, ready: %s", local_text, text)
      time.sleep(self._recovery_wait_secs)

  def _try_run_local_init_op(self, sess):
    """(True, None), or (False, why not) when the model is not ready for it."""
    if self._local_init_op is None:
      return True, None
    ready, text = _ready(self._ready_for_local_init_op, sess, "Model not ready for local init")
    if not ready:
      return False, text
    logging.info("Running local_init_op.")
    sess.run(self._local_init_op, options=self._local_init_run_options)
    logging.info("Done running local_init_op.")
    return True, None
