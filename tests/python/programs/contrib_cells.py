"""The cells of tf.contrib.rnn, each over two steps."""

import importlib

import numpy as np

X = np.sin(np.arange(2 * 3 * 4, dtype=np.float32)).reshape(2, 3, 4)


def _run(tf, named_cells, inputs=None, **kwargs):
  inputs = [tf.constant(x) for x in X] if inputs is None else inputs
  made = []
  for name, make in named_cells:
    with tf.variable_scope(name, initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
      made.append(tf.nn.static_rnn(make(), inputs, dtype=tf.float32, **kwargs))
  return made


def _cells(tf):
  """tf.contrib.rnn with the cells that TensorFlow 1.15 defines and does not show there."""
  if hasattr(tf.contrib.rnn, "CFNCell"):
    return tf.contrib.rnn
  return importlib.import_module("tensorflow.contrib.rnn.python.ops.rnn_cell")


def gated(tf):
  r = tf.contrib.rnn
  return [_run(tf, [("nas", lambda: r.NASCell(3)), ("nas_proj", lambda: r.NASCell(3, num_proj=2, use_bias=True)),
                    ("ug", lambda: r.UGRNNCell(3)),
                    ("ug_own", lambda: r.UGRNNCell(3, tf.ones_initializer(), 0.5, tf.nn.relu)),
                    ("cross", lambda: r.IntersectionRNNCell(4)),
                    ("cross_proj", lambda: r.IntersectionRNNCell(3, num_in_proj=3, y_activation=tf.tanh)),
                    ("sru", lambda: r.SRUCell(3)), ("sru_named", lambda: r.SRUCell(3, tf.nn.relu, name="mine"))])]


def keras_style(tf):
  r = _cells(tf)
  init = tf.random_uniform_initializer(-1, 1, seed=3)
  return [_run(tf, [("minimal", lambda: r.MinimalRNNCell(3, kernel_initializer=init)),
                    ("cfn", lambda: r.CFNCell(3, activation="sigmoid", kernel_initializer=init))])]


def independent(tf):
  # The weights of the state are drawn between -1 and 1 by seeds that count the nodes before them.
  r = tf.contrib.rnn
  with tf.variable_scope("", initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
    made = [tf.nn.static_rnn(cell, [tf.constant(x) for x in X], dtype=tf.float32)
            for cell in (r.IndRNNCell(3), r.IndyGRUCell(3), r.IndyLSTMCell(3, forget_bias=0.5, activation=tf.nn.relu,
                                                                          name="own"))]
  return [made]


def coupled(tf):
  r = tf.contrib.rnn
  return [_run(tf, [("plain", lambda: r.CoupledInputForgetGateLSTMCell(3)),
                    ("peep", lambda: r.CoupledInputForgetGateLSTMCell(3, use_peepholes=True, num_proj=2, proj_clip=0.3)),
                    ("shards", lambda: r.CoupledInputForgetGateLSTMCell(3, num_unit_shards=3, state_is_tuple=False)),
                    ("norm", lambda: r.CoupledInputForgetGateLSTMCell(3, layer_norm=True, norm_gain=0.5))])]


def normalized(tf):
  r = _cells(tf)
  return [_run(tf, [("plain", lambda: r.LayerNormLSTMCell(3)),
                    ("norm", lambda: r.LayerNormLSTMCell(3, layer_norm=True, norm_shift=0.2, cell_clip=0.5)),
                    ("peep", lambda: r.LayerNormLSTMCell(3, use_peepholes=True, num_proj=2, proj_clip=0.3))])]


def normalized_weights(tf):
  r = _cells(tf)
  return [_run(tf, [("weights", lambda: r.WeightNormLSTMCell(3)),
                    ("weights_peep", lambda: r.WeightNormLSTMCell(3, use_peepholes=True, num_proj=2, cell_clip=0.4)),
                    ("weights_plain", lambda: r.WeightNormLSTMCell(3, norm=False, forget_bias=0.5))])]


def groups(tf):
  r = tf.contrib.rnn
  return [_run(tf, [("one", lambda: r.GLSTMCell(4)), ("two", lambda: r.GLSTMCell(4, number_of_groups=2, num_proj=2))])]


def phased(tf):
  r = tf.contrib.rnn
  inputs = [(tf.constant([[0.5], [2.0], [3.5]]) + float(i), tf.constant(x)) for i, x in enumerate(X)]
  cells = [("plain", lambda: r.PhasedLSTMCell(3, ratio_on=0.6, period_init_min=2.0, period_init_max=2.0)),
           ("peep", lambda: r.PhasedLSTMCell(3, use_peepholes=True, ratio_on=0.4, period_init_min=2.0,
                                             period_init_max=2.0, trainable_ratio_on=False))]
  made = []
  for name, make in cells:
    with tf.variable_scope(name, initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
      cell = make()
      state = cell.zero_state(3, tf.float32)
      with tf.variable_scope("rnn"):
        _, state = cell(inputs[0], state)
        tf.get_variable_scope().reuse_variables()
        output, state = cell(inputs[1], state)
      made += [output, state]
  phases = [v for v in tf.global_variables() if v.op.name.endswith("/phase")]
  settled = [v.assign([0.25, 0.5, 1.5]) for v in phases]
  x = inputs[1][1]
  return [settled, made, tf.gradients(made[0], [x, phases[0]])]


def convolutional(tf):
  r = tf.contrib.rnn
  x = np.sin(np.arange(2 * 2 * 4 * 3 * 2 * 2, dtype=np.float32))
  return [_run(tf, [("c1", lambda: r.Conv1DLSTMCell(input_shape=[12, 4], output_channels=3, kernel_shape=[2]))],
               [tf.constant(v) for v in x.reshape(2, 2, 12, 4)]),
          _run(tf, [("c2", lambda: r.Conv2DLSTMCell(input_shape=[4, 6, 2], output_channels=2, kernel_shape=[3, 2],
                                                    use_bias=False, forget_bias=0.5))],
               [tf.constant(v) for v in x.reshape(2, 2, 4, 6, 2)]),
          _run(tf, [("c3", lambda: r.Conv3DLSTMCell(input_shape=[4, 3, 2, 2], output_channels=1, kernel_shape=[2, 2, 2]))],
               [tf.constant(v) for v in x.reshape(2, 2, 4, 3, 2, 2)])]


def skip_connection(tf):
  cell = tf.contrib.rnn.ConvLSTMCell(1, [4, 2], 3, [3], skip_connection=True)
  x = tf.constant(X[:, :, :4].reshape(3, 4, 2))
  with tf.variable_scope("s", initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
    y, state = cell(x, cell.zero_state(3, tf.float32))
  return [y, state]


def wrapped(tf):
  r = tf.contrib.rnn
  return [_run(tf, [("attention", lambda: r.AttentionCellWrapper(r.GRUCell(3), 2)),
                    ("lstm", lambda: r.AttentionCellWrapper(r.BasicLSTMCell(3), 3, attn_size=2, attn_vec_size=5,
                                                            input_size=2)),
                    ("flat", lambda: r.AttentionCellWrapper(r.GRUCell(3), 2, state_is_tuple=False)),
                    ("highway", lambda: r.HighwayWrapper(r.GRUCell(4))),
                    ("apart", lambda: r.HighwayWrapper(r.BasicRNNCell(4), couple_carry_transform_gates=False,
                                                       carry_bias_init=0.5))])]


def over_frequencies(tf):
  r = tf.contrib.rnn
  options = {"feature_size": 2, "frequency_skip": 1, "num_frequency_blocks": [3]}
  return [_run(tf, [("grid", lambda: r.GridLSTMCell(2, **options)),
                    ("peep", lambda: r.GridLSTMCell(2, use_peepholes=True, cell_clip=0.3, **options)),
                    ("shared", lambda: r.GridLSTMCell(2, use_peepholes=True, share_time_frequency_weights=True,
                                                      state_is_tuple=False, **options)),
                    ("coupled", lambda: r.GridLSTMCell(2, use_peepholes=True, couple_input_forget_gates=True,
                                                       num_unit_shards=2, **options)),
                    ("blocks", lambda: r.GridLSTMCell(2, feature_size=2, frequency_skip=1, num_frequency_blocks=[2, 1],
                                                      start_freqindex_list=[0, 2], end_freqindex_list=[3, 4])),
                    ("both", lambda: r.BidirectionalGridLSTMCell(2, **options)),
                    ("moved", lambda: r.BidirectionalGridLSTMCell(2, use_peepholes=True, backward_slice_offset=1,
                                                                  **options)),
                    ("back", lambda: r.BidirectionalGridLSTMCell(2, backward_slice_offset=-1, **options))])]


def time_and_frequency(tf):
  x = tf.constant(X[0])
  made = []
  for i, options in enumerate(({}, {"use_peepholes": True, "cell_clip": 0.3})):
    cell = tf.contrib.rnn.TimeFreqLSTMCell(2, feature_size=2, frequency_skip=2, **options)
    with tf.variable_scope("net%d" % i, initializer=tf.random_uniform_initializer(-1, 1, seed=5)):
      made.append(cell(x, tf.constant(np.cos(np.arange(3 * 8, dtype=np.float32)).reshape(3, 8))))
  return [made]


def compiled(tf):
  r = tf.contrib.rnn
  return _run(tf, [("c", lambda: r.CompiledWrapper(r.BasicRNNCell(3)))])


def gradients(tf):
  r = tf.contrib.rnn
  made = []
  for i, cell in enumerate((r.NASCell(3), r.UGRNNCell(3), r.SRUCell(3), _cells(tf).WeightNormLSTMCell(3),
                            r.AttentionCellWrapper(r.GRUCell(3), 2), _cells(tf).LayerNormLSTMCell(3, layer_norm=True))):
    x = [tf.constant(v) for v in X]
    with tf.variable_scope("net%d" % i, initializer=tf.random_uniform_initializer(-1, 1, seed=5)) as scope:
      y, _ = tf.nn.static_rnn(cell, x, dtype=tf.float32)
    made.append(tf.gradients(y, x + [v for v in tf.trainable_variables(scope.name + "/") if "bias" not in v.name]))
  return made


def wrong_blocks(tf):
  _run(tf, [("g", lambda: tf.contrib.rnn.GridLSTMCell(2, feature_size=2, frequency_skip=1, num_frequency_blocks=[2]))])


def no_blocks(tf):
  tf.contrib.rnn.GridLSTMCell(2, feature_size=2, frequency_skip=1)


def uneven_groups(tf):
  tf.contrib.rnn.GLSTMCell(5, number_of_groups=2)


def uneven_inputs(tf):
  _run(tf, [("g", lambda: tf.contrib.rnn.GLSTMCell(6, number_of_groups=3))])


def no_projection(tf):
  _run(tf, [("i", lambda: tf.contrib.rnn.IntersectionRNNCell(3))])


def wrong_shape(tf):
  tf.contrib.rnn.Conv2DLSTMCell(input_shape=[4, 2], output_channels=2, kernel_shape=[2, 2])


def no_attention(tf):
  tf.contrib.rnn.AttentionCellWrapper(tf.contrib.rnn.GRUCell(3), 0)


def tuple_in_flat_state(tf):
  tf.contrib.rnn.AttentionCellWrapper(tf.contrib.rnn.BasicLSTMCell(3), 2, state_is_tuple=False)


def narrow_highway(tf):
  _run(tf, [("h", lambda: tf.contrib.rnn.HighwayWrapper(tf.contrib.rnn.GRUCell(3)))])


def many_shards(tf):
  _run(tf, [("c", lambda: tf.contrib.rnn.CoupledInputForgetGateLSTMCell(2, num_unit_shards=9))])


PROGRAMS = [gated, keras_style, independent, coupled, normalized, groups, convolutional, wrapped, over_frequencies]
VALUES_ONLY = [time_and_frequency, normalized_weights, phased, skip_connection, compiled, gradients]
ERRORS = [wrong_blocks, no_blocks, uneven_groups, uneven_inputs, no_projection, wrong_shape, no_attention,
          tuple_in_flat_state, narrow_highway, many_shards]
