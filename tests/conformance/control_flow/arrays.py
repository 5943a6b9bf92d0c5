"""Tensor arrays and the functional loops over them, and recurrent nets."""

import tensorflow as tf
from control_flow.program import Weights, numbers, placeholder, program, step
from tensorflow.python.ops import tensor_array_ops


@program
def tensor_array():
  x, n = placeholder(tf.float32, [3, 2], "x"), placeholder(tf.int32, [], "n")
  a = tf.TensorArray(tf.float32, size=3, clear_after_read=False).unstack(x)
  b = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False)
  b = b.write(0, a.read(2)).write(n, a.read(0) * 2.0)
  c = tf.TensorArray(tf.float32, size=4).scatter([3, 1], x[:2]).write(0, x[0]).write(2, x[1])
  d = tf.TensorArray(tf.float32, size=2, infer_shape=False).split(x, [1, 2])
  return [step([a.stack(), a.size(), a.gather([2, 0]), c.stack()], {x: numbers(3, 2)}),
          step([b.read(n), b.size()], {x: numbers(3, 2), n: 5}), step([d.concat()], {x: numbers(3, 2)})]


@program
def tensor_array_errors():
  i, x = placeholder(tf.int32, [], "i"), placeholder(tf.float32, None, "x")
  a = tf.TensorArray(tf.float32, size=2).write(0, [1.0, 2.0])
  read = a.read(i)
  with tf.control_dependencies([a.read(0)]):
    twice = a.flow + 0.0
  again = tensor_array_ops.TensorArray(tf.float32, handle=a.handle, flow=twice).read(0)
  written = a.write(i, x)
  return [step([read], {i: 0}), step([read], {i: 1}), step([read], {i: 7}), step([again]),
          step([written.flow], {i: 0, x: [1.0, 1.0]}), step([written.stack()], {i: 1, x: [1.0, 1.0]}),
          step([written.stack()], {i: 1, x: [1.0, 1.0, 1.0]})]


@program
def tensor_array_gradient():
  x = placeholder(tf.float32, [4, 2], "x")
  a = tf.TensorArray(tf.float32, size=4, clear_after_read=False).unstack(x)
  y = a.read(1) * a.read(3) + a.read(1)
  z = a.gather([0, 1, 2])
  b = tf.TensorArray(tf.float32, size=2).write(0, y).write(1, z[0] * z[2])
  c = tf.TensorArray(tf.float32, size=2, infer_shape=False).split(b.stack() * 2.0, [1, 1]).concat()
  g, = tf.gradients(tf.reduce_sum(c * c), x)
  return [step([c, g], {x: numbers(4, 2)})]


@program
def functional_loops():
  x = placeholder(tf.float32, [None, 2], "x")
  m = tf.map_fn(lambda r: tf.reduce_sum(r) * r, x)
  s = tf.scan(lambda a, r: a * 0.5 + r, x)
  f = tf.foldl(lambda a, r: a + tf.sin(r), x)
  r = tf.foldr(lambda a, r: a - tf.cos(r), x)
  g, = tf.gradients([m, s, f, r], x)
  return [step([m, s, f, r, g], {x: numbers(k, 2)}) for k in (1, 4)]


# --- recurrent nets ---

@program
def rnn_of_lengths():
  x, n = placeholder(tf.float32, [2, 5, 3], "x"), placeholder(tf.int32, [2], "n")
  cell = tf.nn.rnn_cell.BasicRNNCell(4)
  with tf.variable_scope("rnn", initializer=Weights()):
    out, state = tf.nn.dynamic_rnn(cell, x, sequence_length=n, dtype=tf.float32)
  return [step([], targets=[tf.global_variables_initializer()])] + [
      step([out, state], {x: numbers(2, 5, 3), n: v}) for v in ([5, 2], [1, 3])]


@program
def lstm_training():
  x, y = placeholder(tf.float32, [2, None, 3], "x"), placeholder(tf.float32, [2, 4], "y")
  cells = [tf.nn.rnn_cell.LSTMCell(4, use_peepholes=True), tf.nn.rnn_cell.BasicLSTMCell(4)]
  with tf.variable_scope("rnn", initializer=Weights(1)):
    out, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell(cells), x, dtype=tf.float32)
  loss = tf.reduce_mean(tf.square(out[:, -1, :] - y)) + 0.1 * tf.reduce_sum(tf.square(state[0].c))
  optimizer = tf.train.MomentumOptimizer(0.2, 0.9)
  grads, tvars = zip(*optimizer.compute_gradients(loss))
  clipped, norm = tf.clip_by_global_norm(grads, 0.5)
  op = optimizer.apply_gradients(zip(clipped, tvars))
  steps = [step([], targets=[tf.global_variables_initializer()])]
  for i in range(5):
    steps.append(step([loss, norm], {x: numbers(2, 3 + i % 2, 3, seed=i), y: numbers(2, 4, seed=i)}, [op]))
  return steps + [step(tf.trainable_variables())]


@program
def bidirectional_training():
  x, n = placeholder(tf.float32, [3, 4, 2], "x"), placeholder(tf.int32, [3], "n")
  with tf.variable_scope("rnn", initializer=Weights(2), use_resource=True):
    outs, _ = tf.nn.bidirectional_dynamic_rnn(tf.nn.rnn_cell.GRUCell(3), tf.nn.rnn_cell.GRUCell(3), x,
                                              sequence_length=n, dtype=tf.float32)
  loss = tf.reduce_sum(tf.square(tf.concat(outs, 2) - 0.2))
  op = tf.train.MomentumOptimizer(0.01, 0.9).minimize(loss)
  steps = [step([], targets=[tf.global_variables_initializer()])]
  for i in range(4):
    steps.append(step([loss], {x: numbers(3, 4, 2, seed=i), n: [4, 2, 3]}, [op]))
  return steps
