"""GraphDefs out and in."""

import graph_programs
import pytest
import thalweg as tf


@pytest.mark.parametrize("program", graph_programs.PROGRAMS, ids=lambda p: p.__name__)
def test_round_trip(program):
  with tf.Graph().as_default() as first:
    program(tf)
  data = first.as_graph_def()
  with tf.Graph().as_default() as second:
    tf.import_graph_def(data, name="")
  assert second.as_graph_def().SerializeToString(deterministic=True) == data.SerializeToString(deterministic=True)
  for a, b in zip(first.get_operations(), second.get_operations()):
    assert [t.name for t in a.inputs] == [t.name for t in b.inputs]
    assert [t.dtype for t in a.outputs] == [t.dtype for t in b.outputs]


@pytest.fixture
def graph_def():
  with tf.Graph().as_default() as g:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.identity(x * 2.0, name="y")
  return g.as_graph_def()


def test_map_and_return(graph_def):
  a = tf.constant([1.0, 2.0])
  y, op = tf.import_graph_def(graph_def, input_map={"x": a}, return_elements=["y:0", "y"], name="net")
  assert y.name == "net/y:0" and op.name == "net/y" and op.type == "Identity"
  with tf.Session() as s:
    assert s.run(y).tolist() == [2.0, 4.0]
  again, = tf.import_graph_def(graph_def, return_elements=["y:0"], name="net")
  assert again.name == "net_1/y:0"


def test_mistakes(graph_def):
  with pytest.raises(ValueError, match="Requested return_element 'z' not found in graph_def."):
    tf.import_graph_def(graph_def, return_elements=["z"])
  with pytest.raises(ValueError, match="Attempted to map inputs that were not found in graph_def"):
    tf.import_graph_def(graph_def, input_map={"z:0": tf.constant(1.0)})
  with pytest.raises(TypeError, match="graph_def must be a GraphDef proto"):
    tf.import_graph_def({})


def test_names_after_import(graph_def):
  """Operations made later do not take imported names."""
  tf.import_graph_def(graph_def, name="")
  assert tf.constant(1.0, name="y").name == "y_1:0"
