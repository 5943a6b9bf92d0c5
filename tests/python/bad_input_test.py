"""What a program does wrong is told with TensorFlow's class, the operation, what was received, and the program's own
line; and nothing is lost by it."""

import inspect
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import thalweg as tf
from google.protobuf.message import DecodeError


def line():
  return inspect.currentframe().f_back.f_lineno


def fails(error, session, fetches, feed, *parts, op, at):
  """run() raises `error` about operation `op` made at line `at`, with all parts in its message; then it runs again."""
  with pytest.raises(error) as info:
    session.run(fetches, feed)
  text = str(info.value)
  for part in parts + ("[[node %s " % op, "%s:%d" % (__file__, at)):
    assert part in text, text
  assert info.value.op.name == op and info.value.node_def.name == op
  assert info.value.op is tf.get_default_graph().get_operation_by_name(op)


# --- feeds and fetches ---

def test_feeds():
  x = tf.placeholder(tf.float32, [None, 2], name="x"); at = line()  # noqa: E702
  y = tf.identity(x, name="y")
  with tf.Session() as s:
    fails(tf.errors.InvalidArgumentError, s, y, None, "You must feed a value for placeholder tensor 'x' with dtype float",
          "shape [?,2]", op="x", at=at)
    for value, error, match in (([1, 2], ValueError, r"Cannot feed value of shape \(2,\) for Tensor 'x:0', which has "
                                                     r"shape '\(\?, 2\)'"),
                                (np.ones((1, 3)), ValueError, r"Cannot feed value of shape \(1, 3\)"),
                                ([["a", "b"]], ValueError, "could not convert string to float: 'a'"),
                                (y, TypeError, "feed cannot be a tf.Tensor object"),
                                ([[1j, 0]], TypeError, "complex"), ([[1], [1, 2]], ValueError, "sequence|shape")):
      with pytest.raises(error, match=match):
        s.run(y, {x: value})
    n = tf.placeholder(tf.uint8, [], name="n")
    with pytest.raises(TypeError, match="300 with type <class 'int'> is not compatible with Tensor type"):
      s.run(tf.identity(n), {n: 300})
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
      s.run(y, {"nothing:0": 1})
    assert s.run(y, {x: [[1, 2]]}).tolist() == [[1.0, 2.0]]


def test_fetches():
  c = tf.constant(1.0, name="c")
  with tf.Session() as s:
    for fetch, error, match in (("d:0", ValueError, "'d:0' refers to a Tensor which does not exist"),
                                ("c:1", ValueError, "exists but only has 1 outputs"),
                                ("d", ValueError, "refers to an Operation not in the graph"),
                                ([c, 2.0], TypeError, "must be a string or Tensor"), (None, TypeError, "invalid type")):
      with pytest.raises(error, match=match):
        s.run(fetch)
    with tf.Graph().as_default():
      other = tf.constant(2.0)
    with pytest.raises(ValueError, match="is not an element of this graph"):
      s.run(other)
    assert s.run(c) == 1.0


# --- graphs ---

def test_cycles():
  a = tf.placeholder(tf.float32, [], name="a")
  b = tf.identity(a, name="b")
  c = tf.identity(b, name="c")
  with pytest.raises(tf.errors.InvalidArgumentError, match="'c' to 'b' would make the graph cyclic"):
    b.op._update_input(0, c)
  with pytest.raises(tf.errors.InvalidArgumentError, match="'c' to 'b' would make the graph cyclic"):
    b.op._add_control_input(c.op)
  assert list(b.op.inputs) == [a] and b.op.control_inputs == []
  with tf.Session() as s:
    assert s.run(c, {a: 2.0}) == 2.0


