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
