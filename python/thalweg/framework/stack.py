"""What is current: the default graph and the default session, per thread."""

import contextlib
import threading


class _DefaultStack(threading.local):

  def __init__(self):
    super().__init__()
    self.stack = []
    self.enforce_nesting = True

  def get_default(self):
    return self.stack[-1] if self.stack else None

  def is_cleared(self):
    return not self.stack

  def reset(self):
    self.stack = []

  @contextlib.contextmanager
  def get_controller(self, default):
    self.stack.append(default)
    try:
      yield default
    finally:
      # The stack may be empty when reset() was called within the context.
      if self.stack:
        if self.enforce_nesting:
          if self.stack[-1] is not default:
            raise AssertionError("Nesting violated for default stack of %s objects" % type(default))
          self.stack.pop()
        elif default in self.stack:
          self.stack.remove(default)


class _DefaultGraphStack(_DefaultStack):
  """Threads without a default of their own share one global graph."""

  _global_default_graph = None

  def get_default(self):
    if self.stack:
      return self.stack[-1]
    return self._global_graph()

  def _global_graph(self):
    graph = _DefaultGraphStack._global_default_graph
    if graph is None:
      from thalweg.framework.graph import Graph
      graph = _DefaultGraphStack._global_default_graph = Graph()
    return graph

  def reset(self):
    super().reset()
    _DefaultGraphStack._global_default_graph = None


default_graph_stack = _DefaultGraphStack()
default_session_stack = _DefaultStack()


def get_default_graph():
  """The graph that new operations go to."""
  stack = default_graph_stack.stack
  return stack[-1] if stack else default_graph_stack.get_default()


def reset_default_graph():
  """Clears the default graph stack and makes a new global graph."""
  if not default_graph_stack.is_cleared():
    raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
                         "exit the nesting and create a new graph.")
  default_graph_stack.reset()


def has_default_graph():
  return len(default_graph_stack.stack) >= 1


def get_default_session():
  """The innermost session that was made default in this thread, or None."""
  return default_session_stack.get_default()


def default_session(session):
  return default_session_stack.get_controller(session)
