"""tf.contrib.layers, .framework and .rnn as the programs of 2016 to 2019 use them."""

import numpy as np

X = np.sin(np.arange(4 * 6, dtype=np.float32)).reshape(4, 6)
IMAGES = np.sin(np.arange(2 * 6 * 6 * 3, dtype=np.float32)).reshape(2, 6, 6, 3)


def _seeded(tf):
  return tf.variable_scope("net", initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def regularizers(tf):
  l = tf.contrib.layers
  w = tf.constant([[1.0, -2.0], [3.0, 0.5]])
  losses = [l.l1_regularizer(0.1)(w), l.l2_regularizer(0.2)(w), l.l1_l2_regularizer(0.1, 0.2)(w),
            l.l2_regularizer(0.3, scope="mine")(w), l.sum_regularizer([l.l1_regularizer(0.5), None])(w),
            l.apply_regularization(l.l2_regularizer(0.1), [w, 2.0 * w])]
  assert l.l1_regularizer(0.0)(w) is None and l.sum_regularizer([]) is None
  with tf.variable_scope("v", regularizer=l.l2_regularizer(0.1)):
    tf.get_variable("a", initializer=[1.0, 2.0])
    tf.layers.dense(tf.ones([2, 3]), 2, kernel_initializer=tf.ones_initializer(),
                    kernel_regularizer=l.l1_regularizer(0.5))
  return [losses, tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)]


def initializers(tf):
  l = tf.contrib.layers
  return [[init([4, 3, 5]) for init in (
      l.xavier_initializer(seed=1), l.xavier_initializer(uniform=False, seed=1),
      l.variance_scaling_initializer(seed=2), l.variance_scaling_initializer(1.0, "FAN_OUT", True, seed=3))],
          l.xavier_initializer_conv2d(seed=7)([3])]


def dense(tf):
  l = tf.contrib.layers
  x = tf.constant(X)
  init = tf.contrib.layers.xavier_initializer(seed=3)
  y = l.fully_connected(x, 5, weights_initializer=init)
  y = l.fully_connected(y, 4, activation_fn=None, weights_initializer=init, weights_regularizer=l.l2_regularizer(0.1),
                        variables_collections={"weights": ["ws"], "biases": ["bs"]}, outputs_collections="outs",
                        scope="named")
  z = l.fully_connected(x, 4, activation_fn=tf.tanh, weights_initializer=init, biases_initializer=None, scope="plain")
  l.fully_connected(x, 4, scope="plain", reuse=True, biases_initializer=None)
  return [[y, z, l.linear(x, 2, weights_initializer=init), l.flatten(tf.constant(IMAGES)), l.softmax(y),
           l.one_hot_encoding([1, 0], 3)]]


