"""Programs with cond()."""

import numpy as np


def cond_takes_a_branch(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  y = tf.cond(p, lambda: (x + 1, x), lambda: (x - 1, x * 2))
  return [t.name for t in y], sess.run(y, {p: True, x: 3.0}), sess.run(y, {p: False, x: 3.0})


def cond_structures(tf, sess):
  p = tf.placeholder(tf.bool, [])
  d = tf.cond(p, lambda: {"a": tf.constant(1), "b": [tf.constant(2.0)]}, lambda: {"a": 3, "b": [4.0]})
  single = tf.cond(p, lambda: [tf.constant(5)], lambda: [tf.constant(6)])
  strict = tf.cond(p, lambda: [tf.constant(5)], lambda: [tf.constant(6)], strict=True)
  both = [[d["a"], d["b"], single, strict[0]] for _ in range(1)][0]
  return [sess.run(both, {p: v}) for v in (True, False)], isinstance(strict, list)


def cond_sparse(tf, sess):
  p = tf.placeholder(tf.bool, [])
  s = tf.cond(p, lambda: tf.SparseTensor([[0, 1]], [1.0], [2, 2]), lambda: tf.SparseTensor([[1, 0]], [2.0], [3, 2]))
  slices = tf.cond(p, lambda: tf.IndexedSlices(tf.zeros([1, 2]), tf.constant([3])),
                   lambda: tf.IndexedSlices(tf.ones([2, 2]), tf.constant([1, 2])))
  return [[list(sess.run(s, {p: v})), list(sess.run([slices.values, slices.indices], {p: v}))] for v in (True, False)]


def cond_static_shapes(tf, sess):
  p = tf.placeholder(tf.bool, [])
  shape = lambda a, b: str(tf.cond(p, lambda: tf.zeros(a), lambda: tf.zeros(b)).shape)
  return shape([2, 3], [2, 4]), shape([2, 3], [2]), shape([2], [2])


def cond_nested(tf, sess):
  x = tf.placeholder(tf.int32, [])
  z = x * 10

  def inner():
    return tf.cond(x > 5, lambda: z + x, lambda: z - x)

  y = tf.cond(x > 0, inner, lambda: -z)
  return y.name, [int(sess.run(y, {x: v})) for v in (7, 3, -2)]


def cond_variables_inside(tf, sess):
  p = tf.placeholder(tf.bool, [])

  def f():
    v = tf.get_variable("w", [2], initializer=tf.ones_initializer())
    with tf.variable_scope("scope"):
      q = tf.get_variable("q", [3], initializer=tf.ones_initializer(), use_resource=True)
    u = tf.Variable(lambda: tf.zeros([3]) + 2)
    return tf.reduce_sum(v) + tf.reduce_sum(u) + tf.reduce_sum(q)

  y = tf.cond(p, f, lambda: 0.0)
  sess.run(tf.global_variables_initializer())
  return [v.name for v in tf.global_variables()], sess.run(y, {p: True}), sess.run(y, {p: False})


def cond_variable_from_tensor(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: tf.reduce_sum(tf.Variable(tf.zeros([3]))), lambda: 0.0)


def cond_assigns(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  r = tf.get_variable("r", initializer=1.0, use_resource=True)
  y = tf.cond(p, lambda: tf.assign_add(v, 2.0), lambda: tf.identity(v))
  z = tf.cond(p, lambda: r.assign_add(5.0).read_value(), lambda: r.read_value())
  sess.run(tf.global_variables_initializer())
  got = []
  for value in (True, False, True, False):
    got.append(sess.run([y, z], {p: value}))
    got.append(sess.run([v, r]))
  return got


def cond_unused_side_effect(tf, sess):
  """What no result needs does not run."""
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)

  def f():
    tf.assign_add(v, 2.0)
    return tf.constant(3)

  y = tf.cond(p, f, lambda: tf.constant(4))
  sess.run(tf.global_variables_initializer())
  return sess.run(y, {p: True}), sess.run(v)


def cond_runs_what_is_fetched(tf, sess):
  """Of several results those that are fetched are computed, and with them what they alone need."""
  p = tf.placeholder(tf.bool, [])
  v, w = tf.get_variable("v", initializer=1.0), tf.get_variable("w", initializer=1.0)
  outside = tf.assign_add(w, 1.0)
  y, z = tf.cond(p, lambda: (tf.assign_add(v, 2.0), tf.constant(3)), lambda: (outside, tf.constant(4)))
  sess.run(tf.global_variables_initializer())
  got = [sess.run(z, {p: value}) for value in (True, False)] + [sess.run([v, w])]
  sess.run(y, {p: False})
  return got, sess.run([v, w])


def cond_control_dependencies(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  outer = tf.assign_add(v, 10.0)

  def f():
    with tf.control_dependencies([tf.assign_add(v, 100.0)]):
      return tf.identity(v.read_value())

  with tf.control_dependencies([outer]):
    y = tf.cond(p, f, lambda: v.read_value())
  sess.run(tf.global_variables_initializer())
  return [float(sess.run(y, {p: value})) for value in (True, False)], sess.run(v)


def cond_returns_operation(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  y = tf.cond(p, lambda: tf.group(tf.assign_add(v, 1.0)), lambda: tf.no_op())
  sess.run(tf.global_variables_initializer())
  sess.run(y, {p: True})
  sess.run(y, {p: False})
  return y.dtype.name, sess.run(v)


def cond_assert_in_branch(tf, sess):
  p = tf.placeholder(tf.bool, [])
  x = tf.placeholder(tf.float32, [])

  def f():
    with tf.control_dependencies([tf.Assert(x > 0, ["x is", x])]):
      return tf.sqrt(x)

  y = tf.cond(p, f, lambda: x)
  got = [sess.run(y, {p: True, x: 4.0}), sess.run(y, {p: False, x: -4.0})]
  try:
    sess.run(y, {p: True, x: -4.0})
  except tf.errors.InvalidArgumentError as e:
    got.append(type(e).__name__)
  return got


def cond_gradient(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
  w = tf.constant([2.0, 3.0])
  y = tf.cond(p, lambda: x * x * w, lambda: tf.exp(x))
  g = tf.gradients(y, [x, w])
  second = tf.gradients(g[0], x)
  return [sess.run([g[0], g[1], second[0]], {p: v, x: [1.0, 2.0]}) for v in (True,)] + [
      sess.run([g[0], second[0]], {p: False, x: [0.0, 1.0]})]


def cond_gradient_of_variables(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=3.0)
  r = tf.get_variable("r", initializer=2.0, use_resource=True)
  y = tf.cond(p, lambda: v * v * r, lambda: v + r)
  step = tf.train.GradientDescentOptimizer(0.5).minimize(y)
  sess.run(tf.global_variables_initializer())
  got = [sess.run(tf.gradients(y, [v, r]), {p: True})]
  sess.run(step, {p: True})
  return got, sess.run([v, r])


def cond_gradient_inside(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  y = tf.cond(p, lambda: tf.gradients(x * x * x, x)[0], lambda: x)
  return sess.run([y, tf.gradients(y, x)[0]], {p: True, x: 2.0})


def cond_dropout_shape(tf, sess):
  """A constant from outside decides a shape inside."""
  p = tf.placeholder(tf.bool, [])
  shape, axis = tf.constant([3, 2]), tf.constant(1)
  x = tf.placeholder(tf.float32, [2, 3])
  y = tf.cond(p, lambda: tf.reduce_sum(tf.reshape(x, shape), axis), lambda: x[0])
  return str(y.shape), sess.run(y, {p: True, x: np.arange(6.0).reshape(2, 3)})


def cond_no_value(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: None, lambda: None)


def cond_dtypes_differ(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: 1, lambda: 1.0)


def cond_structures_differ(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: (1, 2), lambda: 1)


def cond_list_and_tuple(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: [1, 2], lambda: (1, 2))


def cond_keys_differ(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: {"a": 1}, lambda: {"b": 1})


def cond_python_bool(tf, sess):
  tf.cond(True, lambda: 1, lambda: 2)


def cond_of_integer(tf, sess):
  tf.cond(tf.placeholder(tf.int32, []), lambda: 1, lambda: 2)


def cond_of_vector(tf, sess):
  tf.cond(tf.placeholder(tf.bool, [2]), lambda: 1, lambda: 2)


def cond_not_callable(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), tf.constant(1), lambda: 2)


def cond_one_function(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: 1)


def cond_old_names(tf, sess):
  p = tf.placeholder(tf.bool, [])
  return sess.run(tf.cond(p, fn1=lambda: tf.constant(1), fn2=lambda: tf.constant(2)), {p: True})


def cond_both_names(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: 1, fn1=lambda: 1, fn2=lambda: 2)


def cond_fetch_inside(tf, sess):
  inside = []

  def f():
    inside.append(tf.constant(1.0) + 1)
    return inside[0]

  p = tf.placeholder(tf.bool, [])
  tf.cond(p, f, lambda: 0.0)
  sess.run(inside[0], {p: True})


def cond_weights_of_unknown_rank(tf, sess):
  """Losses and metrics choose by ranks that only a run knows."""
  x, w, labels = [tf.placeholder(tf.float32, None) for _ in range(3)]
  found = [tf.metrics.mean(x, w)[1], tf.losses.mean_squared_error(labels, x, weights=w),
           tf.metrics.accuracy(labels, x, weights=w)[1], tf.metrics.mean_absolute_error(labels, x, weights=w)[1]]
  got = []
  for weights in ([[1.0], [2.0]], 2.0, [[0.5, 1.0], [2.0, 0.0]]):
    sess.run(tf.local_variables_initializer())
    got.append(sess.run(found, {x: [[1.0, 2.0], [3.0, 4.0]], w: weights, labels: [[1.0, 3.0], [3.0, 5.0]]}))
  return got


def cond_zero_debias(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [4, 3])
  tf.contrib.layers.batch_norm(x, is_training=p, zero_debias_moving_mean=True, fused=False, decay=0.5, scope="norm")
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  sess.run(tf.global_variables_initializer())
  got = []
  for training in (True, False, True):
    sess.run(updates, {p: training, x: [[1, 2, 3], [2, 4, 1], [3, 6, 8], [4, 2, 1]]})
    got.append({v.op.name: sess.run(v) for v in tf.global_variables()})
  return got
