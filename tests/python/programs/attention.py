"""tf.contrib.seq2seq: decoders, attention and the loss of sequences."""

import numpy as np

X = np.sin(np.arange(3 * 4 * 2, dtype=np.float32)).reshape(3, 4, 2)
MEMORY = np.cos(np.arange(3 * 5 * 4, dtype=np.float32)).reshape(3, 5, 4)
TABLE = np.sin(np.arange(6 * 2, dtype=np.float32) + 2).reshape(6, 2)


def _seeded(tf, name="net"):
  return tf.variable_scope(name, initializer=tf.random_uniform_initializer(-1, 1, seed=5))


def losses(tf):
  s = tf.contrib.seq2seq
  logits = tf.constant(np.sin(np.arange(2 * 3 * 4, dtype=np.float32)).reshape(2, 3, 4))
  targets, weights = tf.constant([[1, 2, 0], [3, 3, 1]]), tf.constant([[1.0, 0.5, 0.0], [1.0, 1.0, 2.0]])
  made = [s.sequence_loss(logits, targets, weights)]
  for times, batch in ((True, False), (False, True), (False, False)):
    made.append(s.sequence_loss(logits, targets, weights, average_across_timesteps=times, average_across_batch=batch))
    made.append(s.sequence_loss(logits, targets, weights, False, False, sum_over_timesteps=times, sum_over_batch=batch))
  made.append(s.sequence_loss(logits, targets, weights, False, False, True, True, name="mine"))
  made.append(s.sequence_loss(logits, targets, weights,
                              softmax_loss_function=lambda labels, logits: tf.reduce_sum(logits, 1)))
  return [made, s.tile_batch((tf.constant(X), tf.constant([1, 2, 3])), 2), s.hardmax(tf.constant(X[0]))]


def training(tf):
  s = tf.contrib.seq2seq
  x = tf.constant(X)
  made = []
  for i, options in enumerate(({}, {"impute_finished": True}, {"output_time_major": True, "maximum_iterations": 2})):
    with _seeded(tf, "net%d" % i):
      cell = tf.contrib.rnn.GRUCell(3)
      helper = s.TrainingHelper(x, [4, 1, 3])
      layer = tf.layers.Dense(5, use_bias=False, name="out") if i else None
      decoder = s.BasicDecoder(cell, helper, cell.zero_state(3, tf.float32), layer)
      made.append(s.dynamic_decode(decoder, **options))
  y = made[1][0].rnn_output
  return [made, tf.gradients(tf.reduce_sum(y * y), [x] + tf.trainable_variables("net1/"))]


def greedy(tf):
  s = tf.contrib.seq2seq
  with _seeded(tf):
    cell = tf.contrib.rnn.BasicLSTMCell(3)
    helper = s.GreedyEmbeddingHelper(tf.constant(TABLE), [1, 2, 0], 4)
    decoder = s.BasicDecoder(cell, helper, cell.zero_state(3, tf.float32), tf.layers.Dense(6, name="out"))
    y = s.dynamic_decode(decoder, maximum_iterations=6)
    inference = s.InferenceHelper(lambda outputs: outputs[:, :2], [2], tf.float32, tf.constant(X[:, 0]),
                                  lambda ids: ids[:, 0] > 0.2, next_inputs_fn=lambda ids: ids * 2.0)
    z = s.dynamic_decode(s.BasicDecoder(tf.contrib.rnn.GRUCell(3), inference, tf.zeros([3, 3])), maximum_iterations=5,
                         scope="second")
    custom = s.CustomHelper(lambda: (tf.tile([False], [3]), tf.constant(X[:, 0])),
                            lambda time, outputs, state: tf.cast(tf.argmax(outputs, 1), tf.int32),
                            lambda time, outputs, state, sample_ids: (time >= sample_ids, outputs[:, :2], state))
    w = s.dynamic_decode(s.BasicDecoder(tf.contrib.rnn.GRUCell(3), custom, tf.ones([3, 3])), scope="third")
  return [y, z, w]


