"""Supervisor: sessions, checkpoints and summaries of a training program, in threads. MonitoredTrainingSession is newer."""

import contextlib
import os
import time

from thalweg import _protos, summary as summary_lib
from thalweg.framework import dtypes, graph_io, meta_graph, ops
from thalweg.ops import control_flow_ops, variables
from thalweg.platform import tf_logging as logging
from thalweg.train import saver as saver_lib
from thalweg.train import session_manager as session_manager_lib
from thalweg.train import training_util
from thalweg.train.coordinator import Coordinator, LooperThread


def _found_or_made(key, make):
  """The first element of a collection, else a new one that is put there, else None."""
  elements = ops.get_collection(key)
  if len(elements) > 1:
    logging.info("Found %d %s operations. Returning the first one.", len(elements), key)
  if elements:
    return elements[0]
  made = make()
  if made is not None:
    ops.add_to_collection(key, made)
  return made


def _local_init_op():
  import thalweg
  return control_flow_ops.group(variables.local_variables_initializer(), thalweg.tables_initializer())


def _global_step():
  try:
    step = ops.get_default_graph().get_tensor_by_name("global_step:0")
  except KeyError:
    return None
  if step.dtype.base_dtype in (dtypes.int32, dtypes.int64):
    return step
  logging.warning("Found 'global_step' is not an int type: %s", step.dtype)
  return None


