"""tf.logging: messages with levels, on standard error."""

import logging as _logging
import os
import sys
import threading
import time

DEBUG, INFO, WARN, ERROR, FATAL = (_logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.CRITICAL)

_logger = None
_lock = threading.Lock()
_counts = {}
_letters = {DEBUG: "D", INFO: "I", WARN: "W", ERROR: "E", FATAL: "F"}


def _get_logger():
  global _logger
  if _logger is not None:
    return _logger
  with _lock:
    if _logger is None:
      logger = _logging.getLogger("thalweg")
      # A program that configured logging itself keeps its handlers.
      if not _logging.getLogger().handlers:
        handler = _logging.StreamHandler(sys.stdout if hasattr(sys, "ps1") else None)
        handler.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(WARN)
      _logger = logger
  return _logger


def log(level, msg, *args, **kwargs):
  _get_logger().log(level, msg, *args, **kwargs)


def debug(msg, *args, **kwargs):
  _get_logger().debug(msg, *args, **kwargs)


def info(msg, *args, **kwargs):
  _get_logger().info(msg, *args, **kwargs)


def warning(msg, *args, **kwargs):
  _get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg, *args, **kwargs):
  _get_logger().error(msg, *args, **kwargs)


def fatal(msg, *args, **kwargs):
  _get_logger().fatal(msg, *args, **kwargs)


def vlog(level, msg, *args, **kwargs):
  _get_logger().log(level, msg, *args, **kwargs)


def log_if(level, msg, condition, *args):
  if condition:
    vlog(level, msg, *args)


def _count(token):
  _counts[token] = _counts.get(token, -1) + 1
  return _counts[token]


def _caller():
  frame = sys._getframe(2)
  return frame.f_code.co_filename, frame.f_lineno


def log_every_n(level, msg, n, *args):
  """Logs the first and then every n-th call from one line of the program."""
  log_if(level, msg, not _count(_caller()) % n, *args)


def log_first_n(level, msg, n, *args):
  """Logs the first n calls from one line of the program."""
  log_if(level, msg, _count(_caller()) < n, *args)


def get_verbosity():
  return _get_logger().getEffectiveLevel()


def set_verbosity(v):
  """Sets the level below which messages are dropped."""
  _get_logger().setLevel(v)


def flush():
  for handler in _get_logger().handlers:
    handler.flush()


def TaskLevelStatusMessage(msg):
  error(msg)


def google2_log_prefix(level, timestamp=None, file_and_line=None):
  """The line prefix "I1123 10:02:03.000004 1234 file.py:12] "."""
  now = timestamp or time.time()
  parts = time.localtime(now)
  filename, line = file_and_line or _caller()
  return "%c%02d%02d %02d:%02d:%02d.%06d %5d %s:%d] " % (
      _letters.get(level, "I"), parts[1], parts[2], parts[3], parts[4], parts[5], int(1e6 * (now % 1.0)), os.getpid(),
      os.path.basename(filename), line)
