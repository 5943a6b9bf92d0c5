"""Queues, their runners, and the input pipelines made of them. Values, names and texts are TensorFlow 1.15.5's."""

import threading
import time

import numpy as np
import pytest
import thalweg as tf


def drain(session, fetch):
  got = []
  with pytest.raises(tf.errors.OutOfRangeError):
    while True:
      got.append(session.run(fetch))
  return got


def test_names_shapes_and_structures():
  q = tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[[2], []], names=["a", "b"])
  enqueue = q.enqueue({"a": [1., 2.], "b": 3})
  one, many, up_to = q.dequeue(), q.dequeue_many(4), q.dequeue_up_to(4)
  assert (q.name, enqueue.name, enqueue.type) == ("fifo_queue", "fifo_queue_enqueue", "QueueEnqueueV2")
  assert [t.op.name for t in enqueue.inputs][1:] == ["fifo_queue_enqueue/component_0", "fifo_queue_enqueue/component_1"]
  assert one["a"].name == "fifo_queue_Dequeue:0" and one["b"].name == "fifo_queue_Dequeue:1"
  assert one["a"].shape.as_list() == [2] and many["a"].shape.as_list() == [4, 2]
  assert up_to["b"].shape.as_list() == [None]
  assert (q.close().name, q.size().op.name, q.is_closed().op.name) == (
      "fifo_queue_Close", "fifo_queue_Size", "fifo_queue_Is_Closed")
  with tf.Session() as session:
    session.run(enqueue)
    got = session.run(one)
    np.testing.assert_array_equal(got["a"], [1, 2])
    assert got["b"] == 3


def test_wrong_elements_are_refused():
  q = tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[[2], []])
  with pytest.raises(ValueError, match="takes elements of 2 components, but was given 1"):
    q.enqueue([[1., 2.]])
  with pytest.raises(ValueError):
    q.enqueue([[1., 2., 3.], 3])
  with pytest.raises(TypeError):
    q.enqueue([["a", "b"], 3])
  with pytest.raises(ValueError, match="must have names to enqueue a dictionary"):
    q.enqueue({"a": [1., 2.], "b": 3})
  with pytest.raises(ValueError, match="fully defined"):
    tf.FIFOQueue(10, [tf.float32], shapes=[[None]])
  with pytest.raises(ValueError, match=r"received len\(shapes\)=1, len\(dtypes\)=2"):
    tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[[2]])


