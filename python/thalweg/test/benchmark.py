"""Benchmarks of operations."""

import sys
import time

import numpy as np

from thalweg import _protos
from thalweg.framework import ops
from thalweg.framework.tensor import Tensor


def benchmark_config():
  """The configuration of sessions of benchmarks."""
  return _protos.message("ConfigProto")()


class Benchmark(object):
  """Methods whose names begin with `benchmark` measure with run_op_benchmark() or a clock of their own, and tell what
  they found with report_benchmark()."""

  def __init__(self):
    super(Benchmark, self).__init__()

  @classmethod
  def is_abstract(cls):
    return Benchmark in cls.__bases__ and not any(name.startswith("benchmark") for name in vars(cls))

  def _name(self):
    """Class and method, from the stack."""
    frame = sys._getframe(1)
    while frame is not None:
      if frame.f_locals.get("self") is self and frame.f_code.co_name.startswith("benchmark"):
        return "%s.%s" % (type(self).__name__, frame.f_code.co_name)
      frame = frame.f_back
    raise ValueError("Unable to determine calling benchmark: no method of %s that begins with 'benchmark' is running" %
                     type(self).__name__)

  def report_benchmark(self, iters=None, cpu_time=None, wall_time=None, throughput=None, extras=None, name=None,
                       metrics=None):
    """Prints what was measured; times are seconds."""
    entry = {"name": name or self._name(), "iters": iters, "cpu_time": cpu_time, "wall_time": wall_time,
             "throughput": throughput, "extras": extras, "metrics": metrics}
    sys.stdout.write(", ".join("%s: %s" % (k, v) for k, v in entry.items() if v is not None) + "\n")

  def evaluate(self, tensors):
    """The values of tensors in the default session, or a new one."""
    session = ops.get_default_session()
    if session is not None:
      return session.run(tensors)
    from thalweg.client.session import Session
    with Session() as session:
      return session.run(tensors)

  def run_op_benchmark(self, sess, op_or_tensor, feed_dict=None, burn_iters=2, min_iters=10, store_trace=False,
                       store_memory_usage=True, name=None, extras=None, mbs=0):
    """Runs an operation `min_iters` times after `burn_iters`, reports the median seconds, and returns what it reported.
    `mbs` are the megabytes an operation moves."""
    extras = dict(extras or {})
    target = op_or_tensor.op if isinstance(op_or_tensor, Tensor) else op_or_tensor
    for _ in range(burn_iters):
      sess.run(target, feed_dict=feed_dict)
    times = np.zeros(min_iters)
    for i in range(min_iters):
      start = time.perf_counter()
      sess.run(target, feed_dict=feed_dict)
      times[i] = time.perf_counter() - start
    if store_trace or store_memory_usage:
      options, metadata = _protos.message("RunOptions"), _protos.message("RunMetadata")()
      sess.run(target, feed_dict=feed_dict, options=options(trace_level=options.FULL_TRACE), run_metadata=metadata)
      if store_trace:
        from thalweg.util import timeline
        extras["full_trace_chrome_format"] = timeline.Timeline(
            metadata.step_stats).generate_chrome_trace_format(show_memory=store_memory_usage)
    median = float(np.median(times))
    extras["wall_time_mean"], extras["wall_time_stdev"] = float(np.mean(times)), float(np.std(times))
    throughput = mbs / median if median else 0.0
    result = {"iters": min_iters, "wall_time": median, "extras": extras, "name": name or self._name(),
              "throughput": throughput}
    self.report_benchmark(**result)
    return result
