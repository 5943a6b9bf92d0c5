"""dynamic_rnn, bidirectional_dynamic_rnn and raw_rnn: names of variables, values, gradients."""

import numpy as np

X = np.sin(np.arange(2 * 4 * 3, dtype=np.float32)).reshape(2, 4, 3)


def _scope(tf):
  return tf.variable_scope("model", initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=3))


def _run(tf, cell, **kwargs):
  outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(kwargs.pop("inputs", X)), dtype=tf.float32, **kwargs)
  return [[outputs, state], tf.gradients(outputs[-1], tf.trainable_variables())]


def cells(tf):
  steps = []
  c = tf.nn.rnn_cell
  for i, cell in enumerate((c.BasicRNNCell(4), c.GRUCell(4), c.BasicLSTMCell(4), c.LSTMCell(4, use_peepholes=True, num_proj=2),
                            c.MultiRNNCell([c.BasicLSTMCell(3), c.GRUCell(2)]), c.ResidualWrapper(c.GRUCell(3)))):
    with tf.variable_scope("m%d" % i, initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=3)):
      steps += _run(tf, cell)[:1]
  return steps + [[g for g in tf.gradients(steps[-1][0], tf.trainable_variables()) if g is not None]]


def lengths(tf):
  with _scope(tf):
    return _run(tf, tf.nn.rnn_cell.BasicLSTMCell(4), sequence_length=[1, 3])


def time_major(tf):
  with _scope(tf):
    return _run(tf, tf.nn.rnn_cell.GRUCell(4), inputs=X.transpose(1, 0, 2), time_major=True, swap_memory=True)


def initial_state(tf):
  with _scope(tf):
    cell = tf.nn.rnn_cell.GRUCell(4)
    return [list(tf.nn.dynamic_rnn(cell, tf.constant(X), initial_state=tf.ones([2, 4]), scope="mine"))]


def unknown_sizes(tf):
  x = tf.placeholder(tf.float32, [None, None, 3])
  n = tf.placeholder(tf.int64, [None])
  with _scope(tf):
    outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(4), x, sequence_length=n, dtype=tf.float32)
  g = tf.gradients(tf.reduce_sum(outputs), tf.trainable_variables())
  return [([outputs, state, g], {x: X[:, :t], n: [t, 1]}) for t in (2, 4)]


def bidirectional(tf):
  with _scope(tf):
    c = tf.nn.rnn_cell
    y = tf.nn.bidirectional_dynamic_rnn(c.GRUCell(4), c.BasicLSTMCell(2), tf.constant(X), dtype=tf.float32)
    z = tf.nn.bidirectional_dynamic_rnn(c.GRUCell(4), c.GRUCell(2), tf.constant(X), sequence_length=[2, 3], dtype=tf.float32,
                                        scope="lengths")
  return [[list(y), list(z)], tf.gradients(z[0][1], tf.trainable_variables()[-1])]


def raw(tf):
  inputs = tf.TensorArray(tf.float32, size=4).unstack(tf.constant(X.transpose(1, 0, 2)))
  cell = tf.nn.rnn_cell.BasicLSTMCell(4)

  def loop_fn(time, output, state, loop_state):
    if output is None:
      state, loop_state = cell.zero_state(2, tf.float32), tf.constant(0)
    else:
      loop_state = loop_state + 1
    finished = time >= tf.constant([4, 2])
    done = tf.reduce_all(finished)
    following = tf.cond(done, lambda: tf.zeros([2, 3]), lambda: inputs.read(time))
    return finished, following, state, output, loop_state

  with _scope(tf):
    emitted, state, loop_state = tf.nn.raw_rnn(cell, loop_fn)
  return [[emitted.stack(), state, loop_state]]


def no_dtype(tf):
  tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.constant(X))


def wrong_lengths(tf):
  return [tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.constant(X), sequence_length=tf.placeholder_with_default([1, 2, 3], [None]),
                            dtype=tf.float32)[0]]


def matrix_of_lengths(tf):
  tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.constant(X), sequence_length=[[1, 2]], dtype=tf.float32)


def no_depth(tf):
  tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.placeholder(tf.float32, [2, 3, None]), dtype=tf.float32)


def not_a_cell(tf):
  tf.nn.dynamic_rnn(tf.nn.relu, X, dtype=tf.float32)


def no_loop_function(tf):
  tf.nn.raw_rnn(tf.nn.rnn_cell.GRUCell(4), None)


VALUES_ONLY = [cells, lengths, time_major, initial_state, unknown_sizes, bidirectional, raw]
ERRORS = [no_dtype, wrong_lengths, matrix_of_lengths, no_depth, not_a_cell, no_loop_function]
