"""Writes tests/ops/sweep_goldens.txt: what TensorFlow 1.15 gives for the cases that opgen makes of the rows' patterns.

Run it with a Python that has TensorFlow 1.15, after opgen wrote its files:
    python tests/ops/make_sweep_goldens.py build/dev/gen [Op ...]
Lines of the goldens begin with their kind, the op, the case's number among the op's of that mode, and its dtypes:
- `sweep`: of each output its shape, its sum and a weighted sum, over values that the tests draw alike (see draw()).
- `static`: of each of KNOWLEDGE the outputs' static shapes, or `error`.
- `gradient`: of each floating input the derivative of the outputs' weighted sum, written as in `sweep`, or `none`.
- `bad_input`: TensorFlow's error codes, 0 for success, with inputs fed of unknown shape, and as constants.
`crash` stands where TensorFlow ended the process, or did not come back.
"""

import itertools
import json
import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from make_goldens import CONFIG, call

HERE = Path(__file__).resolve().parent
ALL = ["double", "float", "half", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "complex64",
       "complex128", "string"]
SECONDS_PER_CASE = 120  # TensorFlow never returns from some bad input
KNOWLEDGE = ("values", "shapes", "ranks", "nothing")  # what a graph knows of an op's inputs


def draw(seed, n):
  """n numbers of 64 bits: splitmix64 of the seed and a counter."""
  with np.errstate(over="ignore"):
    x = (np.uint64(seed) << np.uint64(32)) + np.arange(n, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def random_values(dtype, shape, seed, low, high):
  n = int(np.prod(shape, dtype=np.int64))
  kind = tf.as_dtype(dtype)
  if kind.is_bool:
    return (draw(seed, n) & np.uint64(1)).astype(bool).reshape(shape)
  if dtype == "string":
    bits = [int(v) for v in draw(seed, n)]
    words = ["".join(chr(97 + (v >> (8 * j + 8)) % 26) for j in range(v % 4)) for v in bits]
    return np.array(words + [None], dtype=np.object_)[:-1].reshape(shape)
  if kind.is_integer:
    low = -5 if low is None else int(np.ceil(low))
    high = 5 if high is None else int(np.floor(high))
    if kind.is_unsigned:
      low = max(low, 0)
    count = max(high - low, 0) + 1
    return (low + (draw(seed, n) % np.uint64(count)).astype(np.int64)).astype(kind.as_numpy_dtype).reshape(shape)
  low, high = (-2.0, 2.0) if low is None else (float(low), float(high))
  steps = np.uint64(int(np.floor((high - low) * 16)) + 1)
  parts = 2 if kind.is_complex else 1
  v = low + (draw(seed, n * parts) % steps).astype(np.float64) / 16
  if kind.is_complex:
    v = v[0::2] + 1j * v[1::2]
  return v.astype(kind.as_numpy_dtype).reshape(shape)


class Case:
  def __init__(self, mode, op, number):
    self.mode, self.op, self.number = mode, op, number
    self.attrs, self.types, self.inputs = {}, {}, []
    self.exact, self.outputs = False, None


def read_cases(path):
  cases = []
  for line in path.read_text(encoding="utf-8").splitlines():
    word, _, rest = line.partition(" ")
    if word in ("sweep", "bad_input", "speed"):
      op, number = rest.split()
      cases.append(Case(word, op, int(number)))
    elif word == "attr":
      name, _, value = rest.partition(" ")
      cases[-1].attrs[name] = value
    elif word == "types":
      name, *types = rest.split()
      cases[-1].types[name] = types
    elif word == "exact":
      cases[-1].exact = True
    elif word == "outputs":
      cases[-1].outputs = int(rest)
    elif word in ("in", "var"):
      dtype, shape, values = re.match(r"(\w+) \[([\d,]*)\] ?(.*)$", rest, re.S).groups()
      shape = [int(d) for d in shape.split(",") if d]
      cases[-1].inputs.append((word == "var", dtype, shape, values))
  return cases


def parse_attr(kind, text):
  if kind.startswith("list("):
    inner = text[1:-1]
    if kind == "list(type)":
      return [tf.as_dtype(t) for t in inner.split(",") if t]
    return json.loads(text)
  if kind == "type":
    return tf.as_dtype(text)
  if kind == "shape":
    return tf.TensorShape([None if d == "?" else int(d) for d in text[1:-1].split(",") if d])
  return json.loads(text)


def value_of(entry, types):
  _, dtype, shape, text = entry
  dtype = types.get(dtype, dtype)
  if text.startswith("="):
    text = text[1:].strip()
    if dtype == "string":
      texts = [re.sub(r"\\x(..)", lambda m: chr(int(m.group(1), 16)), t) for t in re.findall(r'"([^"]*)"', text)]
      texts = texts or text.split()
      return np.array([t.encode("latin-1") for t in texts] + [None], dtype=np.object_)[:-1].reshape(shape)
    return np.array([float(v) if tf.as_dtype(dtype).is_floating else complex(v) if tf.as_dtype(dtype).is_complex else
                     int(float(v)) for v in text.split()], dtype=tf.as_dtype(dtype).as_numpy_dtype).reshape(shape)
  seed, _, bounds = text.partition(" in ")
  low, high = bounds.split() if bounds else (None, None)
  return random_values(dtype, shape, int(seed), low if low is None else float(low), high if high is None else float(high))


def swept(case, row):
  """Type attributes that take several dtypes -> those that may speak for them, class by class."""
  attrs = row["attrs"]
  names = [i[1] for i in case.inputs if i[1] in attrs] + list(case.types)
  names += [n for n, a in attrs.items() if a["type"] == "type" and "default" not in a]
  found = {}
  for name in names:
    if name in case.attrs:
      continue
    allowed = case.types.get(name) or attrs[name].get("allowed") or ALL
    classes = [[t] for t in ALL if t in allowed]
    if set(allowed) <= {"int32", "int64"}:
      classes = [[t for t in ("int32", "int64") if t in allowed]]
    found[name] = classes
  return found


def types_text(types):
  return ",".join("%s=%s" % kv for kv in sorted(types.items())) or "-"


class Graph:
  """A case's op in a session of its own. `known` says what the graph knows of the inputs: one of KNOWLEDGE."""

  def __init__(self, case, row, types, known):
    self.graph, self._session = tf.Graph(), None
    self.tensors, self.handles, self.assigns, self.feeds = [], [], [], {}
    # On the CPU proper: TensorFlow would hand what it has no kernel for to its compiler, whose results are its own.
    with self.graph.as_default(), tf.device("/device:CPU:0"):
      for entry in case.inputs:
        self._add_input(entry, types, known)
      attrs = {k: parse_attr(row["attrs"][k]["type"], v) for k, v in case.attrs.items()}
      attrs.update({k: tf.as_dtype(t) for k, t in types.items()})
      result = call(case.op, row, attrs, self.tensors)
    # Repeated outputs are lists among the others.
    self.op = result if isinstance(result, tf.Operation) else None
    self.outputs = [] if self.op else tf.nest.flatten(result)[:case.outputs]

  def __enter__(self):
    return self

  def __exit__(self, *_):
    if self._session:
      self._session.close()

  @property
  def session(self):
    if self._session is None:
      self._session = tf.compat.v1.Session(config=CONFIG, graph=self.graph)
    return self._session

  def _add_input(self, entry, types, known):
    value = value_of(entry, types)
    dtype = tf.as_dtype(types.get(entry[1], entry[1]))
    if entry[0]:
      handle = tf.raw_ops.VarHandleOp(dtype=dtype, shape=value.shape, shared_name="v%d" % len(self.handles))
      self.assigns.append(tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(value, dtype)))
      self.tensors.append(handle)
      self.handles.append((handle, dtype))
    elif known == "values":
      self.tensors.append(tf.constant(value, dtype))
    else:
      shape = value.shape if known == "shapes" else [None] * value.ndim if known == "ranks" else None
      self.tensors.append(tf.compat.v1.placeholder(dtype, shape))
      self.feeds[self.tensors[-1]] = value

  def run(self):
    """Output values, then those of the variables afterwards."""
    self.session.run(self.assigns)
    values = self.session.run(self.op or self.outputs, self.feeds) or []
    with self.graph.as_default():
      for handle, dtype in self.handles:
        values.append(self.session.run(tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)))
    return values


