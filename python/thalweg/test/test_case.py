"""TestCase: unittest's, with sessions, comparisons of arrays, and what else tests of programs of tensors use."""

import atexit
import collections.abc
import contextlib
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import unittest

import numpy as np

from thalweg.client.session import Session
from thalweg.framework import device as device_lib
from thalweg.framework import dtypes, errors, ops, random_seed
from thalweg.framework.sparse_tensor import SparseTensor
from thalweg.framework.tensor import Tensor
from thalweg.ops.variables import Variable
from thalweg.util import nest

# Tests that set no seed get the numbers of this one.
_GRAPH_SEED = 87654321
_GRAPH_VERSION, _GRAPH_MIN_CONSUMER = 134, 0
_temp_dir = None


def get_temp_dir():
  """A folder for the files of a test program: TEST_TMPDIR, or a new one that is deleted at exit."""
  global _temp_dir
  given = os.environ.get("TEST_TMPDIR")
  if given:
    os.makedirs(given, exist_ok=True)
    return given
  if _temp_dir is None:
    _temp_dir = tempfile.mkdtemp(prefix="thalweg_test_")
    atexit.register(shutil.rmtree, _temp_dir, True)
  return _temp_dir


def main(argv=None):
  """Runs the tests of the program, with flags parsed first."""
  from thalweg.platform import app
  app.run(main=lambda rest: unittest.main(argv=[rest[0]] + list(rest[1:])), argv=argv or sys.argv)


class _CheckedThread(object):
  """A thread whose exceptions fail the test."""

  def __init__(self, test, target, args=None, kwargs=None):
    self._test, self._target, self._args, self._kwargs = test, target, args or (), kwargs or {}
    self._thread = threading.Thread(target=self._run)
    self._exception = None
    self._joined = False

  def _run(self):
    try:
      self._target(*self._args, **self._kwargs)
    except Exception as e:  # noqa: BLE001  (join() fails the test with it)
      self._exception = e

  def start(self):
    self._thread.start()

  def join(self):
    self._joined = True
    self._thread.join()
    if self._exception is not None:
      self._test.fail("Error in checkedThread: %s" % self._exception)

  def is_alive(self):
    return self._thread.is_alive()

  def check_termination(self):
    if not self._joined and self._thread.ident is not None:
      raise RuntimeError("A checked thread was not joined.")
    if self.is_alive():
      raise RuntimeError("Thread was not joined with main thread, and is still running when the test finished.")


class _Captured(object):
  """What a stream was given while captured."""

  def __init__(self, path):
    self._path = path

  def contents(self):
    with open(self._path, encoding="utf-8") as f:
      return f.read()


