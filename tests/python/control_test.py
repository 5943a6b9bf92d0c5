"""Branches, loops and arrays give what TensorFlow 1.15 gives: values, names, static shapes, classes of errors."""

import json
import os

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
  tf.cond(tf.placeholder(tf.bool, []), lambda: inside.append(tf.constant(1) + 1) or inside[0], lambda: 0)
  with pytest.raises(ValueError, match="Cannot use 'cond/add' as input to 'add_1' because 'cond/add' is in a branch"):
    tf.add(inside[0], 1, name="add_1")
  with pytest.raises(ValueError, match="in a branch of 'cond'"), tf.control_dependencies(inside):
    pass


def test_bodies_leave_no_nodes_in_the_graph():
  tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
  assert [n.name for n in tf.get_default_graph().as_graph_def().node] == ["while/Const", "while/While", "while/Exit"]
  with pytest.raises(ValueError):
    tf.cond(tf.placeholder(tf.bool, [], name="p"), lambda: tf.constant(1.0) + 1, lambda: None)
  assert not [n.name for n in tf.get_default_graph().as_graph_def().node if n.name.startswith("cond/")]
