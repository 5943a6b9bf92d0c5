"""Special functions, quantisation for training, morphology, drawn pooling regions, and orthogonal initializers."""

import numpy as np

X = np.sin(np.arange(2 * 5 * 6 * 3, dtype=np.float32)).reshape(2, 5, 6, 3)
A = np.array([[0.5, 1.0, 2.5], [4.0, 7.0, 0.1]], np.float32)
P = np.array([[0.2, 1.5, 3.0], [2.0, 9.0, 0.7]], np.float32)


def special(tf):
  a, x = tf.constant(A), tf.constant(P)
  u = tf.constant([[0.1, 0.5, 0.9], [0.3, 0.75, 0.99]])
  m = tf.math
  y = [tf.igamma(a, x), tf.igammac(a, x, name="upper"), tf.betainc(a, x, u), tf.zeta(x + 1.5, a),
       tf.polygamma(tf.constant([[1.0, 2.0, 3.0], [1.0, 1.0, 2.0]]), x), tf.lbeta(a), m.bessel_i0e(x),
       m.bessel_i1e(-x, name="first"), m.bessel_i0(x), m.bessel_i1(x), m.nextafter(x, 2.0 * x), m.lbeta(P, name="rows"),
       tf.digamma(a), tf.lgamma(a)]
  return [y]


def special_gradients(tf):
  a, x, u = tf.constant(A), tf.constant(P), tf.constant([[0.1, 0.5, 0.9], [0.3, 0.75, 0.99]])
  return [tf.gradients(tf.igamma(a, x), [a, x]), tf.gradients(tf.igammac(a, x), [a, x]),
          tf.gradients(tf.betainc(a, x, u), u), tf.gradients(tf.zeta(tf.constant(2.5), a), a),
          tf.gradients(tf.polygamma(tf.constant(2.0), x), x), tf.gradients(tf.lbeta(a), a),
          tf.gradients(tf.math.bessel_i0e(x), x), tf.gradients(tf.math.bessel_i1(x), x)]


def special_of_sparse(tf):
  s = tf.SparseTensor([[0, 1], [1, 0]], [0.5, 2.0], [2, 2])
  return [tf.math.bessel_i0e(s), tf.math.bessel_i1e(s)]


def fake_quant(tf):
  x = tf.constant(X[0])
  q = tf.quantization
  y = [tf.fake_quant_with_min_max_args(x, -0.5, 0.8, num_bits=4, narrow_range=True), q.fake_quant_with_min_max_args(x),
       tf.fake_quant_with_min_max_vars(x, -0.3, 0.9, name="named"),
       tf.fake_quant_with_min_max_vars_per_channel(x, [-0.3, -0.1, 0.0], [0.5, 0.6, 1.0], num_bits=3),
       q.quantize_and_dequantize(x, -0.5, 0.5, num_bits=4, range_given=True),
       q.quantize_and_dequantize(x, 0.0, 0.0, signed_input=False, name="whole")]
  return [y]


def fake_quant_gradients(tf):
  x, low, high = tf.constant(X[0]), tf.constant(-0.3), tf.constant(0.9)
  lows, highs = tf.constant([-0.3, -0.1, 0.0]), tf.constant([0.5, 0.6, 1.0])
  g = tf.constant(np.cos(X[0]))
  return [tf.gradients(tf.fake_quant_with_min_max_args(x, -0.5, 0.8), x),
          tf.gradients(tf.fake_quant_with_min_max_vars(x, low, high), [x, low, high]),
          tf.gradients(tf.fake_quant_with_min_max_vars_per_channel(x, lows, highs), [x, lows, highs]),
          tf.fake_quant_with_min_max_args_gradient(g, x, -0.5, 0.8),
          tf.fake_quant_with_min_max_vars_gradient(g, x, low, high),
          tf.fake_quant_with_min_max_vars_per_channel_gradient(g, x, lows, highs),
          tf.gradients(tf.quantization.quantize_and_dequantize(x, -0.5, 0.5, range_given=True), x)]


def morphology(tf):
  x, f = tf.constant(X), tf.constant(np.cos(np.arange(2 * 3 * 3, dtype=np.float32)).reshape(2, 3, 3))
  y = [tf.nn.dilation2d(x, f, [1, 1, 2, 1], [1, 2, 1, 1], "SAME"),
       tf.nn.dilation2d(X, filters=f, strides=[1, 1, 1, 1], dilations=[1, 1, 1, 1], padding="VALID", name="named"),
       tf.nn.erosion2d(x, f, [1, 2, 1, 1], [1, 1, 2, 1], "SAME"),
       tf.nn.erosion2d(X, f, [1, 1, 1, 1], [1, 1, 1, 1], "VALID", name="worn")]
  return [y, tf.gradients(y[0] * y[0], [x, f]), tf.gradients(y[2], [x, f])]


def fractional(tf):
  x = tf.constant(X)
  y = [tf.nn.fractional_max_pool(x, [1.0, 1.44, 1.73, 1.0], deterministic=True, seed=3, seed2=5),
       tf.nn.fractional_avg_pool(X, [1.0, 1.5, 1.3, 1.0], pseudo_random=True, overlapping=True, deterministic=True,
                                 seed=7, seed2=1, name="named")]
  return [y, tf.gradients(y[0][0] * y[0][0], x)]