def test_queues_of_any_shape_give_single_elements_only():
  q = tf.FIFOQueue(10, tf.float32)
  x = tf.placeholder(tf.float32)
  put, one, many = q.enqueue(x), q.dequeue(), q.dequeue_many(1)
  with tf.Session() as session:
    session.run(put, {x: [[1, 2]]})
    np.testing.assert_array_equal(session.run(one), [[1, 2]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="require the components to have specified shapes"):
      session.run(many)


def test_from_list_chooses_a_queue_in_each_step():
  queues = [tf.FIFOQueue(10, tf.float32, shapes=[[]]) for _ in range(2)]
  index = tf.placeholder(tf.int32, [])
  chosen = tf.QueueBase.from_list(index, queues).dequeue()
  fill = [q.enqueue(float(i)) for i, q in enumerate(queues)]
  with tf.Session() as session:
    session.run(fill)
    assert session.run(chosen, {index: 1}) == 1.0
    assert session.run(chosen, {index: 0}) == 0.0


def test_a_runner_fills_until_the_input_ends():
  with tf.Session() as session:
    counter = tf.Variable(0, dtype=tf.int64)
    q = tf.FIFOQueue(3, tf.int64, shapes=[[]])
    tf.train.add_queue_runner(tf.train.QueueRunner(q, [q.enqueue(counter.count_up_to(5))]))
    out = q.dequeue()
    session.run(tf.global_variables_initializer())
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    assert len(threads) == 2
    assert drain(session, out) == [0, 1, 2, 3, 4]
    coordinator.request_stop()
    coordinator.join(threads)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_in_a_runner_reaches_the_coordinator():
  with tf.Session() as session:
    q = tf.FIFOQueue(3, tf.float32, shapes=[[]])
    bad = tf.check_numerics(tf.constant(1.0) / tf.constant(0.0), "no number")
    runner = tf.train.QueueRunner(q, [q.enqueue(bad)])
    coordinator = tf.train.Coordinator()
    threads = runner.create_threads(session, coordinator, start=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
      coordinator.join(threads)
    # Without a coordinator it is kept.
    for thread in runner.create_threads(session, start=True):
      thread.join()
    assert isinstance(runner.exceptions_raised[0], tf.errors.InvalidArgumentError)


def test_stopping_wakes_who_waits():
  with tf.Session() as session:
    q = tf.FIFOQueue(1, tf.float32, shapes=[[]])
    runner = tf.train.QueueRunner(q, [q.enqueue(1.0)] * 3)
    coordinator = tf.train.Coordinator()
    threads = runner.create_threads(session, coordinator, start=True)
    time.sleep(0.05)  # all three wait by now, or will find the queue closed
    began = time.time()
    coordinator.request_stop()
    coordinator.join(threads, stop_grace_period_secs=10)
    assert time.time() - began < 2


def test_closing_a_session_wakes_who_waits():
  session = tf.Session()
  out = tf.FIFOQueue(1, tf.float32, shapes=[[]]).dequeue()
  caught = []

  def wait():
    try:
      session.run(out)
    except tf.errors.CancelledError as e:
      caught.append(e)

  thread = threading.Thread(target=wait)
  thread.start()
  time.sleep(0.05)
  session.close()
  thread.join(5)
  assert len(caught) == 1


def test_a_runs_timeout_ends_a_wait():
  out = tf.FIFOQueue(1, tf.float32, shapes=[[]]).dequeue()
  with tf.Session() as session, pytest.raises(tf.errors.DeadlineExceededError):
    session.run(out, options=tf.RunOptions(timeout_in_ms=20))


def test_runners_travel_in_meta_graphs():
  with tf.Graph().as_default():
    tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue(name="out")
    meta = tf.train.export_meta_graph()
  with tf.Graph().as_default() as graph, tf.Session() as session:
    tf.train.import_meta_graph(meta)
    runner = graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS)[0]
    assert runner.queue_closed_exception_types == (tf.errors.OutOfRangeError,)
    session.run(tf.local_variables_initializer())
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    assert drain(session, "out:0") == [0, 1, 2]
    coordinator.request_stop()
    coordinator.join(threads)


def pipeline(build):
  """What a pipeline gives until its input ends."""
  with tf.Graph().as_default(), tf.Session() as session:
    tf.set_random_seed(5)
    fetch = build()
    session.run(tf.local_variables_initializer())
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    got = drain(session, fetch)
    coordinator.request_stop()
    coordinator.join(threads)
    return got


def test_slices_in_batches():
  def build():
    x = tf.constant([[1., 2.], [3., 4.], [5., 6.]])
    a, b = tf.train.slice_input_producer([x, tf.constant([1, 2, 3])], num_epochs=2, shuffle=True, seed=3)
    batch = tf.train.batch({"a": a, "b": b}, 4, allow_smaller_final_batch=True)
    assert batch["a"].name == "batch:0" and batch["a"].shape.as_list() == [None, 2]
    return batch

  got = pipeline(build)
  assert [g["b"].tolist() for g in got] == [[3, 1, 2, 1], [3, 2]]
  assert [g["a"].tolist() for g in got] == [[[5, 6], [1, 2], [3, 4], [1, 2]], [[5, 6], [3, 4]]]


def test_padded_batches():
  def build():
    n = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
    rows, number = tf.train.batch([tf.fill([n], n), n], 2, dynamic_pad=True, allow_smaller_final_batch=True)
    assert rows.shape.as_list() == [None, None]
    return rows, number

  got = pipeline(build)
  assert [g[0].tolist() for g in got] == [[[0], [1]], [[2, 2, 0], [3, 3, 3]], [[4, 4, 4, 4]]]
  assert [g[1].tolist() for g in got] == [[0, 1], [2, 3], [4]]


def test_examples_that_are_kept():
  """One boolean for an example, or a vector for several; the values are TensorFlow 1.15's."""
  def one():
    n = tf.train.range_input_producer(7, num_epochs=1, shuffle=False).dequeue()
    return tf.train.maybe_batch([n, n * n], tf.equal(n % 2, 0), 3, allow_smaller_final_batch=True)

  assert [[v.tolist() for v in g] for g in pipeline(one)] == [[[0, 2, 4], [0, 4, 16]], [[6], [36]]]

  def several():
    n = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    return tf.train.maybe_batch({"n": [n, n + 10, n + 20]}, [True, False, True], 4, enqueue_many=True,
                                allow_smaller_final_batch=True)

  assert [g["n"].tolist() for g in pipeline(several)] == [[0, 20, 1, 21], [2, 22]]

  def joined(batches, **kwargs):
    n = tf.train.range_input_producer(30, num_epochs=1, shuffle=False).dequeue()
    return batches([[n]], batch_size=8, capacity=30, keep_input=tf.less(n, 20), allow_smaller_final_batch=True, **kwargs)

  assert np.concatenate(pipeline(lambda: joined(tf.train.maybe_batch_join))).tolist() == list(range(20))
  mixed = pipeline(lambda: joined(tf.train.maybe_shuffle_batch_join, min_after_dequeue=5, seed=3))
  assert sorted(np.concatenate(mixed).tolist()) == list(range(20))


def _sparse_lists(value):
  return [value.indices.tolist(), value.values.tolist(), value.dense_shape.tolist()]


def test_sparse_tensors_in_batches():
  """As in TensorFlow 1.15, batches are as large in each dimension as the largest example."""
  def one(batches, **kwargs):
    n = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
    row = tf.SparseTensor(tf.cast(tf.reshape(tf.range(n), [-1, 1]), tf.int64), tf.fill([n], n),
                          tf.cast([n + 1], tf.int64))
    return batches({"row": row, "n": n}, batch_size=2, allow_smaller_final_batch=True, **kwargs)

  got = pipeline(lambda: one(tf.train.batch))
  assert [g["n"].tolist() for g in got] == [[0, 1], [2, 3], [4]]
  assert [_sparse_lists(g["row"]) for g in got] == [
      [[[1, 0]], [1], [2, 2]], [[[0, 0], [0, 1], [1, 0], [1, 1], [1, 2]], [2, 2, 3, 3, 3], [2, 4]],
      [[[0, 0], [0, 1], [0, 2], [0, 3]], [4, 4, 4, 4], [1, 5]]]
  mixed = pipeline(lambda: one(tf.train.shuffle_batch, capacity=10, min_after_dequeue=3, seed=2))
  assert sorted(n for g in mixed for n in g["n"].tolist()) == list(range(5))
  assert all(g["row"].values.tolist() == [n for n in g["n"].tolist() for _ in range(n)] for g in mixed)

  def several():
    n = tf.train.range_input_producer(2, num_epochs=1, shuffle=False).dequeue()
    rows = tf.SparseTensor([[0, 1], [2, 0]], tf.cast(tf.stack([n, n + 5]), tf.float32), [3, 2])
    made = tf.train.maybe_batch([rows, [n, n, n]], [True, True, False], 4, enqueue_many=True)
    assert isinstance(made[0], tf.SparseTensor) and made[0].indices.shape.as_list() == [None, 2]
    return made

  (rows, n), = pipeline(several)
  assert _sparse_lists(rows) == [[[0, 1], [2, 1]], [0, 1], [4, 2]] and n.tolist() == [0, 0, 1, 1]

  def alone():
    x = tf.train.input_producer(tf.constant([[1, 0], [0, 2]]), num_epochs=1, shuffle=False).dequeue()
    return tf.train.batch_join([[tf.sparse.from_dense(x)]], 2)

  rows, = pipeline(alone)
  assert _sparse_lists(rows) == [[[0, 0], [1, 1]], [1, 2], [2, 2]]


def test_sparse_and_dense_do_not_mix():
  sparse, dense = tf.SparseTensor([[0]], [1.0], [2]), tf.constant([1.0, 2.0])
  for lists in ([[sparse], [dense]], [[dense], [sparse]]):
    with pytest.raises(ValueError):
      tf.train.batch_join(lists, 2)


def test_examples_never_kept():
  n = tf.train.range_input_producer(7).dequeue()
  tf.train.maybe_batch([n], False, 2)
  assert [op.type for op in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)[1].enqueue_ops] == ["NoOp"]
  with pytest.raises(ValueError, match="vector"):
    tf.train.maybe_batch([n], [True, False], 2)
  with pytest.raises(ValueError, match="must be known"):
    tf.train.maybe_batch([n], tf.placeholder(tf.bool), 2)
  with pytest.raises(ValueError, match="0 or 1 dimensions"):
    tf.train.maybe_batch([[n]], [[True]], 2, enqueue_many=True)


