"""The command `thalweg`: `run` and `profile`."""

import json
import os
import subprocess
import sys

import pytest
import thalweg
from thalweg import _profile

PROGRAM = """import sys
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, [64, 32])
w = tf.get_variable("w", [32, 16])
y = tf.nn.relu(tf.matmul(x, w)) * 2.0
total = tf.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + tf.reduce_sum(y)), [0, 0.0])[1]
with tf.Session() as session:
  session.run(tf.global_variables_initializer())
  step = session.make_callable(total, [x])
  for _ in range(3):
    session.run(y, {x: np.ones([64, 32])})
  step(np.ones([64, 32]))
print("done", sys.argv[1:])
sys.exit(int(sys.argv[1]))
"""


def command(*arguments, cwd=None):
  environment = dict(os.environ, PYTHONPATH=os.path.dirname(os.path.dirname(os.path.abspath(thalweg.__file__))))
  return subprocess.run([sys.executable, "-m", "thalweg", *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, cwd=cwd, env=environment)


@pytest.fixture
def script(tmp_path):
  path = tmp_path / "program.py"
  path.write_text(PROGRAM)
  return path


def test_profile(script, tmp_path):
  done = command("profile", "--trace", tmp_path / "t.json", script, 0, "--top", "--trace", "x")
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith("done ['0', '--top', '--trace', 'x']\n")
  rows = {line.split("  ")[-1]: line.split() for line in done.stdout.splitlines() if "  " in line}
  product = next(columns for key, columns in rows.items() if key.startswith("w/") or key.startswith("_FusedContract{MatMul"))
  assert int(product[0]) >= 3 and float(product[1]) > 0
  assert "limits of this machine" in done.stdout
  trace = json.loads((tmp_path / "t.json").read_text())
  assert trace["otherData"]["gflops"] > 0
  events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
  assert sum(e["cat"] == "step" for e in events) == 5
  # The loop is an event that those of its body lie in.
  loop = next(e for e in events if e["name"] in ("While", "StatelessWhile"))
  inside = [e for e in events if e is not loop and e["cat"] == "exec" and e["tid"] == loop["tid"]
            and loop["ts"] <= e["ts"] and e["ts"] + e["dur"] <= loop["ts"] + loop["dur"] + 0.01]
  assert len(inside) >= 10


def test_the_trace_is_written_here_by_default(script, tmp_path):
  assert command("profile", script, 0, cwd=tmp_path).returncode == 0
  assert json.loads((tmp_path / "thalweg_trace.json").read_text())["traceEvents"]


@pytest.mark.parametrize("verb", ["run", "profile"])
def test_exit_codes_are_handed_on(script, verb, tmp_path):
  done = command(verb, script, 3, cwd=tmp_path)
  assert done.returncode == 3 and "done" in done.stdout
  script.write_text("raise ValueError('broken')")
  done = command(verb, script, cwd=tmp_path)
  assert done.returncode == 1 and "ValueError: broken" in done.stderr
  assert verb == "run" or "where the time went" in done.stdout


def test_mistakes(script, tmp_path):
  done = command("profile", tmp_path / "missing.py")
  assert done.returncode == 2 and done.stderr.endswith("no file %s\n" % (tmp_path / "missing.py"))
  done = command("profile", "--trace", tmp_path / "no" / "t.json", script)
  assert done.returncode == 2 and "cannot write the trace" in done.stderr
  assert command("walk", script).returncode == 2
  assert command().returncode == 2


def test_time_is_counted_once():
  def event(name, ts, dur, tid=0):
    return {"ph": "X", "tid": tid, "cat": "exec", "name": name, "ts": ts, "dur": dur,
            "args": {"flops": 1000.0, "bytes": 10.0, "limit_percent": 50.0}}

  events = _profile.nest([event("Add", 2, 3), event("While", 0, 10), event("Add", 5, 4), event("Add", 3, 2, tid=1)])
  assert [(e["name"], e["self"]) for e in events] == [("While", 3), ("Add", 3), ("Add", 2), ("Add", 4)]
  assert _profile.group(events, lambda e: e["name"]) == [("Add", 3, 9, 3000, 30, 4.5), ("While", 1, 3, 1000, 10, 5)]


def test_a_timeline_without_an_end():
  assert _profile.read_timeline("") == []
  assert _profile.read_timeline('[\n{"a": 1},\n{"a": 2}') == [{"a": 1}, {"a": 2}]
  assert _profile.read_timeline('[\n{"a": 1}\n]\n') == [{"a": 1}]
