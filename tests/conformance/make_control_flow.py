"""Writes tests/python/goldens/control_flow.npz with TensorFlow 1.15: python make_control_flow.py control_flow.npz.

Each program is a graph with Switch, Merge and the ops of loops, as TensorFlow's own cond, while_loop, rnn and gradients
make them. For each there is its GraphDef, and the steps of a session: what is fed, what is fetched, and the values or
the class of the error. Weights begin with values from formulas, so that a graph needs no random numbers.
"""
import io
import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import control_flow_ops, tensor_array_ops

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)

PROGRAMS = {}


def program(fn):
  PROGRAMS[fn.__name__] = fn
  return fn


def numbers(*shape, seed=0):
  i = np.arange(int(np.prod(shape)))
  return (np.sin(1.0 + i * 0.7 + seed).reshape(shape) * 0.5).astype(np.float32)


class Weights:
  """An initializer of the same numbers in each run."""

  def __init__(self, seed=0):
    self.seed = seed

  def __call__(self, shape, dtype=None, partition_info=None):
    return tf.constant(numbers(*[int(d) for d in shape], seed=self.seed))

  def get_config(self):
    return {"seed": self.seed}


def step(fetches, feeds=None, targets=()):
  return {"fetch": [t.name for t in fetches], "feed": {t.name: np.asarray(v) for t, v in (feeds or {}).items()},
          "target": [t.name for t in targets]}


def both(fetches, p, feeds=None, targets=()):
  """The same with the predicate true and false."""
  return [step(fetches, {**(feeds or {}), p: v}, targets) for v in (True, False)]


def placeholder(dtype, shape, name):
  return tf.placeholder(dtype, shape, name=name)


# --- branches ---

@program
def cond():
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [3], "x")
  y = tf.cond(p, lambda: x * 2.0 + 1.0, lambda: tf.square(x))
  return both([y, y + x], p, {x: numbers(3)})


@program
def cond_nested():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [2, 2], "x")

  def inner():
    return tf.cond(q, lambda: [x + 1.0, tf.matmul(x, x)], lambda: [x - 1.0, tf.transpose(x) * 3.0])
  a, b = tf.cond(p, inner, lambda: [tf.negative(x), tf.zeros([2, 2])])
  c = tf.cond(q, lambda: a * 2.0, lambda: b)
  return [step([a, b, c], {p: pv, q: qv, x: numbers(2, 2)}) for pv in (True, False) for qv in (True, False)]


@program
def cond_gradient():
  p, x, w = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [2, 3], "x"), placeholder(tf.float32, [3, 2], "w")
  y = tf.cond(p, lambda: tf.nn.sigmoid(tf.matmul(x, w)), lambda: tf.reduce_sum(x) * tf.ones([2, 2]))
  dx, dw = tf.gradients(tf.reduce_sum(y * y), [x, w])
  return both([y, dx, dw], p, {x: numbers(2, 3), w: numbers(3, 2, seed=1)})


@program
def cond_nested_gradient():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [4], "x")
  y = tf.cond(p, lambda: tf.cond(q, lambda: tf.exp(x) * x, lambda: tf.tanh(x)), lambda: x * x * x)
  g, = tf.gradients(y, x)
  gg, = tf.gradients(g, x)
  return [step([y, g, gg], {p: pv, q: qv, x: numbers(4)}) for pv in (True, False) for qv in (True, False)]


@program
def cond_assigns_refs():
  p = placeholder(tf.bool, [], "p")
  v, u = tf.Variable(1.0, name="v"), tf.Variable([2.0, 3.0], name="u")
  y = tf.cond(p, lambda: tf.assign_add(v, 10.0), lambda: tf.assign(v, v * 2.0))
  z = tf.cond(p, lambda: tf.reduce_sum(u) + v, lambda: tf.reduce_prod(tf.assign(u, u + 1.0)))
  return [step([], targets=[tf.global_variables_initializer()])] + both([y], p) + both([z], p) + [step([v, u])]


@program
def cond_assigns_resources():
  p = placeholder(tf.bool, [], "p")
  with tf.variable_scope("", use_resource=True):
    v = tf.get_variable("v", initializer=1.0)
  y = tf.cond(p, lambda: tf.identity(v.assign_add(10.0)), lambda: tf.identity(v.assign(v * 2.0)))
  return [step([], targets=[tf.global_variables_initializer()])] + both([y], p) + [step([v.read_value()])]


