"""Writes tests/python/goldens/control_flow.npz with TensorFlow 1.15: python make_control_flow.py control_flow.npz.

Each program of control_flow/ is a graph with Switch, Merge and the ops of loops, as TensorFlow's own cond, while_loop,
rnn and gradients make them. For each there is its GraphDef, and the steps of a session: what is fed, what is fetched, and
the values or the class of the error. Weights begin with values from formulas, so that a graph needs no random numbers.
"""
import io
import json
import sys

import numpy as np
import tensorflow as tf
from control_flow import arrays, branches, loops  # noqa: F401  (their programs register themselves)
from control_flow.program import PROGRAMS

tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)


def run(name):
  tf.reset_default_graph()
  steps = PROGRAMS[name]()
  graph = tf.get_default_graph()
  graph._unfetchable_ops.clear()  # known to Python only; a graph that is imported has none
  kept = {name + "/graph": np.frombuffer(graph.as_graph_def().SerializeToString(), np.uint8)}
  plan = []
  with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)) as s:
    for k, st in enumerate(steps):
      entry = {"fetch": st["fetch"], "target": st["target"], "feed": sorted(st["feed"])}
      try:
        ops = [graph.get_operation_by_name(t) for t in st["target"]]
        got = s.run([st["fetch"], ops], st["feed"])[0]
        for i, value in enumerate(got):
          kept["%s/%d/fetch/%d" % (name, k, i)] = np.asarray(value)
      except tf.errors.OpError as e:
        entry["error"], entry["message"] = type(e).__name__, e.message.split("\n")[0]
      for i, tensor in enumerate(entry["feed"]):
        placeholder_dtype = graph.get_tensor_by_name(tensor).dtype.as_numpy_dtype
        kept["%s/%d/feed/%d" % (name, k, i)] = np.asarray(st["feed"][tensor], placeholder_dtype)
      plan.append(entry)
  kept[name + "/steps"] = np.frombuffer(json.dumps(plan).encode(), np.uint8)
  return kept


def main(path):
  everything = {}
  for name in PROGRAMS:
    everything.update(run(name))
  buffer = io.BytesIO()
  np.savez_compressed(buffer, **everything)
  with open(path, "wb") as f:
    f.write(buffer.getvalue())
  print("%d programs, %d bytes" % (len(PROGRAMS), buffer.tell()))


if __name__ == "__main__":
  main(sys.argv[1])
