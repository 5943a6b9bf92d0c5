"""Devices for programs whose variables live in parameter servers."""

from thalweg.framework import device
from thalweg.train import server_lib

# Operations that hold state, which belongs on a parameter server.
STANDARD_PS_OPS = ("Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2",
                   "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable",
                   "MutableDenseHashTableV2", "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp")


class _RoundRobin:
  """Gives one operation after another to the next of the tasks."""

  def __init__(self, num_tasks):
    self._num_tasks, self._next = num_tasks, 0

  def __call__(self, op):
    task = self._next
    self._next = (task + 1) % self._num_tasks
    return task


def replica_device_setter(ps_tasks=0, ps_device="/job:ps", worker_device="/job:worker", merge_devices=True, cluster=None,
                          ps_ops=None, ps_strategy=None):
  """A function for tf.device() that puts variables on parameter servers, in turn, and all else on the worker.

  Args:
    ps_tasks: how many parameter servers there are; with `cluster`, as many as it says.
    ps_device: the servers' device, without a task.
    worker_device: where operations go that hold no state.
    merge_devices: whether an operation's own device is completed, rather than left as it is.
    cluster: a ClusterSpec, or what makes one.
    ps_ops: types of the operations for the servers; variables and tables by default.
    ps_strategy: called with an operation, gives the task for it; round robin by default.

  Returns:
    The function, or None without parameter servers.
  """
  if cluster is not None:
    jobs = server_lib.ClusterSpec(cluster).as_dict()
    job = device.DeviceSpec.from_string(ps_device).job
    if job not in jobs or jobs[job] is None:
      return None
    ps_tasks = len(jobs[job])
  if ps_tasks == 0:
    return None
  ps_ops = STANDARD_PS_OPS if ps_ops is None else ps_ops
  ps_strategy = _RoundRobin(ps_tasks) if ps_strategy is None else ps_strategy
  if not callable(ps_strategy):
    raise TypeError("ps_strategy must be callable")

  def device_function(op):
    if not merge_devices and op.device:
      return op.device
    own = device.DeviceSpec.from_string(op.device or "")
    if ps_device and op.type in ps_ops:
      spec = device.DeviceSpec.from_string(ps_device)
      if spec.job and own.job in (None, spec.job):
        spec.task = ps_strategy(op)
      spec.merge_from(own)
      return spec.to_string()
    spec = device.DeviceSpec.from_string(worker_device or "")
    spec.merge_from(own)
    return spec.to_string()

  return device_function
