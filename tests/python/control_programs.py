"""Small programs with branches, loops and arrays. Each takes the package and a session, so that TensorFlow 1.15 can run
them for the goldens, and returns values and names."""

import numpy as np


def _run_init(tf, sess):
  sess.run(tf.global_variables_initializer())


# --- cond ---

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
  _run_init(tf, sess)
  return [v.name for v in tf.global_variables()], sess.run(y, {p: True}), sess.run(y, {p: False})


def cond_variable_from_tensor(tf, sess):
  tf.cond(tf.placeholder(tf.bool, []), lambda: tf.reduce_sum(tf.Variable(tf.zeros([3]))), lambda: 0.0)


def cond_assigns(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  r = tf.get_variable("r", initializer=1.0, use_resource=True)
  y = tf.cond(p, lambda: tf.assign_add(v, 2.0), lambda: tf.identity(v))
  z = tf.cond(p, lambda: r.assign_add(5.0).read_value(), lambda: r.read_value())
  _run_init(tf, sess)
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
  _run_init(tf, sess)
  return sess.run(y, {p: True}), sess.run(v)


def cond_runs_what_is_fetched(tf, sess):
  """Of several results those that are fetched are computed, and with them what they alone need."""
  p = tf.placeholder(tf.bool, [])
  v, w = tf.get_variable("v", initializer=1.0), tf.get_variable("w", initializer=1.0)
  outside = tf.assign_add(w, 1.0)
  y, z = tf.cond(p, lambda: (tf.assign_add(v, 2.0), tf.constant(3)), lambda: (outside, tf.constant(4)))
  _run_init(tf, sess)
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
  _run_init(tf, sess)
  return [float(sess.run(y, {p: value})) for value in (True, False)], sess.run(v)


def cond_returns_operation(tf, sess):
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  y = tf.cond(p, lambda: tf.group(tf.assign_add(v, 1.0)), lambda: tf.no_op())
  _run_init(tf, sess)
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
  _run_init(tf, sess)
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


# --- case and switch_case ---

def case_in_order(tf, sess):
  x = tf.placeholder(tf.int32, [])
  y = tf.case([(x < 1, lambda: tf.constant(1)), (x < 2, lambda: tf.constant(2))], default=lambda: tf.constant(3))
  return y.name, [int(sess.run(y, {x: v})) for v in (0, 1, 2)]


def case_without_default(tf, sess):
  x = tf.placeholder(tf.int32, [])
  y = tf.case([(x < 1, lambda: tf.constant(1)), (x < 2, lambda: tf.constant(2))])
  got = [int(sess.run(y, {x: v})) for v in (0, 1)]
  try:
    sess.run(y, {x: 5})
  except tf.errors.InvalidArgumentError as e:
    got.append(type(e).__name__)
  return got


def case_exclusive(tf, sess):
  x = tf.placeholder(tf.int32, [])
  a, b = tf.less(x, 3, name="a"), tf.less(x, 2, name="b")
  y = tf.case({a: lambda: tf.constant(1), b: lambda: tf.constant(2)}, default=lambda: tf.constant(3), exclusive=True)
  got = [int(sess.run(y, {x: v})) for v in (2, 5)]
  try:
    sess.run(y, {x: 0})
  except tf.errors.InvalidArgumentError as e:
    got.append(type(e).__name__)
  return got


def case_gradient(tf, sess):
  x = tf.placeholder(tf.float32, [])
  y = tf.case([(x < 1, lambda: x * 2), (x < 2, lambda: x * x)], default=lambda: x * x * x)
  g = tf.gradients(y, x)[0]
  return [float(sess.run(g, {x: v})) for v in (0.5, 1.5, 3.0)]


def case_of_integers(tf, sess):
  tf.case([(tf.constant(1), lambda: 1)])


def case_of_nothing(tf, sess):
  tf.case("ab")


def case_of_tensors(tf, sess):
  tf.case([(tf.placeholder(tf.bool, []), tf.constant(1))])


def switch_case(tf, sess):
  i = tf.placeholder(tf.int32, [])
  x = tf.placeholder(tf.float32, [])
  y = tf.switch_case(i, {0: lambda: x * 2, 1: lambda: x * x})
  z = tf.switch_case(i, [lambda: x * 2, lambda: x * x], default=lambda: -x)
  g = tf.gradients(z, x)[0]
  return y.name, [sess.run([y, z, g], {i: v, x: 3.0}) for v in (0, 1, 2, -1)]


def switch_case_gap(tf, sess):
  tf.switch_case(tf.placeholder(tf.int32, []), {0: lambda: 1, 2: lambda: 2})


def switch_case_of_float(tf, sess):
  tf.switch_case(tf.placeholder(tf.float32, []), [lambda: 1, lambda: 2])


# --- while_loop ---

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


# --- TensorArray ---

def _array(tf, *args, **kwargs):
  return tf.TensorArray(tf.float32, *args, **kwargs)


def array_in_loop(tf, sess):
  x = tf.placeholder(tf.float32, [3])
  source = _array(tf, 3).unstack(x)
  _, out = tf.while_loop(lambda i, o: i < 3, lambda i, o: (i + 1, o.write(i, source.read(i) * x[0])),
                         [0, _array(tf, 3)])
  y = out.stack()
  return y.name, str(y.shape), sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0]})


