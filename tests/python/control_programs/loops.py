"""Programs with while_loop()."""

import numpy as np


def while_counts(tf, sess):
  x = tf.constant(1.0)
  i, s = tf.while_loop(lambda i, s: i < 10, lambda i, s: (i + 1, s + x), [0, 0.0])
  return i.name, s.name, sess.run([i, s])


def while_never_runs(tf, sess):
  x = tf.placeholder(tf.float32, [2])
  r = tf.while_loop(lambda x: False, lambda x: x + 1, [x])
  return sess.run(r, {x: [1.0, 2.0]})


def while_structures(tf, sess):
  def body(i, d, t):
    return i + 1, {"a": d["a"] + 1, "b": d["b"] * 2}, (t[0] + [1, 2],)
  i, d, t = tf.while_loop(lambda i, d, t: i < 3, body, (0, {"a": 5, "b": 1.0}, (tf.constant([0, 0]),)))
  return sess.run([i, d["a"], d["b"], t[0]]), isinstance(t, tuple)


def while_single_variable(tf, sess):
  as_list = tf.while_loop(lambda i: i < 3, lambda i: [i + 1], [0], return_same_structure=True)
  in_tuple = tf.while_loop(lambda i: i < 3, lambda i: i + 1, (0,))
  return isinstance(as_list, list), sess.run([as_list[0], in_tuple]), as_list[0].name, in_tuple.name


def while_list_result(tf, sess):
  r = tf.while_loop(lambda i, j: i < 3, lambda i, j: [i + 1, j], (0, 1))
  return isinstance(r, list), sess.run(r)


def while_maximum_iterations(tf, sess):
  n = tf.placeholder(tf.int32, [])
  one = tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=5)
  two = tf.while_loop(lambda i, j: i < 3, lambda i, j: (i + 1, j + i), (0, 0), maximum_iterations=n)
  return one.name, two[0].name, [sess.run([one, two[0], two[1]], {n: k}) for k in (2, 9)]


def while_maximum_of_vector(tf, sess):
  tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=[5])


def while_nested(tf, sess):
  n = tf.placeholder(tf.int32, [])

  def body(i, total):
    _, inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + n), [0, 0])
    return i + 1, total + inner

  i, total = tf.while_loop(lambda i, t: i < 5, body, [0, 0])
  return total.name, sess.run(total, {n: 3})


def while_with_cond(tf, sess):
  x = tf.placeholder(tf.float32, [])

  def body(i, y):
    return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y + x)

  i, y = tf.while_loop(lambda i, y: i < 4, body, [0, 1.0])
  return sess.run([y, tf.gradients(y, x)[0]], {x: 3.0})


def cond_with_while(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  loop = lambda: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, 1.0])[1]
  y = tf.cond(p, loop, lambda: x)
  g = tf.gradients(y, x)[0]
  return sess.run([y, g], {p: True, x: 2.0}), sess.run([y, g], {p: False, x: 2.0})


def while_shape_invariants(tf, sess):
  i, x = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, tf.zeros([2, 3])],
                       shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])])
  return str(x.shape), sess.run(tf.shape(x))


def while_shape_changes(tf, sess):
  tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, tf.zeros([2])])


def while_shape_against_invariant(tf, sess):
  tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x), [0, tf.zeros([2])],
                shape_invariants=[tf.TensorShape([]), tf.TensorShape([3])])


def while_invariants_of_other_structure(tf, sess):
  tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x), [0, tf.zeros([2])], shape_invariants=[tf.TensorShape([])])


def while_condition_of_integers(tf, sess):
  tf.while_loop(lambda i: i, lambda i: i + 1, [0])


def while_condition_of_vector(tf, sess):
  tf.while_loop(lambda i: tf.constant([True, False]), lambda i: i + 1, [0])


def while_too_few_results(tf, sess):
  tf.while_loop(lambda i, j: i < 3, lambda i, j: (i + 1,), [0, 0])


def while_too_many_results(tf, sess):
  tf.while_loop(lambda i: i < 3, lambda i: (i + 1, i), [0])


def while_wrong_arity(tf, sess):
  tf.while_loop(lambda i: i < 3, lambda i, j: (i + 1,), [0])


def while_returns_none(tf, sess):
  tf.while_loop(lambda i: i < 3, lambda i: None, [0])


def while_without_variables(tf, sess):
  tf.while_loop(lambda: True, lambda: (), [])


def while_not_callable(tf, sess):
  tf.while_loop(3, lambda i: i + 1, [0])


def while_no_parallel_iterations(tf, sess):
  tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], parallel_iterations=0)


