"""The StepStats of a run as a trace that chrome://tracing and Perfetto show: a JSON object of Trace Event Format."""

import json


class Timeline(object):
  """Operations as bars on one row per thread of a device; arrows from producers to consumers; bytes held."""

  def __init__(self, step_stats, graph=None):
    self._step_stats = step_stats

  def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False):
    """The trace as text. Times are microseconds, counted as the run counted them."""
    events = []
    for pid, device in enumerate(self._step_stats.dev_stats):
      events.append({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": device.device + " Compute"}})
      made = {}
      for node in device.node_stats:
        end = node.all_start_micros + max(node.all_end_rel_micros, 1)
        made[node.node_name] = node, end
        events.append({
            "name": _op_type(node), "cat": "Op", "ph": "X", "pid": pid, "tid": node.thread_id,
            "ts": node.all_start_micros, "dur": end - node.all_start_micros,
            "args": {"name": node.node_name, "op": _op_type(node), "label": node.timeline_label}})
      if show_dataflow:
        events += _arrows(pid, made)
      if show_memory:
        events += _memory(pid, device)
    return json.dumps({"traceEvents": events}, indent=4, separators=(",", ": "))


def _label(node):
  """(type, inputs) of a label `name = Type(input, ...)`."""
  _, found, rest = node.timeline_label.partition(" = ")
  op_type, opened, inputs = rest.partition("(")
  if not found or not opened:
    return "", []
  return op_type, [i.strip() for i in inputs.rstrip(")").split(",") if i.strip()]


def _op_type(node):
  return _label(node)[0] or node.node_name


def _arrows(pid, made):
  events, count = [], 0
  for node, _ in made.values():
    for name in _label(node)[1]:
      source = made.get(name.lstrip("^").partition(":")[0])
      if source is None:
        continue
      producer, end = source
      common = {"name": producer.node_name, "cat": "DataFlow", "pid": pid, "id": count}
      events.append(dict(common, ph="s", tid=producer.thread_id, ts=end))
      events.append(dict(common, ph="t", tid=node.thread_id, ts=node.all_start_micros))
      count += 1
  return events


def _memory(pid, device):
  """A counter of the bytes that the allocators held after each operation."""
  events = []
  for node in device.node_stats:
    for use in node.memory:
      events.append({"name": use.allocator_name, "cat": "Memory", "ph": "C", "pid": pid, "tid": 0,
                     "ts": node.all_start_micros, "args": {use.allocator_name: use.allocator_bytes_in_use}})
  return events