def test_shapes_while_building():
  a, b = tf.ones([2, 3]), tf.ones([4, 5])
  before = len(tf.get_default_graph().get_operations())
  for make, match in (
      (lambda: tf.matmul(a, b, name="m"), r"Dimensions must be equal, but are 3 and 4 for 'm' \(op: 'MatMul'\) with "
                                          r"input shapes: \[2,3\], \[4,5\]"),
      (lambda: tf.add(a, b, name="s"), r"for 's' \(op: 'Add'\) with input shapes: \[2,3\], \[4,5\]"),
      (lambda: tf.raw_ops.BiasAdd(value=a, bias=b, name="t"), r"Shape must be rank 1 but is rank 2: \[4,5\] for 't' \(op: "
                                                               r"'BiasAdd'\)")):
    with pytest.raises(ValueError, match=match):
      make()
  assert len(tf.get_default_graph().get_operations()) == before


# --- steps ---

def test_shapes_while_running():
  a, b = tf.placeholder(tf.float32, name="a"), tf.placeholder(tf.float32, name="b")
  feed = {a: np.ones((2, 3)), b: np.ones((4, 5))}
  total = tf.add(a, b, name="total"); first = line()  # noqa: E702
  product = tf.matmul(a, b, name="product"); second = line()  # noqa: E702
  with tf.Session() as s:
    fails(tf.errors.InvalidArgumentError, s, total, feed, "[2,3]", "[4,5]", op="total", at=first)
    fails(tf.errors.InvalidArgumentError, s, product, feed, "[2,3]", "[4,5]", op="product", at=second)
    assert s.run(total, {a: 1.0, b: 2.0}) == 3.0


@pytest.mark.parametrize("resource", [False, True])
def test_uninitialised_variable(resource):
  v = tf.get_variable("v", [2], use_resource=resource)
  total = tf.add(v, 1.0, name="total"); at = line()  # noqa: E702
  read = total.op.inputs[0].op.name
  with tf.Session() as s:
    if resource:
      fails(tf.errors.FailedPreconditionError, s, total, None, "uninitialized", "v", op=read, at=at)
    else:
      fails(tf.errors.FailedPreconditionError, s, total, None, "Attempting to use uninitialized value v", op="v/read",
            at=at - 1)
    s.run(v.initializer)
    assert s.run(total).shape == (2,)


def test_index_out_of_range():
  i = tf.placeholder(tf.int32, [None])
  for resource in (False, True):
    table = tf.get_variable("table%d" % resource, [5, 2], use_resource=resource, initializer=tf.ones_initializer())
    rows = tf.gather(table, i, name="rows%d" % resource); at = line()  # noqa: E702
    with tf.Session() as s:
      s.run(table.initializer)
      for bad in (5, -1, 2**31 - 1, -2**31):
        fails(tf.errors.InvalidArgumentError, s, rows, {i: [0, bad]}, "indices[1] = %d is not in [0, 5)" % bad,
              op="rows%d" % resource, at=at)
      assert s.run(rows, {i: [4]}).tolist() == [[1.0, 1.0]]


# --- GraphDefs ---

def node(graph, name, op, inputs=(), **types):
  made = graph.node.add(name=name, op=op, input=inputs)
  for key, value in types.items():
    made.attr[key].type = value
  return made


def const(graph, sizes, content=b""):
  tensor = node(graph, "k", "Const", dtype=1).attr["value"].tensor
  tensor.dtype = 1
  tensor.tensor_content = content
  for size in sizes:
    tensor.tensor_shape.dim.add().size = size


