"""slim.learning: create_train_op, and a loop under a Supervisor."""

import os
import sys
import time

from thalweg import _protos, summary
from thalweg.contrib.training import train_op as training
from thalweg.contrib.training.train_op import add_gradients_summaries, clip_gradient_norms, multiply_gradients  # noqa: F401
from thalweg.framework import constant_op, errors, ops
from thalweg.ops import control_flow_ops, math_ops, variables
from thalweg.platform import tf_logging as logging
from thalweg.train import saver as saver_lib
from thalweg.train import supervisor, training_util
from thalweg.train.optimizer import Optimizer

_USE_DEFAULT = 0


def create_train_op(total_loss, optimizer, global_step=_USE_DEFAULT, update_ops=None, variables_to_train=None,
                    clip_gradient_norm=0, summarize_gradients=False, gate_gradients=Optimizer.GATE_OP,
                    aggregation_method=None, colocate_gradients_with_ops=False, gradient_multipliers=None,
                    check_numerics=True):
  """contrib.training.create_train_op with factors for gradients and clipping of each."""

  def transform(grads):
    if gradient_multipliers:
      with ops.name_scope("multiply_grads"):
        grads = multiply_gradients(grads, gradient_multipliers)
    if clip_gradient_norm > 0:
      with ops.name_scope("clip_grads"):
        grads = clip_gradient_norms(grads, clip_gradient_norm)
    return grads

  return training.create_train_op(
      total_loss, optimizer, global_step=global_step, update_ops=update_ops, variables_to_train=variables_to_train,
      transform_grads_fn=transform, summarize_gradients=summarize_gradients, gate_gradients=gate_gradients,
      aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops,
      check_numerics=check_numerics)


def train_step(sess, train_op, global_step, train_step_kwargs):
  """(loss, whether to stop) of one step; logs and traces as the conditions of the dictionary say."""
  start = time.time()
  options = metadata = None
  if "should_trace" in train_step_kwargs:
    if "logdir" not in train_step_kwargs:
      raise ValueError("logdir must be present in train_step_kwargs when should_trace is present")
    if sess.run(train_step_kwargs["should_trace"]):
      run_options = _protos.message("RunOptions")
      options, metadata = run_options(trace_level=run_options.FULL_TRACE), _protos.message("RunMetadata")()
  total_loss, step = sess.run([train_op, global_step], options=options, run_metadata=metadata)
  elapsed = time.time() - start
  if metadata is not None:
    from thalweg.util import timeline
    path = os.path.join(train_step_kwargs["logdir"], "tf_trace-%d.json" % step)
    logging.info("Writing trace to %s", path)
    with open(path, "w", encoding="utf-8") as f:
      f.write(timeline.Timeline(metadata.step_stats).generate_chrome_trace_format())
    if "summary_writer" in train_step_kwargs:
      train_step_kwargs["summary_writer"].add_run_metadata(metadata, "run_metadata-%d" % step)
  if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
    logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, total_loss, elapsed)
  should_stop = sess.run(train_step_kwargs["should_stop"]) if "should_stop" in train_step_kwargs else False
  return total_loss, should_stop


def _conditions(global_step, number_of_steps, log_every_n_steps, trace_every_n_steps, is_chief, logdir):
  with ops.name_scope("train_step"):
    made = {"should_stop": math_ops.greater_equal(global_step, number_of_steps) if number_of_steps else
            constant_op.constant(False)}
    if log_every_n_steps > 0:
      made["should_log"] = math_ops.equal(math_ops.mod(global_step, log_every_n_steps), 0)
    if is_chief and trace_every_n_steps is not None:
      made["should_trace"] = math_ops.equal(math_ops.mod(global_step, trace_every_n_steps), 0)
      made["logdir"] = logdir
  return made


