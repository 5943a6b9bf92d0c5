"""Where twpy_run leaves the results of a step, and how they become values."""

import numpy as np

from thalweg import _tensors
from thalweg._c import ffi, lib

_FACTS = 16        # numbers per result; see twpy_places
_ROOM = 8192       # bytes for copies of small results
_COPIED = 2        # where a result is: in the copies, and its tensor is gone
_MAX_FORMS = 64


class Places:
  """The places of one step's results. Steps in flight at a time have one each."""

  __slots__ = ("c", "results", "data", "facts", "copies", "_kept")

  def __init__(self, num):
    facts, copies = ffi.new("int64_t[]", _FACTS * num), ffi.new("char[]", _ROOM)
    self.results, self.data = ffi.new("tw_tensor*[]", num), ffi.new("void*[]", num)
    self.c = ffi.new("twpy_places*", (num, self.results, facts, self.data, copies, _ROOM))
    self.facts, self.copies = ffi.buffer(facts), ffi.buffer(copies)
    self._kept = facts, copies


class Results:
  """Makes values of what steps of one signature leave in places. How, is kept for each combination of shapes."""

  __slots__ = ("num", "_free", "_forms")

  def __init__(self, num):
    self.num = num
    self._free = []
    self._forms = {}

  def take_places(self):
    try:
      return self._free.pop()
    except IndexError:
      return Places(self.num)

  def give_back(self, places):
    self._free.append(places)

  def values(self, places):
    """The results as numpy arrays, scalars as numpy's scalars. Takes over the tensors that are left."""
    facts = places.facts[:]
    forms = self._forms.get(facts) or self._add_forms(facts)
    copies, values = places.copies, []
    for dtype, at, count, make in forms:
      if dtype is None:
        values.append(make(places.results[at], places.data[at]))
      else:
        values.append(make(np.frombuffer(copies, dtype, count, at)))
    return values

  def _add_forms(self, facts):
    numbers = np.frombuffer(facts, np.int64).reshape(-1, _FACTS).tolist()
    forms, at = [], 0
    for i, (number, size, where, rank, *dims) in enumerate(numbers):
      shape = tuple(dims[:rank])
      if where == _COPIED:
        dtype = _tensors.numpy_type(number)
        forms.append((dtype, at, size // dtype.itemsize, _maker(dtype, shape)))
        at += (size + 15) // 16 * 16
      else:
        make = lambda tensor, data, facts=(number, size, bool(where), shape): _tensors.take(tensor, *facts, data)
        forms.append((None, i, 0, make))
    if len(self._forms) >= _MAX_FORMS:
      self._forms.clear()
    self._forms[facts] = forms
    return forms


def _maker(dtype, shape):
  """Makes a value of its own of a flat array that others will overwrite."""
  if not shape:
    # An element of a structured type is a view.
    return (lambda a: a.copy()[0]) if dtype.kind == "V" else (lambda a: a[0])
  return np.ndarray.copy if len(shape) == 1 else lambda a: a.reshape(shape).copy()
