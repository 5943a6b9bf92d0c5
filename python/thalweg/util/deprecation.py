"""Arguments and functions under the names they had before."""

import contextlib
import functools

_said = set()
_silent = False


@contextlib.contextmanager
def silence():
  """No warnings of deprecated functions inside."""
  global _silent
  before, _silent = _silent, True
  try:
    yield
  finally:
    _silent = before


def deprecated(date, instructions, warn_once=True):
  """A decorator of functions that go away after `date` ("2020-01-31", or None): it warns, with instructions what to do."""
  if not instructions:
    raise ValueError("Don't deprecate things without conveying updating instructions.")

  def decorate(func):
    @functools.wraps(func)
    def warning(*args, **kwargs):
      if not _silent and (func not in _said or not warn_once):
        # Here, so that the modules that only look up arguments do not load logging.
        from thalweg.platform import tf_logging
        _said.add(func)
        tf_logging.warning("%s (from %s) is deprecated and will be removed %s. %s", func.__qualname__, func.__module__,
                           "in a future version" if date is None else "after %s" % date, instructions)
      return func(*args, **kwargs)

    return warning

  return decorate


def deprecated_argument_lookup(new_name, new_value, old_name, old_value):
  """The value of an argument that may be given under either of two names; ValueError when it is under both."""
  if old_value is None:
    return new_value
  if new_value is not None:
    raise ValueError("Cannot specify both '%s' and '%s'" % (old_name, new_name))
  return old_value