def array_read_several_times(tf, sess):
  x = tf.placeholder(tf.float32, [4])
  source = _array(tf, 4, clear_after_read=False).unstack(x)

  def body(i, y):
    return i + 1, y + source.read(i) * source.read(3 - i) + source.read(0)

  _, y = tf.while_loop(lambda i, y: i < 4, body, [0, 0.0])
  return sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0, 4.0]})


def array_static_shapes(tf, sess):
  a = _array(tf, 3)
  before = str(a.element_shape)
  b = a.write(0, [1.0, 2.0])
  c = _array(tf, 3, element_shape=[2, None])
  d = _array(tf, 3, infer_shape=False).write(0, [1.0])
  some = tf.placeholder(tf.int32, [None])
  return [before] + [str(s) for s in (a.element_shape, b.read(0).shape, b.stack().shape, b.gather(some).shape,
                                      c.read(0).shape, c.stack().shape, d.read(0).shape)]


def array_operations(tf, sess):
  a = _array(tf, 3, clear_after_read=False).unstack([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
  b = _array(tf, 3).scatter([2, 0, 1], [1.0, 2.0, 3.0])
  c = _array(tf, 2, infer_shape=False, clear_after_read=False).split([1.0, 2.0, 3.0], [1, 2])
  return sess.run([a.read(1), a.gather([2, 0]), a.concat(), b.stack(), c.read(1), c.concat(), c.size(), a.size()])


def array_dtypes(tf, sess):
  a = tf.TensorArray(tf.int64, 2).write(0, tf.constant(5, tf.int64)).write(1, tf.constant(6, tf.int64))
  s = tf.TensorArray(tf.string, 2).unstack(["a", "b"])
  return sess.run([a.stack(), s.read(1)]), a.dtype.name


def array_dynamic_size(tf, sess):
  a = _array(tf, 0, dynamic_size=True).write(0, 1.0).write(3, 2.0)
  b = _array(tf, 0, dynamic_size=True, element_shape=[]).write(0, 1.0).write(3, 1.0)
  c = _array(tf, 2, dynamic_size=True).unstack([1.0, 2.0, 3.0])

  def body(i, o):
    return i + 1, o.write(i, tf.cast(i, tf.float32))

  _, d = tf.while_loop(lambda i, o: i < 5, body, [0, _array(tf, 1, dynamic_size=True)])
  return sess.run([a.size(), b.stack(), c.stack(), d.stack()])


def array_dynamic_gradient(tf, sess):
  x = tf.placeholder(tf.float32, [])

  def body(i, o):
    return i + 1, o.write(i, x * tf.cast(i, tf.float32))

  _, o = tf.while_loop(lambda i, o: i < 5, body, [0, _array(tf, 0, dynamic_size=True, element_shape=[])])
  y = tf.reduce_sum(tf.square(o.stack()))
  return sess.run([y] + tf.gradients(y, x), {x: 2.0})


def array_gradients(tf, sess):
  x = tf.placeholder(tf.float32, [3])
  w = tf.constant([1.0, 10.0, 100.0])
  unstacked = lambda: _array(tf, 3, clear_after_read=False).unstack(x)
  ys = [unstacked().stack() * w, unstacked().gather([2, 1]) * w[:2], unstacked().read(1) * 3,
        _array(tf, 3).scatter([2, 0, 1], x).stack() * w,
        _array(tf, 2, infer_shape=False).split(x, [1, 2]).read(1) * w[:2],
        _array(tf, 2, infer_shape=False).write(0, x[:2]).write(1, x[2:]).concat() * w]
  return [sess.run(tf.gradients(y, x)[0], {x: [1.0, 2.0, 3.0]}) for y in ys]


def array_size_in_graph(tf, sess):
  x = tf.placeholder(tf.float32, [None, 2])
  n = tf.shape(x)[0]
  source = _array(tf, n).unstack(x)
  _, out = tf.while_loop(lambda i, o: i < n, lambda i, o: (i + 1, o.write(i, source.read(n - 1 - i))), [0, _array(tf, n)])
  y = out.stack()
  g = tf.gradients(y[0], x)[0]
  return str(y.shape), sess.run([y, g], {x: np.arange(6.0).reshape(3, 2)})


def array_in_cond(tf, sess):
  p = tf.placeholder(tf.bool, [])
  a = _array(tf, 2).write(0, 1.0)
  b = tf.cond(p, lambda: a.write(1, 5.0), lambda: a.write(1, 6.0))
  return [sess.run(b.stack(), {p: v}) for v in (True, False)]


def array_unwritten(tf, sess):
  a = _array(tf, 2, clear_after_read=False).write(0, 1.0)
  return sess.run([a.read(1), a.stack(), _array(tf, 0, element_shape=[3]).stack()])


def array_close(tf, sess):
  return sess.run(_array(tf, 2).close())


def array_grad(tf, sess):
  return sess.run(_array(tf, 2).unstack([1.0, 2.0]).grad("g").size())


def array_other_shape(tf, sess):
  _array(tf, 3).write(0, [1.0]).write(1, [1.0, 2.0])


def array_against_element_shape(tf, sess):
  _array(tf, 3, element_shape=[2]).write(0, [1.0])


def array_without_size(tf, sess):
  _array(tf)


def array_handle_of_number(tf, sess):
  _array(tf, 2, handle=3)


def array_of_scalar(tf, sess):
  _array(tf, 2).unstack(1.0)


def array_read_beyond(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0]).read(2))


