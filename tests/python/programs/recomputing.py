"""Gradients that use variables, functions computed again for their gradients, and reversible blocks."""

import numpy as np

X = np.sin(np.arange(3 * 4, dtype=np.float32)).reshape(3, 4)


def _seeded(tf, name="net", **kwargs):
  return tf.variable_scope(name, initializer=tf.random_uniform_initializer(-1, 1, seed=5), **kwargs)


def custom_with_variables(tf):
  @tf.custom_gradient
  def scaled(x):
    w = tf.get_variable("w", [4])

    def grad(dy, variables=None):
      assert [v.op.name for v in variables] == ["net/w"]
      return dy * 10.0, [tf.reduce_sum(dy * x, 0) * 100.0]

    return x * w, grad

  x = tf.constant(X)
  with _seeded(tf, use_resource=True):
    y = scaled(x)
  return [y, tf.gradients(y * y, [x] + tf.trainable_variables())]


def recompute(tf):
  def two_layers(x):
    h = tf.layers.dense(x, 5, activation=tf.tanh, name="a")
    return tf.layers.dense(h, 2, name="b")

  x = tf.constant(X)
  with _seeded(tf, use_resource=True):
    y = tf.recompute_grad(two_layers)(x)
  # TensorFlow makes new variables for the second time unless the scope at hand is that of the first and reuses them.
  with _seeded(tf, use_resource=True, reuse=True):
    return [y, tf.gradients(y * y, [x] + tf.trainable_variables())]


def recompute_layers(tf):
  l = tf.contrib.layers
  calls = []

  @l.recompute_grad
  def block(x, y):
    h = tf.layers.dense(x, 4, activation=tf.sigmoid, name="a", use_bias=False)
    return h * y, tf.reduce_sum(h, 1)

  @l.recompute_grad(tupleize_grads=True)
  def told(x, is_recomputing=False):
    calls.append(is_recomputing)
    return tf.exp(x) * tf.get_variable("s", [], initializer=tf.constant_initializer(2.0))

  @l.recompute_grad
  def plain(x):
    return tf.sin(x)

  x, z = tf.constant(X), tf.constant(2.0)
  with _seeded(tf, use_resource=True):
    a, b = block(x, z)
    c = told(a)
  d = plain(c)
  grads = tf.gradients(tf.reduce_sum(d * d) + tf.reduce_sum(b), [x, z] + tf.trainable_variables())
  assert calls == [False, True], calls
  return [[a, b, c, d], grads]


def rev_blocks(tf):
  def f(x):
    return tf.layers.dense(x, 2, activation=tf.tanh, use_bias=False)

  def g(x, side):
    return tf.layers.dense(x, 2, use_bias=False) * side[0]

  x1, x2, side = tf.constant(X[:, :2]), tf.constant(X[:, 2:]), tf.constant(0.5)
  made, gradients = [], []
  for i, training in enumerate((True, False)):
    with _seeded(tf, "net%d" % i) as scope:
      y1, y2 = tf.contrib.layers.rev_block(x1, x2, f, [g, g], num_layers=2, g_side_input=[side], is_training=training)
    made += [y1, y2]
    xs = [x1, x2, side] + sorted(tf.trainable_variables(scope.name + "/"), key=lambda v: v.name)
    gradients.append(tf.gradients(tf.reduce_sum(y1 * y2), xs))
  return [made, gradients]


def rev_block_backwards(tf):
  block = tf.contrib.layers.RevBlock(lambda x: tf.layers.dense(x, 2, use_bias=False), lambda x: tf.sin(x), num_layers=3)
  x1, x2 = tf.constant(X[:, :2]), tf.constant(X[:, 2:])
  with _seeded(tf):
    y1, y2 = block.forward(x1, x2)
    z1, z2 = block.backward(y1, y2)
  assert len(block.trainable_weights) == 3
  return [[y1, y2, z1, z2], tf.gradients(y1 + y2, [x1, x2])]


def ref_variable(tf):
  @tf.custom_gradient
  def f(x):
    return x * tf.get_variable("w", [], use_resource=False), lambda dy, variables=None: (dy, [dy])

  f(tf.constant(1.0))


def variables_not_expected(tf):
  @tf.custom_gradient
  def f(x):
    return x * tf.get_variable("w", [], use_resource=True), lambda dy: dy

  f(tf.constant(1.0))


def variables_expected(tf):
  @tf.custom_gradient
  def f(x):
    return x * 2.0, lambda dy, variables=None: dy

  f(tf.constant(1.0))


def few_variable_gradients(tf):
  @tf.custom_gradient
  def f(x):
    return x * tf.get_variable("w", [], use_resource=True), lambda dy, variables=None: (dy, [])

  x = tf.constant(1.0)
  tf.gradients(f(x), x)


def closes_over_tensor(tf):
  y = tf.constant(2.0)
  tf.contrib.layers.recompute_grad(lambda x: x * y)


def no_tensor(tf):
  tf.contrib.layers.recompute_grad(lambda x: x * 2.0)(1.0)


def wrong_number_of_functions(tf):
  tf.contrib.layers.rev_block(tf.constant(X), tf.constant(X), [tf.sin], tf.sin, num_layers=2)


PROGRAMS = []
VALUES_ONLY = [custom_with_variables, recompute, recompute_layers, rev_blocks, rev_block_backwards]
ERRORS = [ref_variable, variables_not_expected, variables_expected, few_variable_gradients, closes_over_tensor, no_tensor,
          wrong_number_of_functions]