def sampled(tf):
  s = tf.contrib.seq2seq
  made = []
  for i, temperature in enumerate((None, 2.0)):
    with _seeded(tf, "net%d" % i):
      cell = tf.contrib.rnn.GRUCell(3)
      helper = s.SampleEmbeddingHelper(lambda ids: tf.gather(TABLE, ids), tf.constant([1, 2, 0]), 4,
                                       softmax_temperature=temperature, seed=7)
      decoder = s.BasicDecoder(cell, helper, cell.zero_state(3, tf.float32), tf.layers.Dense(6, name="out"))
      made.append(s.dynamic_decode(decoder, maximum_iterations=5))
  return made + made


def scheduled(tf):
  s = tf.contrib.seq2seq
  x, made = tf.constant(X), []
  helpers = [
      lambda: s.ScheduledEmbeddingTrainingHelper(x, [4, 1, 3], tf.constant(TABLE), 0.5, seed=3, scheduling_seed=5),
      lambda: s.ScheduledOutputTrainingHelper(x, [4, 2, 3], 0.5, seed=4, next_inputs_fn=lambda y: y[:, :2]),
      lambda: s.ScheduledOutputTrainingHelper(x, [4, 2, 3], 0.6, seed=4),
      lambda: s.ScheduledOutputTrainingHelper(x, [4, 2, 3], 0.7, seed=6, auxiliary_inputs=tf.constant(X * 2.0))]
  for i, helper in enumerate(helpers):
    with _seeded(tf, "net%d" % i):
      cell = tf.contrib.rnn.GRUCell(3)
      layer = tf.layers.Dense(6 if i < 2 else 2, name="out")
      made.append(s.dynamic_decode(s.BasicDecoder(cell, helper(), cell.zero_state(3, tf.float32), layer)))
  return made


def attention(tf):
  s = tf.contrib.seq2seq
  memory = tf.constant(MEMORY)
  made = []
  mechanisms = [
      lambda: s.LuongAttention(3, memory), lambda: s.LuongAttention(3, memory, [5, 2, 3], scale=True),
      lambda: s.BahdanauAttention(4, memory, [5, 2, 3]), lambda: s.BahdanauAttention(4, memory, normalize=True),
      lambda: [s.LuongAttention(3, memory), s.BahdanauAttention(2, memory, [1, 2, 3])]]
  options = [{}, {"attention_layer_size": 2, "alignment_history": True}, {"output_attention": False},
             {"attention_layer": tf.layers.Dense(3, activation=tf.tanh, name="mine")}, {"attention_layer_size": [2, 3]}]
  for i, (mechanism, option) in enumerate(zip(mechanisms, options)):
    with _seeded(tf, "net%d" % i):
      cell = s.AttentionWrapper(tf.contrib.rnn.GRUCell(3), mechanism(), **option)
      state = cell.zero_state(3, tf.float32)
      y, state = cell(tf.constant(X[:, 0]), state)
      if i == 1:
        made.append(state.alignment_history.stack())
        state = state._replace(alignment_history=())
    made += [y, [state.cell_state, state.attention, state.time, state.alignments]]
  return [made, tf.gradients(made[0], [memory] + tf.trainable_variables("net0/"))]


def monotonic(tf):
  s = tf.contrib.seq2seq
  memory, made = tf.constant(MEMORY), []
  mechanisms = [
      lambda: s.LuongMonotonicAttention(3, memory, scale=True, score_bias_init=-0.5),
      lambda: s.BahdanauMonotonicAttention(4, memory, [5, 2, 3], normalize=True, mode="recursive"),
      lambda: s.BahdanauMonotonicAttention(4, memory, mode="hard"),
      lambda: s.LuongMonotonicAttention(3, memory, sigmoid_noise=0.5, sigmoid_noise_seed=3)]
  for i, mechanism in enumerate(mechanisms):
    with _seeded(tf, "net%d" % i) as scope:
      cell = s.AttentionWrapper(tf.contrib.rnn.GRUCell(3), mechanism())
      y, state = cell(tf.constant(X[:, 0]), cell.zero_state(3, tf.float32))
      scope.reuse_variables()
      y, state = cell(tf.constant(X[:, 1]), state)
    made += [y, state.alignments]
  p, before = tf.constant([[0.3, 0.9, 0.0, 1.0]]), tf.constant([[0.5, 0.25, 0.25, 0.0]])
  made += [s.monotonic_attention(p, before, mode) for mode in ("recursive", "parallel", "hard")]
  return [made, s.safe_cumprod(p, axis=1), tf.gradients(s.safe_cumprod(p, axis=1, exclusive=True), p),
          tf.gradients(made[0], [memory])]


