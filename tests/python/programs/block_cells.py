"""Recurrent cells whose step, or whose sequence, is one op; nets as objects; bidirectional layers."""

import numpy as np

X = np.sin(np.arange(5 * 3 * 4, dtype=np.float32)).reshape(5, 3, 4)


def _seeded(tf, name="net"):
  return tf.variable_scope(name, initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def cells(tf):
  r = tf.contrib.rnn
  xs = [tf.constant(x) for x in X[:2]]
  made = []
  for i, cell in enumerate((r.LSTMBlockCell(3), r.LSTMBlockCell(3, forget_bias=0.5, cell_clip=0.3, use_peephole=True),
                            r.GRUBlockCell(3), r.GRUBlockCellV2(num_units=3), r.GRUBlockCell(cell_size=2, name="own"))):
    with _seeded(tf, "net%d" % i):
      made.append(tf.nn.static_rnn(cell, xs, dtype=tf.float32))
  return [made]


def lstm_gradients(tf):
  cell = tf.contrib.rnn.LSTMBlockCell(3, cell_clip=0.8, use_peephole=True)
  x = tf.constant(X)
  with _seeded(tf):
    y, state = tf.nn.static_rnn(cell, tf.unstack(x), dtype=tf.float32)
  return [tf.gradients([y[-1], state.c, y[1]], [x] + cell.weights)]


def gru_gradients(tf):
  cell = tf.contrib.rnn.GRUBlockCellV2(3)
  x = tf.constant(X)
  with _seeded(tf):
    y, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, time_major=True, sequence_length=[5, 2, 0])
  return [y, tf.gradients(tf.reduce_sum(y * y), [x] + cell.weights)]


def fused(tf):
  r = tf.contrib.rnn
  x = tf.constant(X)
  with _seeded(tf, "a"):
    cell = r.LSTMBlockFusedCell(3)
    y, state = cell(x, dtype=tf.float32)
  with _seeded(tf, "b"):
    z, z_state = r.LSTMBlockFusedCell(3, forget_bias=0.0, cell_clip=0.5, use_peephole=True, name="own")(
        x, initial_state=(tf.ones([3, 3]), 0.5 * tf.ones([3, 3])))
  return [[y, state, z, z_state, cell.num_units * tf.ones([])]]


def own_wrapper(tf):
  class Doubled(tf.contrib.rnn.LSTMBlockWrapper):
    """Its memory is the inputs and its output twice the inputs."""

    num_units = 4

    def _call_cell(self, inputs, initial_cell_state, initial_output, dtype, sequence_length):
      return inputs + initial_cell_state, 2 * inputs

  y, state = Doubled()(tf.unstack(tf.constant(X)), dtype=tf.float32, sequence_length=[1, 5, 0])
  return [y, state]


def fused_lengths(tf):
  x = tf.placeholder(tf.float32, [None, None, 4])
  cell = tf.contrib.rnn.LSTMBlockFusedCell(3)
  with _seeded(tf):
    y, state = cell(x, dtype=tf.float32, sequence_length=[4, 0, 2])
  return [([y, state, tf.gradients(tf.reduce_sum(y * y) + tf.reduce_sum(state.c), [x] + cell.weights)], {x: X})]


def adaptors(tf):
  r = tf.contrib.rnn
  x = tf.constant(X)
  made = []
  with _seeded(tf, "a"):
    made.append(r.FusedRNNCellAdaptor(r.BasicRNNCell(3))(x, dtype=tf.float32))
  with _seeded(tf, "b"):
    made.append(r.FusedRNNCellAdaptor(r.BasicRNNCell(3))(tf.unstack(x), initial_state=tf.ones([3, 3]), scope="s"))
  with _seeded(tf, "c"):
    made.append(r.TimeReversedFusedRNN(r.LSTMBlockFusedCell(2))(x, dtype=tf.float32))
  return [made]


def adaptors_and_lengths(tf):
  r = tf.contrib.rnn
  lengths = tf.constant([5, 1, 3])
  with _seeded(tf, "a"):
    y = r.TimeReversedFusedRNN(r.FusedRNNCellAdaptor(r.GRUCell(2)))(
        tf.constant(X), dtype=tf.float32, sequence_length=lengths)
  with _seeded(tf, "b"):
    z = r.FusedRNNCellAdaptor(r.BasicRNNCell(3))(tf.constant(X), dtype=tf.float32, sequence_length=lengths)
  return [y, z]


def dynamic_adaptors(tf):
  r = tf.contrib.rnn
  x = tf.constant(X)
  with _seeded(tf, "a"):
    y = r.FusedRNNCellAdaptor(r.BasicRNNCell(3), use_dynamic_rnn=True)(tf.unstack(x), dtype=tf.float32)
  with _seeded(tf, "b"):
    z = r.TimeReversedFusedRNN(r.FusedRNNCellAdaptor(r.BasicRNNCell(3), use_dynamic_rnn=True))(
        x, dtype=tf.float32, sequence_length=[5, 1, 3])
  return [y, z]


def bidirectional(tf):
  r = tf.contrib.rnn
  x = tf.constant(X.transpose(1, 0, 2))
  with _seeded(tf):
    y, fw, bw = r.stack_bidirectional_dynamic_rnn(
        [r.GRUCell(3), r.LSTMBlockCell(2)], [r.GRUCell(3), r.LSTMBlockCell(2)], x, dtype=tf.float32,
        sequence_length=[5, 1, 3])
    z, _, _ = r.stack_bidirectional_dynamic_rnn([r.BasicRNNCell(3)], [r.BasicRNNCell(3)], tf.constant(X),
                                                initial_states_fw=[tf.ones([3, 3])], dtype=tf.float32, time_major=True,
                                                scope="other")
  return [y, fw, bw, z]


def helpers(tf):
  r = tf.contrib.rnn
  x = tf.placeholder_with_default(X, [None, 3, 4])
  assert r.best_effort_input_batch_size([tf.placeholder(tf.float32, None), x]) == 3
  unknown = tf.placeholder_with_default(X, [None, None, 4])
  return [[r.transpose_batch_time(x), r.transpose_batch_time(tf.ones([2])), r.best_effort_input_batch_size([unknown])]]


def short_state(tf):
  tf.contrib.rnn.LSTMBlockCell(3)(tf.constant(X[0]), (tf.ones([3, 3]),))


def unknown_depth(tf):
  tf.contrib.rnn.LSTMBlockCell(3)(tf.placeholder(tf.float32, [3, None]), (tf.ones([3, 3]), tf.ones([3, 3])))


def no_units(tf):
  tf.contrib.rnn.GRUBlockCell()


def wrong_state(tf):
  tf.contrib.rnn.GRUBlockCell(3)(tf.constant(X[0]), tf.ones([3, 2]))


def fused_rank(tf):
  tf.contrib.rnn.LSTMBlockFusedCell(3)(tf.constant(X[0]), dtype=tf.float32)


def no_dtype(tf):
  tf.contrib.rnn.LSTMBlockFusedCell(3)(tf.constant(X))


def no_cells(tf):
  tf.contrib.rnn.stack_bidirectional_dynamic_rnn(None, None, tf.constant(X), dtype=tf.float32)


PROGRAMS = [cells, fused, adaptors, helpers]
VALUES_ONLY = [adaptors_and_lengths, own_wrapper, lstm_gradients, gru_gradients, fused_lengths, dynamic_adaptors, bidirectional]
ERRORS = [short_state, unknown_depth, no_units, wrong_state, fused_rank, no_dtype, no_cells]
