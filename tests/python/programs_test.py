"""Graphs, collections, values and error classes of whole programs are TensorFlow 1.15's."""

import numpy as np
import program_goldens
import pytest
import thalweg as tf

CASES = [(family, program) for family in program_goldens.FAMILIES
         for program in getattr(program_goldens.module(family), "PROGRAMS", [])]
VALUES = [(family, program) for family in program_goldens.FAMILIES
          for program in getattr(program_goldens.module(family), "VALUES_ONLY", [])]
ERRORS = [(family, program) for family in program_goldens.FAMILIES
          for program in getattr(program_goldens.module(family), "ERRORS", [])]


def _name(value):
  return value if isinstance(value, str) else value.__name__


def _as_known_to(tensorflow, node):
  """The node with unknown sizes where TensorFlow did not know them: inference here may find more, never less."""
  head, _, outputs = node.rpartition(") ")
  want_head, _, want_outputs = tensorflow.rpartition(") ")
  if head != want_head:
    return node
  outputs, want_outputs = outputs.split(" "), want_outputs.split(" ")
  if len(outputs) != len(want_outputs):
    return node
  known = []
  for got, want in zip(outputs, want_outputs):
    dtype, bracket, sizes = got.partition("[")
    _, want_bracket, want_sizes = want.partition("[")
    if want == dtype + "?":
      got = want
    elif bracket and want_bracket:
      sizes, want_sizes = sizes[:-1].split(","), want_sizes[:-1].split(",")
      if len(sizes) == len(want_sizes):
        got = dtype + "[%s]" % ",".join("?" if w == "?" else g for g, w in zip(sizes, want_sizes))
    known.append(got)
  return head + ") " + " ".join(known)


def _parts(node):
  """Name, type and the names of the inputs' operations."""
  name, _, rest = node.partition(" = ")
  op_type, _, rest = rest.partition("(")
  return name, op_type, [i.lstrip("^").partition(":")[0] for i in rest.rpartition(") ")[0].split(", ") if i]


def _without_unused(wanted, got):
  """TensorFlow's nodes without those that it makes and never uses, where they are not made here."""
  ours, kept = {_parts(node)[0] for node in got}, list(wanted)
  used = {i for node in wanted for i in _parts(node)[2]}
  while True:
    unused = [node for node in kept if _parts(node)[0] not in ours and _parts(node)[0] not in used and
              _parts(node)[1] in ("Const", "Shape", "StridedSlice")]
    if not unused:
      return kept
    kept = [node for node in kept if node not in unused]
    used = {i for node in kept for i in _parts(node)[2]}


def _same_values(got, want):
  assert len(got) == len(want)
  for step, (g_step, w_step) in enumerate(zip(got, want)):
    assert [v[:2] for v in g_step] == [v[:2] for v in w_step], "step %d" % step
    for (dtype, _, g), (_, _, w) in zip(g_step, w_step):
      if dtype == "string":
        assert g == w
      else:
        np.testing.assert_allclose(g, w, rtol=2e-5, atol=2e-6, err_msg="step %d" % step)


@pytest.mark.parametrize("family,program", CASES, ids=_name)
def test_program(family, program, record_property):
  want = program_goldens.golden(family)[program.__name__]
  got = program_goldens.run(tf, program, True)
  # Node by node, so that a failure shows the first that differs.
  nodes = _without_unused(want["nodes"], got["nodes"])
  for g, w in zip(got["nodes"], nodes):
    assert _as_known_to(w, g) == w
  assert len(got["nodes"]) == len(nodes)
  assert got["collections"] == want["collections"]
  _same_values(got["values"], want["values"])
  _count(record_property, want)


def _count(record_property, want):
  """For tests/conformance/score.py: each node, member of a collection, and value is a case."""
  record_property("passed", len(want.get("nodes", [])) + sum(map(len, want["collections"].values())) +
                  sum(map(len, want["values"])))
  record_property("differs", 0)


@pytest.mark.parametrize("family,program", VALUES, ids=_name)
def test_values(family, program, record_property):
  want = program_goldens.golden(family)[program.__name__]
  got = program_goldens.run(tf, program, False)
  assert got["collections"] == want["collections"]
  _same_values(got["values"], want["values"])
  _count(record_property, want)


@pytest.mark.parametrize("family,program", ERRORS, ids=_name)
def test_error(family, program):
  assert program_goldens.error_name(tf, program) == program_goldens.golden(family)[program.__name__]
