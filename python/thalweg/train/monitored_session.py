"""MonitoredSession: a session with hooks that is made, made again after a worker was lost, and closed, by itself.

Four layers lie around a plain session, each with run(), should_stop() and close(): hooks are called, the coordinator's
threads and their exceptions are heard, and a lost session is replaced.
"""

import inspect

from thalweg import _protos
from thalweg.framework import errors, ops
from thalweg.platform import tf_logging as logging
from thalweg.train import basic_session_run_hooks as hooks_lib
from thalweg.train import session_manager as sm
from thalweg.train.coordinator import Coordinator
from thalweg.train.scaffold import Scaffold
from thalweg.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunValues

# A worker or parameter server went away: a new session may succeed.
_PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)
USE_DEFAULT = object()


# --- making sessions ---


class SessionCreator(object):
  """Makes sessions, as often as MonitoredSession needs a new one."""

  def create_session(self):
    raise NotImplementedError("%s defines no create_session()" % type(self).__name__)


class ChiefSessionCreator(SessionCreator):
  """Restores or initialises the model."""

  def __init__(self, scaffold=None, master="", config=None, checkpoint_dir=None, checkpoint_filename_with_path=None):
    self._checkpoint_dir = checkpoint_dir
    self._checkpoint_filename_with_path = checkpoint_filename_with_path
    self._scaffold = scaffold or Scaffold()
    self._session_manager = None
    self._master = master
    self._config = config

  def create_session(self):
    scaffold = self._scaffold.finalize()
    if self._session_manager is None:
      self._session_manager = _manager(scaffold)
    return self._session_manager.prepare_session(
        self._master, saver=scaffold.saver, checkpoint_dir=self._checkpoint_dir,
        checkpoint_filename_with_path=self._checkpoint_filename_with_path, config=self._config,
        init_op=scaffold.init_op, init_feed_dict=scaffold.init_feed_dict, init_fn=scaffold.init_fn)


class WorkerSessionCreator(SessionCreator):
  """Waits for the chief to make the model ready."""

  def __init__(self, scaffold=None, master="", config=None, max_wait_secs=30 * 60):
    self._scaffold = scaffold or Scaffold()
    self._session_manager = None
    self._master = master
    self._config = config
    self._max_wait_secs = max_wait_secs

  def create_session(self):
    scaffold = self._scaffold.finalize()
    if self._session_manager is None:
      self._session_manager = _manager(scaffold)
    return self._session_manager.wait_for_session(self._master, config=self._config, max_wait_secs=self._max_wait_secs)


def _manager(scaffold):
  return sm.SessionManager(local_init_op=scaffold.local_init_op, ready_op=scaffold.ready_op,
                           ready_for_local_init_op=scaffold.ready_for_local_init_op, graph=ops.get_default_graph())


# --- the layers around a session ---


class _WrappedSession(object):
  """A session within another."""

  def __init__(self, sess):
    self._sess = sess

  @property
  def graph(self):
    return self._sess.graph

  @property
  def sess_str(self):
    return self._sess.sess_str

  def should_stop(self):
    if self._check_stop():
      return True
    if self._sess:
      return isinstance(self._sess, _WrappedSession) and self._sess.should_stop()
    return True

  def _check_stop(self):
    return False

  def close(self):
    if self._sess:
      try:
        self._sess.close()
      except _PREEMPTION_ERRORS as e:
        logging.warning("An error occurred when attempting to close the session: %s", e)
      finally:
        self._sess = None

  def run(self, *args, **kwargs):
    return self._sess.run(*args, **kwargs)

  def run_step_fn(self, step_fn, raw_session, run_with_hooks):
    return step_fn(_MonitoredSession.StepContext(raw_session, run_with_hooks or self.run))


