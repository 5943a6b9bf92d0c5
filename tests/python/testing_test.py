"""tf.test."""

import collections
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import thalweg as tf

Pair = collections.namedtuple("Pair", ["a", "b"])


class Case(tf.test.TestCase):
  """The assertions, each where it holds and where it does not."""

  __test__ = True

  def fails(self, function, *args, **kwargs):
    with self.assertRaises(AssertionError):
      function(*args, **kwargs)

  def test_close(self):
    self.assertAllClose([1.0, 2.0], np.array([1.0, 2.0 + 1e-7]))
    self.assertAllClose({"a": [1.0, (2.0, [3.0])]}, {"a": [1.0, (2.0, [3.0])]})
    self.assertAllClose(Pair(1.0, np.nan), Pair(1.0, np.nan))
    self.assertAllClose(tf.constant([1.0]), [1.0])
    self.assertAllClose([tf.constant([1.0]), tf.constant(2.0)], [[1.0], 2.0])
    self.assertAllClose(1.0, 1.1, rtol=0.2)
    self.fails(self.assertAllClose, [1.0, 2.0], [1.0, 2.1])
    self.fails(self.assertAllClose, {"a": 1.0}, {"a": 2.0})
    self.fails(self.assertAllClose, [1.0], [[1.0]])
    with self.assertRaises(ValueError):
      self.assertAllClose({"a": 1.0}, 1.0)
    self.assertNotAllClose([1.0], [2.0])
    self.fails(self.assertNotAllClose, [1.0], [1.0])
    half = np.float16(1.0)
    self.assertAllCloseAccordingToType(half, half + np.float16(0.001))
    self.fails(self.assertAllCloseAccordingToType, half, half + np.float16(0.01))

  def test_equal(self):
    self.assertAllEqual([1, 2], tf.constant([1, 2]))
    self.assertAllEqual([np.nan], [np.nan])
    self.fails(self.assertAllEqual, [1, 2], [1, 3])
    self.fails(self.assertAllEqual, [1, 2], [[1, 2]])
    self.assertNotAllEqual([1], [2])
    self.fails(self.assertNotAllEqual, [1], [1])

  def test_ranges(self):
    self.assertAllGreater([2, 3], 1)
    self.fails(self.assertAllGreater, [1, 2], 1)
    self.assertAllGreaterEqual([1, 2], 1)
    self.assertAllLess([1, 2], 3)
    self.assertAllLessEqual([1, 3], 3)
    self.fails(self.assertAllLess, [1, 3], 3)
    self.assertAllInRange([1, 2], 1, 2)
    self.fails(self.assertAllInRange, [1, 2], 1, 2, open_upper_bound=True)
    self.fails(self.assertAllInRange, [np.nan], 1, 2)
    self.fails(self.assertAllInRange, ["a"], 1, 2)
    self.assertAllInSet([1, 1, 2], {1, 2, 3})
    self.fails(self.assertAllInSet, [4], {1, 2})
    self.assertNear(1.0, 1.05, 0.1)
    self.fails(self.assertNear, 1.0, 1.2, 0.1)
    self.assertArrayNear([1.0, 2.0], [1.0, 2.05], 0.1)
    self.assertNDArrayNear(np.ones(2), np.ones(2), 0.1)
    self.fails(self.assertNDArrayNear, np.ones(2), np.zeros(2), 0.1)

  def test_others(self):
    self.assertDTypeEqual(np.float32(1), np.float32)
    self.assertShapeEqual(np.ones([2, 3]), tf.ones([2, 3]))
    self.fails(self.assertShapeEqual, np.ones([2]), tf.ones([2, 3]))
    self.assertDeviceEqual("/cpu:0", "/device:CPU:0")
    self.assertStartsWith("abc", "ab")
    self.fails(self.assertStartsWith, "abc", "b")
    node = tf.constant(1).op.node_def
    self.assertProtoEquals("name: 'n' op: 'Const'", tf.NodeDef(name="n", op="Const"))
    self.assertProtoEquals(node, tf.get_default_graph().as_graph_def().node[-1])
    self.fails(self.assertProtoEquals, "name: 'other'", node)

  def test_errors(self):
    with self.assertRaisesOpError("negative|did not hold"):
      with self.session() as session:
        session.run(tf.assert_positive(tf.placeholder_with_default([-1], [1])))
    with self.assertRaisesWithPredicateMatch(ValueError, lambda e: e.args == (3,)):
      raise ValueError(3)
    with self.assertRaises(AssertionError):
      with self.assertRaisesWithPredicateMatch(ValueError, "other"):
        raise ValueError("this")
    with self.assertRaises(AssertionError):
      with self.assertRaisesWithPredicateMatch(ValueError, ""):
        pass
    with self.assertRaisesRegexp(ValueError, "x"):
      raise ValueError("x")
    self.assertItemsEqual([1, 2], [2, 1])

  def test_sessions_are_shared_or_not(self):
    v = tf.Variable(1.0)
    with self.cached_session() as first:
      self.assertIs(tf.get_default_session(), first)
      v.initializer.run()
      self.assertEqual(tf.constant(1).device, "/device:CPU:0")
    with self.cached_session() as second, self.test_session() as third:
      self.assertIs(first, second)
      self.assertIs(first, third)
      self.assertEqual(v.eval(), 1.0)
    with self.assertRaisesRegex(ValueError, "graph used to get the cached session"):
      with self.cached_session(graph=tf.Graph()):
        pass
    with self.session() as other:
      self.assertIsNot(first, other)
    with self.test_session(graph=tf.Graph()) as other:
      self.assertIsNot(other.graph, first.graph)
    self.assertEqual(self.evaluate(v), 1.0)

  def test_seeds_are_fixed(self):
    self.assertEqual(tf.get_default_graph().seed, 87654321)
    self.assertAllClose(np.random.rand(), np.random.RandomState(87654321).rand())

  def test_threads(self):
    done = threading.Event()
    thread = self.checkedThread(done.set)
    thread.start()
    thread.join()
    self.assertTrue(done.is_set())
    bad = self.checkedThread(lambda: 1 / 0)
    bad.start()
    self.fails(bad.join)

  def test_files(self):
    folder = self.get_temp_dir()
    self.assertEqual(os.listdir(folder), [])
    with open(os.path.join(folder, "stream"), "w+", encoding="utf-8") as stream:
      with self.captureWritesToStream(stream) as captured:
        stream.write("words")
        stream.flush()
        self.assertEqual(captured.contents(), "words")
    self.assertTrue(os.path.isdir(tf.test.get_temp_dir()))


