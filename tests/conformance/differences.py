"""The known differences from TensorFlow 1.15, as differences.toml lists them."""

import os
import re
import sys

if sys.version_info >= (3, 11):
  import tomllib
else:
  import tomli as tomllib

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.toml")
NUMBERED = re.compile(r"(.*): ([\d ]+)")


def entries(path=PATH):
  """[(group, entry)] in the order of the file; an entry is a case, or "name: numbers" for several.

  A group is {"why": ..., "cases": [...]} and perhaps "undefined": True, where TensorFlow's own answer hangs on memory
  that it should not read.
  """
  with open(path, "rb") as f:
    text = f.read()
  found = [(group, entry) for group in tomllib.loads(text.decode())["difference"] for entry in group["cases"]]
  # The C++ tests look for lines that begin with a quote, and for nothing else.
  lines = [line.strip().rstrip(",")[1:-1] for line in text.decode().splitlines() if line.lstrip().startswith('"')]
  if lines != [entry for _, entry in found]:
    raise ValueError("%s: each case stands in a line of its own" % path)
  if len(set(lines)) != len(lines):
    raise ValueError("%s: a case is listed twice" % path)
  return found


def cases(path=PATH):
  """Case -> its group. A case with a number is "name: number"."""
  return {name: group for group, entry in entries(path) for name in expand(entry)}


def expand(entry):
  m = NUMBERED.fullmatch(entry)
  return ["%s: %s" % (m[1], n) for n in m[2].split()] if m else [entry]
