"""The C library: `lib` and `ffi` of the native module, and the conversions everyone needs."""

from thalweg._native import ffi, lib
from thalweg.framework import errors

NULL = ffi.NULL


def text(s):
  """A tw_str as str."""
  return ffi.unpack(s.data, s.size).decode("utf-8", "replace") if s.size else ""


def raw(s):
  """A tw_str as bytes."""
  return ffi.unpack(s.data, s.size) if s.size else b""


def borrowed(data):
  """bytes as a tw_str; the caller keeps both alive during the call."""
  buffer = ffi.from_buffer("char[]", data) if data else NULL
  return buffer, len(data)


class StatusError(Exception):
  """A tw_status, taken apart and released."""

  def __init__(self, status):
    self.code = lib.tw_status_code(status)
    self.message = text(lib.tw_status_message(status))
    self.node = text(lib.tw_status_node(status))
    self.where = text(lib.tw_status_where(status))
    lib.tw_status_release(status)
    super().__init__(self.message)


def check(status, graph=None):
  """Raises the exception of TensorFlow's class for a status that is not NULL."""
  if status != NULL:
    raise to_error(StatusError(status), graph)


def to_error(error, graph=None):
  """The OpError for a StatusError; its message names the node and the user's line."""
  op = graph._operation_or_none(error.node) if graph is not None and error.node else None
  message = error.message
  if error.node:
    where = error.where or (op._where_text() if op is not None else "")
    message += "\n\t [[node %s%s]]" % (error.node, " (defined at %s) " % where if where else "")
  return errors.make_error(error.code, message, op)


def take_buffer(buffer):
  """The bytes of a tw_buffer, which is released."""
  try:
    return bytes(ffi.buffer(lib.tw_buffer_data(buffer), lib.tw_buffer_size(buffer)))
  finally:
    lib.tw_buffer_release(buffer)


def buffer_call(fn, *args):
  """Calls a function whose last argument is tw_buffer** and returns the bytes."""
  out = ffi.new("tw_buffer**")
  check(fn(*args, out))
  return take_buffer(out[0])