class Supervisor(object):
  """Finds or makes what a training program needs, closes the graph, and gives sessions that are restored from and saved
  into `logdir`."""

  USE_DEFAULT = 0

  def __init__(self, graph=None, ready_op=USE_DEFAULT, ready_for_local_init_op=USE_DEFAULT, is_chief=True,
               init_op=USE_DEFAULT, init_feed_dict=None, local_init_op=USE_DEFAULT, logdir=None,
               summary_op=USE_DEFAULT, saver=USE_DEFAULT, global_step=USE_DEFAULT, save_summaries_secs=120,
               save_model_secs=600, recovery_wait_secs=30, stop_grace_secs=120, checkpoint_basename="model.ckpt",
               session_manager=None, summary_writer=USE_DEFAULT, init_fn=None, local_init_run_options=None):
    graph = graph or ops.get_default_graph()

    def choose(given, key, make):
      # The default is told by identity: tensors and zeros also compare equal to 0.
      return _found_or_made(key, make) if given is Supervisor.USE_DEFAULT else given

    keys = ops.GraphKeys
    with graph.as_default():
      self._ready_op = choose(ready_op, keys.READY_OP, variables.report_uninitialized_variables)
      self._ready_for_local_init_op = choose(ready_for_local_init_op, keys.READY_FOR_LOCAL_INIT_OP, lambda: None)
      self._init_op = choose(init_op, keys.INIT_OP, variables.global_variables_initializer)
      self._init_feed_dict = init_feed_dict
      self._local_init_op = choose(local_init_op, keys.LOCAL_INIT_OP, _local_init_op)
      self._saver = choose(saver, keys.SAVERS, lambda: saver_lib.Saver() if variables.global_variables() else None)
      self._summary_op = choose(summary_op, keys.SUMMARY_OP, summary_lib.merge_all)
      self._global_step = choose(global_step, keys.GLOBAL_STEP, _global_step)
    self._graph = graph
    self._meta_graph_def = meta_graph.create_meta_graph_def(
        graph_def=graph.as_graph_def(add_shapes=True), saver_def=self._saver.saver_def if self._saver else None)
    self._is_chief = is_chief
    self._coord = Coordinator()
    self._stop_grace_secs = stop_grace_secs
    self._init_fn = init_fn
    self._logdir = logdir if is_chief else None
    self._save_summaries_secs = save_summaries_secs if is_chief else None
    self._save_model_secs = save_model_secs if is_chief else None
    self._save_path = os.path.join(logdir, checkpoint_basename) if self._logdir else None
    self._summary_writer = None
    self._graph_added_to_summary = False
    if is_chief:
      if summary_writer is not Supervisor.USE_DEFAULT:
        self._summary_writer = summary_writer
      elif self._logdir:
        self._summary_writer = summary_lib.FileWriter(self._logdir)
    self._session_manager = session_manager or session_manager_lib.SessionManager(
        local_init_op=self._local_init_op, ready_op=self._ready_op,
        ready_for_local_init_op=self._ready_for_local_init_op, graph=graph, recovery_wait_secs=recovery_wait_secs,
        local_init_run_options=local_init_run_options)
    if not is_chief:
      for op in graph.get_operations():
        if op.type in ("Variable", "VariableV2") and not op.device:
          raise ValueError("When using replicas, all Variables must have their device set: %s" % op)
    graph.finalize()

  @property
  def is_chief(self):
    return self._is_chief

  @property
  def session_manager(self):
    return self._session_manager

  @property
  def coord(self):
    return self._coord

  @property
  def init_op(self):
    return self._init_op

  @property
  def init_feed_dict(self):
    return self._init_feed_dict

  @property
  def ready_op(self):
    return self._ready_op

  @property
  def ready_for_local_init_op(self):
    return self._ready_for_local_init_op

  @property
  def summary_writer(self):
    return self._summary_writer

  @property
  def summary_op(self):
    return self._summary_op

  @property
  def save_summaries_secs(self):
    return self._save_summaries_secs

  @property
  def global_step(self):
    return self._global_step

  @property
  def saver(self):
    return self._saver

  @property
  def save_model_secs(self):
    return self._save_model_secs

  @property
  def save_path(self):
    return self._save_path

  def _write_graph(self):
    if self._logdir:
      graph_io.write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
    if self._summary_writer and not self._graph_added_to_summary:
      self._summary_writer.add_graph(self._graph)
      self._summary_writer.add_meta_graph(self._meta_graph_def)
      self._graph_added_to_summary = True

  def _log_session(self, status, step=None, **kwargs):
    log = _protos.message("SessionLog")
    self._summary_writer.add_session_log(log(status=getattr(log, status), **kwargs), step)

  def start_standard_services(self, sess):
    """Starts the threads that save summaries, count steps and save checkpoints."""
    if not self._is_chief:
      raise RuntimeError("Only chief supervisor can start standard services. Because only chief supervisors can write "
                         "events.")
    if not self._logdir:
      logging.warning("Standard services need a 'logdir' passed to the SessionManager")
      return None
    threads = []
    if self._global_step is not None and self._summary_writer:
      self._log_session("START", training_util.global_step(sess, self._global_step))
    if self._save_summaries_secs and self._summary_writer:
      if self._summary_op is not None:
        threads.append(_SummaryThread(self, sess))
      if self._global_step is not None:
        threads.append(_StepCounterThread(self, sess))
    if self._saver and self._save_model_secs:
      threads.append(_CheckpointThread(self, sess))
    for thread in threads:
      thread.start()
    return threads

  def prepare_or_wait_for_session(self, master="", config=None, wait_for_checkpoint=False, max_wait_secs=7200,
                                  start_standard_services=True):
    """A session with a ready model; a worker that is not the chief waits for the chief's."""
    self._coord.clear_stop()
    if self._summary_writer:
      self._summary_writer.reopen()
    if self._is_chief:
      sess = self._session_manager.prepare_session(
          master, init_op=self._init_op, saver=self._saver, checkpoint_dir=self._logdir,
          wait_for_checkpoint=wait_for_checkpoint, max_wait_secs=max_wait_secs, config=config,
          init_feed_dict=self._init_feed_dict, init_fn=self._init_fn)
      self._write_graph()
      if start_standard_services:
        logging.info("Starting standard services.")
        self.start_standard_services(sess)
    else:
      sess = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
    if start_standard_services:
      logging.info("Starting queue runners.")
      self.start_queue_runners(sess)
    return sess

  def start_queue_runners(self, sess, queue_runners=None):
    """Starts the threads of the queue runners, all of the graph's by default."""
    if queue_runners is None:
      queue_runners = self._graph.get_collection(ops.GraphKeys.QUEUE_RUNNERS)
    return [thread for runner in queue_runners
            for thread in runner.create_threads(sess, coord=self._coord, daemon=True, start=True)]

  def loop(self, timer_interval_secs, target, args=None, kwargs=None):
    """Starts a thread that calls `target` every so often."""
    return LooperThread.loop(self._coord, timer_interval_secs, target, args=args, kwargs=kwargs)

  def stop(self, threads=None, close_summary_writer=True, ignore_live_threads=False):
    """Stops and joins all threads, and raises what one of them raised."""
    self._coord.request_stop()
    try:
      self._coord.join(threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads)
    finally:
      if close_summary_writer and self._summary_writer:
        self._log_session("STOP")
        self._summary_writer.close()
        self._graph_added_to_summary = False

  def request_stop(self, ex=None):
    self._coord.request_stop(ex=ex)

  def should_stop(self):
    return self._coord.should_stop()

  def stop_on_exception(self):
    return self._coord.stop_on_exception()

  def wait_for_stop(self):
    self._coord.wait_for_stop()

  def summary_computed(self, sess, summary, global_step=None):
    """Writes a summary of the program's own."""
    if not self._summary_writer:
      raise RuntimeError("Writing a summary requires a summary writer.")
    if global_step is None and self._global_step is not None:
      global_step = training_util.global_step(sess, self._global_step)
    self._summary_writer.add_summary(summary, global_step)

  @contextlib.contextmanager
  def managed_session(self, master="", config=None, start_standard_services=True, close_summary_writer=True):
    """A session for a `with` block. Exceptions of the block or of a thread stop all threads and are raised at its end,
    those that mean a clean stop excepted."""
    sess = None
    try:
      sess = self.prepare_or_wait_for_session(master=master, config=config,
                                              start_standard_services=start_standard_services)
      yield sess
    except Exception as e:  # noqa: BLE001  (stop() raises it)
      self.request_stop(e)
    finally:
      try:
        self.stop(close_summary_writer=close_summary_writer)
      finally:
        if sess is not None:
          sess.close()

  PrepareSession = prepare_or_wait_for_session
  StartQueueRunners = start_queue_runners
  StartStandardServices = start_standard_services
  Stop = stop
  RequestStop = request_stop
  Loop = loop
  ShouldStop = should_stop
  StopOnException = stop_on_exception
  WaitForStop = wait_for_stop
  SummaryComputed = summary_computed


