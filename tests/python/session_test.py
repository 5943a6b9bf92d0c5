"""Sessions: fetch structures, feeds and their checks, callables, closing, threads, traces."""

import collections
import threading

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture
def sess():
  with tf.Session() as s:
    yield s


def test_fetch_structures(sess):
  a, b = tf.constant(1.0), tf.constant([2.0, 3.0])
  op = tf.no_op()
  point = collections.namedtuple("point", ["x", "y"])
  assert sess.run(a) == 1.0 and isinstance(sess.run(a), np.float32)
  assert sess.run(op) is None
  assert sess.run([a, op]) == [1.0, None]
  result = sess.run({"a": a, "list": [b, (a, a)], "p": point(a, b)})
  assert result["a"] == 1.0 and result["list"][1] == (1.0, 1.0)
  assert isinstance(result["p"], point) and result["p"].y.tolist() == [2.0, 3.0]
  assert sess.run("Const:0") == 1.0
  assert sess.run([]) == []
  ordered = sess.run(collections.OrderedDict([("z", a), ("y", b)]))
  assert list(ordered) == ["z", "y"]


def test_fetch_slices_and_sparse(sess):
  slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([3, 1]), tf.constant([4, 1]))
  value = sess.run(slices)
  assert value.indices.tolist() == [3, 1] and value.dense_shape.tolist() == [4, 1]
  sparse = tf.SparseTensor([[0, 1]], [5.0], [2, 2])
  value = sess.run(sparse)
  assert isinstance(value, tf.SparseTensorValue) and value.values.tolist() == [5.0]
  placeholder = tf.sparse_placeholder(tf.float32)
  total = placeholder.values * 2.0
  assert sess.run(total, {placeholder: tf.SparseTensorValue([[0, 0]], [4.0], [1, 1])}).tolist() == [8.0]


def test_bad_fetches(sess):
  tf.constant(1.0)
  with pytest.raises(TypeError, match="has invalid type"):
    sess.run(None)
  with pytest.raises(TypeError, match="must be a string or Tensor"):
    sess.run(3.5)
  with pytest.raises(ValueError, match="cannot be interpreted as a Tensor"):
    sess.run("nowhere:0")
  with tf.Graph().as_default():
    other = tf.constant(2.0)
  with pytest.raises(ValueError, match="is not an element of this graph"):
    sess.run(other)


def test_feeds(sess):
  x = tf.placeholder(tf.float32, [None, 2], name="x")
  y = x + 1.0
  assert sess.run(y, {x: [[1, 2]]}).tolist() == [[2.0, 3.0]]
  assert sess.run(y, {"x:0": np.ones((3, 2))}).shape == (3, 2)
  assert sess.run(y, feed_dict={x: np.asfortranarray(np.arange(4.0).reshape(2, 2))}).tolist() == [[1, 2], [3, 4]]
  c = tf.constant(5.0)
  assert sess.run(c * 2.0, {c: 7.0}) == 14.0
  assert sess.run([x, y], {x: [[0, 0]]})[0].tolist() == [[0.0, 0.0]]


def test_feed_errors(sess):
  x = tf.placeholder(tf.float32, [None, 2], name="x")
  n = tf.placeholder(tf.int32, [], name="n")
  y = tf.identity(x)
  with pytest.raises(tf.errors.InvalidArgumentError,
                     match="You must feed a value for placeholder tensor 'x' with dtype float") as info:
    sess.run(y)
  assert info.value.op.name == "x" and info.value.node_def.op == "Placeholder"
  assert "session_test.py" in str(info.value)
  with pytest.raises(ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor 'x:0', which has shape "
                                       r"'\(\?, 2\)'"):
    sess.run(y, {x: [1, 2, 3]})
  with pytest.raises(TypeError, match="The value of a feed cannot be a tf.Tensor object"):
    sess.run(y, {x: y})
  with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
    sess.run(y, {"none:0": 1})
  with pytest.raises(TypeError, match="is not compatible with Tensor type"):
    sess.run(tf.identity(n), {n: 2**40})
  with pytest.raises(ValueError):
    sess.run(y, {x: "text"})


def test_unfeedable_constant(sess):
  shape = tf.constant([2, 3])
  tf.get_static_value(shape)
  with pytest.raises(ValueError, match="may not be fed"):
    sess.run(tf.identity(shape), {shape: [1, 2]})


