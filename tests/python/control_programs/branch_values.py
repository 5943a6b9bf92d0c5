"""Programs that use, outside of a cond(), what was made in a branch of it."""


def _outcomes(tf, sess, fetches, feeds):
  """The values of each fetch for each feed, or the class of the error."""
  def value(fetch, feed):
    try:
      return sess.run(fetch, feed)
    except tf.errors.OpError as e:
      return type(e).__name__
  return [[value(fetch, feed) for fetch in fetches] for feed in feeds]


def branch_tensor_outside(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  kept = {}

  def yes():
    kept["yes"] = x * 3
    kept["constant"] = tf.constant([1.0, 2.0])
    return x + 1

  def no():
    kept["no"] = x - 100
    return x

  y = tf.cond(p, yes, no)
  outside = [kept["yes"] + 1, kept["no"] * 2, kept["constant"] * 2, kept["yes"] + kept["no"], y + kept["yes"]]
  return kept["yes"].name, [str(t.shape) for t in outside], _outcomes(
      tf, sess, outside + [outside[0].op], [{p: True, x: 5.0}, {p: False, x: 5.0}])


def branch_tensor_of_nested(tf, sess):
  p, q, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  kept = {}

  def outer():
    three = x * 3

    def inner():
      kept["inner"] = three + 10
      kept["unused"] = tf.exp(three) * 0 + x
      return three

    y = tf.cond(q, inner, lambda: x)
    kept["in outer"] = kept["inner"] * 2
    return y

  y = tf.cond(p, lambda: x, outer)
  outside = [y, kept["inner"] + 1, kept["in outer"] + 1, kept["unused"] + y, kept["inner"] + kept["in outer"]]
  return _outcomes(tf, sess, outside, [{p: a, q: b, x: 5.0} for a in (True, False) for b in (True, False)])


def branch_of_nested_result_unused(tf, sess):
  """The inner cond is no part of what the outer one returns."""
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  kept = []

  def outer():
    tf.cond(x > 0, lambda: kept.append(x * 2) or kept[0], lambda: x)
    return x + 1

  y = tf.cond(p, outer, lambda: x)
  return _outcomes(tf, sess, [y, kept[0] + 1], [{p: a, x: b} for a in (True, False) for b in (1.0, -1.0)])


def branch_update_ops(tf, sess):
  """Of batch normalisation in a branch: training does nothing where the branch is not taken."""
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [4, 2])
  w = tf.get_variable("w", [2], initializer=tf.ones_initializer())

  def training():
    return tf.layers.batch_normalization(x * w, training=True, name="norm", momentum=0.5)

  def inference():
    return tf.layers.batch_normalization(x * w, training=False, name="norm", reuse=True)

  y = tf.cond(p, training, inference)
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  loss = tf.reduce_sum(tf.square(y - 1.0))
  with tf.control_dependencies(updates):
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
  sess.run(tf.global_variables_initializer())
  got = []
  for taken in (True, False, True):
    feed = {p: taken, x: [[1, 2], [3, 4], [5, 7], [8, 2]]}
    sess.run(train, feed)
    got.append([sess.run(v) for v in tf.global_variables()])
  return [v.name for v in tf.global_variables()], len(updates), got


def branch_resource_updates(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  v = tf.get_variable("v", initializer=1.0, use_resource=True)
  r = tf.get_variable("r", initializer=1.0)

  def yes():
    tf.add_to_collection("updates", v.assign_add(x).op)
    tf.add_to_collection("updates", tf.assign_sub(r, 2 * x))
    with tf.control_dependencies(tf.get_collection("updates")):
      tf.add_to_collection("after", r.read_value())
    return x

  tf.cond(p, yes, lambda: x)
  train = tf.group(*tf.get_collection("updates"))
  after = tf.get_collection("after")[0] * 1
  sess.run(tf.global_variables_initializer())
  got = []
  for taken in (True, False):
    sess.run(train, {p: taken, x: 3.0})
    got.append(sess.run([v, r]))
  return got, _outcomes(tf, sess, [after, [v, r]], [{p: True, x: 3.0}, {p: False, x: 3.0}])


def branch_summaries(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])

  def yes():
    tf.summary.scalar("seen", x)
    return x + 1

  tf.summary.scalar("always", tf.cond(p, yes, lambda: x))
  merged = tf.summary.merge_all()
  names = [t.name for t in tf.get_collection(tf.GraphKeys.SUMMARIES)]
  return names, [r if isinstance(r, str) else len(r)
                 for rs in _outcomes(tf, sess, [merged], [{p: True, x: 2.0}, {p: False, x: 2.0}]) for r in rs]