def while_inside_outside(tf, sess):
  inside = []

  def body(i):
    inside.append(i + 1)
    return inside[0]

  tf.while_loop(lambda i: i < 3, body, [0])
  got = []
  try:
    sess.run(inside[0])
  except ValueError as e:
    got.append(type(e).__name__)
  try:
    inside[0] + 1
  except ValueError:
    got.append("ValueError")
  return got


def while_variables_inside(tf, sess):
  with tf.name_scope("ns"), tf.variable_scope("vs"):
    def body(i, x):
      with tf.variable_scope("in"):
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
      u = tf.Variable(lambda: tf.zeros([2]) + 3)
      return i + 1, tf.layers.dense(x, 2, kernel_initializer=tf.ones_initializer()) + w + u
    i, x = tf.while_loop(lambda i, x: i < 3, body, [0, tf.ones([1, 2])], name="lp")
  sess.run(tf.global_variables_initializer())
  return x.name, [v.name for v in tf.global_variables()], sess.run(x)


def while_assigns(tf, sess):
  """An assignment of one iteration is read by the next, through a reference and through a resource."""
  v = tf.get_variable("v", initializer=1.0)
  r = tf.get_variable("r", initializer=1.0, use_resource=True)

  def body(i, x, y):
    with tf.control_dependencies([tf.assign_add(v, 2.0), r.assign_add(3.0)]):
      return i + 1, x + v.read_value(), y + r.read_value()

  _, x, y = tf.while_loop(lambda i, x, y: i < 3, body, [0, 0.0, 0.0], parallel_iterations=1)
  sess.run(tf.global_variables_initializer())
  return sess.run([x, y]), sess.run([v, r]), sess.run([x, y])


def while_condition_reads_variable(tf, sess):
  v = tf.get_variable("v", initializer=0, use_resource=True)

  def body(i):
    with tf.control_dependencies([v.assign_add(2)]):
      return i + 1

  i = tf.while_loop(lambda i: v.read_value() < 7, body, [0])
  sess.run(tf.global_variables_initializer())
  return int(sess.run(i)), int(sess.run(v))


def while_control_dependencies(tf, sess):
  v = tf.get_variable("v", initializer=1.0)
  outer = tf.assign_add(v, 10.0)

  def body(i, x):
    with tf.control_dependencies([outer]):
      return i + 1, x + tf.identity(v.read_value())

  _, x = tf.while_loop(lambda i, x: i < 3, body, [0, 0.0])
  sess.run(tf.global_variables_initializer())
  return sess.run(x), sess.run(v)


def while_runs_what_is_fetched(tf, sess):
  """A variable of the loop that nothing fetched needs is not computed."""
  v = tf.get_variable("v", initializer=1.0)
  i, x = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x + tf.assign_add(v, 2.0)), [0, 0.0])
  sess.run(tf.global_variables_initializer())
  got = [int(sess.run(i)), sess.run(v)]
  sess.run(x)
  return got, sess.run(v)


def while_assert_in_body(tf, sess):
  n = tf.placeholder(tf.int32, [])

  def body(i):
    with tf.control_dependencies([tf.Assert(i < 5, [i])]):
      return i + 1

  r = tf.while_loop(lambda i: i < n, body, [0])
  got = [sess.run(r, {n: 5})]
  try:
    sess.run(r, {n: 6})
  except tf.errors.InvalidArgumentError as e:
    got.append(type(e).__name__)
  return got


def while_gradient(tf, sess):
  x, w = tf.placeholder(tf.float32, [2]), tf.constant([2.0, 0.5])
  _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y * w) + x), [0, x])
  return sess.run(tf.gradients(y, [x, w]), {x: [0.3, -0.2]})


def while_gradient_of_start(tf, sess):
  a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
  _, y, z = tf.while_loop(lambda i, y, z: i < 4, lambda i, y, z: (i + 1, y * z, z + 0.5), [0, a, b])
  return sess.run(tf.gradients(y, [a, b]) + tf.gradients(z, [a, b])[1:], {a: 2.0, b: 1.0})


def while_no_back_prop(tf, sess):
  x = tf.placeholder(tf.float32, [])
  _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, 1.0], back_prop=False)
  return tf.gradients(y, x)


def while_gradient_nested(tf, sess):
  x = tf.placeholder(tf.float32, [])

  def body(i, y):
    return i + 1, tf.while_loop(lambda j, z: j < i, lambda j, z: (j + 1, z * x), [0, y])[1] + x

  _, y = tf.while_loop(lambda i, y: i < 4, body, [0, 1.0])
  return sess.run([y, tf.gradients(y, x)[0]], {x: 1.5})


