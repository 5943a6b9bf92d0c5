"""Writes tests/python/goldens/normalization.json with TensorFlow 1.15: `python make_normalization.py`."""

import json
import os
import sys

import tensorflow as tf

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python")
sys.path.insert(0, folder)
import normalization_programs as programs  # noqa: E402


def rounded(value):
  if isinstance(value, dict):
    return {k: rounded(v) for k, v in value.items()}
  if isinstance(value, list):
    return [rounded(v) for v in value]
  return float("%.7g" % value)


with open(os.path.join(folder, "goldens", "normalization.json"), "w") as f:
  goldens = {"%s, %s" % (name, "fed" if fed else "known"): rounded(programs.run(tf, name, fed))
             for name in programs.CASES for fed in (False, True)}
  f.write("{%s}\n" % ",\n".join("%s: %s" % (json.dumps(k), json.dumps(v, sort_keys=True)) for k, v in goldens.items()))
