"""The exceptions that graph building and running raise, one class per error code."""

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


class InaccessibleTensorError(ValueError):
  """A tensor was used outside of the body of the branch or loop that computes it."""


class OpError(Exception):
  """An error while running a step: `op` is the operation at fault, or None."""

  def __init__(self, node_def, op, message, error_code):
    super().__init__()
    self._node_def = node_def
    self._op = op
    self._message = message
    self._error_code = error_code

  def __reduce__(self):
    # Operations cannot be pickled; what the error says can.
    if type(self) in (OpError, UnknownError):
      return type(self), (None, None, self._message, self._error_code)
    return type(self), (None, None, self._message)

  @property
  def message(self):
    return self._message

  @property
  def op(self):
    return self._op

  @property
  def error_code(self):
    return self._error_code

  @property
  def node_def(self):
    if self._node_def is None and self._op is not None:
      return self._op.node_def
    return self._node_def

  def __str__(self):
    if self._op is None:
      return str(self._message)
    lines = [str(self._message), "", "Original stack trace for %r:" % self._op.name]
    for filename, line, function, _ in self._op.traceback:
      lines.append('  File "%s", line %s, in %s' % (filename, line, function))
    return "\n".join(lines)


def _error_class(name, code, doc):

  def __init__(self, node_def, op, message):
    OpError.__init__(self, node_def, op, message, code)

  return type(name, (OpError,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


class UnknownError(OpError):
  """An error of no known kind."""

  def __init__(self, node_def, op, message, error_code=UNKNOWN):
    super().__init__(node_def, op, message, error_code)


CancelledError = _error_class("CancelledError", CANCELLED, "The step was cancelled.")
InvalidArgumentError = _error_class("InvalidArgumentError", INVALID_ARGUMENT,
                                    "An operation got an input it cannot take.")
DeadlineExceededError = _error_class("DeadlineExceededError", DEADLINE_EXCEEDED, "The step's time was up.")
NotFoundError = _error_class("NotFoundError", NOT_FOUND, "A file, tensor or resource does not exist.")
AlreadyExistsError = _error_class("AlreadyExistsError", ALREADY_EXISTS, "What was to be made exists already.")
PermissionDeniedError = _error_class("PermissionDeniedError", PERMISSION_DENIED, "The caller may not do this.")
UnauthenticatedError = _error_class("UnauthenticatedError", UNAUTHENTICATED, "The caller did not say who it is.")
ResourceExhaustedError = _error_class("ResourceExhaustedError", RESOURCE_EXHAUSTED, "Out of memory, disk or quota.")
FailedPreconditionError = _error_class("FailedPreconditionError", FAILED_PRECONDITION,
                                       "The system's state does not allow this, as an uninitialised variable's read.")
AbortedError = _error_class("AbortedError", ABORTED, "The operation gave way to another.")
OutOfRangeError = _error_class("OutOfRangeError", OUT_OF_RANGE, "Past the end of the input.")
UnimplementedError = _error_class("UnimplementedError", UNIMPLEMENTED, "No kernel does this.")
InternalError = _error_class("InternalError", INTERNAL, "The system broke one of its own rules.")
UnavailableError = _error_class("UnavailableError", UNAVAILABLE, "The service cannot be reached now.")
DataLossError = _error_class("DataLossError", DATA_LOSS, "Data was lost or is corrupt.")

_CLASSES = {
    c: k for k, c in {
        CancelledError: CANCELLED, UnknownError: UNKNOWN, InvalidArgumentError: INVALID_ARGUMENT,
        DeadlineExceededError: DEADLINE_EXCEEDED, NotFoundError: NOT_FOUND, AlreadyExistsError: ALREADY_EXISTS,
        PermissionDeniedError: PERMISSION_DENIED, UnauthenticatedError: UNAUTHENTICATED,
        ResourceExhaustedError: RESOURCE_EXHAUSTED, FailedPreconditionError: FAILED_PRECONDITION,
        AbortedError: ABORTED, OutOfRangeError: OUT_OF_RANGE, UnimplementedError: UNIMPLEMENTED,
        InternalError: INTERNAL, UnavailableError: UNAVAILABLE, DataLossError: DATA_LOSS,
    }.items()
}


def exception_type_from_error_code(error_code):
  return _CLASSES[error_code]


def error_code_from_exception_type(cls):
  for code, klass in _CLASSES.items():
    if klass is cls:
      return code
  raise KeyError(cls)


def make_error(code, message, op=None):
  """The exception of `code`."""
  cls = _CLASSES.get(code)
  if cls is None:
    return UnknownError(None, op, message, code)
  return cls(None, op, message)
