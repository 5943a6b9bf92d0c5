"""Small programs that build graphs. Each takes the package, so that TensorFlow 1.15 can run them for the goldens."""

import numpy as np


def constants(tf):
  tf.constant(1)
  tf.constant(2.5, name="named")
  tf.constant([[1, 2], [3, 4]], dtype=tf.float64)
  tf.constant(7, shape=[2, 3])
  tf.constant(["a", b"bc"])
  tf.constant(np.arange(3))
  tf.constant(True)
  tf.zeros([2, 3])
  tf.zeros([50, 50])
  tf.ones([3], tf.int32)
  tf.ones([40, 50], name="wide")
  tf.fill([2, 2], 9.0)
  tf.range(5)
  tf.range(1, 10, 3, name="steps")
  tf.linspace(0.0, 1.0, 5)
  tf.zeros_like(tf.ones([2]))
  tf.ones_like(tf.placeholder(tf.float32, [None, 3]))
  tf.eye(3)


def operators(tf):
  x = tf.placeholder(tf.float32, [None, 3], name="x")
  y = tf.placeholder(tf.float32, [3], name="y")
  x + y
  x + 1
  1.0 - x
  x * y
  x / 2.0
  x // y
  x % 2.0
  x ** 2
  -x
  abs(x)
  x < y
  x >= 0.5
  n = tf.placeholder(tf.int32, [4], name="n")
  n / 2
  n // 2
  ~(n > 1)
  (n > 1) & (n < 3)
  tf.add(x, y)
  tf.add(x, 2.0, name="plus")
  tf.multiply(x, y)
  tf.div(n, 2)
  tf.divide(x, y)
  tf.maximum(x, 0.0)
  tf.pow(x, 3.0)
  tf.square(x)
  tf.sqrt(x)
  tf.exp(x, name="e")
  tf.cast(x, tf.int32)
  tf.cast(x, tf.float32)
  tf.to_float(n)
  tf.matmul(x, tf.ones([3, 2]))
  tf.matmul(tf.ones([2, 4, 3]), tf.ones([2, 3, 5]))
  tf.add_n([x, x, x])
  tf.where(x > 0, x, x)
  tf.equal(n, 3)
  tf.logical_not(tf.equal(n, 3))
  tf.squared_difference(x, y)
  tf.sigmoid(x)
  tf.tanh(x)


def reductions(tf):
  x = tf.placeholder(tf.float32, [None, 3, 4], name="x")
  u = tf.placeholder(tf.float32, name="u")
  tf.reduce_sum(x)
  tf.reduce_mean(x, axis=1)
  tf.reduce_max(x, axis=[0, 2], keepdims=True)
  tf.reduce_min(x, 1, name="least")
  tf.reduce_sum(u)
  tf.reduce_prod(x, reduction_indices=[1])
  tf.reduce_all(x > 0)
  tf.reduce_any(x > 0, axis=-1)
  tf.argmax(x, 1)
  tf.argmin(x, axis=2, output_type=tf.int32)
  tf.cumsum(x, axis=1)
  tf.reduce_logsumexp(x, axis=1)
  tf.count_nonzero(x)


def arrays(tf):
  x = tf.placeholder(tf.float32, [None, 4, 6], name="x")
  i = tf.placeholder(tf.int32, [None], name="i")
  tf.shape(x)
  tf.shape(tf.ones([2, 3]))
  tf.size(x)
  tf.rank(x)
  tf.reshape(x, [-1, 24])
  tf.transpose(x)
  tf.transpose(x, [0, 2, 1], name="swap")
  tf.concat([x, x], axis=2)
  tf.concat([x], axis=0)
  tf.split(x, 2, axis=1)
  tf.split(x, [1, 3], axis=1)
  tf.stack([x, x])
  tf.stack([x, x], axis=1)
  tf.stack([1, 2, 3])
  tf.unstack(x, axis=1)
  tf.slice(x, [0, 0, 0], [-1, 2, 3])
  x[0]
  x[:, 1:3, ::2]
  x[..., tf.newaxis]
  x[i[0]]
  tf.strided_slice(x, [0, 0, 0], [1, 2, 3])
  tf.pad(x, [[0, 0], [1, 1], [2, 2]])
  tf.pad(x, [[0, 0], [1, 1], [2, 2]], mode="REFLECT")
  tf.gather(x, i)
  tf.gather(x, i, axis=1)
  tf.gather_nd(x, [[0, 1]])
  tf.tile(x, [1, 2, 1])
  tf.one_hot(i, 5)
  tf.one_hot(i, 5, on_value=2.0, off_value=-1.0)
  tf.expand_dims(x, -1)
  tf.squeeze(tf.expand_dims(x, 0), [0])
  tf.identity(x)
  tf.stop_gradient(x)
  tf.where(x > 1)
  tf.reverse(x, [1])
  tf.sequence_mask(i, 7)
  tf.boolean_mask(x, i > 0)
  tf.unique(i)
  tf.invert_permutation(i)
  tf.matrix_band_part(x, 1, -1)
  tf.placeholder_with_default(1.0, [])
  tf.meshgrid(tf.range(3), tf.range(4))
  tf.dynamic_partition(x, i, 2)
  tf.scatter_nd([[1]], [3.0], [4])
  tf.convert_to_tensor([x[0, 0, 0], 1.0, 2.0])
  tf.tensordot(tf.ones([2, 3]), tf.ones([3, 4]), 1)
  tf.broadcast_to(i, [3, 4])