def attentive_decoder(tf):
  s = tf.contrib.seq2seq
  memory, x = tf.constant(MEMORY), tf.constant(X)
  with _seeded(tf):
    mechanism = s.BahdanauAttention(3, memory, [5, 4, 3])
    cell = s.AttentionWrapper(tf.contrib.rnn.BasicLSTMCell(3), mechanism, attention_layer_size=3, alignment_history=True)
    state = cell.zero_state(3, tf.float32).clone(cell_state=tf.contrib.rnn.LSTMStateTuple(tf.ones([3, 3]), tf.ones([3, 3])))
    decoder = s.BasicDecoder(cell, s.TrainingHelper(x, [4, 1, 3]), state, tf.layers.Dense(4, name="out"))
    y, state, lengths = s.dynamic_decode(decoder)
  loss = s.sequence_loss(y.rnn_output, tf.constant([[1, 2, 0, 3], [3, 0, 0, 0], [0, 1, 2, 0]]),
                         tf.sequence_mask(lengths, 4, tf.float32))
  step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
  return [[y, lengths, state.alignment_history.stack(), loss], step, step, loss]


def both_reductions(tf):
  x = tf.zeros([2, 3, 4])
  tf.contrib.seq2seq.sequence_loss(x, tf.zeros([2, 3], tf.int32), tf.ones([2, 3]), sum_over_batch=True)


def flat_logits(tf):
  tf.contrib.seq2seq.sequence_loss(tf.zeros([2, 3]), tf.zeros([2, 3], tf.int32), tf.ones([2, 3]))


def scalar_lengths(tf):
  tf.contrib.seq2seq.TrainingHelper(tf.constant(X), 3)


def no_helper(tf):
  cell = tf.contrib.rnn.GRUCell(3)
  tf.contrib.seq2seq.BasicDecoder(cell, None, cell.zero_state(3, tf.float32))


def no_decoder(tf):
  tf.contrib.seq2seq.dynamic_decode(None)


def unlike_units(tf):
  s = tf.contrib.seq2seq
  cell = s.AttentionWrapper(tf.contrib.rnn.GRUCell(3), s.LuongAttention(4, tf.constant(MEMORY)))
  cell(tf.constant(X[:, 0]), cell.zero_state(3, tf.float32))


def other_batch(tf):
  s = tf.contrib.seq2seq
  cell = s.AttentionWrapper(tf.contrib.rnn.GRUCell(3), s.LuongAttention(3, tf.constant(MEMORY)))
  cell.zero_state(2, tf.float32)


def two_layers(tf):
  s = tf.contrib.seq2seq
  s.AttentionWrapper(tf.contrib.rnn.GRUCell(3), s.LuongAttention(3, tf.constant(MEMORY)), attention_layer_size=[2, 3])


def unknown_mode(tf):
  tf.contrib.seq2seq.monotonic_attention(tf.ones([1, 2]), tf.ones([1, 2]), "soft")


def matrix_probability(tf):
  tf.contrib.seq2seq.ScheduledOutputTrainingHelper(tf.constant(X), [1, 1, 1], [[0.5]])


def no_mechanism(tf):
  tf.contrib.seq2seq.AttentionWrapper(tf.contrib.rnn.GRUCell(3), [None])


PROGRAMS = []
VALUES_ONLY = [losses, training, greedy, sampled, scheduled, attention, monotonic, attentive_decoder]
ERRORS = [both_reductions, flat_logits, scalar_lengths, no_helper, no_decoder, unlike_units, other_batch, two_layers,
          unknown_mode, matrix_probability, no_mechanism]
