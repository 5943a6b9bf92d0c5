"""Conditional accumulators, and training of replicas in step."""

import threading

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def test_the_mean_of_what_came_and_stale_gradients():
  acc = tf.ConditionalAccumulator(tf.float32, shape=[2])
  g, step = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int64, [])
  put, take, count = acc.apply_grad(g, local_step=step), acc.take_grad(2), acc.num_accumulated()
  assert take.shape.as_list() == [2]
  with tf.Session() as sess:
    for value in ([1, 2], [3, 5]):
      sess.run(put, {g: value, step: 0})
    assert sess.run(count) == 2 and sess.run(take).tolist() == [2, 3.5] and sess.run(count) == 0
    sess.run(put, {g: [9, 9], step: 0})  # of the step before
    assert sess.run(count) == 0
    sess.run(acc.set_global_step(5))
    sess.run(put, {g: [9, 9], step: 4})
    assert sess.run(count) == 0
    sess.run(put, {g: [1, 1], step: 5})
    assert sess.run(count) == 1


def test_the_sum():
  acc = tf.ConditionalAccumulator(tf.float64, reduction_type="SUM")
  with tf.Session() as sess:
    for value in (1.0, 2.5):
      sess.run(acc.apply_grad(tf.constant(value, tf.float64)))
    assert sess.run(acc.take_grad(1)) == 3.5


def test_taking_waits_and_ends_with_the_step():
  acc = tf.ConditionalAccumulator(tf.float32, shape=[])
  put, take = acc.apply_grad(3.0), acc.take_grad(1)
  with tf.Session() as sess:
    timer = threading.Timer(0.05, lambda: sess.run(put))
    timer.start()
    assert sess.run(take) == 3
    timer.join()
    with pytest.raises(tf.errors.DeadlineExceededError):
      sess.run(take, options=tf.RunOptions(timeout_in_ms=50))
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_required must be positive"):
      sess.run(acc.take_grad(0))


def test_shapes_must_agree():
  acc = tf.ConditionalAccumulator(tf.float32)
  g = tf.placeholder(tf.float32)
  put = acc.apply_grad(g)
  with tf.Session() as sess:
    sess.run(put, {g: [1, 2]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
      sess.run(put, {g: [1, 2, 3]})


def test_rows_of_sparse_gradients():
  acc = tf.SparseConditionalAccumulator(tf.float32, shape=[10, 2])
  indices, values = tf.placeholder(tf.int64, [None]), tf.placeholder(tf.float32, [None, 2])
  put = acc.apply_indexed_slices_grad(tf.IndexedSlices(indices=indices, values=values))
  take = acc.take_indexed_slices_grad(2)
  with tf.Session() as sess:
    sess.run(put, {indices: [4, 1], values: [[1, 2], [3, 4]]})
    sess.run(put, {indices: [1], values: [[5, 8]]})
    got = sess.run(take)
    assert got.indices.tolist() == [1, 4] and got.values.tolist() == [[4, 6], [1, 2]]
    assert got.dense_shape.tolist() == [10, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
      sess.run(put, {indices: [10], values: [[1, 1]]})


# What waits for more gradients when training is over is cancelled, and says so in its thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_replicas_train_in_step():
  x = tf.get_variable("x", initializer=[4.0, 0.0])
  table = tf.get_variable("table", initializer=np.ones((3, 2), np.float32))
  step = tf.train.get_or_create_global_step()
  loss = tf.reduce_sum(tf.square(x)) + tf.reduce_sum(tf.gather(table, [1, 1]))
  # One replica, whose gradients make a step by twos; a token is what the first of them waits for.
  opt = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.25), replicas_to_aggregate=2,
                                       total_num_replicas=1)
  train = opt.minimize(loss, global_step=step)
  with tf.train.MonitoredTrainingSession(hooks=[opt.make_session_run_hook(is_chief=True, num_tokens=1)],
                                         stop_grace_period_secs=0.2) as sess:
    for _ in range(6):
      sess.run(train)
    got = sess.run([step, x, table])
  assert got[0] == 3
  np.testing.assert_allclose(got[1], [0.5, 0])
  np.testing.assert_allclose(got[2], [[1, 1], [-0.5, -0.5], [1, 1]])


def test_what_has_to_be_called_first():
  opt = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 2)
  with pytest.raises(ValueError, match="after apply_gradients"):
    opt.get_chief_queue_runner()
  with pytest.raises(ValueError, match="Global step"):
    opt.apply_gradients([(tf.constant(1.0), tf.get_variable("v", initializer=1.0))])
