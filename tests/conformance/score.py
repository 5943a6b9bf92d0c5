"""How much of what TensorFlow 1.15.5 gave is given here: python tests/conformance/score.py --build build/dev

Runs the tests that compare with goldens made by TensorFlow 1.15.5, and prints for every family of ops and every part of
the front-end how many cases agree. A case is one op on one set of inputs (per dtype, per way of feeding), one program, one
signature, one file. What differs counts as a difference also where differences.toml lists it. Bad input for which
TensorFlow's own answer is undefined, since its kernel reads beyond its tensors, is counted apart. Fails below
99 percent with these as differences too, and when something differs that is not listed.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import differences

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NEEDED = 0.99

# Binary -> filters of the tests that read goldens.
CPP = {
    "test_ops": "Ops/*Golden*:Ops/ShapeSweep.*:Ops/StaticShapes.*:Ops/BadInput.Gives*",
    "test_kernels": "RandomGoldens.*:Training.MatchesTensorFlow*",
    "test_formats": "CheckpointGolden.*:Summary.EqualsTensorFlowsBytes:GraphDef.ReadsAGraphOfTf115",
}
CPP_FAMILIES = {"RandomGoldens": "random numbers", "Training": "optimizer ops", "CheckpointGolden": "checkpoints",
                "Summary": "summaries", "GraphDef": "graph files"}
# Test file -> tests that read goldens (all when None), and the family; {} stands for what a test's parameters begin with.
PYTHON = {
    "tests/ops/test_opdefs.py": (["test_signature"], "op signatures"),
    "tests/python/signatures_test.py": (None, "signatures"),
    "tests/python/graph_golden_test.py": (None, "graphs: nodes, attributes, shapes"),
    "tests/python/programs_test.py": (None, "programs: {}"),
    "tests/python/normalization_test.py": (["test_as_tensorflow"], "programs: normalization"),
    "tests/python/control_test.py": (["test_program"], "control flow"),
    "tests/python/control_flow_import_test.py": (["test_values", "test_gradients"], "control flow of imported graphs"),
    "tests/python/training_runs_test.py": (["test_losses"], "training runs of 200 steps"),
}


class Score:
  """Counts by family and kind."""

  def __init__(self):
    self._counts = collections.defaultdict(lambda: [0, 0])
    self.failures = []
    self.undefined = 0

  def add(self, family, kind, passed, differs):
    count = self._counts[family, kind]
    count[0] += passed
    count[1] += passed + differs

  def by(self, key):
    """{family or kind: (passed, total)}; `key` is 0 for families and 1 for kinds."""
    found = collections.defaultdict(lambda: [0, 0])
    for names, (passed, total) in self._counts.items():
      found[names[key]][0] += passed
      found[names[key]][1] += total
    return dict(sorted(found.items()))

  def total(self):
    return [sum(c[i] for c in self._counts.values()) for i in (0, 1)]


def read_gtest(path, families, score):
  """Adds the results of one binary. Tests that count cases say so in their properties."""
  with open(path, encoding="utf-8") as f:
    report = json.load(f)
  for suite in report["testsuites"]:
    for test in suite["testsuite"]:
      failed = "failures" in test
      if failed:
        text = " ".join(test["failures"][0]["failure"].split("\n")[1:])  # the first line is the place in the source
        score.failures.append("%s.%s: %s" % (suite["name"], test["name"], text[:600]))
      kinds = [key.partition(".")[2] for key in test if key.startswith("passed.")]
      family = families(suite["name"], test["name"])
      for kind in kinds:
        score.add(family, kind, int(test["passed." + kind]), int(test["differs." + kind]))
        score.undefined += int(test.get("undefined." + kind, 0))
      if not kinds:
        score.add(family, "files and formulas", int(not failed), int(failed))


def op_families(build):
  """A function from the names of a test of ops to the family of the op's row."""
  with open(os.path.join(build, "gen", "op_table.json"), encoding="utf-8") as f:
    files = {name: row["file"] for name, row in json.load(f).items()}

  def family(suite, test):
    op = test.partition("/")[2]
    if op not in files:  # a golden's name ends with its number
      op = op.rpartition("_")[0]
    return "ops: " + os.path.splitext(files[op])[0]
  return family


