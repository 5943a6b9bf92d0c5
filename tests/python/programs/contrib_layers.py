"""The less common layers of tf.contrib.layers."""

import numpy as np

X = np.sin(np.arange(4 * 6, dtype=np.float32)).reshape(4, 6)
IMAGES = np.sin(np.arange(2 * 4 * 6 * 3, dtype=np.float32)).reshape(2, 4, 6, 3)
SEQUENCES = np.sin(np.arange(2 * 5 * 3, dtype=np.float32)).reshape(2, 5, 3)


def in_plane(tf):
  l = tf.contrib.layers
  init = l.xavier_initializer(seed=3)
  x = tf.constant(IMAGES)
  return [[l.conv2d_in_plane(x, 3, weights_initializer=init),
           l.convolution2d_in_plane(x, [2, 3], stride=2, padding="VALID", activation_fn=None, biases_initializer=None,
                                    weights_initializer=init, weights_regularizer=l.l2_regularizer(0.1), scope="mine",
                                    variables_collections=["vs"], outputs_collections="outs")]]


def sequences(tf):
  l = tf.contrib.layers
  x = tf.placeholder_with_default(IMAGES, [None, None, 6, 3])
  columns = l.images_to_sequence(x)
  first = l.images_to_sequence(tf.constant(IMAGES), data_format="NCHW", scope="first")
  return [[columns, l.sequence_to_images(columns, 4), first,
           l.sequence_to_images(tf.constant(SEQUENCES), 5, output_data_format="channels_first",
                                outputs_collections="outs")]]


def sparse(tf):
  return [tf.contrib.layers.dense_to_sparse([[0, 3, 0], [5, 0, 1]]),
          tf.contrib.layers.dense_to_sparse(tf.constant([[b"a", b""], [b"b", b"c"]]), eos_token="")]


def scaled_gradient(tf):
  x = tf.constant(X)
  y = tf.contrib.layers.scale_gradient(x, tf.constant(0.25))
  return [y, tf.gradients(y * y, x)]


def legacy(tf):
  l = tf.contrib.layers
  init = l.xavier_initializer(seed=3)
  x = tf.constant(X)
  y = [l.legacy_fully_connected(x, 3, weight_init=init), l.legacy_relu(x, 2, weight_init=init, name="mine"),
       l.legacy_linear(tf.constant(SEQUENCES), 4, weight_init=init, bias_init=None, weight_collections=["ws"],
                       weight_regularizer=l.l2_regularizer(0.1)), l.elu(x, 3, weights_initializer=init)]
  return [y]


def gdn(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  y = l.gdn(x)
  z = l.gdn(tf.constant(SEQUENCES), inverse=True, gamma_init=0.5, name="inverse")
  return [[y, z]]


def gdn_gradients(tf):
  l = tf.contrib.layers
  x = tf.constant(IMAGES)
  y = l.gdn(x, beta_min=0.5)
  v = tf.constant(IMAGES.reshape(2, 4, 2, 3, 3))
  z = l.gdn(v, name="volumes")
  steps = [tf.train.GradientDescentOptimizer(2.0).minimize(tf.reduce_sum(y * y)), [u.read_value() for u in tf.global_variables()]]
  return [[y, z], tf.gradients(y, [x] + tf.trainable_variables()[:2])] + steps + [y]


def wrong_layout(tf):
  tf.contrib.layers.gdn(tf.constant(IMAGES), data_format="NHWC")


def flat_gdn(tf):
  tf.contrib.layers.gdn(tf.constant(X))


def flat_in_plane(tf):
  tf.contrib.layers.conv2d_in_plane(tf.constant(X), 3)


def vector_in_legacy(tf):
  tf.contrib.layers.legacy_fully_connected(tf.constant(X[0]), 3)


def wrong_sequence_layout(tf):
  tf.contrib.layers.images_to_sequence(tf.constant(IMAGES), data_format="NWC")


PROGRAMS = [in_plane, sequences, sparse, legacy, gdn]
VALUES_ONLY = [scaled_gradient, gdn_gradients]
ERRORS = [wrong_layout, flat_gdn, flat_in_plane, vector_in_legacy, wrong_sequence_layout]
