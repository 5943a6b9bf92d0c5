"""Old names and paths that programs use."""

import logging
import subprocess
import sys

import pytest
import thalweg as tf


def test_python_paths():
  import thalweg.python.ops.standard_ops as standard_ops
  from thalweg.python.framework import ops
  from thalweg.python.ops import array_ops, variable_scope
  from thalweg.python.training import moving_averages, optimizer
  from thalweg.python.training import training as train
  from thalweg.python.util import compat, nest
  assert ops.Graph is tf.Graph and array_ops.reshape is tf.reshape and nest is tf.nest and compat is tf.compat
  assert variable_scope.get_variable is tf.get_variable and standard_ops.matmul is tf.matmul
  assert moving_averages.ExponentialMovingAverage is train.ExponentialMovingAverage
  assert optimizer.Optimizer is tf.train.Optimizer
  assert tf.python.framework.ops is ops and tf.python.platform.gfile is tf.gfile
  with pytest.raises(ImportError):
    import thalweg.python.nothing.at_all  # noqa: F401
  with pytest.raises(AttributeError):
    tf.python.nothing  # noqa: B018


def test_paths_inside_of_contrib():
  import thalweg.contrib.rnn.python.ops.core_rnn_cell as core_rnn_cell
  import thalweg.contrib.training.python.training.hparam as hparam
  from thalweg.contrib.framework.python.ops import add_arg_scope, variables
  from thalweg.contrib.layers.python.layers import initializers, layers, utils
  inside = tf.contrib.layers.python.layers
  assert inside.layer_norm is tf.contrib.layers.layer_norm and layers.conv2d is tf.contrib.layers.conv2d
  assert inside.utils is utils is tf.contrib.layers.utils and inside.initializers is initializers
  assert initializers.xavier_initializer is tf.contrib.layers.xavier_initializer
  assert add_arg_scope is tf.contrib.framework.add_arg_scope and variables.model_variable is tf.contrib.framework.model_variable
  assert tf.contrib.framework.python.ops.arg_scope is tf.contrib.framework.arg_scope
  assert core_rnn_cell.LSTMStateTuple is tf.nn.rnn_cell.LSTMStateTuple
  assert tf.contrib.rnn.python.ops.rnn_cell.NASCell is tf.contrib.rnn.NASCell
  assert tf.contrib.slim.python.slim.learning is tf.contrib.slim.learning and hparam.HParams is tf.contrib.training.HParams
  with pytest.raises(ImportError):
    import thalweg.contrib.layers.python.nothing  # noqa: F401
  with pytest.raises(AttributeError):
    tf.contrib.layers.python.layers.nothing  # noqa: B018
  program = ("from tensorflow.contrib.layers.python.layers import utils\n"
             "import tensorflow.contrib.slim as slim, tensorflow as tf\n"
             "from tensorflow.contrib.rnn.python.ops import rnn_cell\n"
             "print(utils is tf.contrib.layers.utils, slim.conv2d is tf.contrib.layers.conv2d, rnn_cell is tf.contrib.rnn)")
  code = "import thalweg._alias as a; a.install_alias(); import sys, thalweg; sys.modules['tensorflow'] = thalweg\n" + program
  assert subprocess.run([sys.executable, "-c", code], check=True, text=True,
                        stdout=subprocess.PIPE).stdout.split() == ["True"] * 3


def test_modules_of_other_names():
  from thalweg.python import pywrap_tensorflow
  from thalweg.python.framework.errors_impl import OutOfRangeError
  from thalweg.python.ops import data_flow_ops, nn, rnn, sparse_ops, variables
  from thalweg.python.ops.rnn_cell import LSTMStateTuple
  from thalweg.python.platform import test
  from thalweg.python.summary import summary
  from thalweg.python.training.adam import AdamOptimizer
  from thalweg.python.training.gradient_descent import GradientDescentOptimizer
  assert test.TestCase is tf.test.TestCase and summary.scalar is tf.summary.scalar and nn.relu is tf.nn.relu
  assert rnn.dynamic_rnn is tf.nn.dynamic_rnn and LSTMStateTuple is tf.nn.rnn_cell.LSTMStateTuple
  assert OutOfRangeError is tf.errors.OutOfRangeError and data_flow_ops.FIFOQueue is tf.FIFOQueue
  assert AdamOptimizer is tf.train.AdamOptimizer and GradientDescentOptimizer is tf.train.GradientDescentOptimizer
  assert sparse_ops.sparse_add is tf.sparse_add
  assert pywrap_tensorflow.NewCheckpointReader is tf.train.NewCheckpointReader
  assert isinstance(tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(2)), variables.PartitionedVariable)


def test_messages_by_their_files():
  code = ("from thalweg._alias import install_alias\ninstall_alias()\nimport sys, thalweg\n"
          "sys.modules['tensorflow'] = thalweg\n"
          "from tensorflow.core.framework import graph_pb2, summary_pb2\n"
          "import tensorflow.core.protobuf.config_pb2\n"
          "assert graph_pb2.GraphDef is thalweg.GraphDef and summary_pb2.Summary is thalweg.Summary\n"
          "assert tensorflow.core.protobuf.config_pb2.ConfigProto is thalweg.ConfigProto\n")
  subprocess.run([sys.executable, "-c", code], check=True)
  assert tf.core.protobuf.config_pb2.ConfigProto is tf.ConfigProto
  with pytest.raises(AttributeError):
    tf.core.nothing  # noqa: B018


