"""In which way operations run."""


def executing_eagerly():
  """False: operations are added to graphs and run in sessions."""
  return False


in_eager_mode = executing_eagerly


def in_graph_mode():
  return True


GRAPH_MODE, EAGER_MODE = 0, 1