class _RecoverableSession(_WrappedSession):
  """Makes a new session when a worker was lost, and repeats the run on it."""

  def __init__(self, sess_creator):
    self._sess_creator = sess_creator
    super(_RecoverableSession, self).__init__(self._create_session())

  def _create_session(self):
    while True:
      try:
        return self._sess_creator.create_session()
      except _PREEMPTION_ERRORS as e:
        logging.info("An error was raised while a session was being created; another will be created. Error: %s", e)

  def _check_stop(self):
    try:
      return self._sess._check_stop() if self._sess else True
    except _PREEMPTION_ERRORS as e:
      logging.info("An error was raised; a new session will be created. Error: %s", e)
      self.close()
      self._sess = self._create_session()
      return False
    except Exception:  # noqa: BLE001  (run() raises it again)
      return True

  def _on_a_live_session(self, function):
    while True:
      try:
        if not self._sess:
          self._sess = self._create_session()
        return function(self._sess)
      except _PREEMPTION_ERRORS as e:
        logging.info("An error was raised; a new session will be created. Error: %s", e)
        self.close()

  def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    return self._on_a_live_session(
        lambda sess: sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata))

  def run_step_fn(self, step_fn, raw_session, run_with_hooks):
    return self._on_a_live_session(lambda sess: sess.run_step_fn(step_fn, raw_session, sess.run))


class _CoordinatedSession(_WrappedSession):
  """Hears what the coordinator's threads raise, and stops them when it closes."""

  def __init__(self, sess, coord, stop_grace_period_secs=120):
    super(_CoordinatedSession, self).__init__(sess)
    self._coord = coord
    self._stop_grace_period_secs = stop_grace_period_secs

  def _check_stop(self):
    self._coord.raise_requested_exception()
    return self._coord.should_stop()

  def close(self):
    self._coord.request_stop()
    try:
      self._coord.join(stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True)
    finally:
      super(_CoordinatedSession, self).close()

  def run(self, *args, **kwargs):
    try:
      return self._sess.run(*args, **kwargs)
    except _PREEMPTION_ERRORS:
      raise
    except Exception as original:
      # A run that failed because a thread lost its worker is such a loss too.
      try:
        self._coord.raise_requested_exception()
      except _PREEMPTION_ERRORS:
        raise
      except Exception:  # noqa: BLE001  (the run's own error says more)
        raise original from None
      raise


class _HookedSession(_WrappedSession):
  """Calls the hooks before and after each run, and adds what they ask for."""

  def __init__(self, sess, hooks):
    super(_HookedSession, self).__init__(sess)
    self._hooks = hooks
    self._should_stop = False

  def _check_stop(self):
    return self._should_stop

  def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    if self.should_stop():
      raise RuntimeError("Run called even after should_stop requested.")
    context = SessionRunContext(original_args=SessionRunArgs(fetches, feed_dict), session=self._sess)
    all_fetches = {"caller": fetches}
    options = options or _protos.message("RunOptions")()
    feed_dict = self._before_run(context, all_fetches, feed_dict, options)
    run_metadata = run_metadata or _protos.message("RunMetadata")()
    outputs = self._sess.run(all_fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)
    for i, hook in enumerate(self._hooks):
      hook.after_run(context, SessionRunValues(results=outputs.get(i), options=options, run_metadata=run_metadata))
    self._should_stop = self._should_stop or context.stop_requested
    return outputs["caller"]

  def _before_run(self, context, all_fetches, feed_dict, options):
    """Collects the hooks' fetches by their number, and returns all feeds."""
    hook_feeds = {}
    for i, hook in enumerate(self._hooks):
      request = hook.before_run(context)
      if request is None:
        continue
      if request.fetches is not None:
        all_fetches[i] = request.fetches
      if request.feed_dict:
        _raise_if_shared(hook_feeds, request.feed_dict, "Same tensor is fed by two hooks.")
        hook_feeds.update(request.feed_dict)
      if request.options:
        _merge_options(options, request.options)
    if not hook_feeds or not feed_dict:
      return hook_feeds or feed_dict
    _raise_if_shared(feed_dict, hook_feeds, "Same tensor is fed by a SessionRunHook and user.")
    return {**hook_feeds, **feed_dict}