class TestCase(unittest.TestCase):
  """Each test begins with a new default graph and fixed seeds."""

  # For pytest: this is the base of tests and has none.
  __test__ = True

  def __init__(self, methodName="runTest"):  # noqa: N803
    super().__init__(methodName)
    self._threads = []
    self._tempdir = None
    self._cached_session = None

  def setUp(self):
    self._close_cached_session()
    random.seed(_GRAPH_SEED)
    np.random.seed(_GRAPH_SEED)
    ops._default_graph_stack.reset()
    ops.reset_default_graph()
    random_seed.set_random_seed(_GRAPH_SEED)
    if self.id().endswith(".test_session"):
      self.skipTest("Not a test.")

  def tearDown(self):
    for thread in self._threads:
      thread.check_termination()
    self._close_cached_session()

  def _close_cached_session(self):
    if self._cached_session is not None:
      self._cached_session.close()
      self._cached_session = None

  def get_temp_dir(self):
    """A folder for the files of this test, empty at first."""
    if not self._tempdir:
      self._tempdir = tempfile.mkdtemp(dir=get_temp_dir())
    return self._tempdir

  @contextlib.contextmanager
  def captureWritesToStream(self, stream):  # noqa: N802
    """Gives an object whose contents() is what the stream's file got inside the block."""
    stream.flush()
    descriptor, path = tempfile.mkstemp(dir=self.get_temp_dir())
    kept = os.dup(stream.fileno())
    os.dup2(descriptor, stream.fileno())
    try:
      yield _Captured(path)
    finally:
      stream.flush()
      os.close(descriptor)
      os.dup2(kept, stream.fileno())
      os.close(kept)

  # --- sessions ---

  @contextlib.contextmanager
  def _as_default(self, sess, use_gpu, force_gpu):
    with sess.graph.as_default(), sess.as_default():
      if force_gpu:
        with sess.graph.device("/device:GPU:0"):
          yield sess
      elif use_gpu:
        yield sess
      else:
        with sess.graph.device("/device:CPU:0"):
          yield sess

  @contextlib.contextmanager
  def session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
    """A session for a `with` block, of the default graph unless one is given."""
    with Session(graph=graph, config=config) as sess, self._as_default(sess, use_gpu, force_gpu):
      yield sess

  def _get_cached(self, graph, config, force_gpu, strict):
    if self._cached_session is None:
      self._cached_session = Session(graph=graph, config=config)
      self._cached_arguments = graph, config, force_gpu
    elif strict:
      for name, old, new in zip(("graph", "config", "force_gpu"), self._cached_arguments, (graph, config, force_gpu)):
        if old is not new and old != new:
          raise ValueError("The %s used to get the cached session is different than the one that was used to create the "
                           "session. Maybe create a new session with self.session()" % name)
    return self._cached_session

  @contextlib.contextmanager
  def cached_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
    """A session that further blocks of the test share."""
    with self._as_default(self._get_cached(graph, config, force_gpu, True), use_gpu, force_gpu) as sess:
      yield sess

  @contextlib.contextmanager
  def test_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
    """cached_session() without a graph, session() with one."""
    if self.id().endswith(".test_session"):
      self.skipTest("Not a test.")
    if graph is None:
      with self._as_default(self._get_cached(None, config, force_gpu, False), use_gpu, force_gpu) as sess:
        yield sess
    else:
      with self.session(graph, config, use_gpu, force_gpu) as sess:
        yield sess

  # pytest would take the context manager for a test.
  test_session.__test__ = False

  def evaluate(self, tensors):
    """Values, in the default session or the cached one."""
    sess = ops.get_default_session()
    if sess is not None:
      return sess.run(tensors)
    with self.test_session() as sess:
      return sess.run(tensors)

  def checkedThread(self, target, args=None, kwargs=None):  # noqa: N802
    """A thread whose exceptions fail the test, and which must be joined before its end."""
    thread = _CheckedThread(self, target, args, kwargs)
    self._threads.append(thread)
    return thread

  # --- comparisons ---

  def _array(self, a):
    if isinstance(a, (Tensor, Variable, SparseTensor)):
      a = self.evaluate(a)
    return a if isinstance(a, np.ndarray) else np.array(a)

  def assertProtoEquals(self, expected_message_maybe_ascii, message, msg=None):  # noqa: N802
    """Messages are equal; the expected one may be text."""
    expected = expected_message_maybe_ascii
    if isinstance(expected, str):
      from google.protobuf import text_format
      expected = text_format.Merge(expected, type(message)())
    elif not isinstance(expected, type(message)):
      self.fail("Can't compare protos of type %s and %s. %s" % (type(expected), type(message), msg or ""))
    self.assertEqual(str(expected), str(message), msg)
    self.assertEqual(expected, message, msg)

  def assertProtoEqualsVersion(self, expected, actual, producer=_GRAPH_VERSION,  # noqa: N802
                               min_consumer=_GRAPH_MIN_CONSUMER, msg=None):
    text = "versions { producer: %d min_consumer: %d };\n%s" % (producer, min_consumer, expected)
    self.assertProtoEquals(text, actual, msg=msg)

  def assertStartsWith(self, actual, expected_start, msg=None):  # noqa: N802
    if not actual.startswith(expected_start):
      self.fail("%r does not start with %r%s" % (actual, expected_start, " : %r" % msg if msg else ""))

  def assertNear(self, f1, f2, err, msg=None):  # noqa: N802
    """|f1 - f2| <= err, or both infinite."""
    self.assertTrue(f1 == f2 or abs(f1 - f2) <= err,
                    "%f != %f +/- %f%s" % (f1, f2, err, " (%s)" % msg if msg is not None else ""))

  def assertArrayNear(self, farray1, farray2, err, msg=None):  # noqa: N802
    self.assertEqual(len(farray1), len(farray2), msg)
    for f1, f2 in zip(farray1, farray2):
      self.assertNear(float(f1), float(f2), err, msg)

  def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):  # noqa: N802
    """The norm of the difference is less than err."""
    self.assertTrue(np.linalg.norm(np.asarray(ndarray1) - np.asarray(ndarray2)) < err, msg)

  def _close(self, a, b, rtol, atol, path, msg):
    a, b = (x._asdict() if hasattr(x, "_asdict") else x for x in (a, b))
    where = "".join("[%s]" % p for p in path)
    if isinstance(a, collections.abc.Mapping) != isinstance(b, collections.abc.Mapping):
      raise ValueError("Can't compare dict to non-dict, a%s vs b%s. %s" % (where, where, msg))
    if isinstance(a, collections.abc.Mapping):
      self.assertCountEqual(a.keys(), b.keys(), "mismatched keys: a%s has keys %s, but b%s has keys %s. %s" % (
          where, list(a), where, list(b), msg))
      for key in a:
        self._close(a[key], b[key], rtol, atol, path + [key], msg)
    elif isinstance(a, (list, tuple)) and _is_ragged(a, b):
      if len(a) != len(b):
        raise ValueError("Mismatched length: a%s has %d items, but b%s has %d items. %s" % (
            where, len(a), where, len(b), msg))
      for i, (x, y) in enumerate(zip(a, b)):
        self._close(x, y, rtol, atol, path + [i], msg)
    else:
      a, b = self._array(a), self._array(b)
      text = "Mismatched value: a%s is different from b%s. %s" % (where, where, msg)
      self.assertEqual(a.shape, b.shape, "Shape mismatch: expected %s, got %s. %s" % (a.shape, b.shape, text))
      np.testing.assert_allclose(_comparable(a), _comparable(b), rtol=rtol, atol=atol, err_msg=text, equal_nan=True)

  def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):  # noqa: N802
    """Arrays, tensors, or structures of them are equal up to atol + rtol * |b|; NaN equals NaN."""
    self._close(a, b, rtol, atol, [], msg or "")

  def assertAllCloseAccordingToType(self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6,  # noqa: N802
                                    half_rtol=1e-3, half_atol=1e-3, bfloat16_rtol=1e-2, bfloat16_atol=1e-2, msg=None):
    """assertAllClose with the tolerance of the less exact type."""
    a, b = self._array(a), self._array(b)
    kinds = {a.dtype, b.dtype}
    for types, r, t in (((np.float32, np.complex64), float_rtol, float_atol), ((np.float16,), half_rtol, half_atol),
                        ((dtypes.bfloat16.as_numpy_dtype,), bfloat16_rtol, bfloat16_atol)):
      if any(np.dtype(one) in kinds for one in types):
        rtol, atol = max(rtol, r), max(atol, t)
    self.assertAllClose(a, b, rtol=rtol, atol=atol, msg=msg)

  def assertNotAllClose(self, a, b, **kwargs):  # noqa: N802
    try:
      self.assertAllClose(a, b, **kwargs)
    except AssertionError:
      return
    raise AssertionError("The two values are close at all elements")

  def assertAllEqual(self, a, b, msg=None):  # noqa: N802
    """Arrays or tensors have one shape and equal elements; NaN equals NaN."""
    a, b = self._array(a), self._array(b)
    self.assertEqual(a.shape, b.shape, "Shape mismatch: expected %s, got %s. Contents: %s. %s" % (
        a.shape, b.shape, b if b.size < 500 else "", msg or ""))
    np.testing.assert_array_equal(a, b, err_msg=msg or "")

  def assertNotAllEqual(self, a, b, msg=None):  # noqa: N802
    try:
      self.assertAllEqual(a, b, msg)
    except AssertionError:
      return
    raise AssertionError("The two values are equal at all elements")

  def assertAllGreater(self, a, comparison_target):  # noqa: N802
    self.assertGreater(np.min(self._array(a)), comparison_target)

  def assertAllLess(self, a, comparison_target):  # noqa: N802
    self.assertLess(np.max(self._array(a)), comparison_target)

  def assertAllGreaterEqual(self, a, comparison_target):  # noqa: N802
    self.assertGreaterEqual(np.min(self._array(a)), comparison_target)

  def assertAllLessEqual(self, a, comparison_target):  # noqa: N802
    self.assertLessEqual(np.max(self._array(a)), comparison_target)

  def assertAllInRange(self, target, lower_bound, upper_bound, open_lower_bound=False,  # noqa: N802
                       open_upper_bound=False):
    """All elements lie between the bounds; none is NaN."""
    target = self._array(target)
    if target.dtype.kind not in "fiu":
      raise AssertionError("The value of %s does not have an ordered numeric type, instead it has type: %s" % (
          target, target.dtype))
    if np.any(np.isnan(target)):
      raise AssertionError("%d of the %d element(s) are NaN." % (np.sum(np.isnan(target)), target.size))
    below = target <= lower_bound if open_lower_bound else target < lower_bound
    above = target >= upper_bound if open_upper_bound else target > upper_bound
    outside = np.argwhere(below | above)
    if outside.size or (target.ndim == 0 and (below or above)):
      raise AssertionError("%d of the %d element(s) are outside the range %s%s, %s%s. Subscript(s) of the offending "
                           "elements: %s" % (len(outside), target.size, "(" if open_lower_bound else "[", lower_bound,
                                             upper_bound, ")" if open_upper_bound else "]", outside[:10].tolist()))

  def assertAllInSet(self, target, expected_set):  # noqa: N802
    diff = np.setdiff1d(self._array(target).flatten(), list(expected_set))
    if diff.size:
      raise AssertionError("%d unique element(s) are not in the set %s: %s" % (diff.size, expected_set, diff))

  def assertDTypeEqual(self, target, expected_dtype):  # noqa: N802
    self.assertEqual(self._array(target).dtype, expected_dtype)

  def assertShapeEqual(self, np_array, tf_tensor, msg=None):  # noqa: N802
    """The tensor's static shape is the array's."""
    if not isinstance(np_array, (np.ndarray, np.generic)):
      raise TypeError("np_array must be a Numpy ndarray or Numpy scalar")
    if not isinstance(tf_tensor, Tensor):
      raise TypeError("tf_tensor must be a Tensor")
    self.assertAllEqual(np_array.shape, tf_tensor.get_shape().as_list(), msg=msg)

  def assertDeviceEqual(self, device1, device2, msg=None):  # noqa: N802
    device1, device2 = device_lib.canonical_name(device1), device_lib.canonical_name(device2)
    self.assertEqual(device1, device2, "Devices %s and %s are not equal. %s" % (device1, device2, msg or ""))

  # --- errors ---

  @contextlib.contextmanager
  def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):  # noqa: N802
    """The block raises an exception of the type that a predicate accepts, or whose message has a match."""
    try:
      yield
    except Exception as e:  # noqa: BLE001  (judged right here)
      if callable(expected_err_re_or_predicate):
        accepted = expected_err_re_or_predicate(e)
      else:
        text = e.message if isinstance(e, errors.OpError) else str(e)
        if isinstance(e, errors.OpError) and e.op is not None:
          text += "\nCaused by: " + e.op.name
        accepted = re.search(expected_err_re_or_predicate, text)
      if not isinstance(e, exception_type) or not accepted:
        raise AssertionError("Exception of type %s: %s" % (type(e), e)) from e
    else:
      self.fail(exception_type.__name__ + " not raised")

  def assertRaisesOpError(self, expected_err_re_or_predicate):  # noqa: N802
    return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

  assertRaisesRegexp = unittest.TestCase.assertRaisesRegex
  assertItemsEqual = unittest.TestCase.assertCountEqual


def _comparable(array):
  # bfloat16 is no type of numpy's own.
  return array.astype(np.float32) if array.dtype == dtypes.bfloat16.as_numpy_dtype else array


def _is_ragged(a, b):
  """Whether lists must be compared element by element: they hold tensors, dictionaries, or arrays of several shapes."""
  for side in (a, b):
    if not isinstance(side, (list, tuple)):
      continue
    if any(isinstance(leaf, (Tensor, Variable, SparseTensor)) for leaf in nest.flatten(side)):
      return True
    if any(isinstance(leaf, collections.abc.Mapping) or hasattr(leaf, "_asdict") for leaf in side):
      return True
    try:
      if np.array(side).dtype == object:
        return True
    except ValueError:
      return True
  return False
