"""Coordinator, SessionManager, hooks, MonitoredSession and Supervisor."""

import glob
import json
import os
import threading
import time

import numpy as np
import pytest
import thalweg as tf


def model(reaches=None):
  """(loss, train operation): raises the global step."""
  step = tf.train.get_or_create_global_step()
  w = tf.get_variable("w", initializer=4.0)
  loss = tf.square(w)
  tf.summary.scalar("loss", loss)
  return loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)


# --- coordinator ---


def test_coordinator_stops_threads_and_raises_their_exception():
  coord = tf.train.Coordinator()
  started = threading.Event()

  def wait():
    started.set()
    assert coord.wait_for_stop(30)

  def fail():
    with coord.stop_on_exception():
      started.wait()
      raise KeyError("why")

  threads = [threading.Thread(target=f) for f in (wait, fail)]
  for t in threads:
    t.start()
  with pytest.raises(KeyError, match="why"):
    coord.join(threads)
  assert coord.should_stop() and coord.joined
  with pytest.raises(KeyError):
    coord.raise_requested_exception()
  coord.clear_stop()
  assert not coord.should_stop() and not coord.joined
  coord.raise_requested_exception()


def test_coordinator_takes_the_end_of_data_for_a_clean_stop():
  coord = tf.train.Coordinator()
  coord.request_stop(tf.errors.OutOfRangeError(None, None, "end"))
  coord.join([])
  coord = tf.train.Coordinator(clean_stop_exception_types=[])
  coord.request_stop(tf.errors.OutOfRangeError(None, None, "end"))
  with pytest.raises(tf.errors.OutOfRangeError):
    coord.join([])


def test_coordinator_names_threads_that_go_on():
  coord, release = tf.train.Coordinator(), threading.Event()
  thread = threading.Thread(target=release.wait, name="stubborn")
  thread.start()
  coord.register_thread(thread)
  coord.request_stop()
  with pytest.raises(RuntimeError, match="stubborn"):
    coord.join(stop_grace_period_secs=0.05)
  coord.clear_stop()
  coord.register_thread(thread)
  coord.request_stop()
  coord.join(stop_grace_period_secs=0.05, ignore_live_threads=True)
  release.set()
  thread.join()
  with pytest.raises(ValueError, match="late"):
    coord.request_stop(ValueError("late"))


def test_looper_thread():
  coord, calls = tf.train.Coordinator(), []

  def count(by, times=1):
    calls.append(by * times)
    if len(calls) == 3:
      coord.request_stop()

  tf.train.LooperThread.loop(coord, 0.001, count, args=(2,), kwargs={"times": 3})
  coord.join()
  assert calls == [6, 6, 6]
  with pytest.raises(ValueError, match="Coordinator"):
    tf.train.LooperThread("coord", 1)
  with pytest.raises(ValueError, match="target"):
    tf.train.LooperThread(coord, 1, args=(1,))


# --- session manager ---


def test_session_manager_prepares_recovers_and_waits(tmp_path):
  w = tf.get_variable("w", initializer=3.0)
  saver = tf.train.Saver()
  manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(), recovery_wait_secs=0.01)
  with pytest.raises(RuntimeError, match="no init_op"):
    manager.prepare_session("")
  with pytest.raises(RuntimeError, match="not make model ready.*w"):
    manager.prepare_session("", init_op=tf.no_op())
  sess, restored = manager.recover_session("", saver=saver, checkpoint_dir=str(tmp_path))
  assert not restored
  with pytest.raises(tf.errors.DeadlineExceededError):
    manager.wait_for_session("", max_wait_secs=0.05)
  sess = manager.prepare_session("", init_op=tf.global_variables_initializer(), saver=saver,
                                 checkpoint_dir=str(tmp_path), init_fn=lambda s: s.run(w.assign(5.0)))
  assert sess.run(w) == 5.0
  saver.save(sess, str(tmp_path / "model"))
  sess, restored = manager.recover_session("", saver=saver, checkpoint_dir=str(tmp_path))
  assert restored and sess.run(w) == 5.0
  with pytest.raises(ValueError, match="local_init_op"):
    tf.train.SessionManager(ready_for_local_init_op=tf.no_op())


# --- hooks ---


