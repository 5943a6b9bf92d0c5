"""Branches, loops and arrays give what TensorFlow 1.15 gives: values, names, static shapes, classes of errors."""

import json
import os
import subprocess
import sys

import control_golden
import control_programs
import numpy as np
import pytest
import thalweg as tf

with open(os.path.join(os.path.dirname(__file__), "goldens", "control.json"), encoding="utf-8") as f:
  GOLDENS = json.load(f)


def _same(got, want):
  if isinstance(want, dict):
    return isinstance(got, dict) and got.keys() == want.keys() and all(_same(got[k], want[k]) for k in want)
  if isinstance(want, list):
    return isinstance(got, list) and len(got) == len(want) and all(map(_same, got, want))
  if isinstance(want, float) and isinstance(got, float):
    return got == pytest.approx(want, rel=1e-5, abs=1e-6, nan_ok=True)
  return type(got) is type(want) and got == want


@pytest.mark.parametrize("program", control_golden.programs(control_programs), ids=lambda p: p.__name__)
def test_program(program):
  got = json.loads(json.dumps(control_golden.outcome(tf, program)))
  assert _same(got, GOLDENS[program.__name__]), "%s\n%s" % (got, GOLDENS[program.__name__])


# Beyond TensorFlow 1.15, which has no second derivatives of loops: they are those of the loop written out.

def _second_order(looped, unrolled, at):
  x = tf.placeholder(tf.float32, np.shape(at))
  found = []
  for fn in (looped, unrolled):
    y = fn(x)
    first = tf.gradients(y, x)[0]
    found.append([y, first, tf.gradients(first, x)[0]])
  with tf.Session() as sess:
    got, want = sess.run(found, {x: at})
  for g, w in zip(got, want):
    np.testing.assert_allclose(g, w, rtol=1e-5)


def test_second_derivative_of_a_loop():
  def unrolled(x):
    y = x
    for _ in range(3):
      y = tf.tanh(y * x) + x
    return y

  _second_order(lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y * x) + x), [0, x])[1],
                unrolled, [0.3, -0.2])


def test_second_derivative_of_nested_loops():
  def looped(x):
    def body(i, y):
      return i + 1, tf.while_loop(lambda j, z: j < i, lambda j, z: (j + 1, z * x), [0, y])[1] + x
    return tf.while_loop(lambda i, y: i < 4, body, [0, x])[1]

  def unrolled(x):
    y = x
    for i in range(4):
      for _ in range(i):
        y = y * x
      y = y + x
    return y

  _second_order(looped, unrolled, 1.5)


def test_second_derivative_of_a_branch_in_a_loop():
  def looped(x):
    def body(i, y):
      return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y * y + x)
    return tf.while_loop(lambda i, y: i < 4, body, [0, x])[1]

  def unrolled(x):
    y = x
    for i in range(4):
      y = y * x if i % 2 == 0 else y * y + x
    return y

  _second_order(looped, unrolled, 0.7)


def test_second_derivative_of_a_loop_in_a_branch():
  def looped(x):
    loop = lambda: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), [0, x])[1]
    return tf.cond(x > 0, loop, lambda: -x)

  _second_order(looped, lambda x: x * x * x * x, 1.25)


def test_meta_graph_round_trip():
  v = tf.get_variable("v", initializer=1.0)
  r = tf.get_variable("r", initializer=1.0, use_resource=True)
  p = tf.placeholder(tf.bool, [], name="p")

  def body(i, x):
    with tf.control_dependencies([tf.assign_add(v, 2.0), r.assign_add(1.0)]):
      return i + 1, tf.cond(p, lambda: x + v.read_value(), lambda: x * r.read_value())

  x = tf.while_loop(lambda i, x: i < 3, body, [0, 1.0])[1]
  tf.identity(x, name="out")
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    want = [float(sess.run("out:0", {"p:0": value})) for value in (True, False)]
  meta = tf.train.export_meta_graph()
  for scope in (None, "again"):
    with tf.Graph().as_default(), tf.Session() as sess:
      tf.train.import_meta_graph(meta, import_scope=scope)
      prefix = scope + "/" if scope else ""
      sess.run(tf.global_variables_initializer())
      got = [float(sess.run(prefix + "out:0", {prefix + "p:0": value})) for value in (True, False)]
      assert got == want


def test_errors_name_the_rule():
  with pytest.raises(tf.errors.InvalidArgumentError, match="Loop variable while/Const:0 .*int32.*float32"):
    tf.while_loop(lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0])
  inside = []

  def uses_it_outside():
    inside.append(tf.constant(1) + 1)
    with tf.control_dependencies(None):
      return tf.add(inside[0], 1, name="add_1")

  with pytest.raises(tf.errors.InaccessibleTensorError, match="'cond/add' .* in a branch of 'cond' that is still being made"):
    tf.cond(tf.placeholder(tf.bool, []), uses_it_outside, lambda: 0)
  y = tf.cond(tf.placeholder(tf.bool, []), lambda: inside.append(tf.constant(1.0) + 1) or inside[1], lambda: 0.0)
  with pytest.raises(tf.errors.InaccessibleTensorError, match="with respect to 'cond_1/add:0'"):
    tf.gradients(y, inside[1])
  tf.switch_case(tf.placeholder(tf.int32, []), [lambda: inside.append(tf.constant(1) + 1) or inside[2], lambda: 0])
  with pytest.raises(tf.errors.InaccessibleTensorError, match="is in a branch of 'switch_case/indexed_case', which is a"):
    tf.add(inside[2], 1)


