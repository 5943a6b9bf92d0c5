"""tf.nn's and tf.layers' convolutions and pooling."""

import copy

import numpy as np

X1 = np.sin(np.arange(2 * 9 * 3, dtype=np.float32)).reshape(2, 9, 3)
X2 = np.sin(np.arange(2 * 7 * 6 * 3, dtype=np.float32)).reshape(2, 7, 6, 3)
F1 = np.cos(np.arange(3 * 3 * 4, dtype=np.float32)).reshape(3, 3, 4)
F2 = np.cos(np.arange(3 * 2 * 3 * 4, dtype=np.float32)).reshape(3, 2, 3, 4)


def _ones(tf):
  return tf.variable_scope("", initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def conv1d(tf):
  y = [tf.nn.conv1d(X1, F1, 2, "SAME"), tf.nn.conv1d(X1, F1, stride=1, padding="VALID", name="named"),
       tf.nn.conv1d(X1, F1, [1, 3, 1], "VALID", data_format="NWC")]
  return [y]


def convolution(tf):
  return [[tf.nn.convolution(X2, F2, "SAME"), tf.nn.convolution(X2, F2, "VALID", strides=[2, 1], name="named"),
           tf.nn.convolution(X1, F1, "SAME", strides=[2])]]


def dilated(tf):
  x, f = tf.constant(X2), tf.constant(F2)
  y = [tf.nn.convolution(x, f, "SAME", dilation_rate=[2, 3]), tf.nn.convolution(x, f, "VALID", dilations=[2, 1]),
       tf.nn.convolution(X1, F1, "SAME", dilation_rate=[2]), tf.nn.atrous_conv2d(x, f, 2, "SAME"),
       tf.nn.atrous_conv2d(x, f, 2, "VALID"),
       tf.nn.atrous_conv2d_transpose(tf.ones([2, 3, 4, 4]), f, [2, 7, 6, 3], 2, "VALID"),
       tf.nn.atrous_conv2d_transpose(tf.ones([2, 7, 6, 4]), f, [2, 7, 6, 3], 2, "SAME")]
  return [y, tf.gradients(y[0], [x, f])]


def transposed(tf):
  y = [tf.nn.conv1d_transpose(tf.ones([2, 4, 4]), F1, [2, 9, 3], 2, "VALID"),
       tf.nn.conv_transpose(tf.ones([2, 4, 4]), F1, [2, 8, 3], 2),
       tf.nn.conv_transpose(tf.ones([2, 4, 3, 4]), F2, [2, 8, 6, 3], [2, 2]),
       tf.nn.conv2d_transpose(tf.ones([2, 4, 3, 4]), F2, [2, 8, 6, 3], [1, 2, 2, 1])]
  return [y]


def pools(tf):
  return [[tf.nn.pool(X2, [2, 3], "MAX", "SAME", strides=[2, 1]), tf.nn.pool(X2, [2, 2], "AVG", "VALID"),
           tf.nn.pool(X1, [3], "MAX", "SAME"), tf.nn.pool(X1, [2], "AVG", "VALID", strides=[2]),
           tf.nn.pool(X2, [2, 2], "AVG", "VALID", dilation_rate=[2, 3]),
           tf.nn.pool(X1, [3], "MAX", "VALID", dilation_rate=[2]),
           tf.nn.max_pool_v2(X2, 2, [2, 1], "SAME"), tf.nn.avg_pool_v2(X1, [2], 1, "VALID"),
           tf.nn.avg_pool_v2(tf.constant(X2), [1, 2, 2, 1], 2, "VALID", data_format="NHWC"),
           tf.nn.max_pool1d(X1, 2, 2, "SAME"), tf.nn.avg_pool1d(X1, 3, 1, "VALID")]]


def space_to_batch(tf):
  def op(x, num_spatial_dims, padding):
    return tf.nn.conv2d(x, F2, [1, 1, 1, 1], padding) * num_spatial_dims
  x = tf.placeholder_with_default(X2, [None, None, None, 3])
  return [[tf.nn.with_space_to_batch(tf.constant(X2), [2, 2], "SAME", op, filter_shape=[3, 2]),
           tf.nn.with_space_to_batch(x, [1, 2], "VALID", op),
           tf.nn.with_space_to_batch(x, [1, 1], "SAME", op)]]


def activations(tf):
  x = tf.constant([[-2.0, -0.5, 0.0], [0.5, 2.0, 3.0]])
  return [[tf.nn.crelu(x), tf.nn.elu(x), tf.nn.selu(x), tf.nn.leaky_relu(x, 0.1), tf.nn.softsign(x),
           tf.nn.l2_normalize(x, 1), tf.nn.relu6(x)]]


def losses(tf):
  x, z = tf.constant([[-2.0, -0.5], [0.5, 2.0]]), tf.constant([[0.0, 1.0], [1.0, 0.2]])
  return [[tf.nn.weighted_cross_entropy_with_logits(z, x, 2.0), tf.nn.log_poisson_loss(z + 0.5, x),
           tf.nn.log_poisson_loss(z * 3.0, x, compute_full_loss=True), tf.nn.swish(x), tf.nn.zero_fraction(x),
           tf.nn.compute_average_loss([1.0, 2.0, 4.0]), tf.nn.scale_regularization_loss([1.0, 2.0]),
           tf.nn.compute_average_loss([1.0, 2.0], sample_weight=[[0.5], [2.0]], global_batch_size=4)]]


def moments(tf):
  x = tf.constant(X2)
  w = tf.constant(np.abs(X2[:, :, :, :1]))
  counts, mean_ss, variance_ss, shift = tf.nn.sufficient_statistics(x, [0, 1, 2], shift=0.5)
  return [[tf.nn.moments(x, [0, 1], keep_dims=True), tf.nn.weighted_moments(x, [0, 1, 2], w),
           tf.nn.weighted_moments(x, [1], w, keep_dims=True),
           tf.nn.normalize_moments(counts, mean_ss, variance_ss, shift)],
          [tf.nn.batch_normalization(x, 0.5, 2.0, None, None, 1e-3), tf.nn.batch_normalization(x, 0.5, 2.0, 1.0, 3.0, 1e-3)]]


def layers(tf):
  x1, x2 = tf.constant(X1), tf.constant(X2)
  with _ones(tf):
    y = [tf.layers.conv1d(x1, 4, 3), tf.layers.conv1d(x1, 4, 3, strides=2, padding="same", activation=tf.nn.relu),
         tf.layers.conv2d(x2, 4, (3, 2), activation="tanh", use_bias=False),
         tf.layers.conv2d_transpose(x2, 4, 3, strides=2), tf.layers.conv2d_transpose(x2, 4, (2, 3), (3, 1), "same"),
         tf.layers.separable_conv2d(x2, 4, 3), tf.layers.separable_conv2d(x2, 4, 3, depth_multiplier=2, padding="same"),
         tf.layers.separable_conv1d(x1, 4, 3, padding="same", name="sep"),
         tf.layers.dense(x2, 5, activation=tf.nn.relu, kernel_initializer="ones")]
  return [y]


def layers_of_unknown_batch(tf):
  x = tf.placeholder(tf.float32, [None, None, None, 3])
  with _ones(tf):
    y = tf.layers.conv2d_transpose(x, 4, 3, strides=(2, 1), name="up")
    z = tf.layers.conv2d_transpose(x, 4, 3, strides=(2, 1), name="up", reuse=True)
  return [([y, z], {x: X2})]


def dilated_layers(tf):
  with _ones(tf):
    return [[tf.layers.conv1d(tf.constant(X1), 4, 3, dilation_rate=2), tf.layers.conv2d(
        tf.constant(X2), 4, 3, dilation_rate=(2, 1), padding="same"),
             tf.layers.separable_conv2d(tf.constant(X2), 4, 2, dilation_rate=2)]]


def names_and_copies(tf):
  layer = tf.layers.Dense(3, kernel_regularizer=lambda w: tf.reduce_sum(w, name="sum"))
  other = copy.deepcopy(layer)
  y = layer(tf.ones([2, 4]))
  assert layer.name == "dense_1" and tf.layers.Dense(2).name == "dense_2", layer.name
  assert other.units == 3
  return [tf.shape(y), tf.shape(other(tf.ones([2, 4]))), tf.shape(tf.layers.Dense(2, name="x")(y))]


def wrong_rank(tf):
  tf.nn.convolution(X2[0, 0], F2, "SAME")


def wrong_channels(tf):
  tf.nn.convolution(X2[:, :, :, :2], F2, "SAME")


def strides_and_dilation(tf):
  tf.nn.convolution(X2, F2, "SAME", strides=[2, 2], dilation_rate=[2, 2])


def wrong_strides(tf):
  tf.nn.convolution(X2, F2, "SAME", strides=[2, 1, 2])


def same_dilated_pool(tf):
  tf.nn.pool(X2, [2, 2], "MAX", "SAME", dilation_rate=[2, 2])


def large_pool_strides(tf):
  tf.nn.pool(X2, [2, 2], "MAX", "SAME", strides=[3, 3])


def wrong_pool(tf):
  tf.nn.pool(X2, [2, 2], "SUM", "SAME")


def wrong_layout(tf):
  tf.nn.conv1d(X1, F1, 1, "SAME", data_format="NDHWC")


def wrong_rate(tf):
  tf.nn.atrous_conv2d(X2, F2, 0, "SAME")


def wrong_activation(tf):
  tf.layers.dense(tf.ones([2, 3]), 2, activation="sharp")


def wrong_layer_rank(tf):
  tf.layers.conv1d(tf.ones([2, 3]), 2, 3)


PROGRAMS = [conv1d, convolution, activations, layers, layers_of_unknown_batch, names_and_copies]
VALUES_ONLY = [dilated, transposed, pools, space_to_batch, losses, moments, dilated_layers]
ERRORS = [wrong_rank, wrong_channels, strides_and_dilation, wrong_strides, same_dilated_pool, large_pool_strides,
          wrong_pool, wrong_layout, wrong_rate, wrong_activation, wrong_layer_rank]