def branch_control_dependencies(tf, sess):
  """Operations of a branch are waited for in turn with those around it."""
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  kept = []

  def yes():
    kept.append(tf.group(tf.assign_add(v, 10.0)))
    return tf.constant(1.0)

  y = tf.cond(p, yes, lambda: tf.constant(2.0))
  with tf.control_dependencies(kept):
    doubled = tf.assign(v, v.read_value() * 2)
  joined = tf.group(y, *kept)
  sess.run(tf.global_variables_initializer())
  got = []
  for fetch in (doubled.op, joined, y):
    for taken in (True, False):
      sess.run(fetch, {p: taken})
      got.append(sess.run(v))
  return got


def branch_outer_dependency(tf, sess):
  """What only a node that leaves a branch waits for runs with it."""
  p = tf.placeholder(tf.bool, [])
  v = tf.get_variable("v", initializer=1.0)
  add = tf.assign_add(v, 1.0)
  kept = []

  def yes():
    with tf.control_dependencies([add]):
      kept.append(tf.constant(5.0) * 2)
    return tf.constant(1.0)

  y = tf.cond(p, yes, lambda: tf.constant(2.0))
  sess.run(tf.global_variables_initializer())
  before = sess.run(y, {p: True}), sess.run(v)
  return before, sess.run(kept[0] + 1, {p: True}), sess.run(v)


def branch_gradient(tf, sess):
  """A loss of what a branch made."""
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  w = tf.get_variable("w", initializer=3.0)
  kept = []

  def yes():
    kept.append(tf.square(x * w))
    return x

  y = tf.cond(p, yes, lambda: w)
  loss = kept[0] * 2 + y
  grads = tf.gradients(loss, [x, w])
  sess.run(tf.global_variables_initializer())
  return sess.run([loss] + grads, {p: True, x: 2.0})


def branch_in_loop(tf, sess):
  """In the body of a loop, a tensor of a branch is used in the body around the branch."""
  kept = []

  def body(i, y):
    z = tf.cond(i >= 0, lambda: kept.append(y * 2) or y, lambda: y)
    return i + 1, kept[0] + z

  return sess.run(tf.while_loop(lambda i, y: i < 4, body, [0, 1.0]))


def branch_value_in_another_branch(tf, sess):
  p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
  kept = []
  y = tf.cond(p, lambda: kept.append(x * 2) or kept[0], lambda: x - 1)
  z = tf.cond(p, lambda: kept[0] + y, lambda: y * 10)
  return _outcomes(tf, sess, [z], [{p: True, x: 2.0}, {p: False, x: 2.0}])


def branch_collections_in_a_meta_graph(tf, sess):
  """What collections hold of a branch is there when the graph is read again."""
  p, x = tf.placeholder(tf.bool, [], name="p"), tf.placeholder(tf.float32, [], name="x")
  v = tf.get_variable("v", initializer=1.0)

  def yes():
    tf.summary.scalar("seen", x)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_add(v, x))
    tf.add_to_collection("mine", tf.group(v.read_value()))
    return x + 1

  tf.identity(tf.cond(p, yes, lambda: x), name="y")
  meta = tf.train.export_meta_graph()
  with tf.Graph().as_default(), tf.Session() as other:
    tf.train.import_meta_graph(meta)
    merged, names = tf.summary.merge_all(), [[e.name for e in tf.get_collection(k)] for k in (
        "mine", tf.GraphKeys.UPDATE_OPS, tf.GraphKeys.SUMMARIES)]
    update = tf.group(*tf.get_collection(tf.GraphKeys.UPDATE_OPS))
    other.run(tf.global_variables_initializer())
    got = [len(other.run(merged, {"p:0": True, "x:0": 2.0}))]
    for taken in (True, False):
      other.run(update, {"p:0": taken, "x:0": 2.0})
      got.append(other.run(["v:0", "y:0"], {"p:0": taken, "x:0": 2.0}))
    return names, got
