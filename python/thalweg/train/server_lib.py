"""Clusters: which addresses the tasks of each job have."""

from thalweg import _protos


class ClusterSpec:
  """Jobs by name, and in each the addresses of its tasks by number.

  `cluster` is another ClusterSpec, a ClusterDef, or a dict from the names of jobs to lists of addresses or to dicts from
  numbers of tasks to addresses. TypeError for anything else.
  """

  def __init__(self, cluster):
    cluster_def = _protos.message("ClusterDef")
    if isinstance(cluster, ClusterSpec):
      self._cluster = {job: dict(tasks) for job, tasks in cluster._cluster.items()}
    elif isinstance(cluster, cluster_def):
      self._cluster = {job.name: dict(job.tasks) for job in cluster.job}
    elif isinstance(cluster, dict):
      self._cluster = {job: self._tasks(tasks) for job, tasks in cluster.items()}
    else:
      raise TypeError("`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a "
                      "`ClusterDef` protocol buffer")
    for job, tasks in self._cluster.items():
      if not isinstance(job, (str, bytes)):
        raise TypeError("Job name %r must be bytes or unicode" % (job,))
      for task, address in tasks.items():
        if not isinstance(task, int):
          raise TypeError("Task index %r in job %r must be an integer" % (task, job))
        if not isinstance(address, (str, bytes)):
          raise TypeError("Task address %r must be bytes or unicode" % (address,))

  @staticmethod
  def _tasks(tasks):
    if isinstance(tasks, (list, tuple)):
      return dict(enumerate(tasks))
    if isinstance(tasks, dict):
      return dict(tasks)
    raise TypeError("The tasks for a job must be a list or a dictionary from integers to strings.")

  def _job(self, job_name):
    try:
      return self._cluster[job_name]
    except KeyError:
      raise ValueError("No such job in cluster: %r" % (job_name,)) from None

  def __bool__(self):
    return bool(self._cluster)

  def __eq__(self, other):
    return isinstance(other, ClusterSpec) and self._cluster == other._cluster

  def __ne__(self, other):
    return not self == other

  __hash__ = None

  def __repr__(self):
    return "ClusterSpec({%s})" % ", ".join("%r: %r" % (job, tasks) for job, tasks in sorted(self.as_dict().items()))

  @property
  def jobs(self):
    """The names of the jobs."""
    return list(self._cluster)

  def num_tasks(self, job_name):
    return len(self._job(job_name))

  def task_indices(self, job_name):
    """The numbers of the job's tasks, rising."""
    return sorted(self._job(job_name))

  def task_address(self, job_name, task_index):
    tasks = self._job(job_name)
    try:
      return tasks[task_index]
    except KeyError:
      raise ValueError("No task with index %r in job %r" % (task_index, job_name)) from None

  def job_tasks(self, job_name):
    """The addresses of the job's tasks, with None for numbers that have no task."""
    tasks = self._job(job_name)
    return [tasks.get(i) for i in range(max(tasks) + 1)] if tasks else []

  def as_dict(self):
    """A dict from the names of jobs to lists of addresses, or to dicts where numbers are left out."""
    return {job: [tasks[i] for i in range(len(tasks))] if set(tasks) == set(range(len(tasks))) else dict(sorted(tasks.items()))
            for job, tasks in self._cluster.items()}

  def as_cluster_def(self):
    """The ClusterDef message."""
    message = _protos.message("ClusterDef")()
    for job, tasks in sorted(self._cluster.items()):
      entry = message.job.add(name=job)
      for task, address in tasks.items():
        entry.tasks[task] = address
    return message
