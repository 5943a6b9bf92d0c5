"""Recurrent cells and static_rnn: names of variables and operations, values, gradients."""

import numpy as np


def _inputs(tf, steps=3, batch=2, depth=3):
  data = np.sin(np.arange(steps * batch * depth, dtype=np.float32)).reshape(steps, batch, depth)
  return [tf.constant(x, name="x%d" % i) for i, x in enumerate(data)]


def _run(tf, cell, **kwargs):
  xs = kwargs.pop("inputs", None) or _inputs(tf)
  outputs, state = tf.nn.static_rnn(cell, xs, dtype=tf.float32, **kwargs)
  return [[outputs, state]] + [[tf.gradients(outputs[-1], tf.trainable_variables())]]


def _init(tf, seed=3):
  return tf.variable_scope("model", initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=seed))


def basic(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.BasicRNNCell(4))


def gru(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.GRUCell(4))


def gru_options(tf):
  cell = tf.nn.rnn_cell.GRUCell(4, activation=tf.nn.relu, kernel_initializer=tf.constant_initializer(0.1),
                                bias_initializer=tf.constant_initializer(0.2))
  return _run(tf, cell)


def basic_lstm(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.BasicLSTMCell(4, forget_bias=0.5))


def basic_lstm_concatenated(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.BasicLSTMCell(4, state_is_tuple=False))


def lstm(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.LSTMCell(4))


def lstm_options(tf):
  cell = tf.nn.rnn_cell.LSTMCell(4, use_peepholes=True, num_proj=2, cell_clip=0.3, proj_clip=0.2,
                                 initializer=tf.random_uniform_initializer(-1, 1, seed=5))
  return _run(tf, cell)


def lstm_concatenated(tf):
  cell = tf.nn.rnn_cell.LSTMCell(4, num_proj=2, state_is_tuple=False,
                                 initializer=tf.random_uniform_initializer(-1, 1, seed=5))
  return _run(tf, cell)


def multi(tf):
  with _init(tf):
    cells = [tf.nn.rnn_cell.BasicLSTMCell(3), tf.nn.rnn_cell.GRUCell(4)]
    return _run(tf, tf.nn.rnn_cell.MultiRNNCell(cells))


def multi_concatenated(tf):
  with _init(tf):
    cells = [tf.nn.rnn_cell.BasicLSTMCell(3, state_is_tuple=False), tf.nn.rnn_cell.GRUCell(4)]
    return _run(tf, tf.nn.rnn_cell.MultiRNNCell(cells, state_is_tuple=False))


def dropout(tf):
  with _init(tf):
    cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicLSTMCell(4), input_keep_prob=0.7, output_keep_prob=0.5,
                                         state_keep_prob=0.6, seed=11)
    return _run(tf, cell)


def dropout_fed(tf):
  keep = tf.placeholder_with_default(0.5, [])
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(4), output_keep_prob=keep, seed=11))


def dropout_variational(tf):
  with _init(tf):
    cell = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.BasicLSTMCell(4), input_keep_prob=0.7, output_keep_prob=0.5, state_keep_prob=0.6, seed=11,
        variational_recurrent=True, input_size=3, dtype=tf.float32)
    return _run(tf, cell)


def residual_and_device(tf):
  with _init(tf):
    cell = tf.nn.rnn_cell.DeviceWrapper(tf.nn.rnn_cell.ResidualWrapper(tf.nn.rnn_cell.BasicRNNCell(3)), "/cpu:0")
    return _run(tf, cell)


def outside_of_rnn(tf):
  cell = tf.nn.rnn_cell.BasicLSTMCell(4)
  x = _inputs(tf)[0]
  state = cell.zero_state(2, tf.float32)
  with tf.variable_scope("loop", initializer=tf.constant_initializer(0.1)):
    y, state = cell(x, state)
    tf.get_variable_scope().reuse_variables()
    y, state = cell(x, state)
  other = tf.nn.rnn_cell.GRUCell(4)
  z, _ = other(x, other.zero_state(tf.shape(x)[0], tf.float32), scope="named")
  return [[y, state, tf.shape(z)]]


