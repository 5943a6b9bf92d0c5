"""Writes tests/ops/goldens/*.txt: what TensorFlow 1.15 gives for the test blocks of the op rows.

Run it with a Python that has TensorFlow 1.15, after opgen wrote op_table.json:
    python tests/ops/make_goldens.py build/gen/op_table.json [FAMILY ...]
With families (file names of core/ops without .toml) only theirs are written. The goldens are data: the tests that read
them need no TensorFlow.
"""

import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python import pywrap_tensorflow
from tensorflow.python.framework import op_def_library

HERE = Path(__file__).resolve().parent
RANDOM = re.compile(r"^(var )?(\w+)\[([\d,]*)\](?: in (\S+)\.\.(\S+))?$")
# Rows of positive numbers that add up to 1.
DISTRIBUTIONS = re.compile(r"^(\w+)\[([\d,]+)\] in distributions$")
LITERAL = re.compile(r"^(var )?(\w+) = (.*)$")
NAMES = {"inf": float("inf"), "nan": float("nan"), "true": True, "false": False}

OP_LIST = op_def_pb2.OpList()
OP_LIST.ParseFromString(pywrap_tensorflow.TF_GetBuffer(pywrap_tensorflow.TF_GetAllOpList()))
LIBRARY = op_def_library.OpDefLibrary()
LIBRARY.add_op_list(OP_LIST)

CONFIG = config_pb2.ConfigProto()
CONFIG.graph_options.rewrite_options.disable_meta_optimizer = True
CONFIG.graph_options.rewrite_options.constant_folding = rewriter_config_pb2.RewriterConfig.OFF
CONFIG.graph_options.optimizer_options.opt_level = -1


def make_input(text, rng):
  """(value, whether it is the initial value of a variable) of an input as a row writes it."""
  m = LITERAL.match(text)
  if m:
    dtype = np.object_ if m[2] == "string" else tf.as_dtype(m[2]).as_numpy_dtype
    return np.array(eval(m[3], dict(NAMES)), dtype=dtype), bool(m[1])  # pylint: disable=eval-used
  m = DISTRIBUTIONS.match(text)
  if m:
    weights = rng.uniform(0.1, 1, [int(d) for d in m[2].split(",")])
    return (weights / weights.sum(-1, keepdims=True)).astype(tf.as_dtype(m[1]).as_numpy_dtype), False
  m = RANDOM.match(text)
  if not m:
    raise ValueError("cannot read the input '%s'" % text)
  dtype = tf.as_dtype(m[2])
  shape = [int(d) for d in m[3].split(",") if d]
  if dtype.is_bool:
    return rng.randint(0, 2, shape).astype(bool), bool(m[1])
  if dtype.is_complex:
    parts = np.round(rng.uniform(-2, 2, [2] + shape), 3)
    return (parts[0] + 1j * parts[1]).astype(dtype.as_numpy_dtype), bool(m[1])
  if dtype.is_integer:
    low, high = int(m[4] or (0 if dtype.is_unsigned else -5)), int(m[5] or 5)
    return rng.randint(low, high + 1, shape).astype(dtype.as_numpy_dtype), bool(m[1])
  low, high = float(m[4] or -2), float(m[5] or 2)
  return np.round(rng.uniform(low, high, shape), 3).astype(dtype.as_numpy_dtype), bool(m[1])


def default_tests(row):
  """Cases of an element-wise row that has no test block: equal shapes, and shapes that broadcast."""
  def one(arg, shape):
    kind = arg.split(": ")[1]
    attr = row["attrs"].get(kind)
    if attr is None:
      return kind + shape
    allowed = attr.get("allowed") or ["float"]
    return ("float" if "float" in allowed else "int32" if "int32" in allowed else allowed[0]) + shape

  cases = [{"inputs": [one(a, "[3,5]") for a in row["inputs"]]}]
  if row["shape"] == "broadcast" and len(row["inputs"]) == 2:
    cases.append({"inputs": [one(row["inputs"][0], "[2,1,3]"), one(row["inputs"][1], "[4,1]")]})
  return cases


def attr_value(kind, value):
  if kind == "type":
    return tf.as_dtype(value)
  if kind == "list(type)":
    return [tf.as_dtype(v) for v in value]
  if kind == "shape":
    return tf.TensorShape([None if d == "?" else int(d) for d in value[1:-1].split(",") if d])
  return value


def attr_text(kind, value):
  if kind.startswith("list("):
    return "[" + ",".join(attr_text(kind[5:-1], v) for v in value) + "]"
  if kind == "string":
    return json.dumps(value, ensure_ascii=False)
  if kind == "bool":
    return "true" if value else "false"
  return str(value)


