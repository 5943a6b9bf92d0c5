"""The hooks that training programs use: stop, log, save, summarise, watch for NaN, profile."""

import os
import time

import numpy as np

from thalweg import _protos
from thalweg.framework import errors, graph_io, meta_graph, ops
from thalweg.platform import tf_logging as logging
from thalweg.summary.writer import FileWriterCache as SummaryWriterCache
from thalweg.train import training_util
from thalweg.train.session_run_hook import SessionRunArgs, SessionRunHook


class _HookTimer(object):
  """Decides at which steps something is due."""

  def reset(self):
    """Forgets what was."""

  def should_trigger_for_step(self, step):
    raise NotImplementedError("%s defines no should_trigger_for_step()" % type(self).__name__)

  def update_last_triggered_step(self, step):
    """Notes that it was done now; (seconds, steps) since it was done before, None each when it was not."""
    raise NotImplementedError("%s defines no update_last_triggered_step()" % type(self).__name__)

  def last_triggered_step(self):
    raise NotImplementedError("%s defines no last_triggered_step()" % type(self).__name__)


class SecondOrStepTimer(_HookTimer):
  """Due at first, and then every `every_secs` seconds or `every_steps` steps."""

  def __init__(self, every_secs=None, every_steps=None):
    self.reset()
    self._every_secs = every_secs
    self._every_steps = every_steps
    if every_secs is None and every_steps is None:
      raise ValueError("Either every_secs or every_steps should be provided.")
    if every_secs is not None and every_steps is not None:
      raise ValueError("Can not provide both every_secs and every_steps.")

  def reset(self):
    self._last_triggered_step = None
    self._last_triggered_time = None

  def should_trigger_for_step(self, step):
    if self._last_triggered_step is None:
      return True
    if self._last_triggered_step == step:
      return False
    if self._every_secs is not None:
      return time.time() >= self._last_triggered_time + self._every_secs
    return step >= self._last_triggered_step + self._every_steps

  def update_last_triggered_step(self, step):
    now = time.time()
    elapsed = None, None
    if self._last_triggered_time is not None:
      elapsed = now - self._last_triggered_time, step - self._last_triggered_step
    self._last_triggered_time, self._last_triggered_step = now, step
    return elapsed

  def last_triggered_step(self):
    return self._last_triggered_step


class NeverTriggerTimer(_HookTimer):
  """Never due."""

  def should_trigger_for_step(self, step):
    return False

  def update_last_triggered_step(self, step):
    return None, None

  def last_triggered_step(self):
    return None


def _global_step_read(hook_name):
  tensor = training_util._get_or_create_global_step_read()
  if tensor is None:
    raise RuntimeError("Global step should be created to use %s." % hook_name)
  return tensor


def _as_graph_element(obj):
  """The tensor or operation of the default graph that an object or a name, with or without ':0', means."""
  graph = ops.get_default_graph()
  if not isinstance(obj, str):
    if getattr(obj, "graph", None) is not graph:
      raise ValueError("Passed %s should have graph attribute that is equal to current graph %s." % (obj, graph))
    return obj
  if ":" in obj:
    return graph.as_graph_element(obj)
  element = graph.as_graph_element(obj + ":0")
  if len(element.op.outputs) > 1:
    raise ValueError("Name %s is ambiguous, as this `Operation` has multiple outputs (at least 2)." % obj)
  return element


class LoggingTensorHook(SessionRunHook):
  """Logs the values of tensors every n runs or seconds, or at the end."""

  def __init__(self, tensors, every_n_iter=None, every_n_secs=None, at_end=False, formatter=None):
    only_log_at_end = at_end and every_n_iter is None and every_n_secs is None
    if not only_log_at_end and (every_n_iter is None) == (every_n_secs is None):
      raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
    if every_n_iter is not None and every_n_iter <= 0:
      raise ValueError("invalid every_n_iter=%s." % every_n_iter)
    if isinstance(tensors, dict):
      self._tag_order = sorted(tensors)
    else:
      self._tag_order = tensors
      tensors = {item: item for item in tensors}
    self._tensors = tensors
    self._formatter = formatter
    self._timer = NeverTriggerTimer() if only_log_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)
    self._log_at_end = at_end

  def begin(self):
    self._timer.reset()
    self._iter_count = 0
    self._current_tensors = {tag: _as_graph_element(tensor) for tag, tensor in self._tensors.items()}

  def before_run(self, run_context):
    self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
    return SessionRunArgs(self._current_tensors) if self._should_trigger else None

  def _log_tensors(self, values):
    elapsed_secs, _ = self._timer.update_last_triggered_step(self._iter_count)
    with np.printoptions(suppress=True):
      if self._formatter:
        logging.info(self._formatter(values))
        return
      text = ", ".join("%s = %s" % (tag, values[tag]) for tag in self._tag_order)
    if elapsed_secs is not None:
      logging.info("%s (%.3f sec)", text, elapsed_secs)
    else:
      logging.info("%s", text)

  def after_run(self, run_context, run_values):
    if self._should_trigger:
      self._log_tensors(run_values.results)
    self._iter_count += 1

  def end(self, session):
    if self._log_at_end:
      self._log_tensors(session.run(self._current_tensors))


