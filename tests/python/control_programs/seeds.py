"""Random operations without seeds take the number of nodes before them for one, those of control flow among them."""


def _seed(tf):
  """The seed of a random operation made now."""
  tf.random_uniform([])
  return _all_seeds(tf)[-1]


def _all_seeds(tf):
  return [op.get_attr("seed2") for op in tf.get_default_graph().get_operations() if op.type == "RandomUniform"]


def _seeded(tf):
  tf.set_random_seed(1)
  return tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [3])


def seeds_of_cond(tf, sess):
  p, x = _seeded(tf)
  w = tf.get_variable("w", [3])
  seeds = [_seed(tf)]

  def yes():
    y = x * w + x
    seeds.append(_seed(tf))
    return y, tf.constant(1)

  tf.cond(p, yes, lambda: (x, 0))
  seeds.append(_seed(tf))
  tf.cond(p, lambda: tf.no_op(), lambda: tf.assign(w, x).op)
  seeds.append(_seed(tf))
  tf.cond(p, lambda: 1, lambda: [2])
  return seeds + [_seed(tf)]


def seeds_of_nested_cond(tf, sess):
  p, x = _seeded(tf)
  z, seeds = x * 2, []

  def inner():
    seeds.append(_seed(tf))
    return x + z

  def outer():
    y = z - 1
    r = tf.cond(tf.reduce_sum(x) > 0, inner, lambda: y + x)
    seeds.append(_seed(tf))
    return r * z

  tf.cond(p, outer, lambda: tf.cond(p, lambda: x, lambda: z))
  seeds.append(_seed(tf))
  tf.case([(p, lambda: x), (tf.reduce_sum(x) > 1, lambda: z)], default=lambda: x + z, exclusive=True)
  return seeds + [_seed(tf)]


def seeds_of_branch_values(tf, sess):
  p, x = _seeded(tf)
  kept = []
  tf.cond(p, lambda: kept.append(x * 2) or x, lambda: x)
  y = kept[0] + 1
  with tf.control_dependencies([kept[0].op]):
    z = x + 1
  seeds = [_seed(tf)]
  tf.cond(p, lambda: kept[0] + y, lambda: z)
  return seeds + [_seed(tf)]


def seeds_of_while(tf, sess):
  _, x = _seeded(tf)
  w = tf.get_variable("w", [3])
  z, seeds = x * 2, []

  def body(i, y):
    y = y * w + z
    seeds.append(_seed(tf))
    return i + 1, y + x

  tf.while_loop(lambda i, y: tf.reduce_sum(y) < tf.reduce_sum(z), body, [0, x])
  seeds.append(_seed(tf))
  tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=2)
  seeds.append(_seed(tf))
  tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, z), [0, x], shape_invariants=[tf.TensorShape([])] + [x.shape])
  return seeds + [_seed(tf)]


def seeds_of_nested_while(tf, sess):
  p, x = _seeded(tf)
  z, seeds = x * 2, []

  def inner(j, y):
    seeds.append(_seed(tf))
    return j + 1, tf.cond(p, lambda: y + z, lambda: y)

  def outer(i, y):
    y = tf.while_loop(lambda j, y: j < i, inner, [0, y])[1]
    seeds.append(_seed(tf))
    return i + 1, y * x

  tf.while_loop(lambda i, y: i < 3, outer, [0, x])
  seeds.append(_seed(tf))
  tf.cond(p, lambda: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + z), [0, x])[1], lambda: z)
  return seeds + [_seed(tf)]


def seeds_of_arrays(tf, sess):
  p, x = _seeded(tf)
  n = tf.placeholder(tf.int32, [])
  seeds = []
  a = tf.TensorArray(tf.float32, size=3).unstack(x)
  seeds.append(_seed(tf))
  b = tf.TensorArray(tf.float32, size=n, dynamic_size=True, infer_shape=False).write(0, 1.0)
  seeds.append(_seed(tf))
  a.stack(), a.read(1), a.gather([0, 1]), b.size(), b.close()
  seeds.append(_seed(tf))
  b.scatter([1, 2], [1.0, 2.0]).split([1.0, 2.0, 3.0], [1, 2]).concat()
  seeds.append(_seed(tf))
  c = tf.TensorArray(tf.float32, size=n)
  tf.while_loop(lambda i, c: i < n, lambda i, c: (i + 1, c.write(i, a.read(i))), [0, c])
  seeds.append(_seed(tf))
  tf.cond(p, lambda: a.stack(), lambda: x)
  return seeds + [_seed(tf)]


def seeds_of_map_fn(tf, sess):
  _, x = _seeded(tf)
  u = tf.placeholder(tf.float32, [None, 2])
  seeds = []

  def with_seed(*args):
    seeds.append(_seed(tf))
    return args[0] * 2

  tf.map_fn(with_seed, x)
  seeds.append(_seed(tf))
  tf.map_fn(lambda t: (t[0], t[1]), (u, u + 1), dtype=(tf.float32, tf.float32))
  seeds.append(_seed(tf))
  tf.scan(with_seed, u)
  seeds.append(_seed(tf))
  tf.scan(lambda a, e: a + e, x, initializer=0.0, reverse=True)
  seeds.append(_seed(tf))
  tf.foldl(with_seed, x)
  seeds.append(_seed(tf))
  tf.foldr(lambda a, e: a + e, u, initializer=tf.zeros([2]))
  return seeds + [_seed(tf)]


def seeds_of_rnn(tf, sess):
  _seeded(tf)
  x = tf.placeholder(tf.float32, [2, 4, 3])
  u, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None])
  seeds = []
  tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(5), x, dtype=tf.float32, scope="a")
  seeds.append(_seed(tf))
  cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(5), output_keep_prob=0.5)
  tf.nn.dynamic_rnn(cell, u, sequence_length=lengths, dtype=tf.float32, scope="b")
  seeds.append(_seed(tf))
  cell = lambda: tf.nn.rnn_cell.BasicRNNCell(5)
  tf.nn.bidirectional_dynamic_rnn(cell(), cell(), u, sequence_length=lengths, dtype=tf.float32, scope="c")
  return seeds + [_seed(tf)] + _all_seeds(tf)


def seeds_of_layers(tf, sess):
  p, _ = _seeded(tf)
  x = tf.placeholder(tf.float32, [4, 2, 2, 3])
  seeds = []
  for training in (p, True, False):
    y = tf.layers.dropout(x, 0.5, training=training)
    seeds.append(_seed(tf))
    y = tf.layers.batch_normalization(y, training=training)
    seeds.append(_seed(tf))
    y = tf.layers.batch_normalization(tf.layers.flatten(y), training=training)
    seeds.append(_seed(tf))
    tf.layers.dense(y, 3)
  return seeds + _all_seeds(tf), [t.name for t in tf.get_collection(tf.GraphKeys.UPDATE_OPS)]