def weights(n, seed=1):
  return (draw(seed, n) % np.uint64(2001)).astype(np.float64) / 1000 - 1


def projection(value):
  value = np.asarray(value, dtype=np.object_) if isinstance(value, (bytes, str)) else np.asarray(value)
  shape = "[" + ",".join(str(d) for d in value.shape) + "]"
  flat = value.reshape(-1)
  if value.dtype == np.object_ or value.dtype.kind in "SU":
    v = np.array([sum((j + 1) * c for j, c in enumerate(t)) for t in flat], dtype=np.float64)
  elif value.dtype.kind == "c":
    v = flat.real.astype(np.float64) + 2 * flat.imag.astype(np.float64)
  else:
    v = flat.astype(np.float64)
  v = np.where(np.isnan(v), 11.0, np.where(v > 1e30, 7.0, np.where(v < -1e30, -5.0, v)))
  return "%s %.17g %.17g" % (shape, v.sum(), (v * weights(v.size)).sum())


def sweep_lines(case, row):
  classes = swept(case, row)
  names = list(classes)
  errors, first = [], None
  for choice in itertools.product(*[classes[n] for n in names]):
    for one in itertools.product(*choice):
      types = dict(zip(names, one))
      try:
        with Graph(case, row, types, "values") as g:
          values = g.run()
      except Exception as e:  # pylint: disable=broad-except
        errors.append("%s %d %s: %s" % (case.op, case.number, types_text(types), str(e).split("\n")[0][:150]))
        continue
      sums = " | ".join(map(projection, values)) if values else "nothing"
      yield "sweep %s %d %s | %s" % (case.op, case.number, types_text(types), sums)
      first = first or types
      break
  if first is None:
    print("\n".join(errors[:3]))
    yield "sweep %s %d - refused" % (case.op, case.number)
    return
  prefix = "%s %d %s" % (case.op, case.number, types_text(first))
  yield "static " + " | ".join([prefix] + [static_shapes(case, row, first, k) for k in KNOWLEDGE])
  found = gradients(case, row, first)
  if found:
    yield "gradient " + " | ".join([prefix] + found)


