import os
import sys

import pytest

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_HERE, os.path.join(os.path.dirname(_HERE), "conformance")]


@pytest.fixture(autouse=True)
def fresh_graph():
  """Each test has a default graph of its own."""
  import thalweg as tf
  tf.reset_default_graph()
  yield
