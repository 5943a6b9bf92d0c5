"""Five networks trained for 200 steps: each loss is the one that TensorFlow 1.15 gives.

The programs (tests/conformance/programs) run unchanged under both, on one thread, with the same seeds: initial values,
dropout masks and noise are TensorFlow's. What is left is the rounding of sums whose terms are added in another order,
some units in the last place of each loss, and what training makes of it. How training magnifies such errors is measured on
TensorFlow itself: the goldens' `spread` is how far its losses move when the learning rate is off by one such unit.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "..", "conformance", "programs")
ROUNDING = 1e-6  # of a loss: some eight units in the last place of a float

with open(os.path.join(HERE, "goldens", "training_runs.json"), encoding="utf-8") as _f:
  GOLDENS = json.load(_f)


def test_every_program_has_a_golden():
  assert sorted(GOLDENS) == sorted(f[:-3] for f in os.listdir(PROGRAMS) if f.endswith(".py"))


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_losses(name, record_property):
  done = subprocess.run([sys.executable, "-m", "thalweg", "run", os.path.join(PROGRAMS, name + ".py")],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
  assert done.returncode == 0, done.stderr
  got = np.array([float(line) for line in done.stdout.split()])
  want, spread = np.array(GOLDENS[name]["losses"]), np.array(GOLDENS[name]["spread"])
  assert len(got) == len(want)
  allowed = ROUNDING * np.maximum(np.abs(want), 1.0) + 4 * spread
  same = int(np.sum(np.abs(got - want) <= allowed))
  record_property("passed", same)
  record_property("differs", len(want) - same)
  worst = int(np.argmax(np.abs(got - want) / allowed))
  assert np.all(np.abs(got - want) <= allowed), "loss %d is %.9g, TensorFlow's is %.9g" % (worst, got[worst], want[worst])
