"""tf.contrib.staging."""

import threading

import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def test_elements_leave_in_order():
  area = tf.contrib.staging.StagingArea([tf.float32, tf.int32], shapes=[[2], []])
  x = tf.placeholder(tf.float32, [2])
  put, (a, b), first = area.put([x, 7]), area.get(), area.peek(1)
  assert a.shape.as_list() == [2]
  with tf.Session() as sess:
    for v in ([1, 2], [3, 4]):
      sess.run(put, {x: v})
    assert sess.run(area.size()) == 2 and sess.run(first[0]).tolist() == [3, 4]
    assert [sess.run(a).tolist() for _ in range(2)] == [[1, 2], [3, 4]]
    sess.run(put, {x: [5, 6]})
    sess.run(area.clear())
    assert sess.run(area.size()) == 0
    with pytest.raises(tf.errors.DeadlineExceededError):
      sess.run(b, options=tf.RunOptions(timeout_in_ms=50))


def test_names_and_capacity():
  area = tf.contrib.staging.StagingArea([tf.int32], names=["n"], capacity=1)
  put, get = area.put({"n": 3}), area.get()
  with tf.Session() as sess:
    sess.run(put)
    timer = threading.Timer(0.05, lambda: sess.run(get))
    timer.start()
    sess.run(put)  # waits for the place
    timer.join()
    assert sess.run(get) == {"n": 3}
  with pytest.raises(ValueError, match="dictionary"):
    area.put([3])


def test_memory_limit():
  area = tf.contrib.staging.StagingArea([tf.float32], memory_limit=8)
  with tf.Session() as sess, pytest.raises(tf.errors.ResourceExhaustedError, match="memory limit"):
    sess.run(area.put([tf.zeros([3])]))
