"""Word vectors from pairs of neighbours by noise-contrastive estimation, trained by Adagrad on the rows in use. Prints the
loss of each step.

`python embedding.py [FACTOR]`: FACTOR scales the learning rate, 1 by default.
"""

import sys

import numpy as np
import tensorflow as tf

STEPS, BATCH, WORDS, SIZE, NOISE = 200, 32, 500, 24, 8
FACTOR = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

random = np.random.RandomState(4)
# Frequent words have small numbers; a word's neighbours have numbers near its own.
words = np.minimum(random.zipf(1.3, [STEPS, BATCH]) - 1, WORDS - 1).astype(np.int64)
neighbours = np.clip(words + random.randint(-3, 4, [STEPS, BATCH]), 0, WORDS - 1)

tf.set_random_seed(14)
word = tf.placeholder(tf.int64, [BATCH], name="word")
neighbour = tf.placeholder(tf.int64, [BATCH], name="neighbour")
vectors = tf.Variable(tf.random_uniform([WORDS, SIZE], -1.0, 1.0), name="vectors")
weights = tf.Variable(tf.truncated_normal([WORDS, SIZE], stddev=SIZE ** -0.5), name="weights")
biases = tf.Variable(tf.zeros([WORDS]), name="biases")
embedded = tf.nn.embedding_lookup(vectors, word)
loss = tf.reduce_mean(tf.nn.nce_loss(weights, biases, neighbour[:, tf.newaxis], embedded, NOISE, WORDS))
train = tf.train.AdagradOptimizer(0.5 * FACTOR).minimize(loss)

config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tf.Session(config=config) as session:
  session.run(tf.global_variables_initializer())
  for step in range(STEPS):
    print("%.9g" % session.run([loss, train], {word: words[step], neighbour: neighbours[step]})[0])