def while_gradient_inside(tf, sess):
  x = tf.placeholder(tf.float32, [])

  def body(i, y):
    return i + 1, y - 0.1 * tf.gradients(tf.square(y - 3.0), y)[0]

  _, y = tf.while_loop(lambda i, y: i < 5, body, [0, x])
  return sess.run([y, tf.gradients(y, x)[0]], {x: 1.0})


def while_gradient_of_variables(tf, sess):
  v = tf.get_variable("v", initializer=[1.5, 0.5])
  r = tf.get_variable("r", initializer=[2.0, 1.0], use_resource=True)
  _, y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * v + r), [0, tf.ones([2])])
  loss = tf.reduce_sum(y)
  step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
  sess.run(tf.global_variables_initializer())
  got = []
  for _ in range(3):
    got.append(sess.run(loss))
    sess.run(step)
  return got, sess.run([v, r])


def while_matmul_gradient(tf, sess):
  w = tf.constant(np.linspace(-0.5, 0.5, 9).reshape(3, 3).astype(np.float32))
  x = tf.placeholder(tf.float32, [None, 3])
  _, y = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, tf.sigmoid(tf.matmul(y, w))), [0, x])
  return sess.run([y] + tf.gradients(y, [w, x]), {x: np.arange(6.0).reshape(2, 3) / 5})


def while_sparse(tf, sess):
  s = tf.SparseTensor([[0, 1]], [1.0], [2, 2])

  def body(i, s):
    return i + 1, tf.SparseTensor(tf.concat([s.indices, [[1, 1]]], 0), tf.concat([s.values * 2, [5.0]], 0),
                                  s.dense_shape)

  i, s = tf.while_loop(lambda i, s: i < 2, body, [0, s])
  return list(sess.run(s))


def while_slices(tf, sess):
  s = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([0, 1]), tf.constant([4, 3]))
  i, s = tf.while_loop(lambda i, s: i < 2, lambda i, s: (i + 1, tf.IndexedSlices(s.values * 2, s.indices,
                                                                                 s.dense_shape)), [0, s])
  return sess.run([s.values, s.indices, s.dense_shape])


def while_dtypes(tf, sess):
  r = tf.while_loop(lambda i, b, s, d: i < 3, lambda i, b, s, d: (i + 1, tf.logical_not(b), s + "x", d / 2),
                    [tf.constant(0, tf.int64), True, "a", tf.constant(1.0, tf.float64)])
  return sess.run(r)


# --- limits, invariants and structures together ---

def while_limit_and_invariants(tf, sess):
  grow = lambda i, v: (i + 1, tf.concat([v, v], 0))
  found = tf.while_loop(lambda i, v: i < 10, grow, (tf.constant(0), tf.constant([1.0])),
                        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])), maximum_iterations=3,
                        swap_memory=True)
  return [t.name for t in found], [str(t.shape) for t in found], sess.run(found)


def while_limit_and_invariant_of_one(tf, sess):
  tf.while_loop(lambda v: tf.size(v) < 100, lambda v: tf.concat([v, v], 0), [tf.constant([1.0])],
                shape_invariants=[tf.TensorShape([None])], maximum_iterations=tf.constant(2))


def while_limit_and_list(tf, sess):
  """With a limit, the body gives the sequence type of the variables."""
  tf.while_loop(lambda i, v: i < 10, lambda i, v: (i + 1, v), [0, 1.0], maximum_iterations=3)


def while_same_structure(tf, sess):
  loops = [tf.while_loop(lambda v: v < 5, lambda v: [v + 1], [tf.constant(0)], return_same_structure=True),
           tf.while_loop(lambda v: v < 5, lambda v: (v + 1,), (tf.constant(0),), return_same_structure=True),
           tf.while_loop(lambda v: v < 5, lambda v: (v + 1,), (tf.constant(0),), return_same_structure=True,
                         maximum_iterations=3),
           tf.while_loop(lambda v: v < 5, lambda v: v + 1, [0], maximum_iterations=2)]
  return [type(loop).__name__ for loop in loops[:3]], sess.run(loops)


def while_limit_same_structure_and_invariant(tf, sess):
  loop = tf.while_loop(lambda v: v < 5, lambda v: (v + 1,), (tf.constant(0),), return_same_structure=True,
                       maximum_iterations=3, shape_invariants=(tf.TensorShape([]),))
  return isinstance(loop, tuple), sess.run(loop)


def while_limits(tf, sess):
  loops = [tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=n)
           for n in (None, 0, -1, tf.constant(2, tf.int64))]
  return sess.run(loops)


def while_limit_of_float(tf, sess):
  return sess.run(tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=2.5))


def while_limit_gradient(tf, sess):
  x = tf.constant(2.0)
  y = tf.while_loop(lambda y: True, lambda y: y * x, [x], maximum_iterations=4)
  return sess.run([y, tf.gradients(y, x)[0]])
