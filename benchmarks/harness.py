"""Drives the candidates' processes: prepares a row in each, times them in turns, checks that they computed the same."""
import bisect
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time

from . import families
from .candidates import CANDIDATES, ROOT, cores, environment_for, python_for
from .row import agree

PREPARE_SECONDS = 150  # a row that takes longer to become ready is given up
TIME_SECONDS = 60
# At times a machine is slower than itself for some seconds, a virtual one that shares its processor or its memory say:
# one whose multiply-adds on registers, or whose copying, fall below this part of what they reach in a quarter of the
# samples is waited for. The best sample would not do: a processor whose neighbours rest can be a tenth quicker for a
# moment, which comes but once.
STEADY, QUICK = 0.9, 0.75
WAITS, WAIT_SECONDS = 20, 1.0


class Process:
    """A child that answers each line with one line. It is started when first asked, and again after it died.

    It runs only while it is asked: threads that wait for work by spinning would take the cores of another candidate.
    """

    def __init__(self, command, environment=None, setup=None):
        self.command, self.environment, self.setup = command, environment, setup
        self.child = None

    def ask(self, line, seconds):
        """The answer as an object; raises RuntimeError where there is none in time."""
        if self.child is None or self.child.poll() is not None:
            self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=subprocess.DEVNULL, text=True, bufsize=1, env=self.environment, cwd=ROOT,
                                          preexec_fn=self.setup)
        self.child.send_signal(signal.SIGCONT)
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError("the process died") from None
        if not select.select([self.child.stdout], [], [], seconds)[0]:
            self.close()
            raise RuntimeError(f"no answer in {seconds} s")
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process died with exit status {self.child.wait()}")
        self.child.send_signal(signal.SIGSTOP)
        return json.loads(answer)

    def close(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


class Limits:
    """The machine's limits at a number of threads: the best that was seen of each in this run."""

    def __init__(self, program, threads):
        self.best = {}
        self.samples = {}  # of each limit, those of steady(), sorted
        self.process = None
        if program:
            self.process = Process([os.path.abspath(program), str(threads)],
                                   setup=lambda: os.sched_setaffinity(0, cores(threads)))

    def measure(self, what=""):
        """The limits now: all, or "pace", a short sample of those that say how quick the machine is."""
        now = self.process.ask(what, TIME_SECONDS) if self.process else {}
        for name, value in now.items():
            self.best[name] = max(self.best.get(name, 0.0), value)
        return now

    def steady(self):
        """Whether the machine is as quick as it mostly is when nothing holds it up."""
        steady = True
        for name, value in self.measure("pace").items():
            samples = self.samples.setdefault(name, [])
            bisect.insort(samples, value)
            steady &= value >= STEADY * samples[int(QUICK * (len(samples) - 1))]
        return steady

    def close(self):
        if self.process:
            self.process.close()


def outliers(digests, tolerance):
    """The names of those whose results differ from what most candidates have; the first to come decides a tie."""
    best = []
    for name in digests:
        group = [other for other in digests if agree(digests[name], digests[other], tolerance)]
        if len(group) > len(best):
            best = group
    return set(digests) - set(best)


def run(candidates, threads, wanted, peers_dir, limits_program, rounds, budget, progress):
    """Measures rows. `wanted` is a list of (family, row); returns (records, limits at this number of threads).

    A record has family, row, threads, flops, bytes, and results: for each candidate its seconds or why there are none.
    """
    workers = {name: Process([python_for(name, peers_dir), "-m", "benchmarks.worker", name, str(threads)],
                             environment_for(name, threads, peers_dir)) for name in candidates}
    limits = Limits(limits_program, threads)
    records = []
    try:
        for family, row in wanted:
            limits.measure()
            began = time.monotonic()
            results = measure(workers, family, row, rounds, budget, limits.steady)
            records.append({"family": family, "row": row.name, "threads": threads, "flops": row.flops, "bytes": row.bytes,
                            "results": results})
            progress(records, limits.best, time.monotonic() - began)
        limits.measure()
    finally:
        for process in workers.values():
            process.close()
        limits.close()
    return records, limits.best


def measure(workers, family, row, rounds, budget, steady=lambda: True, sleep=time.sleep):
    """The results of one row: name -> {"seconds": ...} or {"status": "unsupported" | "error" | "wrong", "why": ...}.

    In each round every candidate is timed once; its figure is the best round's median. A round before or behind which the
    machine was not `steady` is repeated for all, a limited number of times.
    """
    results, digests = {}, {}
    request = json.dumps({"do": "prepare", "family": family, "row": row.name})
    for name, worker in workers.items():
        if CANDIDATES[name].families and family not in CANDIDATES[name].families:
            continue
        try:
            answer = worker.ask(request, PREPARE_SECONDS)
        except RuntimeError as e:
            answer = {"status": "error", "why": str(e)}
        if answer["status"] == "ok":
            digests[name] = answer["digest"]
            results[name] = {"first_seconds": answer["seconds"], "rounds": []}
        else:
            results[name] = answer
    request = json.dumps({"do": "time", "budget": budget})
    done, waits = 0, 0
    was_steady = steady()
    while done < rounds:
        taken = {}
        for name in digests:
            if "status" in results[name]:
                continue
            try:
                answer = workers[name].ask(request, TIME_SECONDS)
            except RuntimeError as e:
                answer = {"why": str(e)}
            if "seconds" in answer:
                taken[name] = answer["seconds"]
            else:
                results[name] = {"status": "error", "why": answer["why"]}
        is_steady = steady()
        if not (was_steady and is_steady) and waits < WAITS:
            waits += 1
            if not is_steady:
                sleep(WAIT_SECONDS)
                is_steady = steady()
        else:
            done += 1
            for name, seconds in taken.items():
                results[name]["rounds"].append(seconds)
        was_steady = is_steady
    for result in results.values():
        if result.get("rounds"):
            result["seconds"] = min(result["rounds"])
            result["median_seconds"] = statistics.median(result["rounds"])
    if row.checked:
        for name in outliers(digests, row.tolerance):
            results[name] = dict(results[name], status="wrong", why="its results differ from the others'")
            results[name].pop("seconds", None)
    return results


def select_rows(names, pattern):
    """(family, row) of these families whose name has the pattern in it."""
    return [(family, row) for family in names for row in families.rows(family) if pattern in f"{family}/{row.name}"]


def note(message):
    print(message, file=sys.stderr, flush=True)