@program
def cond_for_its_effects():
  p = placeholder(tf.bool, [], "p")
  v = tf.Variable(0, name="v")

  def count():
    with tf.control_dependencies([tf.assign_add(v, 1)]):
      return tf.no_op()
  y = tf.cond(p, count, tf.no_op)
  with tf.control_dependencies([y]):
    after = v.read_value()
  return ([step([], targets=[tf.global_variables_initializer()])] +
          both([after], p) + both([], p, targets=[y.op if hasattr(y, "op") else y]) + [step([v])])


@program
def case_chain():
  x = placeholder(tf.int32, [], "x")
  cases = [(tf.less(x, 0), lambda: tf.constant(-1.0)), (tf.equal(x, 0), lambda: tf.constant(0.5)),
           (tf.greater(x, 10), lambda: tf.to_float(x) * 2.0), (tf.greater(x, 5), lambda: tf.to_float(x))]
  first = tf.case(cases, default=lambda: tf.constant(7.0))
  one = tf.case(cases, default=lambda: tf.constant(7.0), exclusive=True)
  steps = [step([first], {x: v}) for v in (-3, 0, 3, 7, 12)]
  return steps + [step([one], {x: v}) for v in (-3, 0, 7, 12)]


@program
def asserts():
  x, y = placeholder(tf.int32, [2], "x"), placeholder(tf.int32, [2], "y")
  with tf.control_dependencies([tf.assert_equal(x, y, message="they differ"), tf.assert_non_negative(x)]):
    z = x + y
  r = tf.Assert(tf.reduce_all(x < 10), [x], name="small")
  return [step([z], {x: [1, 2], y: [1, 2]}, [r]), step([z], {x: [1, 2], y: [1, 3]}), step([z], {x: [-1, 2], y: [-1, 2]}),
          step([], {x: [1, 20]}, [r])]


@program
def batch_norm():
  train, x = placeholder(tf.bool, [], "train"), placeholder(tf.float32, [4, 3], "x")
  h = tf.layers.batch_normalization(x, training=train, momentum=0.5, name="bn")
  loss = tf.reduce_sum(tf.square(h - 0.3))
  with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
  read = [v for v in tf.global_variables()]
  steps = [step([], targets=[tf.global_variables_initializer()])]
  for i in range(3):
    steps.append(step([loss], {train: True, x: numbers(4, 3, seed=i)}, [op]))
  return steps + [step([h], {train: False, x: numbers(4, 3, seed=9)}), step(read)]


@program
def dead_values():
  """What a branch that is not taken would have made, and updates that wait for such a value."""
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [], "x")
  inside = []

  def then():
    inside.append(x * 3.0)
    return inside[0] + 1.0
  y = tf.cond(p, then, lambda: x)
  with tf.variable_scope("", use_resource=True):
    v, s = tf.get_variable("v", initializer=2.0), tf.train.get_or_create_global_step()
  z = tf.cond(p, lambda: v * x, lambda: x)
  op = tf.train.GradientDescentOptimizer(0.5).minimize(z, global_step=s)
  init = tf.global_variables_initializer()
  return ([step([], targets=[init])] + both([inside[0], y], p, {x: 2.0}) +
          both([z], p, {x: 2.0}, [op]) + [step([v.read_value(), s.read_value()])])


@program
def merges_by_hand():
  p, q, x = placeholder(tf.bool, [], "p"), placeholder(tf.bool, [], "q"), placeholder(tf.float32, [], "x")
  f, t = control_flow_ops.switch(x, p)
  a, b = control_flow_ops.merge([f + 1.0, t * 2.0])
  ff, ft = control_flow_ops.switch(f, q)
  c, d = control_flow_ops.merge([t, ft - 5.0, ff * 7.0])
  only, _ = control_flow_ops.merge([ft])
  steps = [step([a, b, c, d], {p: pv, q: qv, x: 3.0}) for pv in (True, False) for qv in (True, False)]
  return steps + [step([only], {p: False, q: True, x: 3.0}), step([only], {p: True, q: True, x: 3.0})]


