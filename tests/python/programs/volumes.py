"""Convolutions and pooling of volumes: tf.nn, tf.layers and tf.contrib.layers."""

import numpy as np

X = np.sin(np.arange(2 * 5 * 6 * 4 * 3, dtype=np.float32)).reshape(2, 5, 6, 4, 3)
F = np.cos(np.arange(2 * 3 * 2 * 3 * 4, dtype=np.float32)).reshape(2, 3, 2, 3, 4)


def _seeded(tf):
  return tf.variable_scope("", initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def convolution(tf):
  x, f = tf.constant(X), tf.constant(F)
  y = [tf.nn.conv3d(x, f, [1, 1, 1, 1, 1], "SAME"), tf.nn.conv3d(X, filters=f, strides=[1, 2, 1, 3, 1],
                                                                padding="VALID", name="named")]
  return [y, tf.gradients(y[0], [x, f]), tf.gradients(0.01 * y[1] * y[1], f)]


def backprop(tf):
  x, y = tf.constant(X), tf.constant(np.cos(np.arange(2 * 4 * 4 * 3 * 4, dtype=np.float32)).reshape(2, 4, 4, 3, 4))
  return [[tf.nn.conv3d_backprop_filter(x, [2, 3, 2, 3, 4], y, [1, 1, 1, 1, 1], "VALID"),
           tf.nn.conv3d_backprop_filter_v2(x, tf.shape(F), y, [1, 1, 1, 1, 1], "VALID", name="named")]]


def transposed(tf):
  y = tf.constant(np.cos(np.arange(2 * 2 * 3 * 2 * 4, dtype=np.float32)).reshape(2, 2, 3, 2, 4))
  f = tf.constant(F)
  x = [tf.nn.conv3d_transpose(y, f, [2, 4, 3, 2, 3], [1, 2, 1, 1, 1]),
       tf.nn.conv3d_transpose(y, f, tf.constant([2, 4, 7, 4, 3]), 2, "VALID", name="named"),
       tf.nn.conv3d_transpose(None, input=y, filters=f, output_shape=[2, 2, 6, 4, 3], strides=[1, 2, 2], padding="SAME")]
  return [x, tf.gradients(x[0] * x[0], [y, f])]


def by_rank(tf):
  y = tf.constant(np.cos(np.arange(2 * 2 * 3 * 2 * 4, dtype=np.float32)).reshape(2, 2, 3, 2, 4))
  return [[tf.nn.convolution(X, F, "SAME"), tf.nn.convolution(tf.constant(X), F, "VALID", strides=[2, 1, 3], name="named"),
           tf.nn.convolution(X, F, "SAME", dilation_rate=[2, 1, 2]), tf.nn.convolution(X, F, "VALID", dilations=[3, 2, 1]),
           tf.nn.conv_transpose(y, F, [2, 4, 6, 4, 3], 2),
           tf.nn.max_pool_v2(tf.constant(X), 2, [2, 1, 2], "SAME"),
           tf.nn.avg_pool_v2(tf.constant(X), [1, 2, 3, 2, 1], 1, "VALID", data_format="NDHWC"),
           tf.nn.pool(X, [2, 3, 2], "MAX", "SAME", strides=[2, 1, 1]), tf.nn.pool(X, [2, 2, 2], "AVG", "VALID"),
           tf.nn.pool(X, [2, 2, 2], "AVG", "VALID", dilation_rate=[2, 3, 1])]]


def pools(tf):
  x = tf.constant(X)
  y = [tf.nn.max_pool3d(x, [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME"), tf.nn.max_pool3d(X, 2, 1, "VALID", name="named"),
       tf.nn.avg_pool3d(x, [2, 3, 1], [1, 2, 1], "SAME"), tf.nn.avg_pool3d(X, 2, 2, "VALID")]
  return [y, tf.gradients(y[0] * y[0], x), tf.gradients(y[2] * y[2], x)]


def layers(tf):
  x = tf.constant(X)
  with _seeded(tf):
    y = [tf.layers.conv3d(x, 4, 2), tf.layers.conv3d(x, 2, (3, 2, 1), 2, "same", activation=tf.nn.relu, name="named"),
         tf.layers.conv3d_transpose(x, 2, 2, strides=2), tf.layers.conv3d_transpose(x, 2, (3, 2, 1), (1, 3, 2), "same"),
         tf.layers.max_pooling3d(x, 2, 2), tf.layers.max_pooling3d(x, (2, 1, 2), 1, "same"),
         tf.layers.average_pooling3d(x, 2, (1, 2, 2)), tf.layers.average_pooling3d(x, 3, 2, "same", name="mean")]
  layer = tf.layers.MaxPooling3D(2, 1)
  return [y, layer(x), tf.layers.AveragePooling3D(2, 1)(x)]


def layers_of_unknown_sizes(tf):
  x = tf.placeholder(tf.float32, [None, None, None, None, 3])
  with _seeded(tf):
    y = tf.layers.conv3d_transpose(x, 4, 3, strides=(2, 1, 1), name="up", use_bias=False)
    z = tf.layers.conv3d(x, 2, 2, name="down")
  return [([y, z], {x: X})]


def dilated_layers(tf):
  with _seeded(tf):
    return [[tf.layers.conv3d(tf.constant(X), 4, 2, dilation_rate=(2, 1, 2))]]


def contrib(tf):
  l = tf.contrib.layers
  x = tf.constant(X)
  init = l.xavier_initializer(seed=3)
  y = [l.conv3d(x, 4, [2, 3, 2], weights_initializer=init),
       l.conv3d(x, 2, 3, stride=2, padding="VALID", activation_fn=None, weights_initializer=init, scope="down"),
       l.convolution(x, 2, 3, weights_initializer=init, scope="any"),
       l.conv3d_transpose(x, 2, 2, stride=2, weights_initializer=init, biases_initializer=tf.ones_initializer()),
       l.max_pool3d(x, 2), l.avg_pool3d(x, [2, 1, 2], stride=1, padding="SAME", scope="p", outputs_collections="outs")]
  return [y]


def wrong_padding(tf):
  tf.nn.conv3d(X, F, [1, 1, 1, 1, 1], "EXPLICIT")


def few_strides(tf):
  tf.nn.conv3d(X, F, [1, 1, 1, 1], "SAME")


def wrong_channels(tf):
  tf.nn.conv3d(X[..., :2], F, [1, 1, 1, 1, 1], "SAME")


def wrong_rank(tf):
  tf.nn.max_pool3d(X[0], 2, 2, "SAME")


def wrong_window(tf):
  tf.nn.avg_pool3d(X, [2, 2], 2, "SAME")


def both_names(tf):
  tf.nn.conv3d(X, F, [1, 1, 1, 1, 1], "SAME", filters=F)


def wrong_layer_rank(tf):
  tf.layers.conv3d(tf.constant(X[0]), 2, 2)


def wrong_transpose_rank(tf):
  tf.layers.conv3d_transpose(tf.constant(X[0]), 2, 2)


def wrong_layout(tf):
  tf.contrib.layers.max_pool3d(tf.constant(X), 2, data_format="NHWC")


PROGRAMS = [convolution, backprop, transposed, pools, layers, layers_of_unknown_sizes, contrib]
VALUES_ONLY = [by_rank, dilated_layers]
ERRORS = [wrong_padding, few_strides, wrong_channels, wrong_rank, wrong_window, both_names, wrong_layer_rank,
          wrong_transpose_rank, wrong_layout]
