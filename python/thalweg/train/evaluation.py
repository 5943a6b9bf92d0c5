"""Waiting for the checkpoints of a training that goes on elsewhere."""

import time

from thalweg.platform import tf_logging as logging
from thalweg.train import checkpoint_management


def wait_for_new_checkpoint(checkpoint_dir, last_checkpoint=None, seconds_to_sleep=1, timeout=None):
  """The path of the first checkpoint that is not `last_checkpoint`; None when `timeout` seconds are over."""
  logging.info("Waiting for new checkpoint at %s", checkpoint_dir)
  deadline = time.monotonic() + timeout if timeout is not None else None
  while True:
    found = checkpoint_management.latest_checkpoint(checkpoint_dir)
    if found is not None and found != last_checkpoint:
      logging.info("Found new checkpoint at %s", found)
      return found
    if deadline is not None and time.monotonic() + seconds_to_sleep > deadline:
      return None
    time.sleep(seconds_to_sleep)


def checkpoints_iterator(checkpoint_dir, min_interval_secs=0, timeout=None, timeout_fn=None):
  """Yields the paths of new checkpoints as they come, at least `min_interval_secs` apart. When none comes for `timeout`
  seconds the iterator ends, unless `timeout_fn` returns a false value."""
  path = None
  while True:
    new = wait_for_new_checkpoint(checkpoint_dir, path, timeout=timeout)
    if new is None:
      if not timeout_fn:
        logging.info("Timed-out waiting for a checkpoint.")
        return
      if timeout_fn():
        return
      continue
    start = time.monotonic()
    path = new
    yield path
    left = start + min_interval_secs - time.monotonic()
    if left > 0:
      time.sleep(left)