def test_strings(sess):
  s = tf.constant(["ab", b"c\0d", "\u00e9"])
  assert sess.run(s).tolist() == [b"ab", b"c\0d", "\u00e9".encode("utf-8")]
  p = tf.placeholder(tf.string)
  assert sess.run(tf.identity(p), {p: "one"}) == b"one"
  assert sess.run(tf.identity(p), {p: np.array([["x", "yy"]])}).tolist() == [[b"x", b"yy"]]


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8,
                                   tf.uint16, tf.bool, tf.complex64, tf.complex128])
def test_dtypes_round_trip(sess, dtype):
  value = np.array([[0, 1], [1, 0]]).astype(dtype.as_numpy_dtype)
  p = tf.placeholder(dtype)
  for got in (sess.run(tf.constant(value)), sess.run(tf.identity(p), {p: value})):
    assert got.dtype == value.dtype and got.tolist() == value.tolist()


def test_results_are_the_callers(sess):
  """Writing to a fetched array changes neither constants nor variables."""
  c = tf.constant(np.ones((64, 64), np.float32))
  v = tf.get_variable("v", [64, 64], initializer=tf.ones_initializer())
  sess.run(tf.global_variables_initializer())
  for t in (c, v):
    first = sess.run(t)
    first[:] = 7
    assert sess.run(t).max() == 1.0
  fed = np.ones((64, 64), np.float32)
  p = tf.placeholder(tf.float32, [64, 64])
  sess.run(tf.assign(v, p), {p: fed})
  fed[:] = 9
  assert sess.run(v).max() == 1.0


def test_results_of_all_sizes_and_shapes(sess):
  """Small ones are copied together, as far as there is room; others keep their tensors."""
  rng = np.random.RandomState(0)
  shapes = [[()], [(1,), (1023,), (1025,), (0,), (900,)], [(3, 5), (4, 256), (64, 64), (0, 4)], [(7, 1, 3), (1, 2, 3)]]
  xs = [tf.placeholder(tf.float32, [None] * rank) for rank in (2, 0, 1, 1, 2, 3, 1, 0, 2, 1, 1, 0)]
  ys = [x + 1.0 for x in xs] + [tf.cast(xs[0], tf.bool), tf.constant(["a", "bc"]), tf.constant(7, tf.int64)]
  for run in (lambda feeds: sess.run(ys, dict(zip(xs, feeds))), lambda feeds, f=sess.make_callable(ys, xs): f(*feeds)):
    kept = []
    for turn in range(6):
      of_rank = [of[turn % len(of)] for of in shapes]
      feeds = [np.asarray(rng.rand(*of_rank[x.shape.ndims]), np.float32) for x in xs]
      kept.append((feeds, run(feeds)))
    for feeds, results in kept:
      np.testing.assert_array_equal(results[-3], feeds[0] != 0)
      assert list(results[-2]) == [b"a", b"bc"] and results[-1] == 7
      for x, y in zip(feeds, results):
        assert y.shape == x.shape and y.dtype == np.float32
        np.testing.assert_array_equal(y, x + 1)
        if y.ndim:
          y[...] = 0  # the caller's own


def test_scalars_of_numpy_as_feeds(sess):
  for dtype, scalar in ((tf.float32, np.float32), (tf.float64, np.float64), (tf.int64, np.int64), (tf.bool, np.bool_)):
    x = tf.placeholder(dtype, [])
    f = sess.make_callable(tf.identity(x), [x])
    for value in (scalar(1), scalar(0), np.array(1, scalar)):
      assert f(value) == value and f(value).dtype == scalar
  # Of a structured type, whose scalars are views of arrays.
  x = tf.placeholder(tf.qint8, [])
  f = sess.make_callable(tf.identity(x), [x])
  seven, nine = (f(np.array((n,), np.dtype(tf.qint8.as_numpy_dtype))[()]) for n in (7, 9))
  assert seven.item() == (7,) and nine.item() == (9,)
  x = tf.placeholder(tf.float32, [2])
  f = sess.make_callable(x + 0.0, [x])
  for _ in range(2):
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
      f(np.float32(1))


