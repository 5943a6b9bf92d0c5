"""Loops, and gradients of loops."""

import tensorflow as tf
from control_flow.program import both, numbers, placeholder, program, step


@program
def loop():
  n = placeholder(tf.int32, [], "n")
  i, s = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + tf.to_float(i) * 0.5), [0, 1.0])
  return [step([i, s], {n: v}) for v in (0, 1, 7)]


@program
def loop_nested():
  n = placeholder(tf.int32, [], "n")

  def outer(i, s):
    _, t = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + j * i), [0, s])
    return i + 1, t
  r = tf.while_loop(lambda i, s: i < n, outer, [0, 0])
  return [step(r, {n: v}) for v in (0, 1, 6)]


@program
def loop_with_branches():
  n = placeholder(tf.int32, [], "n")

  def body(i, s):
    s = tf.cond(tf.equal(i % 2, 0), lambda: s * 2.0, lambda: tf.cond(i > 4, lambda: s - 1.0, lambda: s + 3.0))
    return i + 1, s
  r = tf.while_loop(lambda i, s: i < n, body, [0, 1.0])
  return [step(r, {n: v}) for v in (0, 3, 9)]


@program
def branch_with_loops():
  p, n = placeholder(tf.bool, [], "p"), placeholder(tf.int32, [], "n")

  def power(base):
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * base), [0, 1.0])[1]
  y = tf.cond(p, lambda: power(2.0), lambda: power(3.0) + power(0.5))
  return both([y], p, {n: 4}) + both([y], p, {n: 0})


@program
def loop_at_most():
  n = placeholder(tf.int32, [], "n")
  r = tf.while_loop(lambda i, s: i < 100, lambda i, s: (i + 1, s + i), (0, 0), maximum_iterations=n)
  return [step([r[0], r[1]], {n: v}) for v in (0, 5, 200)]


@program
def loop_with_state():
  """Assignments inside the body and inside the condition."""
  n = placeholder(tf.int32, [], "n")
  v, c = tf.Variable(1.0, name="v"), tf.Variable(0, name="c")

  def condition(i):
    with tf.control_dependencies([tf.assign_add(c, 1)]):
      return tf.less(i, n)

  def body(i):
    with tf.control_dependencies([tf.assign(v, v * 2.0 + 1.0)]):
      return i + 1
  r = tf.while_loop(condition, body, [0], parallel_iterations=1)
  return [step([], targets=[tf.global_variables_initializer()]), step([r], {n: 4}), step([v, c])]


@program
def loop_changes_shape():
  n = placeholder(tf.int32, [], "n")
  r = tf.while_loop(lambda i, x: i < n, lambda i, x: (i + 1, tf.concat([x, [tf.to_float(i)]], 0)), [0, tf.constant([5.0])],
                    shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])])
  return [step([r[1]], {n: v}) for v in (0, 3)]


@program
def loop_asserts():
  n = placeholder(tf.int32, [], "n")

  def body(i):
    with tf.control_dependencies([tf.assert_less(i, 3)]):
      return i + 1
  r = tf.while_loop(lambda i: i < n, body, [0])
  return [step([r], {n: 2}), step([r], {n: 5})]


# --- gradients of loops ---

@program
def loop_gradient():
  n, x, w = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [2], "x"), placeholder(tf.float32, [2, 2], "w")
  _, y = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.tanh(tf.linalg.matvec(w, y)) + x), [0, x])
  dx, dw = tf.gradients(tf.reduce_sum(y * y), [x, w])
  return [step([y, dx, dw], {n: v, x: numbers(2), w: numbers(2, 2, seed=2)}) for v in (0, 1, 5)]


@program
def loop_nested_gradient():
  n, x = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [3], "x")

  def outer(i, s):
    _, t = tf.while_loop(lambda j, t: j <= i, lambda j, t: (j + 1, tf.sin(t) * x), [0, s + x])
    return i + 1, t * s
  _, y = tf.while_loop(lambda i, s: i < n, outer, [0, x])
  g, = tf.gradients(y, x)
  return [step([y, g], {n: v, x: numbers(3)}) for v in (0, 1, 4)]


@program
def loop_with_branches_gradient():
  n, x = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [3], "x")

  def body(i, s):
    s = tf.cond(tf.equal(i % 2, 0), lambda: tf.exp(-s) * x, lambda: tf.cond(i > 2, lambda: s * s, lambda: tf.sin(s)))
    return i + 1, s + 0.1 * x
  _, y = tf.while_loop(lambda i, s: i < n, body, [0, x])
  g, = tf.gradients(y, x)
  return [step([y, g], {n: v, x: numbers(3)}) for v in (0, 1, 6)]


@program
def branch_with_loops_gradient():
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [2], "x")

  def loop_of(f):
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, f(s)), [0, x])[1]
  y = tf.cond(p, lambda: loop_of(lambda s: s * x), lambda: loop_of(tf.tanh) * 2.0)
  g, = tf.gradients(y, x)
  return both([y, g], p, {x: numbers(2)})


@program
def loop_at_most_gradient():
  x = placeholder(tf.float32, [2], "x")
  _, y = tf.while_loop(lambda i, s: tf.reduce_sum(s) < 50.0, lambda i, s: (i + 1, s * s + x), (0, x),
                       maximum_iterations=3, swap_memory=True)
  g, = tf.gradients(y, x)
  return [step([y, g], {x: [1.0, 2.0]}), step([y, g], {x: [0.1, 0.2]})]


@program
def loop_of_references_gradient():
  """A variable goes into the loops as a reference: one assigns it, and one is nested. The gradient of the first is not
  among the goldens: what TensorFlow saves for it is the variable's buffer, which later turns assign."""
  x = placeholder(tf.float32, [], "x")
  v, w = tf.Variable(1.0, name="v"), tf.Variable(0.5, name="w")

  def assigning(i, y):
    with tf.control_dependencies([tf.assign_add(v, 1.0 + 0.0 * y)]):  # not before the last turn is done
      return i + 1, y * v.read_value()

  def nested(i, y):
    return i + 1, tf.while_loop(lambda j, y: j < 2, lambda j, y: (j + 1, tf.sin(y) * w.read_value()), [0, y + x])[1]
  y = tf.while_loop(lambda i, y: i < 3, assigning, [0, x])[1]
  z = tf.while_loop(lambda i, y: i < 3, nested, [0, x])[1]
  init = step([], targets=[tf.global_variables_initializer()])
  return [init, step([y], {x: 2.0}), step([v]), step([z, tf.gradients(z, x)[0]], {x: 0.3})]
