"""A convolutional network with batch normalization and dropout, trained by Momentum with a rate that decays. Prints the
loss of each step, and at the end that of the moving averages.

`python convnet.py [FACTOR]`: FACTOR scales the learning rate, 1 by default.
"""

import sys

import numpy as np
import tensorflow as tf

STEPS, BATCH = 200, 16
FACTOR = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

random = np.random.RandomState(2)
labels = random.randint(0, 4, [256])
images = random.normal(size=[256, 12, 12, 3]).astype(np.float32)
for image, label in zip(images, labels):  # a bright quarter says which class it is
  top, left = 6 * (label // 2), 6 * (label % 2)
  image[top:top + 6, left:left + 6] += 0.7

tf.set_random_seed(12)
x = tf.placeholder(tf.float32, [None, 12, 12, 3], name="x")
y = tf.placeholder(tf.int32, [None], name="y")
training = tf.placeholder(tf.bool, [], name="training")
net = x
for filters in (8, 16):
  net = tf.layers.conv2d(net, filters, 3, padding="same", use_bias=False)
  net = tf.layers.batch_normalization(net, momentum=0.9, training=training)
  net = tf.nn.relu(net)
  net = tf.layers.max_pooling2d(net, 2, 2)
net = tf.layers.dropout(tf.layers.flatten(net), 0.4, training=training)
logits = tf.layers.dense(net, 4)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(0.01 * FACTOR, step, 50, 0.7, staircase=True)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
  train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)

config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tf.Session(config=config) as session:
  session.run(tf.global_variables_initializer())
  for i in range(STEPS):
    rows = np.arange(i * BATCH, (i + 1) * BATCH) % len(images)
    print("%.9g" % session.run([loss, train], {x: images[rows], y: labels[rows], training: True})[0])
  print("%.9g" % session.run(loss, {x: images, y: labels, training: False}))
