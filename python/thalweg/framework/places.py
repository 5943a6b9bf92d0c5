"""Where in the program an operation was made."""

import contextlib
import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_ours, _users = set(), set()  # names of files
_places = {}


def _is_ours(filename):
  # contextlib's frames stand between a `with` of ours and the program.
  ours = os.path.abspath(filename).startswith(_PACKAGE) or filename == contextlib.__file__
  (_ours if ours else _users).add(filename)
  return ours


def user_frame(depth=1):
  """(file, line, function, b"file:line", code) of the innermost frame outside this package; None when there is none.

  `depth` is the number of the caller's frames that are known to be the package's.
  """
  frame = sys._getframe(depth)
  while frame is not None:
    code = frame.f_code
    filename = code.co_filename
    if filename not in _ours and (filename in _users or not _is_ours(filename)):
      # Keyed by the instruction, since finding its line takes longer than all the rest. A place keeps its code object
      # alive, so that the id stays its own.
      key = (id(code), frame.f_lasti)
      place = _places.get(key)
      if place is None:
        if len(_places) > 100000:
          _places.clear()
        line = frame.f_lineno or 0
        place = _places[key] = (filename, line, code.co_name, ("%s:%d" % (filename, line)).encode(), code)
      return place
    frame = frame.f_back
  return None
