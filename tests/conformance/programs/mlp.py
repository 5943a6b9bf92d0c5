"""A network of two hidden layers, weights decayed, trained by Adam. Prints the loss of each step.

`python mlp.py [FACTOR]`: FACTOR scales the learning rate, 1 by default.
"""

import sys

import numpy as np
import tensorflow as tf

STEPS, BATCH = 200, 32
FACTOR = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

random = np.random.RandomState(1)
centres = random.normal(size=[10, 64]).astype(np.float32)
labels = random.randint(0, 10, [1024])
samples = (centres[labels] + random.normal(size=[1024, 64])).astype(np.float32)

tf.set_random_seed(11)
x = tf.placeholder(tf.float32, [None, 64], name="x")
y = tf.placeholder(tf.int64, [None], name="y")
decay = tf.contrib.layers.l2_regularizer(1e-4)
hidden = tf.layers.dense(x, 128, activation=tf.nn.relu, kernel_regularizer=decay)
hidden = tf.layers.dense(hidden, 64, activation=tf.nn.tanh, kernel_regularizer=decay)
logits = tf.layers.dense(hidden, 10, kernel_initializer=tf.truncated_normal_initializer(stddev=0.1))
loss = tf.losses.sparse_softmax_cross_entropy(y, logits) + tf.losses.get_regularization_loss()
train = tf.train.AdamOptimizer(1e-3 * FACTOR).minimize(loss)

config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tf.Session(config=config) as session:
  session.run(tf.global_variables_initializer())
  for step in range(STEPS):
    rows = np.arange(step * BATCH, (step + 1) * BATCH) % len(samples)
    print("%.9g" % session.run([loss, train], {x: samples[rows], y: labels[rows]})[0])