def test_training_session_saves_summarises_and_resumes(tmp_path):
  folder = str(tmp_path)
  for last in (5, 8):
    with tf.Graph().as_default():
      loss, train = model()
      hooks = [tf.train.StopAtStepHook(last_step=last)]
      with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks, save_summaries_steps=2,
                                             save_checkpoint_steps=2, log_step_count_steps=2) as session:
        while not session.should_stop():
          session.run(train)
      assert tf.train.latest_checkpoint(folder) == os.path.join(folder, "model.ckpt-%d" % last)
    tf.summary.FileWriterCache.clear()
  assert os.path.exists(os.path.join(folder, "graph.pbtxt"))
  reader = tf.train.NewCheckpointReader(tf.train.latest_checkpoint(folder))
  assert reader.get_tensor("global_step") == 8
  np.testing.assert_allclose(reader.get_tensor("w"), 4 * 0.8 ** 8, rtol=1e-6)
  tags, logs = set(), []
  for path in sorted(glob.glob(os.path.join(folder, "events*"))):
    for event in tf.train.summary_iterator(path):
      tags.update((v.tag, event.step) for v in event.summary.value)
      if event.HasField("session_log"):
        logs.append(event.session_log.status)
  assert {("loss", 1), ("loss", 3), ("loss", 6), ("loss", 8)} <= tags
  assert any(tag == "global_step/sec" for tag, _ in tags)
  log = tf.SessionLog
  assert log.START in logs and log.CHECKPOINT in logs


def test_stop_at_step_counts_from_the_start():
  _, train = model()
  with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(num_steps=3)]) as session:
    runs = 0
    while not session.should_stop():
      session.run(train)
      runs += 1
    with pytest.raises(RuntimeError, match="should_stop"):
      session.run(train)
  assert runs == 3
  for kwargs in ({}, {"num_steps": 1, "last_step": 1}):
    with pytest.raises(ValueError):
      tf.train.StopAtStepHook(**kwargs)


class Recorder(tf.train.SessionRunHook):

  def __init__(self, fetch=None, feeds=None):
    self.calls, self.results, self.fetch, self.feeds = [], [], fetch, feeds

  def begin(self):
    self.calls.append("begin")

  def after_create_session(self, session, coord):
    self.calls.append("created")
    assert tf.get_default_graph().finalized

  def before_run(self, run_context):
    self.calls.append("before")
    self.args = run_context.original_args
    return tf.train.SessionRunArgs(self.fetch, self.feeds)

  def after_run(self, run_context, run_values):
    self.calls.append("after")
    self.results.append(run_values.results)

  def end(self, session):
    self.calls.append("end")


def test_hooks_are_called_in_order_with_their_values():
  x = tf.placeholder_with_default(1.0, [], name="x")
  y = x * 2.0
  hooks = [Recorder({"y": y}), Recorder(feeds={x: 5.0})]
  with tf.train.SingularMonitoredSession(hooks=hooks) as session:
    assert session.run(y) == 10.0
    assert session.run({"a": [x]}) == {"a": [5.0]}
    assert session.raw_session().run(y) == 2.0
    assert hooks[0].args.fetches == {"a": [x]}
    with pytest.raises(RuntimeError, match="fed by a SessionRunHook and user"):
      session.run(y, {x: 1.0})
  assert hooks[0].results == [{"y": 10.0}, {"y": 10.0}] and hooks[1].results == [None, None]
  assert hooks[0].calls == ["begin", "created", "before", "after", "before", "after", "before", "end"]
  assert not tf.get_default_graph().finalized
  with pytest.raises(RuntimeError, match="fed by two hooks"):
    with tf.train.MonitoredSession(hooks=[Recorder(feeds={x: 1.0}), Recorder(feeds={x: 2.0})]) as session:
      session.run(y)


def test_exceptions_skip_end_and_the_end_of_data_does_not():
  hook = Recorder()
  with pytest.raises(ZeroDivisionError):
    with tf.train.MonitoredSession(hooks=[hook]):
      raise ZeroDivisionError
  assert hook.calls == ["begin", "created"]
  hook = Recorder()
  with tf.train.MonitoredSession(hooks=[hook]):
    raise tf.errors.OutOfRangeError(None, None, "end")
  assert hook.calls == ["begin", "created", "end"]


