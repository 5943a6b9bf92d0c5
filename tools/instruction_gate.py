"""Holds the executor's cost: counts the instructions of an operation with valgrind and compares them with those recorded
beside this file. Seconds vary from run to run and machine to machine; these counts do not.

usage: instruction_gate.py BINARY [--record]

Fails (1) when a count grew by more than 3 %, and asks for `--record` when one fell by as much. With another compiler than
the recorded one it prints the counts and compares nothing.
"""
import json
import pathlib
import re
import subprocess
import sys

RECORD = pathlib.Path(__file__).with_name("instruction_counts.json")
TOLERANCE = 0.03
FEW = 20  # runs; what a program costs to start and compile is the same in few and in many
OPERATIONS = 10_000  # at least, between few and many: a start differs by some 100,000 instructions with the addresses drawn


def instructions(binary, case, runs):
    """Of a whole program, as callgrind counts them."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, case, str(runs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", done.stdout)
    if done.returncode or not collected:
        sys.exit("%s\nfailed with %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
    return int(collected.group(1))


def measure(binary):
    """The compiler, and instructions per operation by case."""
    listed = subprocess.run([binary, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    counts = {}
    for line in listed[1:]:
        case, length = line.split()
        more = max(100, OPERATIONS // int(length))
        extra = instructions(binary, case, FEW + more) - instructions(binary, case, FEW)
        counts[case] = round(extra / more / int(length), 2)
    return listed[0], counts


def compare(recorded, counts):
    """Lines that tell what changed, and whether that is a failure."""
    failed, lines = False, []
    for case in sorted(set(recorded) | set(counts)):
        before, now = recorded.get(case), counts.get(case)
        if before is None or now is None:
            lines.append("%-16s %s: record again" % (case, "is new" if before is None else "is gone"))
            failed = True
            continue
        change = now / before - 1
        verdict = ""
        if change > TOLERANCE:
            verdict, failed = "  TOO MANY", True
        elif change < -TOLERANCE:
            verdict = "  fewer: keep it with `make gate RECORD=--record`"
        lines.append("%-16s %10.2f instructions per operation, recorded %10.2f, %+.1f %%%s" % (
            case, now, before, 100 * change, verdict))
    return failed, lines


def main(binary, record):
    compiler, counts = measure(binary)
    if record:
        RECORD.write_text(json.dumps({"compiler": compiler, "target": "AVX2", "counts": counts}, indent=2) + "\n")
    recorded = json.loads(RECORD.read_text())
    if recorded["compiler"] != compiler:
        print("recorded with %s, built with %s: not compared" % (recorded["compiler"], compiler))
        print("\n".join("%-16s %10.2f instructions per operation" % c for c in counts.items()))
        return 0
    failed, lines = compare(recorded["counts"], counts)
    print("\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--record"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    sys.exit(main(arguments[0], "--record" in sys.argv))