def train(train_op, logdir, train_step_fn=train_step, train_step_kwargs=_USE_DEFAULT, log_every_n_steps=1, graph=None,
          master="", is_chief=True, global_step=None, number_of_steps=None, init_op=_USE_DEFAULT, init_feed_dict=None,
          local_init_op=_USE_DEFAULT, init_fn=None, ready_op=_USE_DEFAULT, summary_op=_USE_DEFAULT,
          save_summaries_secs=600, summary_writer=_USE_DEFAULT, startup_delay_steps=0, saver=None,
          save_interval_secs=600, sync_optimizer=None, session_config=None, session_wrapper=None,
          trace_every_n_steps=None, ignore_live_threads=False):
  """Trains under a Supervisor until `number_of_steps`, the end of the data, or a stop; the last loss."""
  if train_op is None:
    raise ValueError("train_op cannot be None.")
  if logdir is None:
    for name, given in (("summary_op", summary_op is not _USE_DEFAULT), ("saver", saver is not None),
                        ("trace_every_n_steps", trace_every_n_steps is not None)):
      if given:
        raise ValueError("Cannot provide %s because logdir=None" % name)
  if sync_optimizer is not None:
    raise ValueError("`sync_optimizer` needs a cluster of workers")
  if number_of_steps is not None and number_of_steps <= 0:
    raise ValueError("`number_of_steps` must be either None or a positive number.")
  graph = graph or ops.get_default_graph()
  with graph.as_default():
    if global_step is None:
      global_step = training_util.get_or_create_global_step()
    saver = saver or saver_lib.Saver()
    with ops.name_scope("init_ops"):
      if init_op is _USE_DEFAULT:
        init_op = variables.global_variables_initializer()
      if ready_op is _USE_DEFAULT:
        ready_op = variables.report_uninitialized_variables()
      if local_init_op is _USE_DEFAULT:
        import thalweg
        local_init_op = control_flow_ops.group(variables.local_variables_initializer(), thalweg.tables_initializer())
    if summary_op is _USE_DEFAULT:
      summary_op = summary.merge_all()
    if train_step_kwargs is _USE_DEFAULT:
      train_step_kwargs = _conditions(global_step, number_of_steps, log_every_n_steps, trace_every_n_steps, is_chief,
                                      logdir)
  sv = supervisor.Supervisor(
      graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op, init_feed_dict=init_feed_dict,
      local_init_op=local_init_op, ready_for_local_init_op=None, ready_op=ready_op, summary_op=summary_op,
      summary_writer=supervisor.Supervisor.USE_DEFAULT if summary_writer is _USE_DEFAULT else summary_writer,
      global_step=global_step, saver=saver, save_summaries_secs=save_summaries_secs,
      save_model_secs=save_interval_secs, init_fn=init_fn)
  if summary_writer is not None and sv.summary_writer is not None:
    train_step_kwargs["summary_writer"] = sv.summary_writer
  total_loss, retry = None, True
  while retry:
    retry = False
    try:
      with sv.managed_session(master, start_standard_services=False, config=session_config) as sess:
        logging.info("Starting Session.")
        if session_wrapper is not None:
          sess = session_wrapper(sess)
        if is_chief:
          if logdir:
            sv.start_standard_services(sess)
        elif startup_delay_steps > 0:
          _wait_for_step(sess, global_step, min(startup_delay_steps, number_of_steps or sys.maxsize))
        threads = sv.start_queue_runners(sess)
        try:
          while not sv.should_stop():
            total_loss, should_stop = train_step_fn(sess, train_op, global_step, train_step_kwargs)
            if should_stop:
              logging.info("Stopping Training.")
              sv.request_stop()
        except errors.OutOfRangeError as e:
          logging.info("Caught OutOfRangeError. Stopping Training. %s", e)
        if logdir and sv.is_chief:
          logging.info("Finished training! Saving model to disk.")
          sv.saver.save(sess, sv.save_path, global_step=sv.global_step)
          sv.stop(threads, close_summary_writer=True, ignore_live_threads=ignore_live_threads)
    except errors.AbortedError:
      logging.info("Retrying training!")
      retry = True
  return total_loss


def _wait_for_step(sess, global_step, step):
  while True:
    if training_util.global_step(sess, global_step) >= step:
      return
    time.sleep(1)