def test_callable_of_operations(sess):
  v = tf.Variable(1.0)
  sess.run(v.initializer)
  add = sess.make_callable(tf.assign_add(v, 2.0).op)
  assert add() is None and add() is None and sess.run(v) == 5.0
  assert sess.make_callable([add_op := tf.assign_add(v, 1.0).op, [add_op]])() == [None, [None]]
  assert sess.run(v) == 6.0
  with pytest.raises(TypeError, match="takes 0 values to feed, but was given 1"):
    add(1.0)
  metadata = tf.RunMetadata()
  add(options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
  assert metadata.step_stats.dev_stats and sess.run(v) == 8.0
  fails = tf.assert_equal(v, 0.0, message="not so")
  for run in (sess.make_callable(fails), lambda: sess.run(fails)):
    with pytest.raises(tf.errors.InvalidArgumentError, match="not so"):
      run()


def test_callable(sess):
  x = tf.placeholder(tf.float32, [])
  y = x * 2.0
  f = sess.make_callable([y, {"x": x}], [x])
  assert f(3.0) == [6.0, {"x": 3.0}]
  with pytest.raises(TypeError):
    f()
  assert sess.make_callable(tf.no_op())() is None


def test_partial_run(sess):
  a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
  first = a + 1.0
  second = first * b
  handle = sess.partial_run_setup([first, second], [a, b])
  assert sess.partial_run(handle, first, {a: 2.0}) == 3.0
  assert sess.partial_run(handle, second, {b: 10.0}) == 30.0
  with pytest.raises(tf.errors.InvalidArgumentError, match="already been fetched"):
    sess.partial_run(handle, second)


def test_close():
  c = tf.constant(1.0)
  s = tf.Session()
  f, g = s.make_callable(c), s.make_callable(c.op)
  assert s.run(c) == 1.0 and g() is None
  s.close()
  s.close()
  for call in (lambda: s.run(c), f, g):
    with pytest.raises(RuntimeError, match="Attempted to use a closed Session."):
      call()


def test_empty_graph():
  with pytest.raises(RuntimeError, match="The Session graph is empty"):
    tf.Session().run([])


def test_default_session():
  c = tf.constant(2.0)
  with pytest.raises(ValueError, match="No default session is registered"):
    c.eval()
  with tf.Session() as s:
    assert tf.get_default_session() is s and c.eval() == 2.0
    with tf.Graph().as_default():
      other = tf.constant(1.0)
    with pytest.raises(ValueError, match="different from the session's graph"):
      other.eval()
  assert tf.get_default_session() is None
  s = tf.InteractiveSession()
  assert c.eval() == 2.0
  s.close()
  assert tf.get_default_session() is None


def test_nodes_added_between_runs(sess):
  a = tf.constant(1.0)
  assert sess.run(a) == 1.0
  assert sess.run(a + 1.0) == 2.0


def test_two_sessions_have_their_own_variables():
  v = tf.Variable(1.0)
  first, second = tf.Session(), tf.Session()
  first.run(v.initializer)
  second.run(v.initializer)
  first.run(v.assign_add(5.0))
  assert first.run(v) == 6.0 and second.run(v) == 1.0


def test_threads(sess):
  x = tf.placeholder(tf.float32, [32])
  y = tf.square(x) + 1.0
  wrong = []

  def work(k):
    for i in range(50):
      got = sess.run(y, {x: np.full(32, k * 100 + i, np.float32)})
      if got[0] != float(k * 100 + i)**2 + 1:
        wrong.append((k, i))

  threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
  for t in threads:
    t.start()
  for t in threads:
    t.join()
  assert not wrong


def test_building_from_threads():
  graph = tf.get_default_graph()

  def work(k):
    with graph.as_default():
      for i in range(100):
        tf.constant(float(i), name="t%d_%d" % (k, i))

  threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
  for t in threads:
    t.start()
  for t in threads:
    t.join()
  ops = graph.get_operations()
  assert len(ops) == 400 and all(graph.get_operation_by_name(op.name) is op for op in ops)


def test_trace(sess):
  a = tf.random_normal([50, 50])
  b = tf.matmul(a, a, name="product")
  metadata = tf.RunMetadata()
  sess.run(b, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=metadata)
  stats = metadata.step_stats.dev_stats
  assert stats[0].device.endswith("CPU:0")
  assert any("product" in n.node_name for n in stats[0].node_stats)


def test_config():
  config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, allow_soft_placement=True)
  config.gpu_options.allow_growth = True
  config.graph_options.rewrite_options.disable_meta_optimizer = True
  with tf.Session(config=config) as s:
    assert s.run(tf.constant(1)) == 1
    assert s.list_devices()[0].device_type == "CPU"
  with pytest.raises(TypeError, match="must be a tf.ConfigProto"):
    tf.Session(config={})


