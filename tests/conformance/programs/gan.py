"""A generator and a discriminator of points on a curve, each with an optimizer of its own. Prints the losses of both for
each step.

`python gan.py [FACTOR]`: FACTOR scales the learning rates, 1 by default.
"""

import sys

import numpy as np
import tensorflow as tf

STEPS, BATCH, NOISE = 200, 32, 8
FACTOR = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

random = np.random.RandomState(5)
angles = random.uniform(0, np.pi, [1024])
points = np.stack([np.cos(angles), np.sin(angles)], 1) + random.normal(size=[1024, 2]) * 0.05
points = points.astype(np.float32)


def generator(noise):
  with tf.variable_scope("generator"):
    hidden = tf.layers.dense(noise, 32, activation=tf.nn.leaky_relu)
    hidden = tf.layers.dense(hidden, 32, activation=tf.nn.elu)
    return tf.layers.dense(hidden, 2)


def discriminator(point):
  with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
    hidden = tf.layers.dense(point, 32, activation=tf.nn.leaky_relu, name="first")
    hidden = tf.layers.dense(hidden, 16, activation=tf.nn.selu, name="second")
    return tf.layers.dense(hidden, 1, name="score")


tf.set_random_seed(15)
real = tf.placeholder(tf.float32, [BATCH, 2], name="real")
fake = generator(tf.random_normal([BATCH, NOISE]))
real_score, fake_score = discriminator(real), discriminator(fake)
entropy = tf.nn.sigmoid_cross_entropy_with_logits
d_loss = tf.reduce_mean(entropy(labels=tf.ones_like(real_score), logits=real_score) +
                        entropy(labels=tf.zeros_like(fake_score), logits=fake_score))
g_loss = tf.reduce_mean(entropy(labels=tf.ones_like(fake_score), logits=fake_score))
d_train = tf.train.AdamOptimizer(2e-3 * FACTOR, beta1=0.5).minimize(
    d_loss, var_list=tf.trainable_variables("discriminator"))
g_train = tf.train.RMSPropOptimizer(5e-4 * FACTOR).minimize(g_loss, var_list=tf.trainable_variables("generator"))

config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tf.Session(config=config) as session:
  session.run(tf.global_variables_initializer())
  for step in range(STEPS):
    rows = np.arange(step * BATCH, (step + 1) * BATCH) % len(points)
    print("%.9g" % session.run([d_loss, d_train], {real: points[rows]})[0])
    print("%.9g" % session.run([g_loss, g_train], {real: points[rows]})[0])
