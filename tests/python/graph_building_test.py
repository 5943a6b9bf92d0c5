"""What the quick ways of building a graph must not change: values, attributes, places, names."""

import sys

import numpy as np
import pytest
import thalweg as tf


def evaluate(t):
  with tf.Session() as s:
    return s.run(t)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_small_constants():
  for value, dtype in ((0.0, None), (-0.0, None), (1, None), (True, None), (1.0, tf.float64), (3, tf.float32),
                       (2**40, None), (1e39, None), ([1, 2], None), ((1, -1), tf.int64), ([True, False], None),
                       ([1, 2.5], None), ([2**31], None), ([], None), (float("nan"), None), ([[1, 2]], None)):
    for _ in range(2):  # the second one finds the first one's bytes
      t = tf.constant(value, dtype)
      want = np.asarray(value)
      if dtype is None and want.dtype == np.float64:
        want = want.astype(np.float32)
      if dtype is None and want.dtype == np.int64 and np.array_equal(want, want.astype(np.int32)):
        want = want.astype(np.int32)
      want = want.astype(dtype.as_numpy_dtype) if dtype is not None else want
      got = evaluate(t)
      assert t.dtype == want.dtype and t.shape.as_list() == list(want.shape)
      assert str(got) == str(want[()])


def test_a_bool_is_no_int():
  a = tf.ones([2, 2])
  tf.matmul(a, a, transpose_a=True)
  with pytest.raises(TypeError, match="Expected bool"):
    tf.raw_ops.MatMul(a=a, b=a, transpose_a=1)
  assert evaluate(tf.constant([1, 0])).dtype == np.int32
  assert evaluate(tf.constant([True, False])).dtype == np.bool_
  assert evaluate(tf.constant(1)).dtype == np.int32 and evaluate(tf.constant(True)).dtype == np.bool_


def test_filled_tensors():
  for make, one in ((tf.zeros, 0), (tf.ones, 1)):
    for dtype in (tf.float32, tf.float16, tf.int8, tf.uint8, tf.int64, tf.bool, tf.complex64):
      for shape in ([], [3], (2, 0), tf.TensorShape([2, 3]), [40, 50]):
        got = evaluate(make(shape, dtype))
        want = np.full(tf.TensorShape(shape).as_list(), one, dtype.as_numpy_dtype)
        assert got.dtype == want.dtype and np.array_equal(got, want)
  assert tf.zeros([2, 2]).op.type == "Const" and tf.zeros([2000]).op.type == "Fill"


def test_an_attribute_can_be_changed():
  a = tf.constant(1.0, name="a")
  b = tf.identity(a, name="b")
  assert b.op.colocation_groups() == [b"loc:@b"]
  b.op._set_attr("_class", "list(string)", [b"loc:@a"])
  assert b.op.colocation_groups() == [b"loc:@a"] and b.op.get_attr("_class") == [b"loc:@a"]
  b.op._set_attr("_note", "string", "text")
  assert b.op.get_attr("_note") == b"text"
  with pytest.raises(ValueError, match="has no attr named 'c'"):
    b.op.get_attr("c")


def test_places():
  def make():
    return tf.constant(1.0), sys._getframe().f_lineno

  first, line = make()
  again, _ = make()
  second = tf.constant(2.0)
  assert first.op.traceback[-1][:3] == again.op.traceback[-1][:3] == (__file__, line, "make")
  assert second.op.traceback[-1][1] == line + 4 and second.op.traceback[-1][2] == "test_places"
  called = []

  def initial(shape, dtype, partition_info=None):
    called.append(sys._getframe().f_lineno + 1)
    return tf.ones(shape, dtype)

  v = tf.get_variable("v", [2], initializer=initial)
  assert v.initial_value.op.traceback[-1][1] == called[0]


def test_contexts():
  g = tf.get_default_graph()
  with g.name_scope("a") as scope, g.device("/cpu:0"), g.container("c"):
    assert scope == "a/" and g._container == "c"
    x = tf.constant(1.0)
  assert x.name == "a/Const:0" and x.device == "/device:CPU:0" and g._container == ""

  @g.device("/cpu:1")
  def inside():
    return tf.constant(2.0)

  assert inside().device == "/device:CPU:1" and tf.constant(1.0).device == ""
  with pytest.raises(ValueError, match="op is None"):
    with g.colocate_with(None):
      pass
  with pytest.raises(KeyError):
    with g.name_scope("b"):
      raise KeyError
  assert g.get_name_scope() == ""


def test_scope_counts():
  """Default names of scopes count from one within each opened parent."""
  names = []
  for _ in range(2):
    with tf.variable_scope("outer"):
      for _ in range(2):
        with tf.variable_scope(None, "inner"):
          names.append(tf.get_variable_scope().name)
  assert names == ["outer/inner", "outer/inner_1"] * 2
  with tf.variable_scope("outer") as scope:
    with tf.variable_scope(None, "inner"):
      pass
  with tf.variable_scope(scope):
    with tf.variable_scope(None, "inner"):
      assert tf.get_variable_scope().name == "outer/inner"
  with tf.variable_scope("a/b"):
    with tf.variable_scope(None, "c"):
      pass
    with tf.variable_scope(None, "c"):
      assert tf.get_variable_scope().name == "a/b/c_1"


def test_nodes_the_core_adds():
  x = tf.placeholder(tf.float32, [None, 3], name="x")
  before = len(tf.get_default_graph().get_operations())
  dx, = tf.gradients(tf.reduce_sum(tf.square(x)), x)
  added = tf.get_default_graph().get_operations()[before:]
  by_name = {op.name: op for op in added}
  assert dx.op in added and by_name[dx.op.name] is dx.op
  for op in added:
    assert [i.name for i in op.inputs] == [n if ":" in n else n + ":0" for n in op.node_def.input
                                           if not n.startswith("^")]
    assert [t.dtype.base_dtype for t in op.outputs] == [tf.as_dtype(t.dtype).base_dtype for t in op.outputs]
    assert op.type == op.node_def.op and op.traceback[-1][0] == __file__


def test_lists_of_inputs():
  a, b = tf.ones([2]), tf.zeros([2])
  assert evaluate(tf.stack([a, b])).tolist() == [[1, 1], [0, 0]]
  assert tf.concat([a, b], 0).op.get_attr("N") == 2
  assert tf.identity_n([a, 1])[0].op.get_attr("T") == [tf.float32, tf.int32]
  assert tf.raw_ops.FIFOQueueV2(component_types=[tf.int32]).op.get_attr("shapes") == []
  assert evaluate(tf.identity_n([a, tf.constant(3)]))[1] == 3
  with pytest.raises(TypeError, match="that don't all match"):
    tf.add_n([a, tf.constant([1, 2])])
  with pytest.raises(ValueError):
    tf.raw_ops.ConcatV2(values=[a], axis=0)
  with pytest.raises(TypeError, match="Expected list for 'inputs' argument to 'AddN' Op"):
    tf.raw_ops.AddN(inputs=a)
