"""The op table as the front-end reads it: one OpSpec per op, made when first asked for."""

import json
import os
import re
from collections.abc import Mapping

from thalweg.framework import dtypes

_ARG = re.compile(r"^(\w+): (ref\()?(?:(\w+)\*)?(\w+)(\))?$")


class ArgSpec:
  """An input or output argument: a fixed dtype or attributes that tell dtype and count."""

  __slots__ = ("name", "dtype", "type_attr", "number_attr", "type_list_attr", "is_ref", "is_list")

  def __init__(self, text, attrs):
    m = _ARG.match(text.replace("ref(", "ref(", 1))
    if m is None:
      raise ValueError("cannot read op argument %r" % text)
    self.name, ref, self.number_attr, kind, _ = m.groups()
    self.is_ref = ref is not None
    self.dtype = self.type_attr = self.type_list_attr = None
    if kind in attrs:
      if attrs[kind]["type"] == "list(type)":
        self.type_list_attr = kind
      else:
        self.type_attr = kind
    else:
      self.dtype = dtypes.as_dtype(kind)
    self.is_list = bool(self.number_attr or self.type_list_attr)


class AttrSpec:
  __slots__ = ("name", "type", "has_default", "default", "allowed", "minimum")

  def __init__(self, name, row):
    self.name = name
    self.type = row["type"]
    self.has_default = "default" in row
    self.default = row.get("default")
    self.minimum = row.get("min", row.get("minimum"))
    self.allowed = row.get("allowed")
    if self.allowed is not None and self.type in ("type", "list(type)"):
      self.allowed = [dtypes.as_dtype(t) for t in self.allowed]


class OpSpec:
  __slots__ = ("name", "bytes", "inputs", "outputs", "attrs", "stateful", "explicit", "refs", "result", "doc", "traits",
               "single", "plain", "type_defaults", "packed")

  def __init__(self, name, row):
    attrs = row.get("attrs", {})
    self.name = name
    self.bytes = name.encode()
    self.inputs = [ArgSpec(a, attrs) for a in row["inputs"]]
    self.outputs = [ArgSpec(a, attrs) for a in row["outputs"]]
    self.attrs = {k: AttrSpec(k, v) for k, v in attrs.items()}
    self.traits = row.get("traits", [])
    self.stateful = "stateful" in self.traits
    self.doc = row.get("doc", "")
    self.refs = any(a.is_ref for a in self.inputs)
    inferred = {n for a in self.inputs for n in (a.type_attr, a.number_attr, a.type_list_attr) if n}
    # Attributes a caller may give, required ones first.
    self.explicit = ([a for n, a in self.attrs.items() if n not in inferred and not a.has_default] +
                     [a for n, a in self.attrs.items() if n not in inferred and a.has_default])
    # No list and no reference among the inputs: arguments and tensors are one to one.
    self.plain = not any(a.is_list or a.is_ref for a in self.inputs)
    # One output that is no list: what a function of the op returns.
    self.single = len(self.outputs) == 1 and not self.outputs[0].is_list
    self.type_defaults = {a.name: dtypes.as_dtype(a.default) for a in self.attrs.values()
                          if a.type == "type" and a.has_default}
    self.packed = {}  # attributes that were packed before (attr_pack.pack_all)
    if len(self.outputs) > 1:
      from collections import namedtuple
      self.result = namedtuple(name, [a.name for a in self.outputs], rename=True)
    else:
      self.result = None


class _Rows(Mapping):
  """Op name to row. The file has a row a line, which is read when it is asked for: all of them would take a program's
  first operation 5 ms, of which it uses a few dozen."""

  def __init__(self, text):
    self._lines = {}
    for line in text.splitlines()[1:-1]:
      name, row = line.split(":", 1)
      self._lines[name.strip()[1:-1]] = row

  def __getitem__(self, name):
    return json.loads(self._lines[name].rstrip(","))

  def __iter__(self):
    return iter(self._lines)

  def __len__(self):
    return len(self._lines)


_rows = None
_specs = {}


def rows():
  """The whole table: op name to row."""
  global _rows
  if _rows is None:
    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "op_table.json"), encoding="utf-8") as f:
      _rows = _Rows(f.read())
  return _rows


def spec(name):
  """The OpSpec of op `name`; KeyError when the table has no such op."""
  found = _specs.get(name)
  if found is None:
    found = _specs[name] = OpSpec(name, rows()[name])
  return found