def test_lost_sessions_are_made_again():
  w = tf.get_variable("w", initializer=1.0)
  hook, failures = Recorder(w), [True]

  class Fails(tf.train.SessionRunHook):

    def before_run(self, run_context):
      if failures.pop():
        raise tf.errors.UnavailableError(None, None, "gone")

  failures[:] = [False, True]
  with tf.train.MonitoredSession(hooks=[hook, Fails()]) as session:
    assert session.run(w) == 1.0
    assert not session.should_stop()
  assert hook.calls.count("created") == 2 and hook.results == [1.0]


def test_threads_of_the_coordinator_are_heard():
  w = tf.get_variable("w", initializer=1.0)

  class Starts(tf.train.SessionRunHook):

    def after_create_session(self, session, coord):
      coord.request_stop(ValueError("from a thread"))

  with pytest.raises(ValueError, match="from a thread"):
    with tf.train.MonitoredSession(hooks=[Starts()]) as session:
      assert session.should_stop()
      session.run(w)


def test_step_fn():
  x = tf.placeholder_with_default(1.0, [])
  hook = Recorder(x)
  with tf.train.MonitoredSession(hooks=[hook]) as session:
    assert session.run_step_fn(lambda step_context: step_context.session.run(x)) == 1.0
    assert hook.results == []
    assert session.run_step_fn(lambda step_context: step_context.run_with_hooks(x)) == 1.0
    assert hook.results == [1.0]
    with pytest.raises(ValueError, match="step_context"):
      session.run_step_fn(lambda other: None)
    session.run_step_fn(lambda step_context: step_context.request_stop())
    raise AssertionError("the block has ended")


def test_nan_hook():
  x = tf.placeholder_with_default(float("nan"), [])
  with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
    with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(x)]) as session:
      session.run(x)
  with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(x, fail_on_nan_loss=False)]) as session:
    session.run(x)
    assert session.should_stop()


def test_logging_feeding_and_final_hooks(caplog):
  x = tf.placeholder_with_default(1.0, [], name="x")
  final = tf.train.FinalOpsHook(x * 3.0, {x: 2.0})
  fed = iter(range(10, 20))
  hooks = [tf.train.LoggingTensorHook(["x"], every_n_iter=2), tf.train.FeedFnHook(lambda: {x: float(next(fed))}), final,
           tf.train.LoggingTensorHook({"value": x}, at_end=True, formatter=lambda v: "at end %g" % v["value"])]
  tf.logging.set_verbosity(tf.logging.INFO)
  try:
    with caplog.at_level("INFO", logger="thalweg"), tf.train.MonitoredSession(hooks=hooks) as session:
      for _ in range(3):
        session.run(x)
  finally:
    tf.logging.set_verbosity(tf.logging.WARN)
  lines = [r.getMessage() for r in caplog.records]
  logged = [line for line in lines if line.startswith("x = ")]
  assert [line.split()[2] for line in logged] == ["10.0", "12.0"]
  assert "at end 1" in lines
  assert final.final_ops_values == 6.0
  for kwargs in ({}, {"every_n_iter": 0}, {"every_n_iter": 1, "every_n_secs": 1}):
    with pytest.raises(ValueError):
      tf.train.LoggingTensorHook(["x"], **kwargs)


def test_checkpoint_listeners_may_stop(tmp_path):
  _, train = model()
  seen = []

  class Listener(tf.train.CheckpointSaverListener):

    def begin(self):
      seen.append("begin")

    def before_save(self, session, global_step_value):
      seen.append(("before", int(global_step_value)))

    def after_save(self, session, global_step_value):
      seen.append(("after", int(global_step_value)))
      return global_step_value == 2

    def end(self, session, global_step_value):
      seen.append(("end", int(global_step_value)))

  hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=2, scaffold=None, listeners=[Listener()],
                                      saver=tf.train.Saver())
  with tf.train.SingularMonitoredSession(hooks=[hook]) as session:
    while not session.should_stop():
      session.run(train)
  assert seen == ["begin", ("before", 0), ("after", 0), ("before", 2), ("after", 2), ("end", 2)]


