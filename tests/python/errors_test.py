"""What wrong programs are told, while the graph is built and while it runs."""

import numpy as np
import pytest
import thalweg as tf


def test_types_do_not_match():
  x, n = tf.constant(1.0), tf.constant(1)
  with pytest.raises(TypeError, match="Input 'y' of 'Add' Op has type int32 that does not match type float32 of "
                                      "argument 'x'."):
    tf.add(x, n)
  with pytest.raises(TypeError, match="Input 'y' of 'AddV2' Op has type float32 that does not match type int32 of "
                                      "argument 'x'."):
    n + 1.5
  with pytest.raises(TypeError, match="not in list of allowed values"):
    tf.nn.relu(tf.constant("text"))
  with pytest.raises(TypeError, match="Expected int32"):
    tf.constant(1.5, tf.int32)
  with pytest.raises(TypeError):
    tf.concat([x, n], 0)


def test_shapes_do_not_match():
  a, b = tf.ones([2, 3]), tf.ones([4, 5])
  with pytest.raises(ValueError, match="Dimensions must be equal, but are 3 and 4"):
    tf.matmul(a, b)
  with pytest.raises(ValueError, match="Dimensions must be equal, but are"):
    a + b
  with pytest.raises(ValueError):
    tf.reshape(a, [7])
  with pytest.raises(ValueError, match="not compatible|must be equal"):
    a.set_shape([2, 4])


@pytest.mark.parametrize("old, new, call", [
    ("dim", "axis", lambda x: tf.expand_dims(x, 0, dim=0)),
    ("squeeze_dims", "axis", lambda x: tf.squeeze(x, [0], squeeze_dims=[0])),
    ("reduction_indices", "axis", lambda x: tf.reduce_sum(x, 0, reduction_indices=0)),
    ("keep_dims", "keepdims", lambda x: tf.reduce_sum(x, keepdims=True, keep_dims=True)),
    ("dimension", "axis", lambda x: tf.argmax(x, 0, dimension=0)),
    ("seq_dim", "seq_axis", lambda x: tf.reverse_sequence(x, [1], seq_axis=1, seq_dim=1)),
    ("input_tensor", "input", lambda x: tf.count_nonzero(x, input=x)),
    ("dim", "axis", lambda x: tf.nn.softmax(x, axis=-1, dim=-1)),
    ("filter", "filters", lambda x: tf.nn.conv2d(x, x, [1] * 4, "SAME", filters=x)),
    ("value", "input", lambda x: tf.nn.max_pool(x, [1] * 4, [1] * 4, "SAME", input=x)),
    ("targets", "labels", lambda x: tf.nn.weighted_cross_entropy_with_logits(labels=x, targets=x, logits=x,
                                                                             pos_weight=1.0)),
], ids=lambda v: v if isinstance(v, str) else "")
def test_an_argument_under_two_names(old, new, call):
  with pytest.raises(ValueError, match="Cannot specify both '%s' and '%s'" % (old, new)):
    call(tf.ones([1, 1, 1, 1]))


def test_constants():
  with pytest.raises(ValueError, match="None values not supported."):
    tf.constant(None)
  with pytest.raises(ValueError, match="Argument must be a dense tensor"):
    tf.constant([[1, 2], [3]])
  with pytest.raises(ValueError, match="Too many elements provided"):
    tf.constant([1, 2, 3], shape=[2])


def test_tensors_have_no_value_yet():
  x = tf.constant([1.0, 2.0])
  with pytest.raises(TypeError, match="as a Python `bool` is not allowed"):
    if x > 0:
      pass
  with pytest.raises(TypeError, match="iterating over `tf.Tensor` is not allowed"):
    list(x)
  with pytest.raises(TypeError, match="len is not well defined"):
    len(x)


def test_graph_lookups():
  g = tf.get_default_graph()
  tf.constant(1.0, name="a")
  with pytest.raises(KeyError, match="refers to an Operation not in the graph"):
    g.get_operation_by_name("b")
  with pytest.raises(KeyError, match="refers to a Tensor which does not exist"):
    g.get_tensor_by_name("b:0")
  with pytest.raises(KeyError, match="exists but only has 1 outputs"):
    g.get_tensor_by_name("a:1")
  with pytest.raises(ValueError, match="Tensor names must be of the form"):
    g.get_tensor_by_name("a")
  with pytest.raises(TypeError):
    g.as_graph_element(3)


def test_names():
  with pytest.raises(ValueError, match="is not a valid scope name"):
    tf.add(1.0, 2.0, name="a b")
  with pytest.raises(ValueError, match="is not a valid scope name"):
    with tf.name_scope("_x"):
      pass


def test_finalized():
  tf.get_default_graph().finalize()
  with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified."):
    tf.constant(1.0)


def test_different_graphs():
  a = tf.constant(1.0)
  with tf.Graph().as_default():
    b = tf.constant(1.0)
    with pytest.raises(ValueError, match="must be from the same graph"):
      tf.add(a, b)


def test_uninitialized_variable():
  v = tf.Variable(1.0, name="v")
  with tf.Session() as s:
    with pytest.raises(tf.errors.FailedPreconditionError, match="Attempting to use uninitialized value v"):
      s.run(v)


def test_index_out_of_range():
  i = tf.placeholder(tf.int32, [None])
  rows = tf.gather(tf.ones([5, 2]), i, name="rows")
  with tf.Session() as s:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 7 is not in \[0, 5\)") as info:
      s.run(rows, {i: [0, 7]})
  assert info.value.error_code == tf.errors.InvalidArgumentError(None, None, "").error_code
  assert "errors_test.py" in str(info.value)


def test_shapes_at_run_time():
  a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
  c = tf.add(a, b, name="total")
  with tf.Session() as s:
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
      s.run(c, {a: np.ones((2, 3)), b: np.ones((4, 5))})
  assert "total" in str(info.value)


def test_assert_op():
  x = tf.placeholder(tf.float32, [])
  check = tf.Assert(x > 0, ["x is", x])
  with tf.control_dependencies([check]):
    y = tf.identity(x)
  with tf.Session() as s:
    assert s.run(y, {x: 1.0}) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
      s.run(y, {x: -1.0})


def test_error_classes():
  e = tf.errors.NotFoundError(None, None, "no file")
  assert e.message == "no file" and e.error_code == 5 and e.op is None and isinstance(e, tf.OpError)
  import pickle
  assert pickle.loads(pickle.dumps(e)).message == "no file"


def test_hostile_graph_def():
  with pytest.raises(ValueError):
    node = tf.GraphDef()
    node.node.add(name="a", op="NoSuchOp")
    tf.import_graph_def(node)
  with pytest.raises(ValueError):
    loop = tf.GraphDef()
    loop.node.add(name="a", op="Identity", input=["b"]).attr["T"].type = 1
    loop.node.add(name="b", op="Identity", input=["a"]).attr["T"].type = 1
    tf.import_graph_def(loop)
  with pytest.raises(TypeError):
    tf.import_graph_def("text")


def test_constants_that_divide_by_zero_within_a_group():
  """Operations on nothing but constants that could not be folded are not fused: each says what is wrong with it."""
  with tf.Session() as session:
    for y in (tf.constant(1) // tf.constant(0), (tf.constant(1) // tf.constant(0)) + tf.constant(2)):
      with pytest.raises(tf.errors.InvalidArgumentError, match="division by zero"):
        session.run(y)