# --- loops ---

@program
def loop():
  n = placeholder(tf.int32, [], "n")
  i, s = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + tf.to_float(i) * 0.5), [0, 1.0])
  return [step([i, s], {n: v}) for v in (0, 1, 7)]


@program
def loop_nested():
  n = placeholder(tf.int32, [], "n")

  def outer(i, s):
    _, t = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + j * i), [0, s])
    return i + 1, t
  r = tf.while_loop(lambda i, s: i < n, outer, [0, 0])
  return [step(r, {n: v}) for v in (0, 1, 6)]


@program
def loop_with_branches():
  n = placeholder(tf.int32, [], "n")

  def body(i, s):
    s = tf.cond(tf.equal(i % 2, 0), lambda: s * 2.0, lambda: tf.cond(i > 4, lambda: s - 1.0, lambda: s + 3.0))
    return i + 1, s
  r = tf.while_loop(lambda i, s: i < n, body, [0, 1.0])
  return [step(r, {n: v}) for v in (0, 3, 9)]


@program
def branch_with_loops():
  p, n = placeholder(tf.bool, [], "p"), placeholder(tf.int32, [], "n")

  def power(base):
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * base), [0, 1.0])[1]
  y = tf.cond(p, lambda: power(2.0), lambda: power(3.0) + power(0.5))
  return both([y], p, {n: 4}) + both([y], p, {n: 0})


@program
def loop_at_most():
  n = placeholder(tf.int32, [], "n")
  r = tf.while_loop(lambda i, s: i < 100, lambda i, s: (i + 1, s + i), (0, 0), maximum_iterations=n)
  return [step([r[0], r[1]], {n: v}) for v in (0, 5, 200)]


@program
def loop_with_state():
  """Assignments inside the body and inside the condition."""
  n = placeholder(tf.int32, [], "n")
  v, c = tf.Variable(1.0, name="v"), tf.Variable(0, name="c")

  def condition(i):
    with tf.control_dependencies([tf.assign_add(c, 1)]):
      return tf.less(i, n)

  def body(i):
    with tf.control_dependencies([tf.assign(v, v * 2.0 + 1.0)]):
      return i + 1
  r = tf.while_loop(condition, body, [0], parallel_iterations=1)
  return [step([], targets=[tf.global_variables_initializer()]), step([r], {n: 4}), step([v, c])]


@program
def loop_changes_shape():
  n = placeholder(tf.int32, [], "n")
  r = tf.while_loop(lambda i, x: i < n, lambda i, x: (i + 1, tf.concat([x, [tf.to_float(i)]], 0)), [0, tf.constant([5.0])],
                    shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])])
  return [step([r[1]], {n: v}) for v in (0, 3)]


@program
def loop_asserts():
  n = placeholder(tf.int32, [], "n")

  def body(i):
    with tf.control_dependencies([tf.assert_less(i, 3)]):
      return i + 1
  r = tf.while_loop(lambda i: i < n, body, [0])
  return [step([r], {n: 2}), step([r], {n: 5})]


# --- gradients of loops ---

@program
def loop_gradient():
  n, x, w = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [2], "x"), placeholder(tf.float32, [2, 2], "w")
  _, y = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.tanh(tf.linalg.matvec(w, y)) + x), [0, x])
  dx, dw = tf.gradients(tf.reduce_sum(y * y), [x, w])
  return [step([y, dx, dw], {n: v, x: numbers(2), w: numbers(2, 2, seed=2)}) for v in (0, 1, 5)]


@program
def loop_nested_gradient():
  n, x = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [3], "x")

  def outer(i, s):
    _, t = tf.while_loop(lambda j, t: j <= i, lambda j, t: (j + 1, tf.sin(t) * x), [0, s + x])
    return i + 1, t * s
  _, y = tf.while_loop(lambda i, s: i < n, outer, [0, x])
  g, = tf.gradients(y, x)
  return [step([y, g], {n: v, x: numbers(3)}) for v in (0, 1, 4)]