def number(v):
  if isinstance(v, (bytes, str)):
    data = v if isinstance(v, bytes) else v.encode("utf-8")
    return '"' + "".join(chr(c) if 32 <= c < 127 and chr(c) not in '"\\\\' else "\\x%02x" % c for c in data) + '"'
  if isinstance(v, (bool, np.bool_)):
    return str(int(v))
  if isinstance(v, (complex, np.complexfloating)):
    return "%s %s" % (number(v.real), number(v.imag))
  if isinstance(v, (np.float32, np.float16)):
    return str(v)  # the shortest text that reads back the same
  if isinstance(v, (float, np.floating)):
    return "%.17g" % v
  return str(v)


def line(word, value):
  # Without the dtype numpy would cut the zero bytes at the end of a string.
  value = np.asarray(value, dtype=np.object_) if isinstance(value, (bytes, str)) else np.asarray(value)
  name = "string" if value.dtype == np.object_ or value.dtype.kind in "SU" else tf.as_dtype(value.dtype).name
  name = {"float32": "float", "float64": "double", "float16": "half"}.get(name, name)
  shape = "[" + ",".join(str(d) for d in value.shape) + "]"
  return " ".join([word, name, shape] + [number(v) for v in value.reshape(-1)])


def call(name, row, attrs, tensors):
  """Adds the op to the default graph; attributes are TensorFlow's values."""
  # Arguments by name; repeated ones take what the others leave.
  kwargs = dict(attrs)
  args = row["inputs"]
  spare = len(tensors) - len(args)
  position = 0
  lists = [a for a in args if "*" in a or row["attrs"].get(a.split(": ")[1], {}).get("type") == "list(type)"]
  for a in args:
    arg = a.split(": ")[0]
    if a in lists:
      count = 1 + spare // len(lists)
      kwargs[arg] = tensors[position:position + count]
      position += count
      for inferred in [a.split(": ")[1].split("*")[0]]:
        kwargs.pop(inferred, None)
    else:
      kwargs[arg] = tensors[position]
      position += 1
  known = set(p.split(": ")[0] for p in args)
  for k in list(kwargs):
    if k not in known and k in row["inferred"]:
      kwargs.pop(k)
  for k, spec in row["attrs"].items():
    if "default" in spec and k not in row["inferred"]:
      kwargs.setdefault(k, None)
  return LIBRARY.apply_op(name, **kwargs)


def run_case(name, row, case, rng):
  lines = ["op " + name]
  attrs = {k: v for k, v in case.get("attrs", {}).items()}
  for k, v in attrs.items():
    lines.append("attr %s %s" % (k, attr_text(row["attrs"][k]["type"], v)))
  if "tol" in case:
    lines.append("tol %r" % case["tol"])
  with tf.Graph().as_default(), tf.compat.v1.Session(config=CONFIG) as sess:
    values = [make_input(t, rng) for t in case["inputs"]]
    tensors, handles = [], []
    for (value, is_var), text in zip(values, case["inputs"]):
      lines.append(line("var" if is_var else "dist" if DISTRIBUTIONS.match(text) else "in", value))
      if not is_var:
        tensors.append(tf.constant(value))
        continue
      handle = tf.raw_ops.VarHandleOp(dtype=tf.as_dtype(value.dtype), shape=value.shape, shared_name="v%d" % len(handles))
      sess.run(tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(value)))
      tensors.append(handle)
      handles.append((handle, value.dtype))
    result = call(name, row, {k: attr_value(row["attrs"][k]["type"], v) for k, v in attrs.items()}, tensors)
    if isinstance(result, tf.Operation):
      sess.run(result)
    else:
      outputs = tf.nest.flatten(result)  # repeated outputs are lists of their own
      for value in sess.run(outputs)[:case.get("outputs", len(outputs))]:
        lines.append(line("out", value))
    for handle, dtype in handles:
      lines.append(line("after", sess.run(tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.as_dtype(dtype)))))
  return "\n".join(lines) + "\n"


def main():
  table = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
  files = {}
  failed = 0
  families = sys.argv[2:]
  for name, row in table.items():
    if families and row["file"][:-5] not in families:
      continue
    cases = row.get("tests") or (default_tests(row) if "map" in row else [])
    for i, case in enumerate(cases):
      rng = np.random.RandomState(zlib.crc32(("%s/%d" % (name, i)).encode()) & 0x7fffffff)
      try:
        files.setdefault(row["file"][:-5], []).append(run_case(name, row, case, rng))
      except Exception as e:  # pylint: disable=broad-except
        failed += 1
        print("%s case %d: %s" % (name, i, str(e).split("\n")[0]))
  (HERE / "goldens").mkdir(exist_ok=True)
  for family, cases in files.items():
    (HERE / "goldens" / (family + ".txt")).write_text("\n".join(cases), encoding="utf-8")
  return 1 if failed else 0


if __name__ == "__main__":
  sys.exit(main())
