"""What a hook is, and what it sees of a run."""

import collections


class SessionRunHook(object):
  """Extends the runs of a MonitoredSession."""

  def begin(self):
    """Called once before the session is made; may add to the graph."""

  def after_create_session(self, session, coord):
    """Called when a session has been made, and again when one is made after a failure. The graph is final."""

  def before_run(self, run_context):
    """Called before each run; may return SessionRunArgs to add to it."""
    return None

  def after_run(self, run_context, run_values):
    """Called after each run with SessionRunValues; may call run_context.request_stop()."""

  def end(self, session):
    """Called at the end, unless an exception is the reason for it."""


class SessionRunArgs(collections.namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
  """What to add to a run."""

  def __new__(cls, fetches, feed_dict=None, options=None):
    return super(SessionRunArgs, cls).__new__(cls, fetches, feed_dict, options)


class SessionRunContext(object):
  """The run that hooks are called for."""

  def __init__(self, original_args, session):
    self._original_args = original_args
    self._session = session
    self._stop_requested = False

  @property
  def original_args(self):
    """The SessionRunArgs of the program's own call."""
    return self._original_args

  @property
  def session(self):
    """The session, without hooks."""
    return self._session

  @property
  def stop_requested(self):
    return self._stop_requested

  def request_stop(self):
    """After this run should_stop() is true."""
    self._stop_requested = True


class SessionRunValues(collections.namedtuple("SessionRunValues", ["results", "options", "run_metadata"])):
  """The values of the fetches that a hook asked for, the options of the run, and its metadata."""
