"""Printing while a step runs."""

from thalweg.framework.op_create import op as _op


def Print(input_, data, message=None, first_n=None, summarize=None, name=None):  # noqa: N802
  """`input_`, and a line on standard error with the data each time it is computed."""
  return _op("Print", name, (input_, data), {"message": message, "first_n": first_n, "summarize": summarize})