def ref_variables(tf):
  v = tf.Variable(1.0)
  w = tf.Variable(tf.zeros([2, 3]), name="w")
  w2 = tf.Variable([[1, 2]], name="w", trainable=False)
  a = tf.get_variable("a", [3, 4])
  b = tf.get_variable("b", [4], initializer=tf.zeros_initializer())
  c = tf.get_variable("c", initializer=tf.constant(3.0))
  with tf.variable_scope("scope"):
    d = tf.get_variable("d", [2], tf.int32)
    tf.get_variable("e", [2, 2], initializer=tf.truncated_normal_initializer(stddev=0.1, seed=1))
    tf.Variable(5, name="inside")
  tf.matmul(tf.ones([2, 3]), a) + b
  v + c
  tf.assign(v, 2.0)
  v.assign_add(1.0)
  w.assign_sub(tf.ones([2, 3]), name="less")
  tf.scatter_add(w, [0], [[1.0, 2.0, 3.0]])
  w.read_value()
  w.value()
  tf.identity(w2)
  d[0]
  tf.global_variables_initializer()
  tf.is_variable_initialized(v)


def resource_variables(tf):
  a = tf.get_variable("a", [3, 4], use_resource=True)
  b = tf.get_variable("b", [4], initializer=tf.zeros_initializer(), use_resource=True)
  c = tf.Variable(2.0, name="c", use_resource=True)
  with tf.variable_scope("scope", use_resource=True):
    d = tf.get_variable("d", [2])
  tf.matmul(tf.ones([2, 3]), a) + b
  c + 1.0
  c.assign(3.0).op
  c.assign_add(1.0, read_value=False)
  d.read_value()
  tf.gather(a, [0, 1])
  tf.global_variables_initializer()


def scopes(tf):
  x = tf.constant(1.0, name="x")
  with tf.name_scope("outer"):
    y = tf.constant(2.0, name="x")
    with tf.name_scope("inner"):
      x + y
    with tf.name_scope("inner"):
      x + y
    with tf.name_scope(None):
      tf.identity(x, name="at_top")
  with tf.name_scope("outer"):
    tf.identity(y)
  with tf.name_scope("outer/"):
    tf.identity(y)
  tf.identity(x, name="Mixed")
  tf.identity(x, name="mixed")
  with tf.name_scope(None, "default_name", [x]):
    tf.identity(x)
  with tf.variable_scope("v"):
    tf.get_variable("a", [])
    x * 2.0
  with tf.variable_scope("v", reuse=True):
    tf.get_variable("a", [])
    x * 2.0
  with tf.variable_scope("v", reuse=tf.AUTO_REUSE) as s:
    tf.get_variable("b", [])
    with tf.variable_scope("deep"):
      tf.get_variable("c", [])
  with tf.variable_scope(s):
    tf.get_variable("d", [])
    tf.identity(x)
  with tf.variable_scope(None, "layer"):
    tf.get_variable("w", [])
  with tf.variable_scope(None, "layer"):
    tf.get_variable("w", [])
  with tf.variable_scope("reg", regularizer=lambda v: tf.reduce_sum(v) * 0.1):
    tf.get_variable("w", [2])


def controls(tf):
  a = tf.constant(1.0, name="a")
  b = tf.constant(2.0, name="b")
  with tf.control_dependencies([a]):
    c = tf.identity(b, name="c")
    tf.identity(c, name="d")
    with tf.control_dependencies([b.op]):
      tf.no_op(name="n")
    with tf.control_dependencies(None):
      tf.no_op(name="free")
  tf.group(a, b)
  tf.group(a, name="one")
  tf.tuple([a, b])
  with tf.device("/cpu:0"):
    tf.identity(a, name="on_cpu")
    with tf.device("/job:worker/task:1"):
      tf.identity(a, name="on_worker")
    with tf.device(None):
      tf.identity(a, name="anywhere")
  with tf.device(lambda op: "/gpu:1" if op.type == "Identity" else ""):
    tf.identity(a, name="by_function")
    tf.constant(1.0)
  with tf.colocate_with(a):
    tf.identity(b, name="near_a")
  tf.Print(a, [b], message="m")
  with tf.get_default_graph().gradient_override_map({"Identity": "Other"}):
    tf.identity(a, name="overridden")