def _raise_if_shared(feeds1, feeds2, message):
  shared = set(feeds1) & set(feeds2)
  if shared:
    raise RuntimeError(message + " Conflict(s): " + str(list(shared)))


def _merge_options(options, added):
  """The larger trace level and time-out of both."""
  options.trace_level = max(options.trace_level, added.trace_level)
  options.timeout_in_ms = max(options.timeout_in_ms, added.timeout_in_ms)
  options.inter_op_thread_pool = max(options.inter_op_thread_pool, added.inter_op_thread_pool)
  options.output_partition_graphs = options.output_partition_graphs or added.output_partition_graphs


# --- the sessions that programs use ---


class _MonitoredSession(object):
  """A session with hooks. Leaving the `with` block closes it; the end of the data (OutOfRangeError) ends the block
  without an error."""

  def __init__(self, session_creator, hooks, should_recover, stop_grace_period_secs=120):
    self._graph_was_finalized = ops.get_default_graph().finalized
    self._hooks = hooks or []
    for hook in self._hooks:
      hook.begin()
    self._coordinated_creator = self._CoordinatedSessionCreator(
        session_creator=session_creator or ChiefSessionCreator(), hooks=self._hooks,
        stop_grace_period_secs=stop_grace_period_secs)
    if should_recover:
      self._sess = _RecoverableSession(self._coordinated_creator)
    else:
      self._sess = self._coordinated_creator.create_session()

  @property
  def graph(self):
    return None if self._tf_sess() is None else self._tf_sess().graph

  def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
    """As Session.run, with the hooks called around it."""
    return self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)

  def run_step_fn(self, step_fn):
    """Calls step_fn(step_context), which may run the plain session, and the one with hooks."""
    arguments = tuple(inspect.signature(step_fn).parameters)
    if arguments not in (("step_context",), ("self", "step_context")):
      raise ValueError("`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if "
                       "it's an instance method. Got {} instead.".format(arguments))
    return self._sess.run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

  class StepContext(object):
    """What a step function gets."""

    def __init__(self, session, run_with_hooks_fn):
      self._session = session
      self._run_with_hooks_fn = run_with_hooks_fn

    @property
    def session(self):
      return self._session

    def run_with_hooks(self, *args, **kwargs):
      return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self):
      """Ends the `with` block of the session."""
      raise StopIteration("step_fn has requested the iterations to stop.")

  def should_stop(self):
    return self._sess is None or self._sess.should_stop()

  def close(self):
    self._close_internal()

  def __enter__(self):
    return self

  def __exit__(self, exception_type, exception_value, traceback):
    if exception_type in (errors.OutOfRangeError, StopIteration):
      exception_type = None
    self._close_internal(exception_type)
    # Whether the exception is swallowed.
    return exception_type is None

  class _CoordinatedSessionCreator(SessionCreator):
    """Makes a session, starts its queue runners, and tells the hooks."""

    def __init__(self, session_creator, hooks, stop_grace_period_secs):
      self._session_creator = session_creator
      self._hooks = hooks
      self.coord = None
      self.tf_sess = None
      self._stop_grace_period_secs = stop_grace_period_secs

    def create_session(self):
      self.tf_sess = self._session_creator.create_session()
      # The end of the data is passed on, to end the training loop.
      self.coord = Coordinator(clean_stop_exception_types=[])
      for runner in ops.get_collection(ops.GraphKeys.QUEUE_RUNNERS):
        runner.create_threads(self.tf_sess, coord=self.coord, daemon=True, start=True)
      for hook in self._hooks:
        hook.after_create_session(self.tf_sess, self.coord)
      return _CoordinatedSession(_HookedSession(self.tf_sess, self._hooks), self.coord, self._stop_grace_period_secs)

  def _close_internal(self, exception_type=None):
    try:
      if not exception_type:
        for hook in self._hooks:
          hook.end(self._coordinated_creator.tf_sess)
    finally:
      try:
        if self._sess is None:
          raise RuntimeError("Session is already closed.")
        self._sess.close()
      finally:
        self._sess = None
        self._coordinated_creator.tf_sess = None
        self._coordinated_creator.coord = None
        if not self._graph_was_finalized:
          ops.get_default_graph()._unsafe_unfinalize()

  def _is_closed(self):
    return self._coordinated_creator.tf_sess is None

  def _tf_sess(self):
    return self._coordinated_creator.tf_sess


