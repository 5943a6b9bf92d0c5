"""Variables, variable scopes, initialisers."""

import numpy as np
import pytest
import thalweg as tf

# Made with TensorFlow 1.15.5.
GOLDEN_INITIAL = [
    [-0.242284238, -0.301681817, -0.46713537, -1.00900459],
    [0.472351909, -0.483395338, 0.402585834],
    [0.733862162, -0.995664835],
    [-1.18304431, -0.495551616],
]


def run(fetches, feed=None):
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    return s.run(fetches, feed)


@pytest.mark.parametrize("resource", [False, True])
def test_state(resource):
  v = tf.get_variable("v", [2], initializer=tf.constant_initializer([1.0, 2.0]), use_resource=resource)
  with tf.Session() as s:
    assert not s.run(tf.is_variable_initialized(v))
    s.run(v.initializer)
    assert s.run(tf.is_variable_initialized(v))
    assert s.run(v).tolist() == [1.0, 2.0]
    assert s.run(v.assign([5.0, 6.0])).tolist() == [5.0, 6.0]
    assert s.run(v.assign_add([1.0, 1.0])).tolist() == [6.0, 7.0]
    assert s.run(v.assign_sub([2.0, 2.0])).tolist() == [4.0, 5.0]
    assert s.run(v[1]) == 5.0
    assert s.run(v + 1.0).tolist() == [5.0, 6.0]
    v.load([0.0, 9.0], s)
    assert v.eval(s).tolist() == [0.0, 9.0]
    assert s.run(tf.scatter_add(v, [1], [1.0])).tolist() == [0.0, 10.0]


def test_kinds_and_collections():
  a = tf.get_variable("a", [])
  b = tf.Variable(1, trainable=False, name="b")
  c = tf.get_local_variable("c", [])
  assert isinstance(a, tf.Variable) and isinstance(b, tf.Variable)
  assert a.dtype.name == "float32_ref" and b.dtype.base_dtype == tf.int32
  assert tf.trainable_variables() == [a]
  assert tf.global_variables() == [a, b] and tf.local_variables() == [c]
  assert a.name == "a:0" and a.op.type == "VariableV2" and a.get_shape().as_list() == []


def test_reuse():
  with tf.variable_scope("s"):
    first = tf.get_variable("v", [2])
    with pytest.raises(ValueError, match="Variable s/v already exists, disallowed"):
      tf.get_variable("v", [2])
  with tf.variable_scope("s", reuse=True):
    assert tf.get_variable("v", [2]) is first
    with pytest.raises(ValueError, match="Trying to share variable s/v, but specified shape"):
      tf.get_variable("v", [3])
    with pytest.raises(ValueError, match="does not exist, or was not created with tf.get_variable"):
      tf.get_variable("w", [2])
  with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
    assert tf.get_variable("v", [2]) is first
    assert tf.get_variable("w", [2]).name == "s/w:0"
  with tf.variable_scope("s") as scope:
    scope.reuse_variables()
    assert tf.get_variable("v", [2]) is first


def test_custom_getter_and_defaults():
  seen = []

  def getter(getter, name, *args, **kwargs):
    seen.append(name)
    return tf.identity(getter(name, *args, **kwargs), name="wrapped")

  with tf.variable_scope("s", custom_getter=getter, initializer=tf.ones_initializer(), dtype=tf.float64):
    t = tf.get_variable("v", [2])
  assert seen == ["s/v"] and isinstance(t, tf.Tensor) and t.dtype.base_dtype == tf.float64
  assert run(t).tolist() == [1.0, 1.0]


def test_partitioned():
  with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(3)):
    v = tf.get_variable("v", [7, 2], initializer=tf.ones_initializer())
  assert [p.name for p in v] == ["s/v/part_0:0", "s/v/part_1:0", "s/v/part_2:0"]
  assert [p.shape.as_list() for p in v] == [[3, 2], [2, 2], [2, 2]]
  assert run(tf.convert_to_tensor(v)).shape == (7, 2)
  assert list(v)[1]._get_save_slice_info().spec == "7 2 3,2:0,2"


def test_partitions_that_do_not_fit():
  def get(shape, parts, reuse):
    with tf.variable_scope("s", reuse=reuse):
      return tf.get_variable("v", shape, partitioner=tf.fixed_size_partitioner(parts))

  with pytest.raises(ValueError, match="Shape of a new partitioned variable .s/v. must be fully defined"):
    get([None, 2], 3, tf.AUTO_REUSE)
  with pytest.raises(ValueError, match="zero partitions"):
    get([7, 2], 0, False)
  v = get([7, 2], 3, False)
  assert get([7, 2], 3, True) is v and get([None, 2], 2, True) is v
  with pytest.raises(ValueError, match=r"specified partitions \[2, 1\] and found partitions \[3, 1\]"):
    get([7, 2], 2, True)
  with pytest.raises(ValueError, match="reuse partitioned variable s/v, but specified shape"):
    get([8, 2], 3, True)