class StopAtStepHook(SessionRunHook):
  """Stops after a number of steps, or at a step."""

  def __init__(self, num_steps=None, last_step=None):
    if num_steps is None and last_step is None:
      raise ValueError("One of num_steps or last_step must be specified.")
    if num_steps is not None and last_step is not None:
      raise ValueError("Only one of num_steps or last_step can be specified.")
    self._num_steps = num_steps
    self._last_step = last_step

  def begin(self):
    self._global_step_tensor = _global_step_read("StopAtStepHook")

  def after_create_session(self, session, coord):
    if self._last_step is None:
      self._last_step = session.run(self._global_step_tensor) + self._num_steps

  def before_run(self, run_context):
    return SessionRunArgs(self._global_step_tensor)

  def after_run(self, run_context, run_values):
    # The run read the step before it raised it.
    if run_values.results + 1 >= self._last_step:
      if run_context.session.run(self._global_step_tensor) >= self._last_step:
        run_context.request_stop()


class CheckpointSaverListener(object):
  """Is told of the checkpoints that CheckpointSaverHook saves."""

  def begin(self):
    """Called at the start; may add to the graph."""

  def before_save(self, session, global_step_value):
    """Called before each save."""

  def after_save(self, session, global_step_value):
    """Called after each save; True stops the training."""

  def end(self, session, global_step_value):
    """Called at the end."""


class CheckpointSaverHook(SessionRunHook):
  """Saves checkpoints at the start, every n steps or seconds, and at the end."""

  def __init__(self, checkpoint_dir, save_secs=None, save_steps=None, saver=None, checkpoint_basename="model.ckpt",
               scaffold=None, listeners=None):
    logging.info("Create CheckpointSaverHook.")
    if saver is not None and scaffold is not None:
      raise ValueError("You cannot provide both saver and scaffold.")
    self._saver = saver
    self._checkpoint_dir = checkpoint_dir
    self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
    self._scaffold = scaffold
    self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
    self._listeners = listeners or []

  def begin(self):
    self._summary_writer = SummaryWriterCache.get(self._checkpoint_dir)
    self._global_step_tensor = _global_step_read("CheckpointSaverHook")
    for listener in self._listeners:
      listener.begin()

  def after_create_session(self, session, coord):
    global_step = session.run(self._global_step_tensor)
    graph = ops.get_default_graph()
    graph_def = graph.as_graph_def(add_shapes=True)
    graph_io.write_graph(graph_def, self._checkpoint_dir, "graph.pbtxt")
    saver = self._get_saver()
    meta_graph_def = meta_graph.create_meta_graph_def(graph_def=graph_def, saver_def=saver.saver_def if saver else None)
    self._summary_writer.add_graph(graph)
    self._summary_writer.add_meta_graph(meta_graph_def)
    # The initial weights, or those restored.
    self._save(session, global_step)
    self._timer.update_last_triggered_step(global_step)

  def before_run(self, run_context):
    return SessionRunArgs(self._global_step_tensor)

  def after_run(self, run_context, run_values):
    if self._timer.should_trigger_for_step(run_values.results + 1):
      global_step = run_context.session.run(self._global_step_tensor)
      if self._timer.should_trigger_for_step(global_step):
        self._timer.update_last_triggered_step(global_step)
        if self._save(run_context.session, global_step):
          run_context.request_stop()

  def end(self, session):
    last_step = session.run(self._global_step_tensor)
    if last_step != self._timer.last_triggered_step():
      self._save(session, last_step)
    for listener in self._listeners:
      listener.end(session, last_step)

  def _save(self, session, step):
    """Whether a listener wants to stop."""
    logging.info("Saving checkpoints for %d into %s.", step, self._save_path)
    for listener in self._listeners:
      listener.before_save(session, step)
    self._get_saver().save(session, self._save_path, global_step=step)
    log = _protos.message("SessionLog")
    self._summary_writer.add_session_log(log(status=log.CHECKPOINT, checkpoint_path=self._save_path), step)
    should_stop = False
    for listener in self._listeners:
      if listener.after_save(session, step):
        logging.info("A CheckpointSaverListener requested that training be stopped. listener: %s", listener)
        should_stop = True
    return should_stop

  def _get_saver(self):
    if self._saver is not None:
      return self._saver
    if self._scaffold is not None:
      return self._scaffold.saver
    savers = ops.get_collection(ops.GraphKeys.SAVERS)
    if not savers:
      raise RuntimeError("No items in collection {}. Please add a saver to the collection or provide a saver or "
                         "scaffold.".format(ops.GraphKeys.SAVERS))
    if len(savers) > 1:
      raise RuntimeError("More than one item in collection {}. Please indicate which one to use by passing it to the "
                         "constructor.".format(ops.GraphKeys.SAVERS))
    self._saver = savers[0]
    return self._saver