def convolutions(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  init = tf.contrib.layers.xavier_initializer(seed=3)
  with tf.contrib.framework.arg_scope([l.conv2d, l.conv2d_transpose], weights_initializer=init,
                                      biases_initializer=tf.ones_initializer()):
    y = l.conv2d(x, 4, [3, 3])
    with tf.contrib.framework.arg_scope([l.conv2d], stride=2, padding="VALID") as saved:
      z = l.conv2d(y, 2, 3, activation_fn=None, scope="down")
    up = l.conv2d_transpose(z, 3, 3, stride=2)
  with tf.contrib.framework.arg_scope(saved):
    again = l.conv2d(x, 2, 3, scope="again")
  sep = l.separable_conv2d(x, 4, 3, 2, weights_initializer=init)
  deep = l.separable_conv2d(x, None, 3, 2, weights_initializer=init, scope="deep")
  return [[y, z, up, again, sep, deep, l.max_pool2d(y, 2), l.avg_pool2d(y, [2, 2], stride=1, scope="p"),
           l.bias_add(x, initializer=tf.ones_initializer())]]


def norms(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  y = l.batch_norm(x, scale=True)
  z = l.batch_norm(x, is_training=False, scope="frozen", center=False)
  n = l.layer_norm(x, activation_fn=tf.nn.relu)
  init = tf.contrib.layers.xavier_initializer(seed=3)
  c = l.conv2d(x, 2, 3, normalizer_fn=l.batch_norm, normalizer_params={"decay": 0.9, "scale": True},
               weights_initializer=init)
  return [[y, z, n, c], tf.get_collection(tf.GraphKeys.UPDATE_OPS), [v.read_value() for v in tf.global_variables()]]


def norms_at_once(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  flat = tf.constant(X)
  y = [l.batch_norm(x, decay=0.5, updates_collections=None), l.batch_norm(flat, decay=0.5, updates_collections=None),
       l.batch_norm(flat, decay=0.5, scope="in_update_ops", scale=True),
       l.batch_norm(x, decay=0.5, updates_collections=None, zero_debias_moving_mean=True),
       l.batch_norm(x, decay=0.5, batch_weights=tf.constant([1.0, 3.0])),
       l.batch_norm(tf.transpose(x, [0, 3, 1, 2]), decay=0.5, updates_collections="mine", fused=False,
                    data_format="NCHW"),
       l.batch_norm(x, is_training=False, updates_collections=None, scope="not")]
  values = [v.read_value() for v in tf.global_variables()]
  return [y, values, tf.get_collection("mine"), tf.get_collection(tf.GraphKeys.UPDATE_OPS), y, values]


def norms_by_placeholder(tf):
  l = tf.contrib.layers
  phase = tf.placeholder(tf.bool, [])
  x = tf.constant(IMAGES)
  y = [l.batch_norm(x, decay=0.5, is_training=phase, updates_collections=None),
       l.batch_norm(x, decay=0.5, is_training=phase), l.dropout(x, is_training=phase, keep_prob=1.0)]
  values = [v.read_value() for v in tf.global_variables()]
  with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    done = tf.identity(1.0)
  tf.get_default_graph().clear_collection(tf.GraphKeys.UPDATE_OPS)
  # TensorFlow's updates outside of training multiply what was never written by zero, which may be NaN.
  return [(s, {phase: t}) for t in (False, True, False) for s in ([y, done] if t else y, values)]


def more_norms(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  return [[l.instance_norm(x), l.instance_norm(tf.transpose(x, [0, 3, 1, 2]), data_format="NCHW", scope="first"),
           l.instance_norm(x, center=False, scale=False, activation_fn=tf.nn.relu)]]


def group_norms(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES.reshape([2, 6, 3, 6]))
  y = tf.placeholder_with_default(IMAGES.reshape([2, 6, 3, 6]), [None, 6, 3, 6])
  return [[l.group_norm(x, groups=3), l.group_norm(y, groups=2, mean_close_to_zero=True),
           l.group_norm(x, groups=2, channels_axis=1, reduction_axes=(2, 3), center=False)]]


def summaries(tf):
  l = tf.contrib.layers
  tf.add_to_collection(tf.GraphKeys.ACTIVATIONS, tf.nn.relu6(tf.constant([1.0, -2.0, 7.0]), name="r"))
  tf.add_to_collection(tf.GraphKeys.ACTIVATIONS, tf.nn.tanh(tf.constant([1.0]), name="other"))
  made = l.summarize_activations("r") + l.summarize_tensors([tf.constant(1.0, name="s"), tf.constant([1, 2], name="t")])
  assert l.summarize_tensor(tf.constant("text")) is None
  tf.get_variable("v", [2])
  return [[l.embed_sequence([[0, 1], [2, 2]], 3, 4, initializer=tf.ones_initializer())],
          [tf.shape(m) for m in made + l.summarize_collection(tf.GraphKeys.GLOBAL_VARIABLES)]]


def stacks(tf):
  l = tf.contrib.layers
  x = tf.constant(X)
  init = tf.contrib.layers.xavier_initializer(seed=3)
  y = l.repeat(x, 2, l.fully_connected, 4, weights_initializer=init)
  z = l.stack(x, l.fully_connected, [3, 2], weights_initializer=init, scope="fc")
  return [[y, z]]


def shapes(tf):
  l = tf.contrib.layers
  return [[l.unit_norm(tf.constant(X), 1), l.maxout(tf.constant(X), 3), l.spatial_softmax(tf.constant(IMAGES))]]


def variables(tf):
  f = tf.contrib.framework
  a = f.model_variable("a", [2], initializer=tf.ones_initializer(), regularizer=tf.contrib.layers.l2_regularizer(0.5))
  with tf.variable_scope("s"):
    f.variable("b", [2], initializer=tf.zeros_initializer(), collections=[tf.GraphKeys.GLOBAL_VARIABLES, "mine"])
  f.local_variable(1.0, name="c")
  f.global_variable(2.0, name="d")

  def names(found):
    return [v.op.name for v in found]

  assert names(f.get_variables("s")) == ["s/b"] and names(f.get_model_variables()) == ["a"]
  assert names(f.get_variables_by_name("b")) == ["s/b"] and f.get_unique_variable("a") is a
  assert names(f.get_variables_to_restore(exclude=["s"])) == ["a", "d"]
  assert names(f.filter_variables(tf.global_variables(), include_patterns=["^s"])) == ["s/b"]
  assign, feeds = f.assign_from_values({"a": np.array([5.0, 6.0])})
  return [(assign, feeds), [tf.identity(a)]]


def optimize(tf):
  w = tf.get_variable("w", initializer=[1.0, -2.0])
  step = tf.train.get_or_create_global_step()
  loss = tf.contrib.layers.optimize_loss(
      tf.reduce_sum(tf.square(w)), step, 0.1, "SGD", clip_gradients=1.0,
      learning_rate_decay_fn=lambda rate, step: tf.train.exponential_decay(rate, step, 1, 0.5))
  # TensorFlow may read the variable for the loss before or after its update.
  return [loss.op, loss.op, [tf.identity(w), tf.identity(step)]]


def old_losses(tf):
  l = tf.contrib.losses
  p, z = tf.constant([[0.1, 0.7], [0.9, 0.3]]), tf.constant([[0.0, 1.0], [1.0, 0.0]])
  return [[l.absolute_difference(p, z), l.sigmoid_cross_entropy(p, z, 0.5), l.softmax_cross_entropy(p, z),
           l.sparse_softmax_cross_entropy(p, tf.constant([1, 0], tf.int64)), l.log_loss(p, z), l.hinge_loss(p, z),
           l.mean_squared_error(p, z, weights=2.0), l.mean_pairwise_squared_error(p, z), l.cosine_distance(p, z, 1),
           l.compute_weighted_loss(p, 3.0)], l.get_total_loss()]


def layer_norm_lstm(tf):
  xs = [tf.constant(X[:, :3]), tf.constant(X[:, 3:])]
  with _seeded(tf):
    y, state = tf.contrib.rnn.static_rnn(tf.contrib.rnn.LayerNormBasicLSTMCell(4, dropout_keep_prob=0.7,
                                                                               dropout_prob_seed=3), xs, dtype=tf.float32)
  with tf.variable_scope("plain", initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
    z, _ = tf.contrib.rnn.static_rnn(tf.contrib.rnn.LayerNormBasicLSTMCell(4, layer_norm=False), xs, dtype=tf.float32)
  return [[y, state, z]]


def wrapped_cells(tf):
  r = tf.contrib.rnn
  ids = [tf.constant([1, 0]), tf.constant([2, 2])]
  with _seeded(tf):
    cell = r.EmbeddingWrapper(r.OutputProjectionWrapper(r.GRUCell(3), 2, activation=tf.tanh), 4, 5)
    y, state = r.static_rnn(cell, ids, dtype=tf.float32)
    z, _ = r.static_rnn(r.InputProjectionWrapper(r.BasicLSTMCell(3), 2), [tf.constant(X)], dtype=tf.float32, scope="p")
    b = r.stack_bidirectional_rnn([r.GRUCell(3), r.GRUCell(2)], [r.GRUCell(3), r.GRUCell(2)],
                                  [tf.constant(X), tf.constant(2 * X)], dtype=tf.float32)
  return [[y, state, z, list(b)]]


def integer_scale(tf):
  tf.contrib.layers.l2_regularizer(1)


def negative_scale(tf):
  tf.contrib.layers.l1_regularizer(-0.5)


def not_decorated(tf):
  with tf.contrib.framework.arg_scope([tf.nn.relu], name="x"):
    pass


def not_a_list(tf):
  with tf.contrib.framework.arg_scope(tf.contrib.layers.conv2d, stride=2):
    pass


def wrong_outputs(tf):
  tf.contrib.layers.fully_connected(tf.constant(X), 2.5)


def wrong_rank(tf):
  tf.contrib.layers.conv2d(tf.constant(X), 2, 3)


def wrong_layout(tf):
  tf.contrib.layers.max_pool2d(tf.constant(IMAGES), 2, data_format="NWC")


def wrong_optimizer(tf):
  tf.contrib.layers.optimize_loss(tf.constant(1.0), tf.train.get_or_create_global_step(), 0.1, "Fast")


def no_variable(tf):
  tf.contrib.framework.get_unique_variable("none")


def wrong_mode(tf):
  tf.contrib.layers.variance_scaling_initializer(mode="fan")


PROGRAMS = [more_norms, summaries, regularizers, initializers, dense, convolutions, stacks, layer_norm_lstm, wrapped_cells, variables]
VALUES_ONLY = [group_norms, norms, norms_at_once, norms_by_placeholder, shapes, optimize, old_losses]
ERRORS = [integer_scale, negative_scale, not_decorated, not_a_list, wrong_outputs, wrong_rank, wrong_layout,
          wrong_optimizer, no_variable, wrong_mode]
