"""Writes goldens/graphs.json with TensorFlow 1.15: `python make_goldens.py`. The tests need only the file."""

import json
import os
import sys

import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import graph_programs  # noqa: E402

with open(os.path.join(here, "goldens", "graphs.json"), "w") as f:
  lines = []
  for program in graph_programs.PROGRAMS:
    nodes = graph_programs.describe(tf, program)
    lines.append('"%s": [\n%s]' % (program.__name__, ",\n".join(json.dumps(n) for n in nodes)))
  f.write("{%s}\n" % ",\n".join(lines))
