"""Programs that TensorFlow 1.15 ran for the goldens: their graphs, collections, values and errors as plain data.

A module in `programs/` holds PROGRAMS, functions of the package that build a graph and return a list of steps: something
to fetch, or a pair (fetches, feeds). VALUES_ONLY are the same where the graph is not TensorFlow's (control flow is
functional here). ERRORS are functions of the package that raise.
"""

import importlib
import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FAMILIES = sorted(f[:-3] for f in os.listdir(os.path.join(HERE, "programs")) if f.endswith(".py") and f[0] != "_")


def module(family):
  return importlib.import_module("programs." + family)


def golden_path(family):
  return os.path.join(HERE, "goldens", "programs", family + ".json")


def golden(family):
  with open(golden_path(family), encoding="utf-8") as f:
    return json.load(f)


def _shape(tensor):
  return "?" if tensor.shape.ndims is None else "[%s]" % ",".join(
      "?" if d is None else str(d) for d in tensor.shape.as_list())


def _node(op):
  inputs = [t.name for t in op.inputs] + sorted("^" + c.name for c in op.control_inputs)
  outputs = " ".join(t.dtype.name + _shape(t) for t in op.outputs)
  return "%s = %s(%s) %s" % (op.name, op.type, ", ".join(inputs), outputs)


def _plain(value):
  array = np.asarray(value)
  if array.dtype.kind in "OSU":
    return ["string", list(array.shape), [v.decode() if isinstance(v, bytes) else v for v in array.reshape(-1).tolist()]]
  flat = array.reshape(-1)
  if array.dtype.kind == "c":
    flat = flat.view(flat.real.dtype)  # real and imaginary parts in turn
  return [array.dtype.name, list(array.shape), flat.tolist()]


def flatten(value):
  """The leaves of what a session gave back."""
  if isinstance(value, dict):
    return [leaf for k in sorted(value) for leaf in flatten(value[k])]
  if isinstance(value, (list, tuple)):
    return [leaf for v in value for leaf in flatten(v)]
  return [] if value is None else [value]


def run(tf, program, with_graph):
  """The nodes (gradients aside, which come in an order of their own), the collections, and the values of the steps."""
  with tf.Graph().as_default() as graph:
    tf.set_random_seed(7)
    steps = program(tf)
    result = {}
    if with_graph:
      result["nodes"] = [_node(op) for op in graph.get_operations() if "gradients" not in op.name]
    result["collections"] = {
        str(key): [getattr(v, "name", str(type(v).__name__)) for v in graph.get_collection(key)]
        for key in sorted(graph.get_all_collection_keys())
        if graph.get_collection(key) and not key.startswith("_") and key not in ("cond_context", "while_context")}
    values = []
    with tf.Session() as session:
      initial = [tf.global_variables_initializer(), tf.local_variables_initializer()]
      session.run(initial)
      for step in steps or ():
        fetches, feeds = step if isinstance(step, tuple) and len(step) == 2 and isinstance(step[1], dict) else (step, {})
        values.append([_plain(v) for v in flatten(session.run(fetches, feeds))])
    result["values"] = values
    return result


def error_name(tf, program):
  """The class of the error that a program raises, alone or when its steps run."""
  try:
    run(tf, program, False)
  except Exception as error:  # noqa: BLE001  (the class is what is asked for)
    return type(error).__name__
  return None
