"""tf.compat: strings of either kind, and TensorFlow 1's names as tf.compat.v1."""

import numbers as _numbers

import numpy as _np


def as_bytes(bytes_or_text, encoding="utf-8"):
  if isinstance(bytes_or_text, str):
    return bytes_or_text.encode(encoding)
  if isinstance(bytes_or_text, bytes):
    return bytes_or_text
  raise TypeError("Expected binary or unicode string, got %r" % (bytes_or_text,))


def as_text(bytes_or_text, encoding="utf-8"):
  if isinstance(bytes_or_text, str):
    return bytes_or_text
  if isinstance(bytes_or_text, bytes):
    return bytes_or_text.decode(encoding)
  raise TypeError("Expected binary or unicode string, got %r" % (bytes_or_text,))


as_str = as_text


def as_str_any(value):
  return as_text(value) if isinstance(value, bytes) else str(value)


def path_to_str(path):
  return as_str_any(path.__fspath__()) if hasattr(path, "__fspath__") else path


def forward_compatible(year, month, day):
  return True


bytes_or_text_types = (bytes, str)
complex_types = (_numbers.Complex, _np.number)
integral_types = (_numbers.Integral, _np.integer)
real_types = (_numbers.Real, _np.integer, _np.floating)


def __getattr__(name):
  if name != "v1":
    raise AttributeError("module 'thalweg.compat' has no attribute %r" % name)
  import importlib
  return importlib.import_module("thalweg.compat.v1")
