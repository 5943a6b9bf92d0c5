"""Functions and classes against TensorFlow 1.15's signatures: names, order and defaults of arguments.

goldens/api.json holds name -> {"kind": "function", "sig": "(x, name=None)"} or {"kind": "class", "methods": {...}}, as
inspect prints them under TensorFlow 1.15.5. What thalweg does not have is not compared.
"""

import ast
import inspect
import json
import os

import differences
import thalweg as tf

with open(os.path.join(os.path.dirname(__file__), "goldens", "api.json")) as _f:
  API = json.load(_f)

def find(name):
  found = tf
  for part in name.split(".")[1:]:
    try:
      found = getattr(found, part)
    except AttributeError:
      return None
  return found


def declared(text):
  """[(name, default as text or None)] of "(a, b=1, *args, **kwargs)"."""
  args = ast.parse("def f%s: pass" % text).body[0].args
  positional = args.posonlyargs + args.args
  defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
  found = list(zip([a.arg for a in positional], defaults))
  if args.vararg:
    found.append(("*" + args.vararg.arg, None))
  found += list(zip([a.arg for a in args.kwonlyargs], args.kw_defaults))
  if args.kwarg:
    found.append(("**" + args.kwarg.arg, None))
  return found


def differs(text, function):
  """How the function's signature is not the one in `text`; None when it is."""
  try:
    given = inspect.signature(function)
  except (TypeError, ValueError):
    return "has no signature"
  stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
  ours = [(stars.get(p.kind, "") + p.name, p.default) for p in given.parameters.values()]
  wanted = declared(text)
  if [n for n, _ in wanted] == ["self", "*args", "**kwargs"]:
    return None  # a wrapper's: it says nothing of the arguments
  if [n for n, _ in ours] != [n for n, _ in wanted]:
    return "%s, not %s" % (given, text)
  for (name, default), (_, want) in zip(ours, wanted):
    if (want is None) != (default is inspect.Parameter.empty):
      return "%s: whether %s has a default" % (text, name)
    if want is None:
      continue
    try:
      value = ast.literal_eval(want)
    except ValueError:
      continue  # an object without a literal, such as a dtype
    if value != default or type(value) is not type(default):
      return "%s: the default of %s is %r" % (text, name, default)
  return None


def comparisons():
  """(name, difference or None) for everything that is there."""
  for name, row in API.items():
    found = find(name)
    if found is None:
      continue
    if row["kind"] == "function":
      yield name, differs(row["sig"], found)
      continue
    if not inspect.isclass(found):
      yield name, "is no class"
      continue
    for method, text in row["methods"].items():
      full = "%s.%s" % (name, method)
      member = next((c.__dict__[method] for c in found.__mro__ if method in c.__dict__), None)
      if member is None:
        yield full, "is missing"
      elif text == "property":
        yield full, None
      else:
        yield full, differs(text, getattr(member, "__func__", member))


def test_signatures(capsys, record_property):
  results = dict(comparisons())
  listed = {case.partition(" ")[2] for case in differences.cases() if case.startswith("signature ")}
  wrong = {name: what for name, what in results.items() if what is not None}
  with capsys.disabled():
    print("\nsignatures: %d compared with TensorFlow 1.15's, %d differ; %d of %d names are here" % (
        len(results), len(wrong), sum(find(n) is not None for n in API), len(API)))
  record_property("passed", len(results) - len(wrong))
  record_property("differs", len(wrong))
  assert not set(wrong) - listed, "\n".join("%s: %s" % item for item in sorted(wrong.items()) if item[0] not in listed)
  assert not listed - set(wrong), "these are listed as differences and agree, or are not here"
  assert len(results) > 1000
