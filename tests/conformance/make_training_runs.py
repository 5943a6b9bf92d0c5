"""Writes tests/python/goldens/training_runs.json with TensorFlow 1.15: `python make_training_runs.py [program ...]`.

Of each program in programs/: the losses it prints, and how far they have moved up to each step in runs whose learning rate
was off by about one unit in the last place of a float. TensorFlow's own losses are sharp to no more than that.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(HERE, "..", "python", "goldens", "training_runs.json")
FACTORS = ("1", "1.0000002", "0.9999998")


def run(program, factor):
  path = os.path.join(HERE, "programs", program + ".py")
  return [float(line) for line in subprocess.check_output([sys.executable, path, factor]).decode().splitlines()]


def spread(losses, others):
  widths = [0.0]
  for step in zip(losses, *others):
    widths.append(max([widths[-1]] + [abs(step[0] - other) for other in step[1:]]))
  return [float("%.3g" % w) for w in widths[1:]]


def main():
  goldens = {}
  if os.path.exists(GOLDENS):
    with open(GOLDENS, encoding="utf-8") as f:
      goldens = json.load(f)
  names = sorted(f[:-3] for f in os.listdir(os.path.join(HERE, "programs")) if f.endswith(".py"))
  for program in sys.argv[1:] or names:
    losses, *others = [run(program, factor) for factor in FACTORS]
    goldens[program] = {"losses": losses, "spread": spread(losses, others)}
  with open(GOLDENS, "w", encoding="utf-8") as f:
    f.write("{%s}\n" % ",\n".join('"%s": %s' % (name, json.dumps(goldens[name])) for name in sorted(goldens)))


if __name__ == "__main__":
  main()
