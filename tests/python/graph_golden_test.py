"""Names, inputs, attributes, devices and static shapes of graphs are TensorFlow 1.15's."""

import json
import os

import graph_programs
import pytest
import thalweg as tf

# Newer attributes of ops that TensorFlow 1.15 does not write, and the order of control inputs, do not count.
with open(os.path.join(os.path.dirname(__file__), "goldens", "graphs.json"), encoding="utf-8") as f:
  GOLDENS = json.load(f)


def _normal(node):
  name, op, inputs, device, attrs, shapes, dtypes = node
  data = [i for i in inputs if not i.startswith("^")]
  return {"name": name, "op": op, "inputs": data, "controls": sorted(i for i in inputs if i.startswith("^")),
          "device": device, "attrs": attrs, "shapes": shapes, "dtypes": dtypes}


@pytest.mark.parametrize("program", graph_programs.PROGRAMS, ids=lambda p: p.__name__)
def test_graph(program, record_property):
  got = [_normal(n) for n in json.loads(json.dumps(graph_programs.describe(tf, program)))]
  want = [_normal(n) for n in GOLDENS[program.__name__]]
  assert [n["name"] for n in got] == [n["name"] for n in want]
  differing = [(g, w) for g, w in zip(got, want) if g != w]
  record_property("passed", len(want) - len(differing))
  record_property("differs", len(differing))
  assert not differing, "\n".join("%s\n%s" % pair for pair in differing[:5])
