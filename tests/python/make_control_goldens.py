"""Writes goldens/control.json with TensorFlow 1.15: `python make_control_goldens.py`. The tests need only the file."""

import json
import os
import sys

import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import control_golden  # noqa: E402
import control_programs  # noqa: E402

with open(os.path.join(here, "goldens", "control.json"), "w") as f:
  lines = ['"%s": %s' % (p.__name__, json.dumps(control_golden.outcome(tf, p)))
           for p in control_golden.programs(control_programs)]
  f.write("{%s}\n" % ",\n".join(lines))