class MonitoredSession(_MonitoredSession):
  """A session with hooks that is made again when a worker was lost."""

  def __init__(self, session_creator=None, hooks=None, stop_grace_period_secs=120):
    super(MonitoredSession, self).__init__(session_creator, hooks, should_recover=True,
                                           stop_grace_period_secs=stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
  """A session with hooks whose plain session may be used, as it is never replaced."""

  def __init__(self, hooks=None, scaffold=None, master="", config=None, checkpoint_dir=None,
               stop_grace_period_secs=120, checkpoint_filename_with_path=None):
    creator = ChiefSessionCreator(scaffold=scaffold, master=master, config=config, checkpoint_dir=checkpoint_dir,
                                  checkpoint_filename_with_path=checkpoint_filename_with_path)
    super(SingularMonitoredSession, self).__init__(creator, hooks, should_recover=False,
                                                   stop_grace_period_secs=stop_grace_period_secs)

  def raw_session(self):
    return self._tf_sess()


def _choose(first, second, default_first, default_second):
  """Two ways to say how often: one given makes the other None; none given takes the defaults."""
  if first is USE_DEFAULT and second is USE_DEFAULT:
    return default_first, default_second
  return None if first is USE_DEFAULT else first, None if second is USE_DEFAULT else second


def MonitoredTrainingSession(master="", is_chief=True, checkpoint_dir=None, scaffold=None,  # noqa: N802
                             hooks=None, chief_only_hooks=None, save_checkpoint_secs=USE_DEFAULT,
                             save_summaries_steps=USE_DEFAULT, save_summaries_secs=USE_DEFAULT, config=None,
                             stop_grace_period_secs=120, log_step_count_steps=100, max_wait_secs=7200,
                             save_checkpoint_steps=USE_DEFAULT, summary_dir=None):
  """A MonitoredSession that restores from and saves into `checkpoint_dir` (every 600 seconds by default) and writes
  summaries (every 100 steps by default)."""
  save_summaries_steps, save_summaries_secs = _choose(save_summaries_steps, save_summaries_secs, 100, None)
  save_checkpoint_steps, save_checkpoint_secs = _choose(save_checkpoint_steps, save_checkpoint_secs, None, 600)
  scaffold = scaffold or Scaffold()
  if not is_chief:
    creator = WorkerSessionCreator(scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs)
    return MonitoredSession(creator, hooks=hooks or [], stop_grace_period_secs=stop_grace_period_secs)
  all_hooks = list(chief_only_hooks or ())
  creator = ChiefSessionCreator(scaffold=scaffold, checkpoint_dir=checkpoint_dir, master=master, config=config)
  summary_dir = summary_dir or checkpoint_dir
  if summary_dir:
    if log_step_count_steps and log_step_count_steps > 0:
      all_hooks.append(hooks_lib.StepCounterHook(output_dir=summary_dir, every_n_steps=log_step_count_steps))
    if (save_summaries_steps and save_summaries_steps > 0) or (save_summaries_secs and save_summaries_secs > 0):
      all_hooks.append(hooks_lib.SummarySaverHook(scaffold=scaffold, save_steps=save_summaries_steps,
                                                  save_secs=save_summaries_secs, output_dir=summary_dir))
  if checkpoint_dir:
    if (save_checkpoint_secs and save_checkpoint_secs > 0) or (save_checkpoint_steps and save_checkpoint_steps > 0):
      all_hooks.append(hooks_lib.CheckpointSaverHook(checkpoint_dir, save_steps=save_checkpoint_steps,
                                                     save_secs=save_checkpoint_secs, scaffold=scaffold))
  all_hooks += hooks or []
  return MonitoredSession(creator, hooks=all_hooks, stop_grace_period_secs=stop_grace_period_secs)
