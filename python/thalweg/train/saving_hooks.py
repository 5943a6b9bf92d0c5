"""The hooks that write: checkpoints, summaries, steps per second, profiles."""

import os

from thalweg import _protos
from thalweg.framework import graph_io, meta_graph, ops
from thalweg.platform import tf_logging as logging
from thalweg.summary.writer import FileWriterCache as SummaryWriterCache
from thalweg.train import training_util
from thalweg.train.hook_timers import SecondOrStepTimer, global_step_read
from thalweg.train.session_run_hook import SessionRunArgs, SessionRunHook


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
    self._global_step_tensor = global_step_read("CheckpointSaverHook")
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
    self._global_step_tensor = global_step_read("StepCounterHook")
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
    self._global_step_tensor = global_step_read("SummarySaverHook")

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
    self._global_step_tensor = global_step_read("ProfilerHook")

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
