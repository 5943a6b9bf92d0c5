"""Queue runners for the length of a block."""

import contextlib

from thalweg.framework import ops
from thalweg.train import coordinator

_GRACE_SECONDS = 120


class NestedQueueRunnerError(Exception):
  """A block of QueueRunners within another one."""


@contextlib.contextmanager
def QueueRunners(session):  # noqa: N802
  """Starts the graph's queue runners, and stops them when the block is left; a thread that does not stop within two
  minutes ends the session."""
  runners = ops.get_collection(ops.GraphKeys.QUEUE_RUNNERS)
  if any(runner._runs_per_session.get(session) for runner in runners):
    raise NestedQueueRunnerError("The queue runners of this session are running already.")
  stop = coordinator.Coordinator()
  threads = [t for runner in runners for t in runner.create_threads(session, coord=stop, daemon=True, start=True)]
  try:
    yield
  finally:
    stop.request_stop()
    try:
      stop.join(threads, stop_grace_period_secs=_GRACE_SECONDS)
    except RuntimeError:
      session.close()
