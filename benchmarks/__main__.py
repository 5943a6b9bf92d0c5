"""Runs the benchmarks and prints a table.

    python -m benchmarks [--family gemm,conv] [--peers tensorflow,torch] [--peers-dir DIR] [--threads 1,2] [--quick]
                         [--bin build/bench/benchmarks] [--json out.json] [--text out.txt]

Every candidate has a process of its own at each number of threads, confined to as many cores. A row is prepared in all of
them, its results compared, and then timed in turns, so that a machine whose speed drifts favours none. The program `limits`
of --bin measures what the machine can do beside every row. `python -m benchmarks.peers --into DIR` installs the peers; those
that are not there are left out. docs/performance.md tells how each candidate is called.
"""
import argparse
import datetime
import json
import os
import platform
import signal
import sys

from . import families, harness, table, whole
from .candidates import CANDIDATES, cores, python_for

FAMILIES = families.NAMES + tuple(whole.PROGRAMS)


def names(text):
    return [name for name in text.split(",") if name]


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def arguments():
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--family", type=names, action="append", metavar="NAMES", help="of " + ", ".join(FAMILIES))
    parser.add_argument("--rows", default="", metavar="TEXT", help="only rows with this in family/name")
    parser.add_argument("--peers", type=names, metavar="NAMES", help="of " + ", ".join(n for n in CANDIDATES if n != table.SELF))
    parser.add_argument("--peers-dir", default=os.environ.get("THALWEG_PEERS"), metavar="DIR",
                        help="where benchmarks.peers made their environments; $THALWEG_PEERS by default")
    parser.add_argument("--threads", type=lambda text: [int(n) for n in names(text)], metavar="1,2",
                        help="numbers of threads; 1 and all cores by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=0.06, metavar="SECONDS", help="of timing per candidate, row and round")
    parser.add_argument("--quick", action="store_true", help="one short round: for a look, not for figures")
    parser.add_argument("--bin", metavar="DIR", help="where the program `limits` and the C++ micro-benchmarks are")
    parser.add_argument("--micro", action="store_true", help="run the C++ micro-benchmarks too")
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--text", metavar="FILE", help="write the table there, after each row")
    args = parser.parse_args()
    args.peers_dir = os.path.abspath(args.peers_dir) if args.peers_dir else None
    args.family = [name for group in args.family or [FAMILIES] for name in group]
    for given, known in ((args.family, FAMILIES), (args.peers or [], CANDIDATES)):
        unknown = [name for name in given if name not in known]
        if unknown:
            parser.error("unknown: " + ", ".join(unknown))
    if args.quick:
        args.rounds, args.budget = 1, 0.05
    if args.threads is None:
        args.threads = sorted({1, len(os.sched_getaffinity(0))})
    for count in args.threads:
        cores(count)
    return args


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the candidates' processes are ended too
    wanted_peers = args.peers if args.peers is not None else [n for n in CANDIDATES if n != table.SELF]
    candidates = [table.SELF]
    for name in wanted_peers:
        if python_for(name, args.peers_dir):
            candidates.append(name)
        elif args.peers is not None:
            harness.note(f"{name} is not installed in {args.peers_dir}: python -m benchmarks.peers --into DIR {name}")
    machine = {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform(),
               "python": platform.python_version(), "date": datetime.datetime.now().isoformat(timespec="minutes"),
               "command": " ".join(["python", "-m", "benchmarks"] + sys.argv[1:])}
    heading = "{processor}, {cores} cores, {date}\n{command}\n".format(**machine)
    wanted = harness.select_rows([f for f in args.family if f in families.NAMES], args.rows)
    records, limits, programs = [], {}, {}

    def text():
        parts = [heading]
        if records:
            parts += [table.render(table.evaluate(table.speed_ups(records), limits), limits, candidates),
                      table.render_failures(records)]
        return "\n".join(parts + [whole.render(family, result) for family, result in programs.items()])

    def save():
        if args.text:
            with open(args.text, "w") as file:
                file.write(text() + "\n")
        if args.json:
            with open(args.json, "w") as file:
                json.dump({"machine": machine, "limits": limits, "rows": records, "programs": programs}, file, indent=1)

    for threads in args.threads if wanted else []:
        done = list(records)

        def progress(new, measured, seconds, done=done, threads=threads):
            records[:] = done + new
            limits[threads] = measured
            harness.note(f"[{len(new)}/{len(wanted)}, {threads} threads] {new[-1]['family']}/{new[-1]['row']}  {seconds:.1f} s")
            save()

        program = os.path.join(args.bin, "limits") if args.bin else None
        harness.run(candidates, threads, wanted, args.peers_dir, program, args.rounds, args.budget, progress)
    for family in (f for f in args.family if f in whole.PROGRAMS):
        harness.note(family)
        programs[family] = whole.measure(family, candidates, max(args.threads), args.peers_dir, args.rounds)
        save()
    print(text())
    save()
    if args.micro:
        whole.micro(args.bin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
