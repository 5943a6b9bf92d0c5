"""Seeds of random operations."""

from thalweg.framework.stack import get_default_graph

DEFAULT_GRAPH_SEED = 87654321
_MAXINT32 = 2**31 - 1


def get_seed(op_seed):
  """The pair (graph seed, op seed) of a random operation made now; (None, None) for a seed of its own each run."""
  graph = get_default_graph()
  graph_seed = graph.seed
  if graph_seed is not None:
    if op_seed is None:
      op_seed = graph._last_id
    seeds = graph_seed % _MAXINT32, op_seed % _MAXINT32
  elif op_seed is not None:
    seeds = DEFAULT_GRAPH_SEED, op_seed % _MAXINT32
  else:
    return None, None
  # (0, 0) would mean "random each run" to the kernels.
  return (0, _MAXINT32) if seeds == (0, 0) else seeds


def set_random_seed(seed):
  """The seed that all random operations made from here on in this graph share."""
  get_default_graph().seed = seed
