"""Python functions as ops: values, dtypes, exceptions, lifetime."""

import gc

import numpy as np
import pytest
import thalweg as tf


def run(fetches, feed_dict=None):
  with tf.Session() as session:
    return session.run(fetches, feed_dict)


def test_values_go_in_and_out():
  seen = []

  def func(x, n, s):
    seen.append((x.dtype, x.shape, type(n), s))
    return x * np.float32(n), np.array([s, b"!"])

  x = tf.placeholder(tf.float32, [None])
  y, s = tf.py_func(func, [x * 2.0, tf.constant(3), tf.constant("hi")], [tf.float32, tf.string])
  assert y.shape.ndims is None
  value, text = run([y + 1.0, s], {x: [1, 2]})
  np.testing.assert_array_equal(value, [7, 13])
  assert list(text) == [b"hi", b"!"]
  assert seen == [(np.float32, (2,), np.int32, b"hi")]


def test_one_dtype_gives_one_tensor_and_none_an_operation():
  calls = []
  single = tf.py_func(lambda: np.float32(4), [], tf.float32)
  nothing = tf.py_func(lambda: calls.append(1), [], [])
  assert isinstance(nothing, tf.Operation)
  assert run(single) == 4
  assert run(nothing) is None and calls == [1]
  assert single.op.type == "PyFunc" and single.op.name == "PyFunc"
  assert tf.py_func(lambda: 1, [], tf.int64, stateful=False).op.type == "PyFuncStateless"


def test_what_is_kept_does_not_change_later():
  kept = []

  def keep(x):
    kept.append(x)
    return x

  x = tf.placeholder(tf.float32, [2000])
  y = tf.py_func(keep, [x + 1.0], tf.float32)
  with tf.Session() as session:
    for i in range(4):
      session.run(y, {x: np.full(2000, i, np.float32)})
  for i, array in enumerate(kept):
    np.testing.assert_array_equal(array, np.full(2000, i + 1, np.float32))


def test_an_exception_arrives_as_itself():
  class Own(Exception):
    pass

  error = Own("mine")

  def fails(_):
    raise error

  y = tf.py_func(fails, [tf.constant(1.0)], tf.float32)
  with tf.Session() as session:
    for _ in range(2):
      with pytest.raises(Own) as caught:
        session.run(y)
      assert caught.value is error
    assert session.run(tf.constant(2.0)) == 2.0


def test_the_end_of_an_iterator_is_out_of_range():
  numbers = iter([1, 2])
  y = tf.py_func(lambda: next(numbers), [], tf.int64)
  with tf.Session() as session:
    assert [session.run(y), session.run(y)] == [1, 2]
    with pytest.raises(tf.errors.OutOfRangeError):
      session.run(y)


def test_wrong_results_name_the_function():
  wrong = tf.py_func(lambda: 1.0, [], tf.float32)
  many = tf.py_func(lambda: [1, 2], [], tf.int64)
  with tf.Session() as session:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0-th value returned by pyfunc_\d+ is double, but"):
      session.run(wrong)
    with pytest.raises(tf.errors.InvalidArgumentError, match="returns 2 values, but expects to see 1 values"):
      session.run(many)


def test_a_step_may_run_another_session():
  inner = tf.Session()
  x = tf.constant(20.0)
  y = tf.py_func(lambda: inner.run(x + 0.0), [], tf.float32)
  assert run(y * 2.0) == 40.0
  inner.close()


def test_functions_go_with_their_graph():
  with tf.Graph().as_default():
    y = tf.py_func(lambda: np.float32(1), [], tf.float32)
    definition = tf.get_default_graph().as_graph_def()
    with tf.Session() as session:
      assert session.run(y) == 1
  del y, session
  gc.collect()
  with tf.Graph().as_default():
    (y,) = tf.import_graph_def(definition, return_elements=["PyFunc:0"])
    with tf.Session() as session, pytest.raises(KeyError, match="is not found"):
      session.run(y)