def read_pytest(path, score):
  """Adds the results of the Python tests, of which those in PYTHON count."""
  for case in xml.parse(path).getroot().iter("testcase"):
    where = case.get("classname").replace(".", "/") + ".py"
    name, _, parameters = case.get("name").partition("[")
    only, family = PYTHON[where]
    problem = case.find("failure") if case.find("failure") is not None else case.find("error")
    if problem is not None:
      score.failures.append("%s::%s: %s" % (where, case.get("name"), (problem.get("message") or "").split("\n")[0][:600]))
    if only is not None and name not in only:
      continue
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    family = family.format(parameters.partition("-")[0])
    if "passed" in properties:
      score.add(family, "front-end", int(properties["passed"]), int(properties["differs"]))
    else:
      score.add(family, "front-end", int(problem is None), int(problem is not None))


def run(build, folder):
  """Runs all the tests, one binary beside the Python tests; returns what ended without results."""
  env = dict(os.environ, PYTHONPATH=os.path.join(build, "python"))
  python = subprocess.Popen(
      [sys.executable, "-m", "pytest", "-q", "--rootdir", ROOT, "--junitxml", os.path.join(folder, "python.xml")] + sorted(PYTHON),
      cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
  broken = []
  for name, chosen in CPP.items():
    out = os.path.join(folder, name + ".json")
    done = subprocess.run([os.path.join(build, "tests", name), "--gtest_brief=1", "--gtest_filter=" + chosen,
                           "--gtest_output=json:" + out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if not os.path.exists(out):
      broken.append("%s ended with %d: %s" % (name, done.returncode, done.stdout[-2000:]))
  text = python.communicate()[0]
  if python.returncode > 1:  # 1: some tests failed
    broken.append("pytest ended with %d: %s" % (python.returncode, text[-2000:]))
  return broken


def percent(passed, total):
  return 100.0 * passed / total if total else 0.0


def print_table(title, counts):
  print("\n%-40s %8s %8s %8s" % (title, "agree", "of", "percent"))
  for name, (passed, total) in counts.items():
    print("%-40s %8d %8d %8.2f" % (name, passed, total, percent(passed, total)))


def print_differences():
  print("\nKnown differences:")
  last = None
  for group, entry in differences.entries():
    if group is not last:
      print("- %s%s" % (group["why"], " (counted apart)" if group.get("undefined") else ""))
      last = group
    print("    %s" % entry)


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--build", required=True, help="folder of a build with tests and the Python package")
  parser.add_argument("--list", action="store_true", help="also print every known difference")
  args = parser.parse_args()
  build = os.path.abspath(args.build)
  score = Score()
  with tempfile.TemporaryDirectory() as folder:
    broken = run(build, folder)
    if not broken:
      for name in CPP:
        families = op_families(build) if name == "test_ops" else lambda suite, test: CPP_FAMILIES[suite]
        read_gtest(os.path.join(folder, name + ".json"), families, score)
      read_pytest(os.path.join(folder, "python.xml"), score)
  if broken:
    print("\n".join(broken))
    return 2
  if args.list:
    print_differences()
  print_table("what is compared", score.by(1))
  print_table("family", score.by(0))
  passed, total = score.total()
  groups = {}
  for group, entry in differences.entries():
    count = groups.setdefault(group["why"], [0, group.get("undefined", False)])
    count[0] += len(differences.expand(entry))
  print("\nknown differences")
  for why, (count, undefined) in sorted(groups.items(), key=lambda g: -g[1][0]):
    print("%6d%s  %s" % (count, "*" if undefined else " ", why))
  print("       * counted apart: TensorFlow's answer is undefined, here it is an error")
  print("\nconformance to TensorFlow 1.15.5: %d of %d, %.2f %%; with the %d cases counted apart as differences %.2f %%" % (
      passed, total, percent(passed, total), score.undefined, percent(passed, total + score.undefined)))
  for failure in score.failures:
    print("FAILED " + failure)
  return int(bool(score.failures) or passed < NEEDED * (total + score.undefined))


if __name__ == "__main__":
  sys.exit(main())
