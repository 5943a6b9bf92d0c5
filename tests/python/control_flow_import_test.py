"""Graphs that TensorFlow 1.15 made with Switch, Merge and frames: they run with its results, and come out as they went
in. tests/conformance/make_control_flow.py makes the goldens."""

import json
import os

import numpy as np
import pytest
import thalweg as tf

GOLDENS = np.load(os.path.join(os.path.dirname(__file__), "goldens", "control_flow.npz"))
PROGRAMS = sorted({key.split("/")[0] for key in GOLDENS.files})


def import_program(name):
  graph_def = tf.GraphDef()
  graph_def.ParseFromString(GOLDENS[name + "/graph"].tobytes())
  tf.import_graph_def(graph_def, name="")
  return graph_def


def steps_of(name):
  """Of each step: feeds, names of fetches, names of targets, values fetched or the error's class."""
  for k, step in enumerate(json.loads(GOLDENS[name + "/steps"].tobytes().decode())):
    feeds = {t: GOLDENS[f"{name}/{k}/feed/{i}"] for i, t in enumerate(step["feed"])}
    if "error" in step:
      yield feeds, step["fetch"], step["target"], (step["error"], step["message"])
    else:
      yield feeds, step["fetch"], step["target"], [GOLDENS[f"{name}/{k}/fetch/{i}"] for i in range(len(step["fetch"]))]


def check(got, wanted):
  assert np.shape(got) == wanted.shape
  if wanted.dtype.kind == "f":
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6)
  else:
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name):
  import_program(name)
  graph = tf.get_default_graph()
  with tf.Session() as session:
    for feeds, fetches, targets, wanted in steps_of(name):
      run = [fetches, [graph.get_operation_by_name(t) for t in targets]]
      if isinstance(wanted, tuple):
        with pytest.raises(getattr(tf.errors, wanted[0])):
          session.run(run, feeds)
        continue
      for got, value in zip(session.run(run, feeds)[0], wanted):
        check(got, value)


def node_bytes(graph_def):
  """Nodes by name; a constant's value as the array it means, which may be written in more than one way."""
  nodes = {}
  for node in graph_def.node:
    copy = type(node)()
    copy.CopyFrom(node)
    value = None
    if node.op == "Const":
      value = tf.make_ndarray(node.attr["value"].tensor)
      value = (value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes())
      del copy.attr["value"]
    nodes[node.name] = (copy.SerializeToString(deterministic=True), value)
  return nodes


@pytest.mark.parametrize("name", PROGRAMS)
def test_round_trip(name):
  """Also after a run, which makes functions that are nobody's business but the session's."""
  graph_def = import_program(name)
  feeds, fetches, targets, _ = next(steps_of(name))
  with tf.Session() as session:
    session.run([fetches, [tf.get_default_graph().get_operation_by_name(t) for t in targets]], feeds)
  exported = tf.get_default_graph().as_graph_def()
  assert node_bytes(exported) == node_bytes(graph_def)
  assert not exported.library.function
  tf.reset_default_graph()
  tf.import_graph_def(exported, name="")
  again = tf.get_default_graph().as_graph_def()
  assert again.SerializeToString(deterministic=True) == exported.SerializeToString(deterministic=True)


# Programs whose fetches are a value and its gradients: how the differentiated value comes from the first, and the
# names of what it is differentiated by.
GRADIENTS = {
    "branch_with_loops_gradient": (tf.identity, ["x:0"]),
    "cond_gradient": (lambda y: tf.reduce_sum(y * y), ["x:0", "w:0"]),
    "cond_nested_gradient": (tf.identity, ["x:0"]),
    "loop_at_most_gradient": (tf.identity, ["x:0"]),
    "loop_gradient": (lambda y: tf.reduce_sum(y * y), ["x:0", "w:0"]),
    "loop_nested_gradient": (tf.identity, ["x:0"]),
    "loop_with_branches_gradient": (tf.identity, ["x:0"]),
}


@pytest.mark.parametrize("name", sorted(GRADIENTS))
def test_gradients(name):
  """Taken here, of the imported graph."""
  graph_def = import_program(name)
  graph = tf.get_default_graph()
  loss, xs = GRADIENTS[name]
  y = graph.get_tensor_by_name(next(steps_of(name))[1][0])
  dxs = tf.gradients(loss(y), [graph.get_tensor_by_name(x) for x in xs])
  kept = {k: v for k, v in node_bytes(graph.as_graph_def()).items() if k in {n.name for n in graph_def.node}}
  assert kept == node_bytes(graph_def)
  with tf.Session() as session:
    for feeds, _, _, wanted in steps_of(name):
      for got, value in zip(session.run([y] + dxs, feeds), wanted):
        check(got, value)