def test_files_by_old_names(tmp_path):
  from thalweg.python.lib.io import file_io
  path = str(tmp_path / "a" / "b.txt")
  with pytest.raises(tf.errors.NotFoundError):
    file_io.write_string_to_file(path, "x")
  file_io.recursive_create_dir(str(tmp_path / "a"))
  file_io.write_string_to_file(path, "one")
  file_io.atomic_write_string_to_file(path, "two")
  assert file_io.read_file_to_string(path) == "two" and file_io.read_file_to_string(path, True) == b"two"
  with pytest.raises(tf.errors.AlreadyExistsError):
    file_io.atomic_write_string_to_file(path, "three", overwrite=False)
  assert file_io.list_directory(str(tmp_path / "a")) == ["b.txt"] and file_io.file_exists(path)
  file_io.delete_recursively(str(tmp_path / "a"))
  assert not file_io.file_exists(path)


def test_decorators_and_what_they_say():
  from thalweg.python.util import deprecation, tf_contextlib, tf_decorator, tf_inspect

  def target(a, b=2):
    """Adds."""
    return a + b

  def around(*args, **kwargs):
    return 10 * target(*args, **kwargs)

  made = tf_decorator.make_decorator(target, around)
  assert made(1) == 30 and made.__name__ == "target" and made.__doc__ == "Adds."
  decorators, below = tf_decorator.unwrap(made)
  assert [d.decorator_name for d in decorators] == ["around"] and below is target
  assert tf_inspect.getargspec(made) == (["a", "b"], None, None, (2,))
  assert tf_inspect.getfullargspec(target).args == ["a", "b"] and tf_inspect.getcallargs(made, 1) == {"a": 1, "b": 2}

  @deprecation.deprecated("2020-01-31", "Use other().")
  def old():
    return 5

  said = []
  handler = logging.Handler()
  handler.emit = lambda record: said.append(record.getMessage())
  tf.get_logger().addHandler(handler)
  try:
    with deprecation.silence():
      old()
    assert said == []
    assert old() == 5 and old() == 5
  finally:
    tf.get_logger().removeHandler(handler)
  assert len(said) == 1 and "Use other()." in said[0] and "after 2020-01-31" in said[0]
  assert deprecation.deprecated_argument_lookup("new", 1, "old", None) == 1
  assert deprecation.deprecated_argument_lookup("new", None, "old", 2) == 2
  with pytest.raises(ValueError, match="both 'old' and 'new'"):
    deprecation.deprecated_argument_lookup("new", 1, "old", 2)

  @tf_contextlib.contextmanager
  def manager():
    yield 3

  with manager() as three:
    assert three == 3


def test_tensorflow_is_not_taken_over():
  """Only `thalweg run` gives thalweg for tensorflow."""
  code = ("import sys, thalweg.python.ops.array_ops\n"
          "print(any(getattr(f, 'prefix', '') == 'tensorflow.' for f in sys.meta_path))")
  assert subprocess.run([sys.executable, "-c", code], check=True, text=True,
                        stdout=subprocess.PIPE).stdout.strip() == "False"


def test_summaries_before_1_0():
  x = tf.constant([1.0, 2.0])
  with tf.name_scope("scope"):
    made = [tf.scalar_summary("a loss", x[0]), tf.histogram_summary("h", x),
            tf.image_summary("i", tf.zeros([1, 2, 2, 1]), max_images=1)]
  assert tf.get_collection(tf.GraphKeys.SUMMARIES) == made
  merged = tf.merge_all_summaries()
  with tf.Session() as s:
    for t in (merged, tf.merge_summary(made)):
      summary = tf.Summary.FromString(s.run(t))
      assert [v.tag for v in summary.value] == ["a loss", "h", "i/image"]
  assert tf.train.SummaryWriter is tf.summary.FileWriter


def test_branches_and_loops_by_their_old_module():
  from thalweg.python.ops import control_flow_ops
  assert control_flow_ops.cond is tf.cond and control_flow_ops.while_loop is tf.while_loop
  assert control_flow_ops.case is tf.case and control_flow_ops.group is tf.group
  with pytest.raises(AttributeError):
    control_flow_ops.nothing  # noqa: B018
  x = tf.constant(3.0)
  assert control_flow_ops.smart_cond(True, lambda: x, lambda: -x) is x


def test_what_there_is_to_run_on():
  from thalweg.python.client import device_lib
  from thalweg.python.eager import context
  devices = device_lib.list_local_devices()
  assert [(d.name, d.device_type) for d in devices] == [("/device:CPU:0", "CPU")] and devices[0].HasField("locality")
  assert not context.executing_eagerly() and context.in_graph_mode() and not context.in_eager_mode()


def test_resources():
  from thalweg.python.ops import resources
  made = tf.Variable(1.0, name="made")
  other = tf.Variable(2.0, name="other")
  resources.register_resource(made, made.initializer, tf.is_variable_initialized(made))
  resources.register_resource(other, other.initializer, tf.is_variable_initialized(other), is_shared=False)
  assert [r.handle for r in resources.shared_resources()] == [made]
  assert [r.handle for r in resources.local_resources()] == [other]
  report = resources.report_uninitialized_resources()
  with tf.Session() as session:
    assert session.run(report).tolist() == [b"made:0", b"other:0"]
    session.run(resources.initialize_resources(resources.shared_resources()))
    assert session.run(report).tolist() == [b"other:0"]
    session.run(resources.initialize_resources([]))
  with tf.Graph().as_default(), tf.Session() as session:
    assert session.run(resources.report_uninitialized_resources()).shape == (0,)