@program
def loop_with_branches_gradient():
  n, x = placeholder(tf.int32, [], "n"), placeholder(tf.float32, [3], "x")

  def body(i, s):
    s = tf.cond(tf.equal(i % 2, 0), lambda: tf.exp(-s) * x, lambda: tf.cond(i > 2, lambda: s * s, lambda: tf.sin(s)))
    return i + 1, s + 0.1 * x
  _, y = tf.while_loop(lambda i, s: i < n, body, [0, x])
  g, = tf.gradients(y, x)
  return [step([y, g], {n: v, x: numbers(3)}) for v in (0, 1, 6)]


@program
def branch_with_loops_gradient():
  p, x = placeholder(tf.bool, [], "p"), placeholder(tf.float32, [2], "x")

  def loop_of(f):
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, f(s)), [0, x])[1]
  y = tf.cond(p, lambda: loop_of(lambda s: s * x), lambda: loop_of(tf.tanh) * 2.0)
  g, = tf.gradients(y, x)
  return both([y, g], p, {x: numbers(2)})


@program
def loop_at_most_gradient():
  x = placeholder(tf.float32, [2], "x")
  _, y = tf.while_loop(lambda i, s: tf.reduce_sum(s) < 50.0, lambda i, s: (i + 1, s * s + x), (0, x),
                       maximum_iterations=3, swap_memory=True)
  g, = tf.gradients(y, x)
  return [step([y, g], {x: [1.0, 2.0]}), step([y, g], {x: [0.1, 0.2]})]


@program
def loop_of_references_gradient():
  """A variable goes into the loops as a reference: one assigns it, and one is nested. The gradient of the first is not
  among the goldens: what TensorFlow saves for it is the variable's buffer, which later turns assign."""
  x = placeholder(tf.float32, [], "x")
  v, w = tf.Variable(1.0, name="v"), tf.Variable(0.5, name="w")

  def assigning(i, y):
    with tf.control_dependencies([tf.assign_add(v, 1.0 + 0.0 * y)]):  # not before the last turn is done
      return i + 1, y * v.read_value()

  def nested(i, y):
    return i + 1, tf.while_loop(lambda j, y: j < 2, lambda j, y: (j + 1, tf.sin(y) * w.read_value()), [0, y + x])[1]
  y = tf.while_loop(lambda i, y: i < 3, assigning, [0, x])[1]
  z = tf.while_loop(lambda i, y: i < 3, nested, [0, x])[1]
  init = step([], targets=[tf.global_variables_initializer()])
  return [init, step([y], {x: 2.0}), step([v]), step([z, tf.gradients(z, x)[0]], {x: 0.3})]


# --- tensor arrays ---

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


def run(name):
  tf.reset_default_graph()
  steps = PROGRAMS[name]()
  graph = tf.get_default_graph()
  graph._unfetchable_ops.clear()  # known to Python only; a graph that is imported has none
  kept = {name + "/graph": np.frombuffer(graph.as_graph_def().SerializeToString(), np.uint8)}
  plan = []
  with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)) as s:
    for k, st in enumerate(steps):
      entry = {"fetch": st["fetch"], "target": st["target"], "feed": sorted(st["feed"])}
      try:
        ops = [graph.get_operation_by_name(t) for t in st["target"]]
        got = s.run([st["fetch"], ops], st["feed"])[0]
        for i, value in enumerate(got):
          kept["%s/%d/fetch/%d" % (name, k, i)] = np.asarray(value)
      except tf.errors.OpError as e:
        entry["error"], entry["message"] = type(e).__name__, e.message.split("\n")[0]
      for i, tensor in enumerate(entry["feed"]):
        placeholder_dtype = graph.get_tensor_by_name(tensor).dtype.as_numpy_dtype
        kept["%s/%d/feed/%d" % (name, k, i)] = np.asarray(st["feed"][tensor], placeholder_dtype)
      plan.append(entry)
  kept[name + "/steps"] = np.frombuffer(json.dumps(plan).encode(), np.uint8)
  return kept


def main(path):
  everything = {}
  for name in PROGRAMS:
    everything.update(run(name))
  buffer = io.BytesIO()
  np.savez_compressed(buffer, **everything)
  with open(path, "wb") as f:
    f.write(buffer.getvalue())
  print("%d programs, %d bytes" % (len(PROGRAMS), buffer.tell()))


if __name__ == "__main__":
  main(sys.argv[1])