def test_profiler_hook_writes_a_trace(tmp_path):
  _, train = model()
  with tf.train.SingularMonitoredSession(
      hooks=[tf.train.ProfilerHook(save_steps=2, output_dir=str(tmp_path))]) as session:
    for _ in range(4):
      session.run(train)
  paths = sorted(os.path.basename(p) for p in glob.glob(str(tmp_path / "timeline-*.json")))
  assert paths == ["timeline-2.json", "timeline-4.json"]
  with open(str(tmp_path / paths[0]), encoding="utf-8") as f:
    events = json.load(f)["traceEvents"]
  bars = [e for e in events if e["ph"] == "X"]
  assert bars and all(e["dur"] >= 1 and e["args"]["name"] for e in bars)


def test_second_or_step_timer():
  timer = tf.train.SecondOrStepTimer(every_steps=3)
  assert timer.should_trigger_for_step(7)
  assert timer.update_last_triggered_step(7) == (None, None)
  assert [timer.should_trigger_for_step(s) for s in (7, 9, 10)] == [False, False, True]
  assert timer.update_last_triggered_step(10)[1] == 3
  timer = tf.train.SecondOrStepTimer(every_secs=0.01)
  timer.update_last_triggered_step(1)
  time.sleep(0.02)
  assert timer.should_trigger_for_step(2) and not timer.should_trigger_for_step(1)
  with pytest.raises(ValueError):
    tf.train.SecondOrStepTimer()


# --- scaffold and supervisor ---


def test_scaffold_takes_what_collections_hold():
  tf.get_variable("w", initializer=1.0)
  mine = tf.global_variables_initializer()
  tf.add_to_collection(tf.GraphKeys.INIT_OP, mine)
  scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: seen.append(scaffold))
  seen = []
  with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)):
    pass
  assert scaffold.init_op is mine and seen == [scaffold]
  assert tf.get_collection(tf.GraphKeys.SAVERS) == [scaffold.saver]
  assert scaffold.summary_op is None
  assert tf.train.Scaffold(copy_from_scaffold=scaffold).init_op is mine
  tf.add_to_collection(tf.GraphKeys.READY_OP, mine)
  tf.add_to_collection(tf.GraphKeys.READY_OP, mine)
  with pytest.raises(RuntimeError, match="ready_op"):
    tf.train.Scaffold().finalize()


def test_scaffold_needs_readiness():
  tf.get_variable("w", initializer=1.0)
  with pytest.raises(RuntimeError, match="w"):
    tf.train.MonitoredSession(tf.train.ChiefSessionCreator(tf.train.Scaffold(init_op=tf.no_op())))


def test_supervisor_trains_saves_and_resumes(tmp_path):
  folder = str(tmp_path)
  for want in (3, 6):
    with tf.Graph().as_default():
      loss, train = model()
      supervisor = tf.train.Supervisor(logdir=folder, save_summaries_secs=1000, save_model_secs=0)
      with supervisor.managed_session() as session:
        for _ in range(3):
          session.run(train)
        step = tf.train.global_step(session, supervisor.global_step)
        supervisor.saver.save(session, supervisor.save_path, global_step=step)
      assert step == want and supervisor.should_stop()
  assert tf.train.latest_checkpoint(folder).endswith("model.ckpt-6")
  assert os.path.exists(os.path.join(folder, "graph.pbtxt"))
  tags = {v.tag for path in glob.glob(os.path.join(folder, "events*")) for event in tf.train.summary_iterator(path)
          for v in event.summary.value}
  assert "loss" in tags


def test_supervisor_raises_what_the_block_raised():
  model()
  supervisor = tf.train.Supervisor(logdir=None)
  with pytest.raises(ValueError, match="mine"):
    with supervisor.managed_session():
      raise ValueError("mine")
  with supervisor.managed_session():
    raise tf.errors.OutOfRangeError(None, None, "a clean stop")
  with pytest.raises(RuntimeError, match="summary writer"):
    supervisor.summary_computed(None, None)


def test_basic_train_loop():
  _, train = model()
  supervisor = tf.train.Supervisor()
  steps = []

  def step(session, by):
    session.run(train)
    steps.append(by)
    if len(steps) == 3:
      supervisor.request_stop()

  tf.train.basic_train_loop(supervisor, step, args=[2])
  assert steps == [2, 2, 2]


def test_checkpoints_iterator(tmp_path):
  tf.get_variable("w", initializer=1.0)
  saver = tf.train.Saver()
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    saver.save(session, str(tmp_path / "model"), global_step=1)
  found = list(tf.train.checkpoints_iterator(str(tmp_path), timeout=0.01))
  assert found == [str(tmp_path / "model-1")]
