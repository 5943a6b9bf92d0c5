"""The package as programs see it: names, import cost, `thalweg run`, raw ops, collections, conversion."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
import thalweg as tf


def test_every_exported_name_loads():
  from thalweg import _exports
  for name in list(_exports.table()) + _exports.MESSAGES:
    assert getattr(tf, name) is not None or name == "newaxis", name
  assert tf.compat.v1.placeholder is tf.placeholder
  with pytest.raises(AttributeError):
    _ = tf.no_such_name


def test_functions_say_what_they_do():
  from thalweg import _exports
  modules = [tf.gfile, tf.layers, tf.linalg, tf.losses, tf.math, tf.metrics, tf.nn, tf.random, tf.strings, tf.summary]
  functions = {getattr(tf, name) for name in _exports.table() if callable(getattr(tf, name))}
  functions.update(getattr(m, n) for m in modules for n in dir(m) if callable(getattr(m, n)) and n[0] != "_")
  silent = [f for f in functions if inspect.isfunction(f) and f.__module__.startswith("thalweg") and not f.__doc__]
  assert not silent


def test_export_tables_are_sorted_and_name_each_name_once():
  from thalweg import _exports
  names = []
  for module, text in _exports.MODULES.items():
    row = [item.partition("=")[0] for item in text.split()]
    assert row == sorted(row), module
    names += row
  names += list(_exports.SUBMODULES) + _exports.MESSAGES
  assert sorted(names) == sorted(set(names))
  assert list(_exports.SUBMODULES) == sorted(_exports.SUBMODULES)


def test_import_is_lean():
  # What numpy imports, which differs between its releases, is not counted.
  code = ("import sys, numpy; before = set(sys.modules); import thalweg; bad = [m for m in ('google.protobuf', "
          "'logging', 'subprocess', 'tempfile', 'unittest', 'uuid', 'thalweg.client', 'thalweg.contrib', "
          "'thalweg.layers', 'thalweg.metrics', 'thalweg.platform', 'thalweg.summary', 'thalweg.train') "
          "if m in sys.modules and m not in before]; sys.exit(str(bad) if bad else 0)")
  subprocess.run([sys.executable, "-c", code], check=True)


def test_run_command(tmp_path):
  script = tmp_path / "program.py"
  script.write_text("import sys\nimport tensorflow as tf\nimport tensorflow.compat.v1 as tf1\n"
                    "from tensorflow.python.framework import ops\nfrom tensorflow.python.ops import array_ops\n"
                    "assert tf1.constant is tf.constant and ops.Graph is tf.Graph\n"
                    "assert array_ops.reshape is tf.reshape\n"
                    "with tf.Session() as s: print(s.run(tf.constant(40) + 2), sys.argv[1:])\n")
  out = subprocess.run([sys.executable, "-m", "thalweg", "run", str(script), "--flag"], check=True, text=True,
                       stdout=subprocess.PIPE).stdout
  assert out.strip() == "42 ['--flag']"


def test_raw_ops():
  with tf.Session() as s:
    assert s.run(tf.raw_ops.AddV2(x=1.0, y=2.0)) == 3.0
  with pytest.raises(TypeError, match="unexpected keyword"):
    tf.raw_ops.AddV2(x=1.0, y=2.0, z=3.0)
  with pytest.raises(TypeError, match="missing"):
    tf.raw_ops.AddV2(x=1.0)


def test_collections():
  tf.add_to_collection("mine", 1)
  tf.add_to_collection("mine", 2)
  assert tf.get_collection("mine") == [1, 2] and tf.get_collection("other") == []
  tf.get_collection_ref("mine").append(3)
  assert tf.get_collection("mine") == [1, 2, 3]
  v = tf.get_variable("scope_a/v", [])
  assert tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="scope_a") == [v]


def test_conversion_function():

  class Box:

    def __init__(self, value):
      self.value = value

  tf.register_tensor_conversion_function(
      Box, lambda v, dtype=None, name=None, as_ref=False: tf.constant(v.value, dtype or tf.float32, name=name))
  with tf.Session() as s:
    assert s.run(tf.add(Box(2.0), 1.0)) == 3.0


def test_dtypes():
  assert tf.as_dtype("float") is tf.float32 and tf.as_dtype(np.int64) is tf.int64 and tf.float32 == np.float32
  assert tf.int32.is_integer and tf.float16.is_floating and tf.float32.size == 4 and tf.uint8.max == 255
  assert repr(tf.float32) == "tf.float32" and str(tf.float32) == "<dtype: 'float32'>"
  with pytest.raises(TypeError, match="Cannot convert value"):
    tf.as_dtype("nonsense")


def test_shapes():
  s = tf.TensorShape([None, 3])
  assert str(s) == "(?, 3)" and s.as_list() == [None, 3] and s[1] == 3 and not s.is_fully_defined()
  assert s.merge_with([2, None]).as_list() == [2, 3]
  assert tf.TensorShape([2]).concatenate([3]).as_list() == [2, 3]
  with pytest.raises(ValueError, match="not compatible"):
    s.merge_with([1, 4])
  assert (tf.Dimension(3) * 2).value == 6 and (tf.Dimension(None) + 1).value is None


def test_tensor_protos():
  for value in (np.arange(6, dtype=np.float32).reshape(2, 3), np.array(3, np.int64), np.array([True, False]),
                np.array([1 + 2j], np.complex64), np.array([0.5, 2], np.float16)):
    back = tf.make_ndarray(tf.make_tensor_proto(value))
    assert back.dtype == value.dtype and back.tolist() == value.tolist()
  assert tf.make_ndarray(tf.make_tensor_proto(["a", "bb"])).tolist() == [b"a", b"bb"]
  assert tf.make_tensor_proto(1.0, shape=[2]).tensor_shape.dim[0].size == 2


def test_static_values():
  x = tf.placeholder(tf.float32, [None, 3])
  assert tf.get_static_value(tf.constant([1, 2])).tolist() == [1, 2]
  assert tf.get_static_value(x) is None
  assert tf.reshape(x, tf.stack([-1, tf.constant(3)])).shape.as_list() == [None, 3]


def test_partial_shapes():
  x = tf.placeholder(tf.float32, [None, 4])
  x.set_shape([5, None])
  assert x.shape.as_list() == [5, 4] and tf.square(x).shape.as_list() == [5, 4]


def test_a_layer_tells_what_it_is_made_from():
  config = tf.layers.Dense(3, name="first", trainable=False, dtype=tf.float64).get_config()
  assert (config["name"], config["trainable"], config["dtype"]) == ("first", False, "float64")


def test_tensor_spec():
  """As TensorFlow 1.15 answers."""
  spec = tf.TensorSpec([None, 3], tf.int32, name="x")
  x = tf.constant([[1, 2, 3]], name="made")
  assert spec.shape.as_list() == [None, 3] and spec.dtype == tf.int32 and spec.name == "x"
  assert spec.is_compatible_with(x) and not spec.is_compatible_with(tf.constant([1.0])) and spec.value_type is tf.Tensor
  assert tf.TensorSpec.from_tensor(x) == tf.TensorSpec([1, 3], tf.int32, "made")
  assert tf.TensorSpec.from_spec(spec, name="y") != spec and tf.TensorSpec.from_spec(spec) == spec
  assert spec.most_specific_compatible_type(tf.TensorSpec([2, 3], tf.int32)) == tf.TensorSpec([None, 3], tf.int32)
  with pytest.raises(ValueError):
    spec.most_specific_compatible_type(tf.TensorSpec([2, 3], tf.int64))
  with pytest.raises(ValueError):
    tf.TensorSpec.from_tensor(3)
  assert hash(spec) == hash(tf.TensorSpec([None, 3], tf.int32)) and pickle.loads(pickle.dumps(spec)) == spec
  assert repr(spec) == "TensorSpec(shape=(?, 3), dtype=tf.int32, name='x')"


def test_names_in_two_places():
  assert tf.graph_util.import_graph_def is tf.import_graph_def
  assert tf.initializers.tables_initializer is tf.tables_initializer
  assert tf.contrib.signal.stft is tf.signal.stft and tf.sparse.SparseTensor is tf.SparseTensor


def test_names_of_rows_that_two_modules_have():
  import zlib
  assert tf.sparse.SparseConditionalAccumulator is tf.SparseConditionalAccumulator
  assert tf.matrix_square_root is tf.linalg.sqrtm and tf.decode_compressed is tf.io.decode_compressed
  with tf.Session() as session:
    root = session.run(tf.matrix_square_root([[5.0, 4.0], [4.0, 5.0]]))
    np.testing.assert_allclose(root, [[2.0, 1.0], [1.0, 2.0]], rtol=1e-5)
    assert session.run(tf.decode_compressed(zlib.compress(b"text"), "ZLIB")) == b"text"