def test_gradients():
  with tf.Session():
    x = tf.constant([[1.0, 2.0], [3.0, -1.0]], tf.float64)
    theory, numbers = tf.test.compute_gradient(x, [2, 2], tf.reduce_sum(tf.square(x), 1), [2])
    assert theory.shape == (4, 2)
    np.testing.assert_allclose(theory, numbers, atol=1e-4)
    assert tf.test.compute_gradient_error(x, [2, 2], tf.sin(x), [2, 2], x_init_value=np.ones([2, 2])) < 1e-5
    wrong = x * tf.stop_gradient(x)
    assert tf.test.compute_gradient_error(x, [2, 2], wrong, [2, 2], x_init_value=np.ones([2, 2])) > 0.9
    v = tf.Variable([1.0, 2.0, 3.0])
    slices = tf.gather(v, [0, 2])
    error = tf.test.compute_gradient_error([v.value(), x], [[3], [2, 2]], tf.reduce_sum(slices) * tf.to_float(
        tf.reduce_sum(x)), [], init_targets=[v.initializer])
    assert error < 1e-2
    z = tf.constant([1 + 2j], tf.complex128)
    assert tf.test.compute_gradient_error(z, [1], z * z, [1]) < 1e-5


def test_graphs_are_compared():
  def graph(name, order=1):
    with tf.Graph().as_default() as g:
      for n in ("a", name)[::order]:
        tf.constant(1, name=n)
    return g.as_graph_def()

  tf.test.assert_equal_graph_def(graph("b"), graph("b", -1))
  with pytest.raises(AssertionError, match="lacks the node"):
    tf.test.assert_equal_graph_def(graph("c"), graph("b"))
  with pytest.raises(TypeError, match="tf.GraphDef"):
    tf.test.assert_equal_graph_def(1, graph("b"))


def test_stubs():
  class Thing:
    kind = 1

  stubs = tf.test.StubOutForTesting()
  stubs.Set(Thing, "kind", 2)
  stubs.SmartSet(Thing(), "kind", 3)
  assert Thing.kind == 3
  stubs.CleanUp()
  assert Thing.kind == 1
  with pytest.raises(AttributeError):
    stubs.SmartSet(Thing, "other", 1)


def test_benchmark(capsys):
  class Measures(tf.test.Benchmark):

    def benchmark_add(self):
      with tf.Session() as session:
        return self.run_op_benchmark(session, tf.constant(1.0) + tf.placeholder_with_default(1.0, []), min_iters=3, mbs=1,
                                     store_trace=True)

  result = Measures().benchmark_add()
  assert result["iters"] == 3 and result["wall_time"] > 0 and result["name"] == "Measures.benchmark_add"
  assert "traceEvents" in result["extras"]["full_trace_chrome_format"]
  assert "Measures.benchmark_add" in capsys.readouterr().out


def test_devices():
  assert tf.test.gpu_device_name() == "" and not tf.test.is_gpu_available() and not tf.test.is_built_with_cuda()


def test_main_runs_the_tests(tmp_path):
  path = tmp_path / "program.py"
  path.write_text("import thalweg as tf\n"
                  "class T(tf.test.TestCase):\n"
                  "  def test_good(self):\n    self.assertAllEqual(tf.constant([1]), [1])\n"
                  "  def test_bad(self):\n    self.assertAllEqual([1], [2])\n"
                  "if __name__ == '__main__':\n  tf.test.main()\n")
  done = subprocess.run([sys.executable, str(path)], stderr=subprocess.PIPE, env=dict(os.environ), check=False)
  assert done.returncode == 1
  assert b"Ran 3 tests" in done.stderr and b"failures=1" in done.stderr and b"skipped=1" in done.stderr
