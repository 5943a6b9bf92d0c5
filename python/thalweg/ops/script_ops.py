"""Python functions as ops.

A function is kept under a token for as long as the graph that it was added to, and called by that token, which is all
that the graph holds of it. So a graph with such ops runs only in the process that made it.
"""

import itertools
import threading
import traceback
import weakref

import numpy as np

from thalweg import _tensors
from thalweg._c import NULL, ffi, lib, text
from thalweg.framework import dtypes, errors, ops

_numbers = itertools.count()
_functions = weakref.WeakValueDictionary()  # token -> _Function


class _Function:
  """A function with a name to be called by; its graph keeps it alive."""

  def __init__(self, func):
    self.func = func
    self.token = "pyfunc_%d" % next(_numbers)
    _functions[self.token] = self


def py_func(func, inp, Tout, stateful=True, name=None):
  """Calls `func` with numpy values of `inp` in each step, and gives what it returns.

  Args:
    func: takes one value per tensor of `inp`: numpy arrays, numpy scalars, bytes for strings. Returns one value, or a
      list with one per dtype of `Tout`. An exception that it raises ends the step, and leaves `Session.run` as it is.
    inp: a list of tensors.
    Tout: the dtype of the result, or a list of dtypes. A value of another dtype is an InvalidArgumentError.
    stateful: False lets the compiler leave a call out whose results nobody needs, and call once for equal inputs.
    name: of the op.

  Returns:
    A tensor of unknown shape, or a list of them if `Tout` is a list, or the operation if that list is empty.
  """
  several = isinstance(Tout, (list, tuple))
  types = [dtypes.as_dtype(t) for t in (Tout if several else [Tout])]
  function = _Function(func)
  graph = ops.get_default_graph()
  # Bodies of functions are graphs of their own, which go when they are done.
  while getattr(graph, "outer_graph", None) is not None:
    graph = graph.outer_graph
  if not hasattr(graph, "_py_funcs_used_in_graph"):
    graph._py_funcs_used_in_graph = []
  graph._py_funcs_used_in_graph.append(function)
  inputs = ops.convert_n_to_tensor(inp)
  op_type = "PyFunc" if stateful else "PyFuncStateless"
  op = ops.get_default_graph().create_op(
      op_type, inputs, types, name=name or op_type,
      attrs={"token": function.token, "Tin": [t.dtype for t in inputs], "Tout": types})
  if not types:
    return op
  return list(op.outputs) if several else op.outputs[0]


def numpy_function(func, inp, Tout, name=None):
  """py_func with stateful=True."""
  return py_func(func, inp, Tout, stateful=True, name=name)


class Host:
  """What a session gives the core to call Python with; keeps the exceptions that functions raised."""

  def __init__(self):
    self.handle = ffi.new_handle(self)
    self._raised = {}  # by message
    self._lock = threading.Lock()

  def call(self, token, arguments, results, num_results):
    function = _functions.get(token)
    if function is None:
      raise KeyError("callback %s is not found: the graph that made it is gone, or lives in another process" % token)
    values = function.func(*[_tensors.to_numpy(lib.tw_tensor_share(a)) for a in arguments])
    if values is None:
      values = []
    if not isinstance(values, (list, tuple)):
      values = [values]
    if len(values) != num_results:
      raise errors.InvalidArgumentError(None, None, "%s returns %d values, but expects to see %d values." % (
          token, len(values), num_results))
    made = []
    try:
      for value in values:
        made.append(_as_tensor(value))
    except BaseException:
      for t in made:
        lib.tw_tensor_release(t)
      raise
    for i, t in enumerate(made):
      results[i] = t

  def failed(self, error):
    """The message and code under which an exception travels through the core."""
    message = "%s: %s\n%s" % (type(error).__name__, error, "".join(traceback.format_tb(error.__traceback__)))
    # An iterator's end is the end of a sequence, as it would be for a reader.
    if isinstance(error, StopIteration):
      return errors.OUT_OF_RANGE, message
    if isinstance(error, errors.InvalidArgumentError) and error.op is None and error.node_def is None:
      return errors.INVALID_ARGUMENT, error.message
    with self._lock:
      self._raised[message] = error
    return errors.UNKNOWN, message

  def exception_of(self, status_error):
    """The exception that became this status, or None."""
    if not self._raised:
      return None
    with self._lock:
      return self._raised.pop(status_error.message, None)


def _as_tensor(value):
  array = np.asarray(value, order="C")
  if array.dtype.kind in "SUO":
    array = array.astype(object)
    dtype = dtypes.string
  else:
    dtype = dtypes.as_dtype(array.dtype)
  return _tensors.from_numpy(array, dtype)


@ffi.def_extern()
def twpy_host_call(user, token, arguments, num_arguments, results, num_results):
  host = ffi.from_handle(user)
  try:
    host.call(text(token), [arguments[i] for i in range(num_arguments)], results, num_results)
    return NULL
  except BaseException as e:  # goes on in the thread that runs the session, see Host.exception_of
    code, message = host.failed(e)
    message = message.encode("utf-8", "replace")
    return lib.tw_status_create(code, (ffi.from_buffer("char[]", message), len(message)))