def test_regularizer():
  with tf.variable_scope("s", regularizer=lambda w: 0.5 * tf.nn.l2_loss(w)):
    tf.get_variable("v", [2], initializer=tf.ones_initializer())
  losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
  assert len(losses) == 1 and run(losses[0]) == 0.5


def test_initial_values_of_others():
  a = tf.Variable(tf.random_normal([3]), name="a")
  b = tf.Variable(a.initialized_value() * 2.0, name="b")
  x, y = run([a, b])
  np.testing.assert_allclose(y, 2 * x, rtol=1e-6)


def test_initializers_with_seeds():
  """The numbers are TensorFlow 1.15's."""
  tf.set_random_seed(7)
  a = tf.get_variable("a", [2, 2])
  b = tf.get_variable("b", [3], initializer=tf.truncated_normal_initializer(stddev=0.5, seed=3))
  c = tf.get_variable("c", [2], initializer=tf.random_uniform_initializer(-1, 1, seed=5))
  d = tf.get_variable("d", [2], initializer=tf.variance_scaling_initializer(seed=2))
  got = run([a, b, c, d])
  want = GOLDEN_INITIAL
  for g, w in zip(got, want):
    np.testing.assert_allclose(np.ravel(g), w, rtol=2e-6)


def test_uninitialized_report():
  tf.get_variable("a", [])
  b = tf.get_variable("b", [])
  report = tf.report_uninitialized_variables()
  with tf.Session() as s:
    assert sorted(s.run(report).tolist()) == [b"a", b"b"]
    s.run(b.initializer)
    assert s.run(report).tolist() == [b"a"]


def test_no_shape():
  with pytest.raises(ValueError, match="must be fully defined"):
    tf.get_variable("v", [None, 2])
  with pytest.raises(ValueError, match="do not specify shape"):
    tf.get_variable("w", [2], initializer=tf.ones([2]))


@pytest.mark.parametrize("resource", [False, True])
def test_assigning_a_partitioned_variable(resource):
  v = tf.get_variable("v", [5, 2], partitioner=tf.fixed_size_partitioner(2), initializer=tf.zeros_initializer(),
                      use_resource=resource)
  w = tf.get_variable("w", [5, 2], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer(),
                      use_resource=resource)
  value = np.arange(10, dtype=np.float32).reshape(5, 2)
  whole = tf.convert_to_tensor(v)
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    first, second = s.run(v.assign(value))
    assert first.tolist() == value[:3].tolist() and second.tolist() == value[3:].tolist()
    s.run(v.assign_add(w))
    assert s.run(whole).tolist() == (value + 1).tolist()
    s.run(v.assign_sub([tf.ones([3, 2]), tf.zeros([2, 2])]))
    assert s.run(whole).tolist() == np.concatenate([value[:3], value[3:] + 1]).tolist()
    assert s.run(v.assign(value, read_value=False)) == [None, None]
  with pytest.raises(ValueError, match="has 2 parts, but was given 1 values"):
    v.assign([value])


def test_partitions_by_hand():
  """Names and slices are TensorFlow 1.15's."""
  parts = tf.create_partitioned_variables([8, 3], [2, 1], tf.ones([8, 3]), name="pv")
  assert [p.name for p in parts] == ["pv/part_0:0", "pv/part_1:0"]
  assert [p._get_save_slice_info().spec for p in parts] == ["8 3 0,4:0,3", "8 3 4,4:0,3"]
  unnamed = tf.create_partitioned_variables([4], [2], tf.zeros_initializer())
  assert [p.name for p in unnamed] == ["PartitionedVariable/part_0:0", "PartitionedVariable/part_1:0"]
  assert [p.tolist() for p in run(parts)] == [np.ones([4, 3]).tolist()] * 2
  with tf.variable_scope(tf.get_variable_scope()):
    again = tf.create_partitioned_variables([8, 3], [2, 1], tf.ones([8, 3]), name="pv", reuse=True)
  assert again == parts
  with pytest.raises(ValueError, match="must have the length"):
    tf.create_partitioned_variables([8, 3], [2], tf.zeros_initializer())


def test_names_of_guarded_initial_values():
  """What an initial value computes from another variable is computed again under TensorFlow's names."""
  a = tf.Variable([1.0, 2.0], name="a")
  with tf.name_scope("s"):
    b = tf.Variable(a + 1.0, name="b")
  assert b.initializer.inputs[1].name == "s/add_s/b:0"
  assert run(b).tolist() == [2.0, 3.0]
