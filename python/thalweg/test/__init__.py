"""tf.test: a TestCase for programs of tensors, gradients by finite differences, and benchmarks."""

import os as _os
from unittest import mock

from thalweg.test.benchmark import Benchmark, benchmark_config
from thalweg.test.gradient_checker import compute_gradient, compute_gradient_error
from thalweg.test.graph_comparison import assert_equal_graph_def
from thalweg.test.stubs import StubOutForTesting
from thalweg.test.test_case import TestCase, get_temp_dir, main


def test_src_dir_path(relative_path):
  """The path of a file that belongs to the tests: below TEST_SRCDIR, or the folder of the program."""
  import sys
  root = _os.environ.get("TEST_SRCDIR") or _os.path.dirname(_os.path.abspath(sys.argv[0]))
  return _os.path.join(root, relative_path)


# Not a test, though its name begins like one.
test_src_dir_path.__test__ = False


def is_built_with_cuda():
  """Whether the library itself holds CUDA kernels; devices come as plug-ins, so no."""
  return False


def is_built_with_rocm():
  """Whether the library itself holds ROCm kernels; devices come as plug-ins, so no."""
  return False


def is_built_with_gpu_support():
  """Whether the library itself holds kernels for a GPU."""
  return is_built_with_cuda() or is_built_with_rocm()


def _gpus():
  from thalweg.client import session
  from thalweg.framework.graph import Graph
  with session.Session(graph=Graph()) as sess:
    return [device for device in sess.list_devices() if device.device_type == "GPU"]


def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
  """Whether sessions have a GPU."""
  return bool(_gpus())


def gpu_device_name():
  """The name of a GPU, or the empty string."""
  found = _gpus()
  return found[0].name if found else ""