HOSTILE = {
    "cycle": (lambda g: (node(g, "a", "Identity", ["b"], T=1), node(g, "b", "Identity", ["a"], T=1)),
              "2 nodes in a cycle, among them 'a'"),
    "no such op": (lambda g: node(g, "a", "NoSuchOp"), "Op type not registered 'NoSuchOp'"),
    "no such input": (lambda g: node(g, "a", "Identity", ["x"], T=1), "Node 'a': Unknown input node 'x'"),
    "no such control input": (lambda g: node(g, "a", "NoOp", ["^x"]), "Node 'a': Unknown input node"),
    "no such output": (lambda g: (node(g, "c", "Placeholder", dtype=1), node(g, "a", "Identity", ["c:3"], T=1)),
                       "output 3 of node 'c', which has 1 outputs"),
    "absurd output": (lambda g: (node(g, "c", "Placeholder", dtype=1),
                                 node(g, "a", "Identity", ["c:99999999999999999999"], T=1)), None),
    "name twice": (lambda g: (node(g, "c", "NoOp"), node(g, "c", "NoOp")), "Node 'c' is not unique"),
    "bad name": (lambda g: node(g, "c d", "NoOp"), "'c d' is not a valid node name"),
    "empty name": (lambda g: node(g, "", "NoOp"), None),
    "wrong type": (lambda g: (node(g, "c", "Placeholder", dtype=1), node(g, "a", "Identity", ["c"], T=3)),
                   "type float32 that does not match expected type of int32"),
    "no such type": (lambda g: node(g, "c", "Placeholder", dtype=77), "unknown DataType 77"),
    "missing attribute": (lambda g: node(g, "c", "Placeholder"), "missing attr 'dtype'"),
    "unknown attribute": (lambda g: node(g, "c", "Placeholder", dtype=1, other=1), "mentions attr 'other' not in"),
    "too many inputs": (lambda g: (node(g, "c", "Placeholder", dtype=1), node(g, "a", "Identity", ["c", "c"], T=1)),
                        "do not match 2 inputs specified"),
    "too few inputs": (lambda g: node(g, "a", "Identity", [], T=1), "do not match 0 inputs specified"),
    "too few bytes": (lambda g: const(g, [2], b"abc"), "3 bytes of tensor_content for 2 elements"),
    "too many elements": (lambda g: const(g, [2**40, 2**40]), "does not fit in 64 bits"),
    "huge tensor of one value": (lambda g: const(g, [2**50]), None),
    "negative size": (lambda g: const(g, [-5]), "Dimension -5 must be >= 0"),
    "too many dimensions": (lambda g: const(g, [1] * 300, b"\0\0\0\0"), None),
    "function without a body": (lambda g: g.library.function.add().signature.__setattr__("name", ""), None),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_graph_def(name):
  build, match = HOSTILE[name]
  graph_def = tf.GraphDef()
  build(graph_def)
  kept = tf.constant(1.0, name="kept")
  with pytest.raises(ValueError, match=match):
    tf.import_graph_def(graph_def, name="")
  assert tf.get_default_graph().get_operations() == [kept.op]
  with tf.Session() as s:
    assert s.run(kept) == 1.0


def test_truncated_graph_def():
  """Every beginning of a GraphDef is refused or is one itself; none crashes."""
  x = tf.placeholder(tf.float32, [None, 2], name="x")
  tf.layers.dense(x, 3, name="layer")
  data = tf.get_default_graph().as_graph_def().SerializeToString()
  refused = 0
  for end in range(0, len(data), 7):
    graph_def = tf.GraphDef()
    try:
      graph_def.ParseFromString(data[:end])
      with tf.Graph().as_default():
        tf.import_graph_def(graph_def)
    except (DecodeError, ValueError):
      refused += 1
  assert refused > len(data) // 14


# --- checkpoints ---

def saved(folder, count=1):
  v = tf.get_variable("v", [1000], initializer=tf.ones_initializer())
  saver = tf.train.Saver(max_to_keep=10)
  with tf.Session() as s:
    s.run(v.initializer)
    return v, saver, [saver.save(s, str(folder / "model"), global_step=i) for i in range(count)]


def test_missing_checkpoint(tmp_path):
  v, saver, _ = saved(tmp_path)
  with tf.Session() as s:
    s.run(v.assign(tf.fill([1000], 7.0)))
    with pytest.raises(ValueError, match="The passed save_path is not a valid checkpoint: .*nothing"):
      saver.restore(s, str(tmp_path / "nothing"))
    assert s.run(v)[0] == 7.0
  assert tf.train.latest_checkpoint(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "overwritten", "gone"])
