"""Model files, written by another process: what builds a model is then not in the memory of what runs it, and may need
another library.

A module that writes them has `export(row, arrays, path)` and calls `main(export)` when it is run.
"""
import contextlib
import os
import subprocess
import sys
import tempfile

from .. import families
from ..candidates import ROOT, environment_for, python_for
from . import Unsupported

SECONDS = 140


@contextlib.contextmanager
def exported(module, candidate, row, threads):
    """The path of the file that frameworks/`module` writes for the row under `candidate`'s Python, while it lasts."""
    family = next(f for f in families.NAMES if row in families.rows(f))
    peers = os.environ.get("BENCHMARK_PEERS")
    python = python_for(candidate, peers)
    if python is None:
        raise Unsupported(f"{candidate}, which writes the model, is not installed")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        done = subprocess.run([python, "-m", "benchmarks.frameworks." + module, family, row.name, path], cwd=ROOT,
                              env=environment_for(candidate, threads, peers), timeout=SECONDS, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        yield path


def main(export):
    row = families.find(*sys.argv[1:3])
    export(row, row.arrays(), sys.argv[3])
