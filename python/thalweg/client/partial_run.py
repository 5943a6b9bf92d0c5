"""partial_run: a step whose feeds arrive in parts.

Each part is a run of its own, fed with everything that is known by then: all feeds so far, and the values fetched by
the parts before, so that what they computed is not computed again.
"""

from thalweg.framework import errors
from thalweg.framework.tensor import Tensor


class PartialRun:
  """The state between the parts of one step."""

  def __init__(self, session, fetches, feeds):
    graph = session.graph
    self._session = session
    self._allowed_fetches = {graph.as_graph_element(f) for f in _flat(fetches)}
    self._allowed_feeds = {graph.as_graph_element(f, allow_operation=False) for f in (feeds or ())}
    self._fed = {}
    self._done = {}

  def run(self, fetches, feed_dict):
    graph = self._session.graph
    for feed, value in (feed_dict or {}).items():
      tensor = graph.as_graph_element(feed, allow_operation=False)
      if tensor not in self._allowed_feeds:
        raise errors.InvalidArgumentError(None, None,
                                          "The feed %s was not specified in partial_run_setup." % tensor.name)
      if tensor in self._fed:
        raise errors.InvalidArgumentError(None, None, "The feed %s had already been fed." % tensor.name)
      self._fed[tensor] = value
    wanted = [graph.as_graph_element(f) for f in _flat(fetches)]
    for f in wanted:
      if f not in self._allowed_fetches:
        raise errors.InvalidArgumentError(None, None, "The fetch %s was not specified in partial_run_setup." % f.name)
      if f in self._done:
        raise errors.InvalidArgumentError(None, None, "The fetch %s had already been fetched." % f.name)
    known = {t: v for t, v in self._done.items() if isinstance(t, Tensor)}
    known.update(self._fed)
    results = self._session.run(fetches, known)
    values = _flat(results)
    self._done.update(zip(wanted, values))
    return results


def _flat(fetches):
  if isinstance(fetches, (list, tuple)):
    return [leaf for f in fetches for leaf in _flat(f)]
  if isinstance(fetches, dict):
    return [leaf for f in fetches.values() for leaf in _flat(f)]
  return [fetches]