def test_corrupt_checkpoint(tmp_path, suffix, damage):
  v, saver, (good, bad) = saved(tmp_path, 2)
  path = bad + suffix
  if damage == "gone":
    os.remove(path)
  else:
    with open(path, "r+b") as f:
      size = f.seek(0, 2)
      f.truncate({"cut": size // 2, "emptied": 0}.get(damage, size))
      f.seek(10)
      if damage == "overwritten":
        f.write(b"\x55" * 20)
  with tf.Session() as s:
    s.run(v.assign(tf.fill([1000], 7.0)))
    with pytest.raises((tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.OutOfRangeError, ValueError)):
      saver.restore(s, bad)
    assert s.run(v)[0] == 7.0
    saver.restore(s, good)
    assert s.run(v)[0] == 1.0


FULL_DISK = """
import os, sys
import thalweg as tf
folder = sys.argv[1]
v = tf.get_variable("v", [100000], initializer=tf.ones_initializer())
saver = tf.train.Saver()
with tf.Session() as s:
  s.run(v.initializer)
  good = saver.save(s, folder + "/model", global_step=1)
  files = sorted(os.listdir(folder))
  # The names that files have while they are written lead to the device that is always full.
  for part in (".data-00000-of-00001", ".index"):
    for i in range(20):
      os.symlink("/dev/full", "%s/model-2%s.tempstate%d_%d" % (folder, part, os.getpid(), i))
  s.run(v.assign(v * 2.0))
  try:
    saver.save(s, folder + "/model", global_step=2)
    print("saved")
  except tf.errors.OpError as e:
    print(type(e).__name__, "No space left on device" in str(e), "[[node save/" in str(e))
  print(tf.train.latest_checkpoint(folder) == good, [f for f in os.listdir(folder) if ".tempstate" not in f] == [
      f for f in os.listdir(folder) if f in files])
  saver.restore(s, good)
  print(s.run(v)[0])
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_full_disk(tmp_path):
  out = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], text=True, capture_output=True, timeout=120)
  assert out.returncode == 0, out.stderr
  assert out.stdout.split("\n")[:3] == ["ResourceExhaustedError True True", "True True", "1.0"]


# --- sessions and threads ---

def test_closed_session():
  c = tf.constant(1.0)
  v = tf.get_variable("v", [], initializer=tf.ones_initializer())
  s = tf.Session()
  prepared = s.make_callable(c)
  s.close()
  for use in (lambda: s.run(c), prepared, lambda: c.eval(session=s), lambda: s.make_callable(c),
              lambda: s.partial_run_setup([c]), lambda: v.load(1.0, s), lambda: tf.train.Saver().save(s, "model")):
    with pytest.raises(RuntimeError, match="Attempted to use a closed Session."):
      use()


def test_one_session_from_many_threads():
  """Updates and reads of one variable from threads; a close in the middle ends them all."""
  v = tf.get_variable("v", [64], initializer=tf.zeros_initializer())
  up, double = v.assign_add(tf.ones([64])), v * 2.0
  s = tf.Session()
  s.run(v.initializer)
  torn, ended = [], []
  started = threading.Barrier(5)

  def work(fetch):
    started.wait()
    try:
      while True:
        value = s.run(fetch)
        if value.min() != value.max():
          torn.append(value)
    except (RuntimeError, tf.errors.CancelledError) as e:
      ended.append(e)

  threads = [threading.Thread(target=work, args=(f,)) for f in (up, up, double, v)]
  for t in threads:
    t.start()
  started.wait()
  for _ in range(200):
    s.run(double)
  s.close()
  for t in threads:
    t.join(20)
  assert not torn and len(ended) == 4 and not any(t.is_alive() for t in threads)


def test_graph_and_session_from_many_threads():
  """Threads add to the graph while others run what is there."""
  x = tf.placeholder(tf.float32, [], name="x")
  graph = tf.get_default_graph()
  wrong = []
  with tf.Session() as s:

    def work(k):
      with graph.as_default():
        for i in range(30):
          y = x * float(k) + float(i)
          if s.run(y, {x: 2.0}) != 2.0 * k + i:
            wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
      t.start()
    for t in threads:
      t.join()
  assert not wrong
  names = [op.name for op in graph.get_operations()]
  assert len(set(names)) == len(names)