def initial_state(tf):
  with _init(tf):
    cell = tf.nn.rnn_cell.GRUCell(4)
    outputs, state = tf.nn.static_rnn(cell, _inputs(tf), initial_state=tf.ones([2, 4]), scope="mine")
    return [[outputs, state]]


def own_cell(tf):
  class Cell(tf.nn.rnn_cell.RNNCell):

    @property
    def state_size(self):
      return 2

    @property
    def output_size(self):
      return 2

    def call(self, inputs, state):
      w = tf.get_variable("w", [3, 2], initializer=tf.constant_initializer(0.5))
      new = tf.tanh(tf.matmul(inputs, w) + state)
      return new, new

  cell = Cell()
  steps = _run(tf, cell)
  assert [v.op.name for v in cell.trainable_weights] == ["rnn/cell/w"]
  return steps


def sequence_length(tf):
  with _init(tf):
    return _run(tf, tf.nn.rnn_cell.BasicLSTMCell(4), sequence_length=[1, 3])


def bidirectional(tf):
  with _init(tf):
    cells = [tf.nn.rnn_cell.BasicRNNCell(4), tf.nn.rnn_cell.GRUCell(2)]
    return [list(tf.nn.static_bidirectional_rnn(*cells, inputs=_inputs(tf), dtype=tf.float32))]


def bidirectional_lengths(tf):
  with _init(tf):
    cells = [tf.nn.rnn_cell.BasicRNNCell(4), tf.nn.rnn_cell.GRUCell(2)]
    return [list(tf.nn.static_bidirectional_rnn(*cells, inputs=_inputs(tf), dtype=tf.float32, sequence_length=[2, 3]))]


def state_saving(tf):
  class Saver:

    def __init__(self):
      self.saved = {n: tf.get_variable(n, [2, 4], initializer=tf.ones_initializer(), trainable=False) for n in "ch"}

    def state(self, name):
      return self.saved[name]

    def save_state(self, name, value):
      return tf.assign(self.saved[name], value)

  saver = Saver()
  with _init(tf):
    outputs, state = tf.nn.static_state_saving_rnn(tf.nn.rnn_cell.BasicLSTMCell(4), _inputs(tf), saver, ("c", "h"))
  return [[outputs, state], [saver.saved["c"], saver.saved["h"]]]


def unknown_batch(tf):
  x = tf.placeholder(tf.float32, [None, 3])
  with _init(tf):
    outputs, state = tf.nn.static_rnn(tf.nn.rnn_cell.BasicLSTMCell(4), [x, 2.0 * x], dtype=tf.float32)
  return [([outputs, state], {x: np.ones([5, 3], np.float32)})]


def not_a_list(tf):
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), tf.ones([2, 3]), dtype=tf.float32)


def empty(tf):
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), [], dtype=tf.float32)


def not_a_cell(tf):
  tf.nn.static_rnn(tf.nn.relu, _inputs(tf), dtype=tf.float32)


def no_dtype(tf):
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), _inputs(tf))


def no_depth(tf):
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), [tf.placeholder(tf.float32, [2, None])], dtype=tf.float32)


def integers(tf):
  cell = tf.nn.rnn_cell.GRUCell(4)
  cell(tf.ones([2, 3], tf.int32), tf.ones([2, 4], tf.int32))


def variables_twice(tf):
  x = _inputs(tf)
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), x, dtype=tf.float32)
  tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(4), x, dtype=tf.float32)


def no_cells(tf):
  tf.nn.rnn_cell.MultiRNNCell([])


def wrong_probability(tf):
  tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.GRUCell(4), input_keep_prob=1.5)


def tuple_states(tf):
  tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(2)], state_is_tuple=False)


PROGRAMS = [basic, gru, gru_options, basic_lstm, basic_lstm_concatenated, lstm, lstm_options, lstm_concatenated, multi,
            multi_concatenated, dropout, dropout_fed, dropout_variational, residual_and_device, outside_of_rnn,
            initial_state, own_cell, bidirectional, state_saving, unknown_batch]
VALUES_ONLY = [sequence_length, bidirectional_lengths]
ERRORS = [not_a_list, empty, not_a_cell, no_dtype, no_depth, integers, variables_twice, no_cells, wrong_probability,
          tuple_states]
