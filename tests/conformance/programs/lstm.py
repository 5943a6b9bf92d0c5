"""An LSTM that predicts the next letter of sequences of several lengths, with inputs dropped at random and gradients
clipped, trained by RMSProp. Prints the loss of each step.

`python lstm.py [FACTOR]`: FACTOR scales the learning rate, 1 by default.
"""

import sys

import numpy as np
import tensorflow as tf

STEPS, BATCH, LENGTH, LETTERS = 200, 16, 12, 12
FACTOR = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

random = np.random.RandomState(3)
follows = random.permutation(LETTERS)
text = np.zeros([STEPS, BATCH, LENGTH + 1], np.int32)
text[:, :, 0] = random.randint(0, LETTERS, [STEPS, BATCH])
for t in range(LENGTH):  # mostly the letter that follows, sometimes another
  other = random.randint(0, LETTERS, [STEPS, BATCH])
  text[:, :, t + 1] = np.where(random.uniform(size=[STEPS, BATCH]) < 0.8, follows[text[:, :, t]], other)
lengths = random.randint(LENGTH // 2, LENGTH + 1, [STEPS, BATCH]).astype(np.int32)

tf.set_random_seed(13)
letters = tf.placeholder(tf.int32, [BATCH, LENGTH + 1], name="letters")
length = tf.placeholder(tf.int32, [BATCH], name="length")
with tf.variable_scope("model"):
  embedding = tf.get_variable("embedding", [LETTERS, 16], initializer=tf.random_uniform_initializer(-0.5, 0.5))
  inputs = tf.nn.dropout(tf.nn.embedding_lookup(embedding, letters[:, :-1]), keep_prob=0.9)
  cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(24), tf.nn.rnn_cell.LSTMCell(16, use_peepholes=True)])
  outputs, _ = tf.nn.dynamic_rnn(cell, inputs, sequence_length=length, dtype=tf.float32)
  logits = tf.layers.dense(outputs, LETTERS)
weights = tf.sequence_mask(length, LENGTH, dtype=tf.float32)
loss = tf.losses.sparse_softmax_cross_entropy(letters[:, 1:], logits, weights)
variables = tf.trainable_variables()
gradients, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 0.5)
train = tf.train.RMSPropOptimizer(3e-3 * FACTOR).apply_gradients(zip(gradients, variables))

config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tf.Session(config=config) as session:
  session.run(tf.global_variables_initializer())
  for step in range(STEPS):
    print("%.9g" % session.run([loss, train], {letters: text[step], length: lengths[step]})[0])