def test_a_loop_reads_a_resource_of_which_it_knows_the_shape():
  v = tf.get_variable("v", [2, 3], initializer=tf.ones_initializer(), use_resource=True)
  x = tf.placeholder(tf.float32, [1, 2])

  def body(i, y):
    with tf.control_dependencies([v.assign_add(tf.ones([2, 3]))]):
      return i + 1, y + tf.matmul(x, v.read_value())

  y = tf.while_loop(lambda i, y: i < 3, body, [0, tf.zeros([1, 3])])[1]
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(y, {x: [[1, 2]]}), [[27, 27, 27]])
    np.testing.assert_allclose(sess.run(y, {x: [[1, 2]]}), [[54, 54, 54]])


def test_a_long_loop_with_gradient():
  n = 20000
  x = tf.placeholder(tf.float32, [])
  y = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * 0.999 + x), [0, 0.0])[1]
  with tf.Session() as sess:
    value, gradient = sess.run([y] + tf.gradients(y, x), {x: 1.0})
  assert value == pytest.approx(1000, rel=1e-3) and gradient == pytest.approx(1000, rel=1e-3)


def test_bodies_leave_no_nodes_in_the_graph():
  tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
  assert [n.name for n in tf.get_default_graph().as_graph_def().node] == ["while/Const", "while/While", "while/Exit"]
  with pytest.raises(ValueError):
    tf.cond(tf.placeholder(tf.bool, [], name="p"), lambda: tf.constant(1.0) + 1, lambda: None)
  assert not [n.name for n in tf.get_default_graph().as_graph_def().node if n.name.startswith("cond/")]


def _differentiated_in_bodies(fn):
  """Values and gradients of `fn` outside, in a branch and in a loop: the loop runs it once."""
  x = tf.placeholder(tf.float32, [])
  ys = [fn(x), tf.cond(x > 0, lambda: fn(x), lambda: x),
        tf.while_loop(lambda i, y: i < 1, lambda i, y: (i + 1, fn(y)), [0, x])[1]]
  with tf.Session() as sess:
    return [sess.run([y] + tf.gradients(y, x), {x: 0.5}) for y in ys]


def test_custom_gradients_hold_in_bodies():

  @tf.custom_gradient
  def fn(x):
    e = tf.exp(x)
    return tf.log(1 + e), lambda dy: dy * e * 100

  first, *others = _differentiated_in_bodies(fn)
  assert first == pytest.approx([np.log1p(np.exp(0.5)), 100 * np.exp(0.5)], rel=1e-5)
  for other in others:
    assert other == pytest.approx(first)


def test_overridden_gradients_hold_in_bodies():
  tf.RegisterGradient("HundredTimes")(lambda op, dy: 100 * dy * op.inputs[0])

  def fn(x):
    with tf.get_default_graph().gradient_override_map({"Square": "HundredTimes"}):
      return tf.square(x)

  for got in _differentiated_in_bodies(fn):
    assert got == pytest.approx([0.25, 50])


def test_gradient_inside_of_a_body_uses_registered_functions():

  @tf.custom_gradient
  def fn(x):
    return x * x, lambda dy: dy * 7

  x = tf.placeholder(tf.float32, [])
  y = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y + tf.gradients(fn(y), y)[0]), [0, x])[1]
  with tf.Session() as sess:
    assert sess.run(y, {x: 1.0}) == 15


MEMORY_OF_A_LOOP = """
import resource
import numpy as np
import thalweg as tf

count, width = 50000, 16
x = tf.constant(np.full(width, 0.999, np.float32))
y = tf.while_loop(lambda i, y: i < count, lambda i, y: (i + 1, tf.sin(y) * x), [0, x])[1]
gradient = tf.gradients(y, x)[0]
with tf.Session() as session:
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  session.run(gradient)
  print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (2 * 4 * count * width))
"""


def test_a_loop_with_gradient_takes_little_more_than_what_it_saves():
  # In a process of its own, whose peak is that of the loop.
  done = subprocess.run([sys.executable, "-c", MEMORY_OF_A_LOOP], capture_output=True, text=True, check=True)
  assert float(done.stdout) < 1.6   # of 6 MiB; plans and the first slabs are part of it


@pytest.mark.parametrize("start, invariant", [((1, 5), [None, 5]), ((), None), ((3, 5), [3, 5])])
def test_a_sum_of_products_may_begin_with_a_shape_that_is_stretched(start, invariant):
    rng = np.random.RandomState(0)
    x, y = rng.rand(4, 2, 3).astype(np.float32), rng.rand(4, 2, 5).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        total = tf.while_loop(lambda i, a: i < 4,
                              lambda i, a: (i + 1, a + tf.matmul(tf.constant(x)[i], tf.constant(y)[i], transpose_a=True)),
                              [0, tf.ones(start)], shape_invariants=[tf.TensorShape([]), tf.TensorShape(invariant)])[1]
        np.testing.assert_allclose(session.run(total), 1 + sum(a.T @ b for a, b in zip(x, y)), rtol=1e-6)