class _SummaryThread(LooperThread):
  """Writes the summaries."""

  def __init__(self, sv, sess):
    super(_SummaryThread, self).__init__(sv.coord, sv.save_summaries_secs)
    self._sv, self._sess = sv, sess

  def run_loop(self):
    sv = self._sv
    if sv.global_step is not None:
      summary, step = self._sess.run([sv.summary_op, sv.global_step])
    else:
      summary, step = self._sess.run(sv.summary_op), None
    logging.info("Recording summary at step %s.", step)
    sv.summary_writer.add_summary(summary, step)


class _StepCounterThread(LooperThread):
  """Logs and summarises steps per second."""

  def __init__(self, sv, sess):
    super(_StepCounterThread, self).__init__(sv.coord, sv.save_summaries_secs)
    self._sv, self._sess = sv, sess
    self._tag = "%s/sec" % sv.global_step.op.name

  def start_loop(self):
    self._last_time = time.time()
    self._last_step = training_util.global_step(self._sess, self._sv.global_step)

  def run_loop(self):
    step, now = training_util.global_step(self._sess, self._sv.global_step), time.time()
    steps, elapsed = step - self._last_step, now - self._last_time
    self._last_step, self._last_time = step, now
    rate = steps / elapsed if elapsed > 0 else float("inf")
    summary = _protos.message("Summary")
    self._sv.summary_writer.add_summary(summary(value=[summary.Value(tag=self._tag, simple_value=rate)]), step)
    logging.log_first_n(logging.INFO, "%s: %g", 10, self._tag, rate)


class _CheckpointThread(LooperThread):
  """Saves checkpoints."""

  def __init__(self, sv, sess):
    super(_CheckpointThread, self).__init__(sv.coord, sv.save_model_secs)
    self._sv, self._sess = sv, sess

  def run_loop(self):
    sv = self._sv
    logging.info("Saving checkpoint to path %s", sv.save_path)
    sv.saver.save(self._sess, sv.save_path, global_step=sv.global_step)
    if sv.summary_writer and sv.global_step is not None:
      sv._log_session("CHECKPOINT", training_util.global_step(self._sess, sv.global_step),
                      checkpoint_path=sv.save_path)