def test_many_feeds_of_all_sizes(sess):
  sizes = [(), (3,), (0, 2), (300,), (40, 50)] * 5
  inputs = [tf.placeholder(tf.float32, s) for s in sizes]
  values = [np.full(s, i, np.float32) for i, s in enumerate(sizes)]
  values[5] = 5.0
  got = sess.run(inputs + [tf.add_n([tf.reduce_sum(x) for x in inputs])], dict(zip(inputs, values)))
  for value, fetched in zip(values, got):
    np.testing.assert_array_equal(fetched, value)
  assert got[-1] == sum(float(np.sum(v)) for v in values)
  bad = dict(zip(inputs, values))
  bad[inputs[-1]] = "text"
  with pytest.raises(ValueError):
    sess.run(inputs[0] + 1.0, bad)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_numbers_as_feeds(sess):
  for dtype, values in ((tf.float32, (1.5, 2, 1e39, -0.0)), (tf.int32, (7, -1)), (tf.int64, (2**40,)),
                        (tf.bool, (True, False)), (tf.float16, (0.5,))):
    x = tf.placeholder(dtype, [])
    y = tf.identity(x)
    for value in values:
      got = sess.run(y, {x: value})
      assert got.dtype == dtype.as_numpy_dtype and got == np.asarray(value).astype(dtype.as_numpy_dtype)
      assert str(got) == str(np.asarray(value).astype(dtype.as_numpy_dtype)[()])
  with pytest.raises(ValueError, match="Cannot feed value of shape"):
    sess.run(tf.identity(tf.placeholder(tf.float32, [], name="s")), {"s:0": [1.0]})
  p = tf.placeholder(tf.float32)
  with pytest.raises(tf.errors.InvalidArgumentError, match="13"):
    sess.run(tf.identity(p), {p: np.ones([1] * 13)})


def test_direct_convolutions():
  """Winograd's algorithm rounds otherwise than the direct sum, and a session can do without it."""
  rng = np.random.RandomState(0)
  image, filters = rng.randn(2, 24, 24, 32).astype(np.float32), rng.randn(3, 3, 32, 32).astype(np.float32)
  found = []
  with tf.Graph().as_default():
    x = tf.placeholder(tf.float32, image.shape)
    y = tf.nn.conv2d(x, tf.constant(filters), [1, 1, 1, 1], "VALID")
    exact = tf.nn.conv2d(tf.cast(x, tf.float64), tf.constant(filters.astype(np.float64)), [1, 1, 1, 1], "VALID")
    for direct in (True, False):
      with tf.Session(config=tf.ConfigProto(direct_convolutions=direct)) as session:
        value, want = session.run([y, exact], {x: image})
        found.append((value, np.sqrt(np.mean((value - want) ** 2))))
  (direct, direct_error), (fast, fast_error) = found
  assert np.any(direct != fast)
  assert direct_error < fast_error < 3 * direct_error


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 30000])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.complex64, np.int8, np.bool_])
def test_arrays_of_any_size_and_layout_are_fed(count, dtype):
  values = (np.arange(3 * count) % 7).reshape(3, count).astype(dtype)
  with tf.Graph().as_default(), tf.Session() as session:
    x = tf.placeholder(tf.as_dtype(dtype), [None, None])
    y = tf.identity(x)
    read_only = values.copy()
    read_only.flags.writeable = False
    layouts = [values, np.asfortranarray(values), values[:, ::-1], values[::2], values.T, read_only, values[:0]]
    # The second time what is known of the shape is used.
    for layout in layouts + layouts:
      fed = session.run(y, {x: layout})
      assert fed.dtype == layout.dtype
      np.testing.assert_array_equal(fed, layout)
    np.testing.assert_array_equal(session.run(y, {x: values.tolist()}), values)
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
      session.run(y, {x: values[0]})
