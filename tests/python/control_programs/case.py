"""Programs with case() and switch_case()."""


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


def case_strict(tf, sess):
  pairs = lambda: [(tf.constant(True), lambda: [tf.constant(1)])]
  strict = tf.case(pairs(), default=lambda: [tf.constant(2)], strict=True)
  plain = tf.case(pairs(), default=lambda: [tf.constant(2)])
  return isinstance(strict, list), plain.name, sess.run([strict[0], plain])


def case_of_dict(tf, sess):
  a, b = tf.constant(False, name="z"), tf.constant(True, name="a")
  return sess.run(tf.case({a: lambda: tf.constant(1), b: lambda: tf.constant(2)}, exclusive=True))


def case_without_pairs(tf, sess):
  return sess.run(tf.case([], default=lambda: tf.constant(3)))


def case_of_one(tf, sess):
  p = tf.placeholder(tf.bool, [])
  y = tf.case([(p, lambda: tf.constant(1))])
  try:
    sess.run(y, {p: False})
  except tf.errors.InvalidArgumentError as e:
    return y.name, sess.run(y, {p: True}), e.message.split("\n")[0]


def case_of_operations(tf, sess):
  return sess.run(tf.case([(tf.constant(True), lambda: tf.no_op())], default=lambda: tf.no_op()))


def case_names(tf, sess):
  """Of the assertions, too."""
  p = tf.placeholder(tf.bool, [])
  tf.case([(p, lambda: tf.constant(1)), (p, lambda: tf.constant(2))], name="mine", exclusive=True)
  return [op.name for op in tf.get_default_graph().get_operations() if op.type in ("Pack", "LessEqual", "Sum", "Assert")]