def array_read_before(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0]).read(-1))


def array_write_beyond(tf, sess):
  sess.run(_array(tf, 2).write(2, 1.0).size())


def array_write_twice(tf, sess):
  sess.run(_array(tf, 2).write(0, 1.0).write(0, 1.0).size())


def array_unset_shape(tf, sess):
  sess.run(_array(tf, 2).stack())


def array_ragged_stack(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).write(0, [1.0]).write(1, [1.0, 2.0]).stack())


def array_concat_scalars(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).write(0, 1.0).write(1, 2.0).concat())


def array_split_lengths(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).split([1.0, 2.0, 3.0], [1, 1]).size())


def array_split_size(tf, sess):
  sess.run(_array(tf, 3, infer_shape=False).split([1.0, 2.0, 3.0], [1, 2]).size())


def array_gather_beyond(tf, sess):
  sess.run(_array(tf, 3).unstack([1.0, 2.0, 3.0]).gather([3, 0]))


def array_scatter_count(tf, sess):
  _array(tf, 3).scatter([2, 0], [1.0, 2.0, 3.0])


def array_scatter_beyond(tf, sess):
  sess.run(_array(tf, 3).scatter([2, 3, 1], [1.0, 2.0, 3.0]).size())


def array_unstack_too_many(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0, 3.0]).size())


def array_unstack_fewer(tf, sess):
  return sess.run(_array(tf, 4).unstack([1.0, 2.0, 3.0]).size())


def array_negative_size(tf, sess):
  sess.run(_array(tf, -2).size())


def array_write_other_dtype(tf, sess):
  sess.run(_array(tf, 2).write(0, tf.constant(1)).size())


# --- map_fn, scan, foldl, foldr ---