def static_shapes(case, row, types, known):
  try:
    with Graph(case, row, types, known) as g:
      return " ".join("<unknown>" if t.shape.ndims is None else
                      "[%s]" % ",".join("?" if d is None else str(d) for d in t.shape.as_list()) for t in g.outputs) or "nothing"
  except (ValueError, TypeError):
    return "error"


def gradients(case, row, types):
  """Of each floating input, or None where TensorFlow has no gradient."""
  with Graph(case, row, types, "values") as g, g.graph.as_default():
    ys = [t for t in g.outputs if t.dtype.is_floating]
    xs = [t for t in g.tensors if t.dtype.is_floating]
    if not ys or not xs or g.handles:
      return None
    dys = [tf.constant(weights(v.size, 2 + i).reshape(v.shape), t.dtype)
           for i, (t, v) in enumerate(zip(ys, g.session.run(ys)))]
    try:
      with tf.device("/device:CPU:0"):
        found = [None if d is None else tf.convert_to_tensor(d) for d in tf.gradients(ys, xs, dys)]
      return ["none" if d is None else projection(g.session.run(d)) for d in found]
    except (LookupError, TypeError, ValueError, tf.errors.OpError) as e:
      print("%s %d: no gradient: %s" % (case.op, case.number, str(e).split("\n")[0][:150]))
      return None


def bad_line(case, row):
  types = {}
  for name, classes in swept(case, row).items():
    flat = [t for c in classes for t in c]
    types[name] = "float" if "float" in flat else flat[0]
  codes = []
  for known in ("nothing", "values"):
    try:
      with Graph(case, row, types, known) as g:
        g.run()
      codes.append(0)
    except tf.errors.OpError as e:
      codes.append(e.error_code)
    except (ValueError, TypeError):
      codes.append(3)
  return "bad_input %s %d %s %d %d" % (case.op, case.number, types_text(types), codes[0], codes[1])


def in_child(cases, table, write):
  """Runs cases in a process of their own; what ends it is noted, and the next one takes over behind it."""
  at = 0
  while at < len(cases):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
      os.close(reader)
      with os.fdopen(writer, "w") as out:
        for case in cases[at:]:
          signal.alarm(SECONDS_PER_CASE)
          row = table[case.op]
          for line in sweep_lines(case, row) if case.mode == "sweep" else [bad_line(case, row)]:
            out.write(line + "\n")
            out.flush()
          out.write("end\n")
          out.flush()
      os._exit(0)
    os.close(writer)
    begun = False
    with os.fdopen(reader) as source:
      for line in source:
        begun = line != "end\n"
        if begun:
          write(line.rstrip("\n"))
        else:
          at += 1
    os.waitpid(pid, 0)
    if at < len(cases):
      case = cases[at]
      if not begun:  # otherwise what ended it was what comes after the values
        write("%s %s %d - crash" % (case.mode, case.op, case.number))
      at += 1


def main():
  gen = Path(sys.argv[1])
  table = json.loads((gen / "op_table.json").read_text(encoding="utf-8"))
  path = HERE / "sweep_goldens.txt"
  only = set(sys.argv[2:])
  lines = [l for l in path.read_text(encoding="utf-8").splitlines() if l.split()[1] not in only] if only else []
  by_op = {}
  for case in read_cases(gen / "tests" / "sweeps.gen.txt"):
    if case.mode != "speed" and (not only or case.op in only) and "internal" not in table[case.op]["traits"]:
      by_op.setdefault(case.op, []).append(case)
  for op, cases in by_op.items():
    print(op, flush=True)
    in_child(cases, table, lines.append)
    path.write_text("\n".join(sorted(lines, key=lambda l: l.split()[1])) + "\n", encoding="utf-8")


if __name__ == "__main__":
  main()
