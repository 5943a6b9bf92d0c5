"""Layers with channels before the axes give what they give with channels last; TensorFlow has no such kernels on CPUs."""

import numpy as np
import pytest
import thalweg as tf

SHAPES = {1: [2, 7, 3], 2: [2, 5, 6, 3], 3: [2, 4, 5, 6, 3]}


def _first(x):
  return np.moveaxis(x, -1, 1)


def _both(make, rank):
  """What a layer gives for inputs in both layouts, and its gradient with respect to them, channels last."""
  value = np.sin(np.arange(np.prod(SHAPES[rank]), dtype=np.float32)).reshape(SHAPES[rank])
  found = []
  for layout in ("channels_last", "channels_first"):
    with tf.Graph().as_default(), tf.Session() as session:
      x = tf.constant(value if layout == "channels_last" else _first(value))
      with tf.variable_scope("", initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
        y = make(x, layout)
      grad, = tf.gradients(y * y, x)
      session.run(tf.global_variables_initializer())
      assert y.shape.as_list() == list(session.run(y).shape)
      got = session.run([y, grad])
      found.append(got if layout == "channels_last" else [np.moveaxis(g, 1, -1) for g in got])
  return found


LAYERS = [
    ("conv1d", 1, lambda x, f: tf.layers.conv1d(x, 4, 3, data_format=f, bias_initializer=tf.ones_initializer())),
    ("conv2d", 2, lambda x, f: tf.layers.conv2d(x, 4, 3, 2, "same", f, bias_initializer=tf.ones_initializer())),
    ("conv3d", 3, lambda x, f: tf.layers.conv3d(x, 4, 2, data_format=f, bias_initializer=tf.ones_initializer())),
    ("conv3d_same", 3, lambda x, f: tf.layers.conv3d(x, 4, (3, 2, 1), 2, "same", f, use_bias=False)),
    ("conv2d_transpose", 2, lambda x, f: tf.layers.conv2d_transpose(x, 2, 3, 2, data_format=f)),
    ("conv3d_transpose", 3, lambda x, f: tf.layers.conv3d_transpose(
        x, 2, 3, (1, 2, 2), data_format=f, bias_initializer=tf.ones_initializer())),
    ("max_pooling3d", 3, lambda x, f: tf.layers.max_pooling3d(x, 2, (1, 2, 2), "same", f)),
    ("average_pooling3d", 3, lambda x, f: tf.layers.average_pooling3d(x, (2, 1, 3), 2, data_format=f)),
    ("gdn", 3, lambda x, f: tf.contrib.layers.gdn(x, data_format=f)),
    ("gdn1d", 1, lambda x, f: tf.contrib.layers.gdn(x, data_format=f, inverse=True)),
    ("gdn2d", 2, lambda x, f: tf.contrib.layers.gdn(x, data_format=f)),
]


@pytest.mark.parametrize("name,rank,make", LAYERS, ids=[row[0] for row in LAYERS])
def test_layer(name, rank, make):
  last, first = _both(make, rank)
  for a, b in zip(last, first):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
