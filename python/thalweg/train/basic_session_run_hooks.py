"""The hooks that training programs use: those here stop, log, wait, feed and watch; saving_hooks has those that write."""

import time

import numpy as np

from thalweg.framework import errors, ops
from thalweg.platform import tf_logging as logging
from thalweg.train.hook_timers import NeverTriggerTimer, SecondOrStepTimer, global_step_read
from thalweg.train.saving_hooks import (CheckpointSaverHook, CheckpointSaverListener, ProfilerHook,  # noqa: F401
                                        StepCounterHook, SummarySaverHook)
from thalweg.train.session_run_hook import SessionRunArgs, SessionRunHook


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
    self._global_step_tensor = global_step_read("StopAtStepHook")

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


class GlobalStepWaiterHook(SessionRunHook):
  """Holds the first run back until others have raised the global step."""

  def __init__(self, wait_until_step):
    self._wait_until_step = wait_until_step

  def begin(self):
    self._worker_is_started = False
    self._global_step_tensor = global_step_read("_GlobalStepWaiterHook")

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