class StepCounterHook(SessionRunHook):
  """Logs and summarises steps per second."""

  def __init__(self, every_n_steps=100, every_n_secs=None, output_dir=None, summary_writer=None):
    if (every_n_steps is None) == (every_n_secs is None):
      raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
    self._timer = SecondOrStepTimer(every_steps=every_n_steps, every_secs=every_n_secs)
    self._summary_writer = summary_writer
    self._output_dir = output_dir
    self._last_global_step = None

  def begin(self):
    if self._summary_writer is None and self._output_dir:
      self._summary_writer = SummaryWriterCache.get(self._output_dir)
    self._global_step_tensor = _global_step_read("StepCounterHook")
    self._summary_tag = training_util.get_global_step().op.name + "/sec"

  def before_run(self, run_context):
    return SessionRunArgs(self._global_step_tensor)

  def _log_and_record(self, elapsed_steps, elapsed_time, global_step):
    steps_per_sec = elapsed_steps / elapsed_time
    if self._summary_writer is not None:
      summary = _protos.message("Summary")
      self._summary_writer.add_summary(
          summary(value=[summary.Value(tag=self._summary_tag, simple_value=steps_per_sec)]), global_step)
    logging.info("%s: %g", self._summary_tag, steps_per_sec)

  def after_run(self, run_context, run_values):
    stale = run_values.results
    if self._timer.should_trigger_for_step(stale + 1):
      global_step = run_context.session.run(self._global_step_tensor)
      if self._timer.should_trigger_for_step(global_step):
        elapsed_time, elapsed_steps = self._timer.update_last_triggered_step(global_step)
        if elapsed_time:
          self._log_and_record(elapsed_steps, elapsed_time, global_step)
    if stale == self._last_global_step:
      logging.log_first_n(
          logging.WARN, "It seems that global step (tf.train.get_global_step) has not been increased. Current value: %s vs "
          "previous value: %s. You could increase the global step by passing tf.train.get_global_step() to "
          "Optimizer.apply_gradients or Optimizer.minimize.", 5, stale, self._last_global_step)
    self._last_global_step = stale


class NanLossDuringTrainingError(RuntimeError):

  def __str__(self):
    return "NaN loss during training."


class NanTensorHook(SessionRunHook):
  """Stops, by an exception or quietly, when a loss is NaN."""

  def __init__(self, loss_tensor, fail_on_nan_loss=True):
    self._loss_tensor = loss_tensor
    self._fail_on_nan_loss = fail_on_nan_loss

  def before_run(self, run_context):
    return SessionRunArgs(self._loss_tensor)

  def after_run(self, run_context, run_values):
    if np.isnan(run_values.results):
      text = "Model diverged with loss = NaN."
      if self._fail_on_nan_loss:
        logging.error(text)
        raise NanLossDuringTrainingError
      logging.warning(text)
      run_context.request_stop()


class SummarySaverHook(SessionRunHook):
  """Writes summaries every n steps or seconds."""

  def __init__(self, save_steps=None, save_secs=None, output_dir=None, summary_writer=None, scaffold=None,
               summary_op=None):
    if (scaffold is None) == (summary_op is None):
      raise ValueError("Exactly one of scaffold or summary_op must be provided.")
    self._summary_op = summary_op
    self._summary_writer = summary_writer
    self._output_dir = output_dir
    self._scaffold = scaffold
    self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

  def begin(self):
    if self._summary_writer is None and self._output_dir:
      self._summary_writer = SummaryWriterCache.get(self._output_dir)
    self._next_step = None
    self._global_step_tensor = _global_step_read("SummarySaverHook")

  def before_run(self, run_context):
    self._request_summary = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
    requests = {"global_step": self._global_step_tensor}
    if self._request_summary and self._get_summary_op() is not None:
      requests["summary"] = self._get_summary_op()
    return SessionRunArgs(requests)

  def after_run(self, run_context, run_values):
    if not self._summary_writer:
      return
    global_step = run_values.results["global_step"] + 1
    if self._next_step is None or self._request_summary:
      global_step = run_context.session.run(self._global_step_tensor)
    if self._next_step is None:
      log = _protos.message("SessionLog")
      self._summary_writer.add_session_log(log(status=log.START), global_step)
    if self._request_summary:
      self._timer.update_last_triggered_step(global_step)
      for summary in run_values.results.get("summary", ()):
        self._summary_writer.add_summary(summary, global_step)
    self._next_step = global_step + 1

  def end(self, session=None):
    if self._summary_writer:
      self._summary_writer.flush()

  def _get_summary_op(self):
    """A list of operations; None when there are none."""
    summary_op = self._summary_op if self._summary_op is not None else self._scaffold.summary_op
    return summary_op if summary_op is None or isinstance(summary_op, list) else [summary_op]