def neural(tf):
  x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
  labels = tf.placeholder(tf.int32, [None], name="labels")
  w = tf.ones([3, 3, 3, 4])
  h = tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME")
  h = tf.nn.bias_add(h, tf.zeros([4]))
  h = tf.nn.relu(h)
  h = tf.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
  tf.nn.avg_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name="pool")
  flat = tf.reshape(h, [-1, 64])
  logits = tf.matmul(flat, tf.ones([64, 10]))
  tf.nn.softmax(logits)
  tf.nn.log_softmax(logits, name="ls")
  tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
  tf.nn.sigmoid_cross_entropy_with_logits(labels=logits, logits=logits)
  tf.nn.l2_loss(w)
  tf.nn.dropout(flat, keep_prob=0.5, seed=3)
  tf.nn.moments(x, [0, 1, 2])
  tf.nn.elu(flat)
  tf.nn.leaky_relu(flat)
  tf.nn.l2_normalize(flat, 1)
  tf.nn.top_k(logits, 2)
  tf.nn.embedding_lookup(tf.ones([10, 4]), labels)
  tf.nn.in_top_k(logits, labels, 1)
  tf.clip_by_value(flat, -1.0, 1.0)
  tf.clip_by_norm(flat, 2.0)
  tf.clip_by_global_norm([flat, logits], 5.0)


def randoms(tf):
  tf.random_normal([2, 3])
  tf.random_uniform([2], 0, 10, tf.int32, seed=4)
  tf.truncated_normal([2, 2], stddev=0.1)
  tf.set_random_seed(42)
  tf.random_uniform([3])
  tf.random_uniform([3], seed=9)
  tf.random_shuffle(tf.range(5))
  tf.multinomial([[1.0, 2.0]], 3)


def parameter_servers(tf):
  with tf.device(tf.train.replica_device_setter(ps_tasks=2)):
    v = [tf.Variable(float(i), name="v%d" % i) for i in range(3)]
    tf.add_n(v)
  cluster = tf.train.ClusterSpec({"ps": ["a:1", "b:2", "c:3"], "worker": ["d:4"]})
  with tf.device(tf.train.replica_device_setter(cluster=cluster, worker_device="/job:worker/task:0/gpu:1")):
    for i in range(4):
      tf.get_variable("r%d" % i, initializer=[1.0, 2.0], use_resource=i % 2 == 1)
    with tf.device("/job:ps/task:1"):
      tf.get_variable("there", initializer=1.0)
    with tf.device("/cpu:0"):
      tf.get_variable("cpu", initializer=2.0)
      tf.ones([3])
  chosen = tf.train.replica_device_setter(ps_tasks=4, ps_device="/job:state/cpu:0", worker_device="/job:w",
                                          merge_devices=False, ps_ops=["Const"], ps_strategy=lambda op: len(op.name) % 4)
  with tf.device(chosen):
    tf.constant(1.0, name="abc")
    tf.Variable(1.0, name="v")
    with tf.device("/gpu:0"):
      tf.constant(2.0, name="own")


PROGRAMS = [constants, operators, reductions, arrays, ref_variables, resource_variables, scopes, controls, neural,
            randoms, parameter_servers]


def describe(tf, program):
  """The graph of a program as plain data: a list of operations."""
  with tf.Graph().as_default() as graph:
    program(tf)
    nodes = []
    for node, op in zip(graph.as_graph_def().node, graph.get_operations()):
      assert node.name == op.name
      attrs = {}
      for key in sorted(node.attr):
        value = node.attr[key]
        if value.WhichOneof("value") == "tensor":
          array = tf.make_ndarray(value.tensor)
          attrs[key] = [str(array.dtype), list(array.shape), repr(array.reshape(-1)[:8].tolist())]
        elif value.WhichOneof("value") == "f":
          attrs[key] = "f: %.6g" % value.f
        else:
          attrs[key] = " ".join(str(value).split())
      shapes = [None if t.shape.ndims is None else t.shape.as_list() for t in op.outputs]
      nodes.append([node.name, node.op, list(node.input), node.device, attrs, shapes,
                    [t.dtype.name for t in op.outputs]])
    return nodes
