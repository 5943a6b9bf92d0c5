"""Peak memory of ResNet-50 inference and of ResNet-20 training, in MB beyond what the process took with its library imported
and with the arrays of weights and images that it hands over. Each in a process of its own."""
import importlib
import json
import subprocess
import sys

from ..candidates import CANDIDATES

ROWS = {"resnet50_inference_mb": ("inference", "ResNet-50 b1"), "resnet20_training_mb": ("train", "ResNet-20 CIFAR b32, Momentum")}
STEPS = 3


def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":")) / 1024


def peak(name, threads, family, row):
    from .. import families

    module = importlib.import_module("benchmarks.frameworks." + CANDIDATES[name].framework)
    framework = module.Framework(name, threads)
    row = families.find(family, row)
    arrays = row.arrays()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak begins anew
    prepared = framework.prepare(row, arrays)
    for _ in range(STEPS):
        prepared.step()
    return status("VmHWM") - before


if len(sys.argv) > 3:
    print(json.dumps(peak(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])))
else:
    figures = {}
    for key, row in ROWS.items():
        done = subprocess.run([sys.executable, "-m", "benchmarks.programs.memory", *sys.argv[1:3], *row], capture_output=True,
                              text=True)
        if done.returncode == 0:
            figures[key] = json.loads(done.stdout.strip().splitlines()[-1])
        elif "Unsupported" not in done.stderr:
            raise SystemExit(done.stderr)
    print(json.dumps(figures))
