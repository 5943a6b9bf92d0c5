"""Families whose figures are of a process as a whole: programs/*.py, run anew for each figure, and the C++ micro-benchmarks.

A program prints one JSON object of figures and takes the candidate's name as its argument.
"""
import json
import os
import statistics
import subprocess

from .candidates import ROOT, cores, environment_for, python_for

# family -> the candidates that it is for
PROGRAMS = {"start": ("thalweg", "tensorflow"), "graph": ("thalweg", "tensorflow"), "control": ("thalweg",),
            "compile": ("thalweg", "tensorflow"),
            "memory": ("thalweg", "tensorflow", "torch", "jax", "onnxruntime", "litert")}
SECONDS = 600


def run_program(family, name, threads, peers_dir):
    done = subprocess.run([python_for(name, peers_dir), "-m", "benchmarks.programs." + family, name, str(threads)],
                          capture_output=True, text=True, env=environment_for(name, threads, peers_dir), timeout=SECONDS,
                          cwd=ROOT, preexec_fn=lambda: os.sched_setaffinity(0, cores(threads)))
    if done.returncode != 0:
        raise RuntimeError(f"{family} with {name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(family, candidates, threads, peers_dir, rounds):
    """Medians per candidate and figure, from interleaved rounds."""
    figures = {name: {} for name in candidates if name in PROGRAMS[family]}
    for _ in range(rounds):
        for name, by_key in figures.items():
            for key, value in run_program(family, name, threads, peers_dir).items():
                by_key.setdefault(key, []).append(value)
    return {name: {key: statistics.median(values) for key, values in by_key.items()} for name, by_key in figures.items()}


def render(family, result):
    names = list(result)
    keys = list(dict.fromkeys(key for by_key in result.values() for key in by_key))
    width = max(len(key) for key in keys)
    lines = ["", family, f"  {'':{width}}" + "".join(f"{n:>14}" for n in names)]
    for key in keys:
        cells = (result[n].get(key) for n in names)
        lines.append(f"  {key:{width}}" + "".join(f"{v:14.4g}" if v is not None else f"{'-':>14}" for v in cells))
    return "\n".join(lines)


def micro(folder):
    """The Google Benchmark binaries of a folder, each in a process of its own: name -> rows; prints them as they come."""
    results = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.endswith("_bench") or not os.access(path, os.X_OK):
            continue
        print(f"\n{name}", flush=True)
        done = subprocess.run([path, "--benchmark_format=json", "--benchmark_min_time=0.2"], capture_output=True, text=True,
                              check=True)
        results[name] = json.loads(done.stdout)["benchmarks"]
        for row in results[name]:
            extra = {k: v for k, v in row.items() if isinstance(v, float) and k not in ("real_time", "cpu_time")}
            counters = "  ".join(f"{k} {v:.4g}" for k, v in sorted(extra.items()))
            print(f"  {row['name']:44}{row['cpu_time']:14.4g} {row['time_unit']}  {counters}")
    return results
