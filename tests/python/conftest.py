import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture(autouse=True)
def fresh_graph():
  """Each test has a default graph of its own."""
  import thalweg as tf
  tf.reset_default_graph()
  yield