class GlobalStepWaiterHook(SessionRunHook):
  """Holds the first run back until others have raised the global step."""

  def __init__(self, wait_until_step):
    self._wait_until_step = wait_until_step

  def begin(self):
    self._worker_is_started = False
    self._global_step_tensor = _global_step_read("_GlobalStepWaiterHook")

  def before_run(self, run_context):
    if self._worker_is_started or self._wait_until_step <= 0:
      self._worker_is_started = True
      return None
    logging.info("Waiting for global step %d before starting training.", self._wait_until_step)
    last_logged_step = 0
    while True:
      current_step = run_context.session.run(self._global_step_tensor)
      if current_step >= self._wait_until_step:
        self._worker_is_started = True
        return None
      if current_step - last_logged_step > 1000:
        logging.info("Waiting for global step %d before starting training. Current step is %d.", self._wait_until_step,
                     current_step)
        last_logged_step = current_step
      time.sleep(0.5)


class FinalOpsHook(SessionRunHook):
  """Runs operations at the end and keeps their values."""

  def __init__(self, final_ops, final_ops_feed_dict=None):
    self._final_ops = final_ops
    self._final_ops_feed_dict = final_ops_feed_dict
    self._final_ops_values = None

  @property
  def final_ops_values(self):
    return self._final_ops_values

  def end(self, session):
    if self._final_ops is None:
      return
    try:
      self._final_ops_values = session.run(self._final_ops, feed_dict=self._final_ops_feed_dict)
    except (errors.OutOfRangeError, StopIteration):
      logging.warning("The operations of FinalOpsHook read from an input that has ended. They should read variables only.")
      raise


class FeedFnHook(SessionRunHook):
  """Feeds each run with what a function returns."""

  def __init__(self, feed_fn):
    self.feed_fn = feed_fn

  def before_run(self, run_context):
    return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())


class ProfilerHook(SessionRunHook):
  """Writes a Chrome trace of a run every n steps or seconds."""

  def __init__(self, save_steps=None, save_secs=None, output_dir="", show_dataflow=True, show_memory=False):
    self._output_file = os.path.join(output_dir, "timeline-{}.json")
    self._file_writer = SummaryWriterCache.get(output_dir)
    self._show_dataflow = show_dataflow
    self._show_memory = show_memory
    self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

  def begin(self):
    self._next_step = None
    self._global_step_tensor = _global_step_read("ProfilerHook")

  def before_run(self, run_context):
    self._request_summary = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
    run_options = _protos.message("RunOptions")
    options = run_options(trace_level=run_options.FULL_TRACE) if self._request_summary else None
    return SessionRunArgs({"global_step": self._global_step_tensor}, options=options)

  def after_run(self, run_context, run_values):
    stale = run_values.results["global_step"]
    if self._next_step is None:
      # The first run compiles, which a profile should not show.
      self._timer.update_last_triggered_step(stale)
    global_step = stale + 1
    if self._request_summary:
      global_step = run_context.session.run(self._global_step_tensor)
      self._timer.update_last_triggered_step(global_step)
      self._save(global_step, self._output_file.format(global_step), run_values.run_metadata.step_stats)
      self._file_writer.add_run_metadata(run_values.run_metadata, "step_%d" % global_step)
    self._next_step = global_step + 1

  def _save(self, step, save_path, step_stats):
    from thalweg.util import timeline
    logging.info("Saving timeline for %d into '%s'.", step, save_path)
    trace = timeline.Timeline(step_stats).generate_chrome_trace_format(show_dataflow=self._show_dataflow,
                                                                       show_memory=self._show_memory)
    with open(save_path, "w", encoding="utf-8") as f:
      f.write(trace)
