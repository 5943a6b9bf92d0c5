"""gradients(): values, sparse and missing gradients, and gradients of the program's own."""

import numpy as np
import pytest
import thalweg as tf


def run(fetches, feed=None):
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    return s.run(fetches, feed)


def test_values():
  x = tf.placeholder(tf.float32, [None, 2])
  w = tf.get_variable("w", [2, 3], initializer=tf.ones_initializer())
  y = tf.matmul(x, w)
  dw, dx = tf.gradients(y, [w, x])
  got = run([dw, dx], {x: [[1.0, 2.0], [3.0, 4.0]]})
  assert got[0].tolist() == [[4.0] * 3, [6.0] * 3] and got[1].tolist() == [[3.0, 3.0]] * 2


def test_none_and_zero():
  x, z = tf.constant(2.0), tf.constant(1.0)
  y = x * x
  assert tf.gradients(y, z) == [None]
  assert run(tf.gradients(y, [z], unconnected_gradients=tf.UnconnectedGradients.ZERO)) == [0.0]


def test_grad_ys_and_stops():
  x = tf.constant(3.0)
  y = x * x
  assert run(tf.gradients(y, x, grad_ys=tf.constant(10.0))) == [60.0]
  z = y * x
  assert run(tf.gradients(z, x, stop_gradients=[y])) == [9.0]


def test_second_order():
  x = tf.constant(3.0)
  first, = tf.gradients(x**3, x)
  assert run(tf.gradients(first, x))[0] == pytest.approx(18.0, rel=1e-5)


@pytest.mark.parametrize("resource", [False, True])
def test_indexed_slices(resource):
  table = tf.get_variable("t", [4, 2], initializer=tf.ones_initializer(), use_resource=resource)
  rows = tf.nn.embedding_lookup(table, [1, 3, 1])
  grad, = tf.gradients(rows * 2.0, table)
  assert isinstance(grad, tf.IndexedSlices)
  value = run(grad)
  assert value.indices.tolist() == [1, 3, 1] and value.values.tolist() == [[2.0, 2.0]] * 3
  dense = run(tf.convert_to_tensor(grad))
  assert dense.tolist() == [[0, 0], [4, 4], [0, 0], [2, 2]]


def test_custom_gradient():

  @tf.custom_gradient
  def f(x):
    return tf.square(x), lambda dy: dy * 100.0

  x = tf.constant(3.0)
  y = f(x)
  assert run([y] + tf.gradients(y, x)) == [9.0, 100.0]


def test_override_map():
  if "Seven" not in test_override_map.__dict__:

    @tf.RegisterGradient("Seven")
    def seven(op, dy):
      assert op.type == "Identity" and op.inputs[0].dtype == tf.float32
      return dy * 7.0

    test_override_map.Seven = seven
  with pytest.raises(KeyError, match="Registering two gradient"):
    tf.RegisterGradient("Seven")(lambda op, dy: dy)
  x = tf.constant(3.0)
  with tf.get_default_graph().gradient_override_map({"Identity": "Seven"}):
    y = tf.identity(x)
  plain = tf.identity(x)
  assert run(tf.gradients(y, x) + tf.gradients(plain, x)) == [7.0, 1.0]


def test_error_in_own_gradient():

  @tf.custom_gradient
  def f(x):
    def grad(dy):
      raise ZeroDivisionError("mine")
    return tf.square(x), grad

  x = tf.constant(3.0)
  with pytest.raises(ZeroDivisionError, match="mine"):
    tf.gradients(f(x), x)


def test_names():
  """New nodes lie in the scope, and later names do not clash with them."""
  x = tf.constant(3.0)
  first, = tf.gradients(tf.square(x), x)
  second, = tf.gradients(tf.sin(x), x)
  assert first.name.startswith("gradients/") and second.name.startswith("gradients_1/")
  names = [op.name for op in tf.get_default_graph().get_operations()]
  assert len(names) == len(set(names))
  assert tf.get_default_graph().get_tensor_by_name(first.name) is first


def test_against_differences():
  x = tf.placeholder(tf.float64, [3, 4])
  y = tf.tanh(x[:, 1:] * 2.0) + tf.exp(x)[:, :3]
  dx, = tf.gradients(y, x)
  value = np.linspace(-1, 1, 12).reshape(3, 4)
  with tf.Session() as s:
    got = s.run(dx, {x: value})
    for i in (0, 5, 11):
      up, down = value.copy().reshape(-1), value.copy().reshape(-1)
      up[i] += 1e-6
      down[i] -= 1e-6
      slope = (s.run(y, {x: up.reshape(3, 4)}).sum() - s.run(y, {x: down.reshape(3, 4)}).sum()) / 2e-6
      assert got.reshape(-1)[i] == pytest.approx(slope, rel=1e-6)
