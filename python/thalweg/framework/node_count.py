"""How many nodes TensorFlow 1.15 would have made so far: a random operation without a seed takes that number for its own.
Branches and loops are one node here; there they are Switch, Merge, Enter, Exit and others, one for each value that goes
in or out, made as the value is first used. Arrays of tensors are counted likewise, as the operations that they are
there. A body keeps in `known` what is inside of it already."""

import contextlib


def add(graph, n):
  """Counts `n` nodes that TensorFlow makes and this package does not; fewer than zero for the other way round."""
  graph._uncounted += n


def enters(graph, tensors, context=None):
  """Counts the nodes that bring `tensors` into the body that is being made, or into `context`. They may be any objects
  with the context that they come from as `_context`."""
  for t in tensors:
    _enter(graph, getattr(t, "_op", t), t, context or graph._context)


def _enter(graph, source, value, body):
  if body is None or source._context is body or value in body.known:
    return
  body.known.add(value)
  # A tensor of a body inside of this one has come out of it.
  inner = source._context
  while inner is not None:
    if inner is body:
      return
    inner = inner.outer
  _enter(graph, source, value, body.outer)
  graph._uncounted += 1


def is_not_there(graph, tensor):
  """States that TensorFlow has no such tensor, which enters no body then."""
  body = graph._context
  while body is not None:
    body.known.add(tensor)
    body = body.outer


@contextlib.contextmanager
def counted_as(graph, n):
  """What is made inside counts as `n` nodes, and takes nothing into a body."""
  before, counting = graph._last_id, graph._counting
  graph._counting = False
  try:
    yield
  finally:
    graph._counting = counting
    graph._uncounted += before + n - graph._last_id