def test_shuffled_batches_hold_every_example_once():
  def build():
    sources = [[tf.train.range_input_producer(50, num_epochs=1, shuffle=False).dequeue() + first] for first in (0, 50)]
    return tf.train.shuffle_batch_join(sources, 8, capacity=60, min_after_dequeue=20, seed=1,
                                       allow_smaller_final_batch=True)

  values = np.concatenate(pipeline(build)).tolist()
  assert sorted(values) == list(range(100)) and values != sorted(values)


def test_strings_are_given_over_and_over():
  out = tf.train.string_input_producer(["p", "q"], shuffle=False, name="files").dequeue()
  assert out.op.name == "files_Dequeue"
  with tf.Session() as session:
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    assert [session.run(out) for _ in range(5)] == [b"p", b"q", b"p", b"q", b"p"]
    coordinator.request_stop()
    coordinator.join(threads)
  with pytest.raises(ValueError, match="non-null input tensor"):
    tf.train.string_input_producer([])


def test_queue_runners_of_a_block():
  from thalweg.contrib import slim
  number = tf.train.range_input_producer(3, shuffle=False).dequeue()
  with tf.Session() as session:
    with slim.queues.QueueRunners(session):
      assert [session.run(number) for _ in range(5)] == [0, 1, 2, 0, 1]
      running = [t for t in threading.enumerate() if "QueueRunner" in t.name]
      assert running
      with pytest.raises(slim.queues.NestedQueueRunnerError):
        with slim.queues.QueueRunners(session):
          pass
    assert not any(t.is_alive() for t in running)
  with tf.Graph().as_default(), tf.Session() as session:
    tf.train.range_input_producer(3)
    with pytest.raises(ZeroDivisionError):
      with slim.queues.QueueRunners(session):
        1 / 0  # noqa: B018
