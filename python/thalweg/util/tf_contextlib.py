"""contextlib, under the name of tensorflow.python.util."""

from contextlib import contextmanager  # noqa: F401
