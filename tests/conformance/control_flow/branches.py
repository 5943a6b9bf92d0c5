"""Branches: cond, case, and what is built from them by hand."""

import tensorflow as tf
from control_flow.program import both, numbers, placeholder, program, step
from tensorflow.python.ops import control_flow_ops


@program
def cond():
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [3], "x")
  y = tf.cond(p, lambda: x * 2.0 + 1.0, lambda: tf.square(x))
  return both([y, y + x], p, {x: numbers(3)})


@program
def cond_nested():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [2, 2], "x")

  def inner():
    return tf.cond(q, lambda: [x + 1.0, tf.matmul(x, x)], lambda: [x - 1.0, tf.transpose(x) * 3.0])
  a, b = tf.cond(p, inner, lambda: [tf.negative(x), tf.zeros([2, 2])])
  c = tf.cond(q, lambda: a * 2.0, lambda: b)
  return [step([a, b, c], {p: pv, q: qv, x: numbers(2, 2)}) for pv in (True, False) for qv in (True, False)]


@program
def cond_gradient():
  p, x, w = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [2, 3], "x"), placeholder(tf.float32, [3, 2], "w")
  y = tf.cond(p, lambda: tf.nn.sigmoid(tf.matmul(x, w)), lambda: tf.reduce_sum(x) * tf.ones([2, 2]))
  dx, dw = tf.gradients(tf.reduce_sum(y * y), [x, w])
  return both([y, dx, dw], p, {x: numbers(2, 3), w: numbers(3, 2, seed=1)})


@program
def cond_nested_gradient():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [4], "x")
  y = tf.cond(p, lambda: tf.cond(q, lambda: tf.exp(x) * x, lambda: tf.tanh(x)), lambda: x * x * x)
  g, = tf.gradients(y, x)
  gg, = tf.gradients(g, x)
  return [step([y, g, gg], {p: pv, q: qv, x: numbers(4)}) for pv in (True, False) for qv in (True, False)]


@program
def cond_assigns_refs():
  p = placeholder(tf.bool, [], "p")
  v, u = tf.Variable(1.0, name="v"), tf.Variable([2.0, 3.0], name="u")
  y = tf.cond(p, lambda: tf.assign_add(v, 10.0), lambda: tf.assign(v, v * 2.0))
  z = tf.cond(p, lambda: tf.reduce_sum(u) + v, lambda: tf.reduce_prod(tf.assign(u, u + 1.0)))
  return [step([], targets=[tf.global_variables_initializer()])] + both([y], p) + both([z], p) + [step([v, u])]


@program
def cond_assigns_resources():
  p = placeholder(tf.bool, [], "p")
  with tf.variable_scope("", use_resource=True):
    v = tf.get_variable("v", initializer=1.0)
  y = tf.cond(p, lambda: tf.identity(v.assign_add(10.0)), lambda: tf.identity(v.assign(v * 2.0)))
  return [step([], targets=[tf.global_variables_initializer()])] + both([y], p) + [step([v.read_value()])]


@program
def cond_for_its_effects():
  p = placeholder(tf.bool, [], "p")
  v = tf.Variable(0, name="v")

  def count():
    with tf.control_dependencies([tf.assign_add(v, 1)]):
      return tf.no_op()
  y = tf.cond(p, count, tf.no_op)
  with tf.control_dependencies([y]):
    after = v.read_value()
  return ([step([], targets=[tf.global_variables_initializer()])] +
          both([after], p) + both([], p, targets=[y.op if hasattr(y, "op") else y]) + [step([v])])


@program
def case_chain():
  x = placeholder(tf.int32, [], "x")
  cases = [(tf.less(x, 0), lambda: tf.constant(-1.0)), (tf.equal(x, 0), lambda: tf.constant(0.5)),
           (tf.greater(x, 10), lambda: tf.to_float(x) * 2.0), (tf.greater(x, 5), lambda: tf.to_float(x))]
  first = tf.case(cases, default=lambda: tf.constant(7.0))
  one = tf.case(cases, default=lambda: tf.constant(7.0), exclusive=True)
  steps = [step([first], {x: v}) for v in (-3, 0, 3, 7, 12)]
  return steps + [step([one], {x: v}) for v in (-3, 0, 7, 12)]


@program
def asserts():
  x, y = placeholder(tf.int32, [2], "x"), placeholder(tf.int32, [2], "y")
  with tf.control_dependencies([tf.assert_equal(x, y, message="they differ"), tf.assert_non_negative(x)]):
    z = x + y
  r = tf.Assert(tf.reduce_all(x < 10), [x], name="small")
  return [step([z], {x: [1, 2], y: [1, 2]}, [r]), step([z], {x: [1, 2], y: [1, 3]}), step([z], {x: [-1, 2], y: [-1, 2]}),
          step([], {x: [1, 20]}, [r])]


@program
def batch_norm():
  train, x = placeholder(tf.bool, [], "train"), placeholder(tf.float32, [4, 3], "x")
  h = tf.layers.batch_normalization(x, training=train, momentum=0.5, name="bn")
  loss = tf.reduce_sum(tf.square(h - 0.3))
  with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
  read = [v for v in tf.global_variables()]
  steps = [step([], targets=[tf.global_variables_initializer()])]
  for i in range(3):
    steps.append(step([loss], {train: True, x: numbers(4, 3, seed=i)}, [op]))
  return steps + [step([h], {train: False, x: numbers(4, 3, seed=9)}), step(read)]


@program
def dead_values():
  """What a branch that is not taken would have made, and updates that wait for such a value."""
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [], "x")
  inside = []

  def then():
    inside.append(x * 3.0)
    return inside[0] + 1.0
  y = tf.cond(p, then, lambda: x)
  with tf.variable_scope("", use_resource=True):
    v, s = tf.get_variable("v", initializer=2.0), tf.train.get_or_create_global_step()
  z = tf.cond(p, lambda: v * x, lambda: x)
  op = tf.train.GradientDescentOptimizer(0.5).minimize(z, global_step=s)
  init = tf.global_variables_initializer()
  return ([step([], targets=[init])] + both([inside[0], y], p, {x: 2.0}) +
          both([z], p, {x: 2.0}, [op]) + [step([v.read_value(), s.read_value()])])


@program
def merges_by_hand():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [], "x")
  f, t = control_flow_ops.switch(x, p)
  a, b = control_flow_ops.merge([f + 1.0, t * 2.0])
  ff, ft = control_flow_ops.switch(f, q)
  c, d = control_flow_ops.merge([t, ft - 5.0, ff * 7.0])
  only, _ = control_flow_ops.merge([ft])
  steps = [step([a, b, c, d], {p: pv, q: qv, x: 3.0}) for pv in (True, False) for qv in (True, False)]
  return steps + [step([only], {p: False, q: True, x: 3.0}), step([only], {p: True, q: True, x: 3.0})]
