"""What clusters say about their jobs and tasks."""


def no_servers(tf):
  none = [tf.train.replica_device_setter(), tf.train.replica_device_setter(cluster={"worker": ["a"]})]
  return [tf.constant([f is None for f in none])]


def cluster(tf):
  c = tf.train.ClusterSpec({"ps": ["a:1", "b:2"], "worker": {3: "w3:1", 1: "w1:1"}})
  same = tf.train.ClusterSpec(c.as_cluster_def())
  text = [repr(sorted(c.jobs)), repr(c.num_tasks("worker")), repr(c.task_indices("worker")),
          repr(c.task_address("ps", 1)), repr(c.job_tasks("worker")), repr(sorted(c.as_dict().items())), str(same == c),
          str(bool(c)), str(bool(tf.train.ClusterSpec({}))), str(c != tf.train.ClusterSpec({"ps": ["a:1"]})),
          repr([j.name for j in c.as_cluster_def().job]), repr(sorted(tf.train.ClusterSpec(same).as_dict()))]
  return [tf.constant(text)]


def unknown_job(tf):
  tf.train.ClusterSpec({"ps": ["a"]}).num_tasks("worker")


def unknown_task(tf):
  tf.train.ClusterSpec({"ps": ["a"]}).task_address("ps", 4)


def no_cluster(tf):
  tf.train.ClusterSpec(["a", "b"])


def one_address(tf):
  tf.train.ClusterSpec({"ps": "a:1"})


def number_for_address(tf):
  tf.train.ClusterSpec({"ps": [5]})


def name_for_task(tf):
  tf.train.ClusterSpec({"ps": {"first": "a:1"}})


def strategy_that_is_none(tf):
  tf.train.replica_device_setter(ps_tasks=1, ps_strategy=3)


VALUES_ONLY = [no_servers, cluster]
ERRORS = [unknown_job, unknown_task, no_cluster, one_address, number_for_address, name_for_task, strategy_that_is_none]
