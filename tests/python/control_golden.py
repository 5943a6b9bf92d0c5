"""Running the programs of control_programs and writing down what they give."""

import inspect

import numpy as np


def programs(package):
  return [f for module in package.MODULES for name, f in inspect.getmembers(module, inspect.isfunction)
          if not name.startswith("_")]


def plain(value):
  """Lists, numbers and strings."""
  if isinstance(value, dict):
    return {k: plain(v) for k, v in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(v) for v in value]
  if isinstance(value, (np.ndarray, np.generic)):
    return plain(np.asarray(value).tolist())
  if isinstance(value, bytes):
    return value.decode()
  return value


def outcome(tf, program):
  """What the program returns, or the class of the error it ends with."""
  with tf.Graph().as_default(), tf.Session() as sess:
    try:
      return plain(program(tf, sess))
    except Exception as e:
      return {"error": type(e).__name__}
