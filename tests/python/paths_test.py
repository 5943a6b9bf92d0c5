"""Old names and paths that programs use."""

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