def map_fn(tf, sess):
  x = tf.placeholder(tf.float32, [3, 2])
  y = tf.map_fn(lambda r: tf.reduce_sum(r) * r, x)
  z = tf.map_fn(lambda r: tf.cast(tf.reduce_sum(r), tf.int32), x, dtype=tf.int32)
  return y.name, str(y.shape), str(z.shape), sess.run([y, z] + tf.gradients(y, x), {x: np.arange(6.0).reshape(3, 2)})


def map_fn_structures(tf, sess):
  x, y = tf.constant([1.0, 2.0]), tf.constant([[1, 2], [3, 4]])
  a = tf.map_fn(lambda t: t[0] + tf.cast(t[1][0], tf.float32), (x, y), dtype=tf.float32)
  b = tf.map_fn(lambda t: {"s": t["x"] * 2, "d": t["y"]}, {"x": x, "y": y}, dtype={"s": tf.float32, "d": tf.int32})
  return sess.run([a, b])


def map_fn_unknown_size(tf, sess):
  x = tf.placeholder(tf.float32, [None])
  y = tf.map_fn(lambda e: e * e, x)
  return str(y.shape), sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0]})


def map_fn_variables(tf, sess):
  y = tf.map_fn(lambda e: tf.layers.dense(e, 2, kernel_initializer=tf.ones_initializer(), use_bias=False),
                tf.ones([3, 1, 2]))
  sess.run(tf.global_variables_initializer())
  return [v.name for v in tf.global_variables()], sess.run(y)


def map_fn_of_scalar(tf, sess):
  tf.map_fn(lambda x: x, tf.constant(1.0))


def map_fn_other_structure(tf, sess):
  tf.map_fn(lambda x: (x, x), tf.zeros([3]))


def map_fn_not_callable(tf, sess):
  tf.map_fn(3, tf.zeros([3]))


def map_fn_of_sparse(tf, sess):
  tf.map_fn(lambda x: x, tf.SparseTensor([[0, 1]], [1.0], [2, 2]))


def map_fn_sizes(tf, sess):
  tf.map_fn(lambda x: x[0] + x[1], (tf.zeros([3]), tf.zeros([2])), dtype=tf.float32)


def scan(tf, sess):
  x = tf.placeholder(tf.float32, [4])
  a = tf.scan(lambda s, e: s * e + 1, x)
  b = tf.scan(lambda s, e: s * e + 1, x, initializer=2.0)
  c = tf.scan(lambda s, e: s + e, x, reverse=True)
  d = tf.scan(lambda s, e: s * e, x, initializer=1.0, reverse=True)
  feed = {x: [1.0, 2.0, 3.0, 4.0]}
  return a.name, str(a.shape), sess.run([a, b, c, d], feed), sess.run(tf.gradients([a, b, c, d], x), feed)


def scan_structures(tf, sess):
  x = tf.constant([1.0, 2.0, 3.0])
  a, b = tf.scan(lambda s, e: (s[0] + e, s[1] * e), x, initializer=(0.0, 1.0))
  c = tf.scan(lambda s, e: s + e[0] * tf.cast(e[1], tf.float32), (x, tf.constant([1, 2, 3])), initializer=0.0)
  return sess.run([a, b, c])


def scan_other_structure(tf, sess):
  tf.scan(lambda a, x: (a, x), tf.zeros([3]), initializer=0.0)


def fold(tf, sess):
  x = tf.placeholder(tf.float32, [None])
  ys = [tf.foldl(lambda a, e: a * 2 + e, x), tf.foldl(lambda a, e: a * 2 + e, x, initializer=1.0),
        tf.foldr(lambda a, e: a * 2 + e, x), tf.foldr(lambda a, e: a * 2 + e, x, initializer=1.0)]
  feed = {x: [1.0, 2.0, 3.0]}
  return ys[0].name, ys[2].name, sess.run(ys, feed), [sess.run(tf.gradients(y, x)[0], feed) for y in ys]


def fold_other_structure(tf, sess):
  tf.foldr(lambda a, x: (a, x), tf.zeros([3]), initializer=0.0)


def fold_not_callable(tf, sess):
  tf.foldl(3, tf.zeros([3]))