@pytest.mark.parametrize("name, fetch, xs", [("loop_gradient", 0, "x:0"), ("rnn_of_lengths", 0, "x:0")])
def test_gradients_twice(name, fetch, xs):
  """Each call has arrays of gradients of its own, also inside loops."""
  import_program(name)
  graph = tf.get_default_graph()
  steps = [s for s in steps_of(name) if s[1]]
  y, x = graph.get_tensor_by_name(steps[0][1][fetch]), graph.get_tensor_by_name(xs)
  first, = tf.gradients(tf.reduce_sum(y * y), x)
  second, = tf.gradients(tf.reduce_sum(y * y) * 2.0, x)
  loss = tf.reduce_sum(y * y)
  with tf.Session() as session:
    for _, _, targets, _ in steps_of(name):
      if targets:
        session.run([graph.get_operation_by_name(t) for t in targets])
    feeds = steps[-1][0]
    once, twice = session.run([first, second], feeds)
    np.testing.assert_allclose(twice, 2.0 * once, rtol=1e-5, atol=1e-6)
    at = tuple(np.argwhere(np.abs(once) == np.abs(once).max())[0])
    losses = []
    for step in (1e-2, -1e-2):
      moved = feeds[xs].copy()
      moved[at] += step
      losses.append(session.run(loss, {**feeds, xs: moved}))
    np.testing.assert_allclose(once[at], (losses[0] - losses[1]) / 2e-2, rtol=1e-2)


def test_fetching_inside():
  """A loop's inside has many values; a branch's has one, when it is taken."""
  import_program("loop")
  with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="is inside the loop 'while/"):
    session.run("while/add:0", {"n:0": 3})
  with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="inputs from different frames"):
    session.run("while/Exit:0", {"n:0": 3, "while/add:0": 1})


def test_gradients_of_loops_over_references():
  import_program("loop_of_references_gradient")
  graph = tf.get_default_graph()
  x = graph.get_tensor_by_name("x:0")
  init, assigning, variable, nested = steps_of("loop_of_references_gradient")
  y = graph.get_tensor_by_name(assigning[1][0])
  dy, dz = tf.gradients(y, x)[0], tf.gradients(graph.get_tensor_by_name(nested[1][0]), x)[0]
  with tf.Session() as session:
    session.run([graph.get_operation_by_name(t) for t in init[2]])
    value, slope = session.run([y, dy], assigning[0])
    check(value, assigning[3][0])
    check(slope, value / assigning[0]["x:0"])
    check(session.run(variable[1][0]), variable[3][0])
    check(session.run(dz, nested[0]), nested[3][1])


@pytest.mark.parametrize("name", ["loop_nested_gradient", "loop_with_branches_gradient"])
def test_second_derivatives(name):
  """Of loops as they were imported, against differences of the first derivatives. TensorFlow's own first derivatives,
  in the same graph, cannot be differentiated: they take values off stacks."""
  import_program(name)
  graph = tf.get_default_graph()
  x = graph.get_tensor_by_name("x:0")
  feeds, fetches, _, _ = list(steps_of(name))[-1]
  first, = tf.gradients(graph.get_tensor_by_name(fetches[0]), x)
  second, = tf.gradients(first, x)
  with tf.Session() as session:
    got = session.run(second, feeds)
    for i in range(got.size):
      moved = [dict(feeds, **{"x:0": feeds["x:0"] + step * np.eye(got.size, dtype=np.float32)[i]})
               for step in (1e-2, -1e-2)]
      up, down = [session.run(first, m).sum() for m in moved]
      np.testing.assert_allclose(got[i], (up - down) / 2e-2, rtol=2e-2, atol=1e-3)
  with pytest.raises(tf.errors.UnimplementedError, match="Second-order gradient for while loops not supported"):
    tf.gradients(graph.get_tensor_by_name(fetches[1]), x)


def test_second_derivatives_through_arrays():
  """The arrays of gradients have gradients too."""
  import_program("rnn_of_lengths")
  graph = tf.get_default_graph()
  steps = list(steps_of("rnn_of_lengths"))
  feeds, fetches, _, _ = [s for s in steps if s[1]][-1]
  x, y = graph.get_tensor_by_name("x:0"), graph.get_tensor_by_name(fetches[0])
  first, = tf.gradients(tf.reduce_sum(y * y * y), x)
  loss = tf.reduce_sum(first * first)
  second, = tf.gradients(loss, x)
  with tf.Session() as session:
    for _, _, targets, _ in steps:
      if targets:
        session.run([graph.get_operation_by_name(t) for t in targets])
    got = session.run(second, feeds)
    at = tuple(np.argwhere(np.abs(got) == np.abs(got).max())[0])
    step = np.zeros_like(got)
    step[at] = 1e-2
    up, down = [session.run(loss, dict(feeds, **{"x:0": feeds["x:0"] + s})) for s in (step, -step)]
    np.testing.assert_allclose(got[at], (up - down) / 2e-2, rtol=1e-2)