def argmax_pool(tf):
  x = tf.constant(X)
  y = tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
  return [[y, tf.nn.max_pool_with_argmax(x, [1, 2, 3, 1], [1, 1, 1, 1], "VALID", Targmax=tf.int64,
                                         include_batch_in_index=True, name="named")], tf.gradients(y[0], x)]


def label_runs(tf):
  labels = tf.placeholder_with_default([[1, 1, 2, 2, 1], [3, 3, 3, 0, 0], [4, 5, 5, 6, 6]], [None, 5])
  return [tf.nn.collapse_repeated(labels, [5, 4, 3]), tf.nn.collapse_repeated(tf.constant([[7, 7, 1]]), tf.constant([2], tf.int64)),
          tf.nn.ctc_unique_labels(tf.constant([[3, 4, 4, 3], [1, 2, 3, 1]]))]


def orthogonal(tf):
  tall, wide = tf.get_variable("tall", [6, 3], initializer=tf.orthogonal_initializer(seed=3)), tf.get_variable(
      "wide", [2, 2, 7], initializer=tf.initializers.orthogonal(gain=2.0, seed=4, dtype=tf.float32))
  d = tf.layers.dense(tf.ones([1, 4]), 3, kernel_initializer=tf.orthogonal_initializer(seed=1))
  return [[tall.read_value(), wide.read_value(), d],
          tf.matmul(tall, tall, transpose_a=True)]


def orthogonal_kernels(tf):
  f = tf.contrib.framework
  kernels = [init(shape) for init, shape in (
      (f.convolutional_delta_orthogonal(seed=3, gain=2.0), [3, 2, 4]),
      (f.convolutional_delta_orthogonal(seed=3), [3, 3, 2, 2]),
      (f.convolutional_delta_orthogonal(seed=5), [1, 3, 2, 3, 4]),
      (f.convolutional_orthogonal_1d(seed=3), [3, 2, 4]),
      (f.convolutional_orthogonal_2d(seed=4, gain=0.5), [3, 3, 2, 3]),
      (f.convolutional_orthogonal_2d(seed=4), [1, 1, 2, 3]),
      (f.convolutional_orthogonal_3d(seed=5), [2, 2, 2, 3, 3]))]
  return [kernels]


def constants(tf):
  i = tf.initializers
  return [[i.identity(gain=2.0)([2, 3]), i.uniform_unit_scaling(seed=3)([4, 2]), i.he_normal(seed=2)([3, 4]),
           i.lecun_uniform(seed=2)([3, 4]), i.glorot_normal(seed=2)([2, 3, 4]),
           i.variance_scaling(2.0, "fan_out", "untruncated_normal", seed=4)([3, 2])]]


def orthogonal_vector(tf):
  tf.orthogonal_initializer()([3])


def orthogonal_int(tf):
  tf.orthogonal_initializer(dtype=tf.int32)


def too_many_channels(tf):
  tf.contrib.framework.convolutional_orthogonal_2d()([2, 2, 4, 3])


def uneven_kernel(tf):
  tf.contrib.framework.convolutional_orthogonal_2d()([2, 3, 2, 3])


def wrong_kernel_rank(tf):
  tf.contrib.framework.convolutional_orthogonal_3d()([2, 2, 2, 3])


def identity_of_volume(tf):
  tf.initializers.identity()([2, 2, 2])


def float_and_double(tf):
  tf.igamma(tf.constant(1.0), tf.constant(1.0, tf.float64))


def integer_igamma(tf):
  tf.igamma(1, 2)


def unlike_betainc(tf):
  tf.betainc(tf.ones([2]), tf.ones([3]), tf.ones([2]))


def wrong_bits(tf):
  return [tf.fake_quant_with_min_max_args(X, num_bits=1)]


def wrong_range(tf):
  return [tf.fake_quant_with_min_max_args(X, min=2, max=1)]


def wrong_channels(tf):
  return [tf.fake_quant_with_min_max_vars_per_channel(X, [0.0, 1.0], [1.0, 2.0])]


def pooled_channels(tf):
  return [tf.nn.fractional_max_pool(X, [2.0, 1.5, 1.5, 2.0])]


def dilated_channels(tf):
  return [tf.nn.dilation2d(X, X[0, :2, :2], [1, 1, 1, 2], [1, 1, 1, 1], "SAME")]


PROGRAMS = [special, fake_quant, morphology, argmax_pool, orthogonal, constants]
# TensorFlow infers one element less for the sequences of fractional pooling than it gives, and counts a name for the
# attempt to make an op of a sparse tensor.
VALUES_ONLY = [label_runs, fractional, special_of_sparse, special_gradients, fake_quant_gradients, orthogonal_kernels]
ERRORS = [orthogonal_vector, orthogonal_int, too_many_channels, uneven_kernel, wrong_kernel_rank, identity_of_volume,
          float_and_double, integer_igamma, unlike_betainc, wrong_bits, wrong_range, wrong_channels,
          pooled_channels, dilated_channels]
