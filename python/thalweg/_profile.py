"""What `thalweg profile` does: a program's steps timed by the core (TW_TRACE), its graph building and sessions timed
here, the tables, and the timeline."""

import collections
import json
import os
import tempfile
import threading
import time

from thalweg.client import session
from thalweg.framework import op_create


class _Clock:
  """Calls of functions and the seconds they took; calls from inside one another count once."""

  def __init__(self):
    self.calls = 0
    self.seconds = 0.0
    self._lock = threading.Lock()
    self._local = threading.local()

  def around(self, function):
    """The function, timed."""

    def timed(*args, **kwargs):
      if getattr(self._local, "inside", False):
        return function(*args, **kwargs)
      self._local.inside = True
      began = time.perf_counter()
      try:
        return function(*args, **kwargs)
      finally:
        took = time.perf_counter() - began
        self._local.inside = False
        with self._lock:
          self.calls += 1
          self.seconds += took

    return timed


class Profiler:
  """A context in which sessions are traced. Sessions made before it are not, since a session looks for TW_TRACE once.

  Raises OSError when the file of the timeline cannot be written.
  """

  def __init__(self, path):
    self._path = os.path.abspath(path)
    with open(self._path, "w"):
      pass
    self._building, self._running = _Clock(), _Clock()
    self._patched = []
    self._raw = None
    self._seconds = 0.0
    self._events = []
    self._limits = {}

  def __enter__(self):
    handle, self._raw = tempfile.mkstemp(suffix=".json", prefix="thalweg_trace_")
    os.close(handle)
    os.environ["TW_TRACE"] = self._raw
    self._patch(op_create, "_create", self._building)
    self._patch(session.BaseSession, "run", self._running)
    self._patch(session.BaseSession, "_run_prepared", self._running)
    self._began = time.perf_counter()
    return self

  def __exit__(self, *exception):
    self._seconds = time.perf_counter() - self._began
    for owner, name, function in self._patched:
      setattr(owner, name, function)
    del os.environ["TW_TRACE"]
    with open(self._raw) as f:
      raw = read_timeline(f.read())
    os.remove(self._raw)
    self._events = nest([e for e in raw if e["ph"] == "X"])
    for e in raw:
      if e["name"] == "limits":
        self._limits = e["args"]
    self._write()

  def _patch(self, owner, name, clock):
    function = getattr(owner, name)
    self._patched.append((owner, name, function))
    setattr(owner, name, clock.around(function))

  def _write(self):
    threads = sorted({e["tid"] for e in self._events})
    named = [{"ph": "M", "pid": 0, "tid": t, "name": "thread_name", "args": {"name": "thread %d" % t}} for t in threads]
    with open(self._path, "w") as f:
      events = [{k: v for k, v in e.items() if k != "self"} for e in self._events]
      json.dump({"displayTimeUnit": "ms", "otherData": self._limits, "traceEvents": named + events}, f)

  def report(self, top):
    """The tables, as text."""
    executed = [e for e in self._events if e["cat"] == "exec"]
    parts = [self._overview(executed)]
    if executed:
      parts.append(_table("op", group(executed, lambda e: e["name"]), top))
      parts.append(_table("node", group(executed, lambda e: "%s %s" % (e["args"]["node"], e["name"])), top))
    parts.append("timeline: %s" % self._path)
    return "\n\n".join(parts)

  def _overview(self, executed):
    spent = collections.Counter()
    for e in self._events:
      spent[e["cat"]] += e["self"] / 1e6
    steps = sum(e["cat"] == "step" for e in self._events)
    in_core = sum(spent.values())
    rows = [
        ("instructions", spent["exec"], "%d, in %d steps" % (len(executed), steps)),
        ("between instructions", spent["step"], "the executor, and threads that wait for each other"),
        ("compiling", spent["compile"], "passes and plans"),
        ("session.run around those", max(0.0, self._running.seconds - in_core), "%d calls" % self._running.calls),
        ("making operations", self._building.seconds, "%d" % self._building.calls),
    ]
    rest = self._seconds - self._running.seconds - self._building.seconds
    rows.append(("the rest of the program", max(0.0, rest), "Python"))
    rows.append(("all", self._seconds, ""))
    lines = ["%-26s %10s  %6s" % ("where the time went", "ms", "share")]
    for name, seconds, note in rows:
      share = 100 * seconds / self._seconds if self._seconds else 0
      lines.append(("%-26s %10.2f  %5.1f%%  %s" % (name, 1e3 * seconds, share, note)).rstrip())
    if self._limits:
      lines.append("limits of this machine, %d threads: %.1f GFLOP/s in float32, %.1f GB/s copied" % (
          self._limits["threads"], self._limits["gflops"], self._limits["copy_gbytes"]))
    return "\n".join(lines)


def read_timeline(text):
  """The events of a timeline that the core wrote; the end of the array may be missing, as while the log is open."""
  text = text.strip()
  if not text:
    return []
  return json.loads(text if text.endswith("]") else text.rstrip(",") + "]")


def nest(events):
  """The events in order of time, each with `self`: its microseconds without those of events inside it on its thread."""
  events = sorted(events, key=lambda e: (e["tid"], e["ts"], -e["dur"]))
  stack = []
  for e in events:
    e["self"] = e["dur"]
    while stack and (stack[-1]["tid"] != e["tid"] or stack[-1]["ts"] + stack[-1]["dur"] <= e["ts"]):
      stack.pop()
    if stack:
      stack[-1]["self"] = max(0.0, stack[-1]["self"] - e["dur"])
    stack.append(e)
  return sorted(events, key=lambda e: (e["ts"], -e["dur"]))


def group(executed, key):
  """Sums over events of one key, by time: (key, calls, microseconds, operations, bytes, least microseconds)."""
  sums = {}
  for e in executed:
    s = sums.setdefault(key(e), [0, 0.0, 0.0, 0.0, 0.0])
    args = e["args"]
    for i, v in enumerate((1, e["self"], args["flops"], args["bytes"], e["dur"] * args["limit_percent"] / 100)):
      s[i] += v
  return sorted(((k, *s) for k, s in sums.items()), key=lambda row: -row[2])


def _table(title, rows, top):
  total = sum(row[2] for row in rows)
  lines = ["%9s %11s %7s %9s %9s %7s  %s" % ("calls", "ms", "share", "GFLOP/s", "GB/s", "limit", "by " + title)]
  for key, calls, us, flops, moved, least in rows[:top]:
    rate = 1e-3 / us if us else 0
    lines.append("%9d %11.3f %6.1f%% %9.2f %9.2f %6.1f%%  %s" % (
        calls, us / 1e3, 100 * us / total if total else 0, flops * rate, moved * rate, 100 * least / us if us else 0,
        key))
  if len(rows) > top:
    rest = sum(row[2] for row in rows[top:])
    lines.append("%9d %11.3f %6.1f%% %*s  %d more" % (
        sum(row[1] for row in rows[top:]), rest / 1e3, 100 * rest / total if total else 0, 27, "", len(rows) - top))
  return "\n".join(lines)
