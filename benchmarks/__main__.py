"""Runs the benchmarks and prints a table.

    python -m benchmarks --bin build/bench/benchmarks [--family start] [--peer tensorflow=/path/to/python] [--json out.json]

Programs in benchmarks/programs run under this Python with Thalweg, and under each peer's Python with what it has installed;
every candidate in a process of its own, rounds interleaved, medians compared, so that a machine whose speed drifts does not
favour one. C++ micro-benchmarks (--bin) run as they are.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# family -> program; each prints one JSON object of figures, and takes the module to import as its argument.
FAMILIES = {"start": "start.py", "graph": "graph.py", "session": "session.py", "control": "control.py",
            "train": "train.py"}


def run_program(python, program, module):
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    if module != "thalweg":
        environment.pop("PYTHONPATH", None)
    done = subprocess.run([python, os.path.join(HERE, "programs", program), module], capture_output=True, text=True,
                          env=environment, timeout=600)
    if done.returncode != 0:
        raise SystemExit(f"{program} with {module} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(program, candidates, rounds):
    """Medians per candidate and figure, from interleaved rounds."""
    figures = {name: {} for name in candidates}
    for _ in range(rounds):
        for name, (python, module) in candidates.items():
            for key, value in run_program(python, program, module).items():
                figures[name].setdefault(key, []).append(value)
    return {name: {key: statistics.median(values) for key, values in by_key.items()} for name, by_key in figures.items()}


def show(family, result, candidates):
    print(f"\n{family}")
    names = list(candidates)
    print(f"  {'':34}" + "".join(f"{n:>14}" for n in names) + ("   ratio" if len(names) > 1 else ""))
    for key in sorted({k for by_key in result.values() for k in by_key}):
        row = [result[n].get(key) for n in names]
        cells = "".join(f"{v:14.4g}" if v is not None else f"{'-':>14}" for v in row)
        ratio = f"{row[0] / row[1]:8.2f}" if len(row) > 1 and row[0] is not None and row[1] else ""
        print(f"  {key:34}{cells}{ratio}")


def micro(folder):
    """The Google Benchmark binaries of a folder, each in a process of its own."""
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--family", choices=sorted(FAMILIES), action="append", help="only these")
    parser.add_argument("--peer", action="append", default=[], metavar="MODULE=PYTHON",
                        help="also measure this module under this Python")
    parser.add_argument("--bin", help="folder of C++ micro-benchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write all figures there")
    args = parser.parse_args()

    candidates = {"thalweg": (sys.executable, "thalweg")}
    for peer in args.peer:
        module, _, python = peer.partition("=")
        candidates[module] = (python, module)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    results = {}
    for family in args.family or FAMILIES:
        results[family] = measure(FAMILIES[family], candidates, args.rounds)
        show(family, results[family], candidates)
    if args.bin:
        results["micro"] = micro(args.bin)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
