"""The process of one candidate: prepares rows and times them as it is told, one JSON object a line each way.

    python -m benchmarks.worker CANDIDATE THREADS

    {"do": "prepare", "family": F, "row": R}   {"status": "ok", "digest": [...], "seconds": until it ran}, or
                                               {"status": "unsupported" | "error", "why": text}
    {"do": "time", "budget": seconds}          {"seconds": median of the samples of one step}

A row stays prepared until the next one is.
"""
import gc
import importlib
import json
import os
import statistics
import sys
import time
import traceback

from .candidates import CANDIDATES, cores

WARM_UP = 3
LONG = 0.02  # seconds
SAMPLE = 2e-4  # seconds; shorter steps are timed several at once


def time_steps(step, budget, clock=time.perf_counter):
    """Seconds of one step: the median of samples taken for about `budget` seconds."""
    began = clock()
    step()
    once = clock() - began
    repeats = max(1, int(SAMPLE / max(once, 1e-9)))
    # The first step finds the caches full of other candidates' data, which matters less to a long one.
    samples, end = [once] if once > LONG else [], began + budget
    while not samples or clock() < end:
        began = clock()
        for _ in range(repeats):
            step()
        samples.append((clock() - began) / repeats)
    return statistics.median(samples)


class Worker:
    def __init__(self, name, threads):
        self.name, self.threads = name, threads
        self.framework = self.prepared = None

    def prepare(self, family, row):
        from . import families
        from .frameworks import Unsupported
        from .row import digest

        self.prepared = None
        gc.collect()
        row = families.find(family, row)
        arrays = row.arrays()
        began = time.perf_counter()
        try:
            if self.framework is None:
                module = importlib.import_module("benchmarks.frameworks." + CANDIDATES[self.name].framework)
                self.framework = module.Framework(self.name, self.threads)
                began = time.perf_counter()
            self.prepared = self.framework.prepare(row, arrays)
            took = time.perf_counter() - began
            for _ in range(WARM_UP):
                self.prepared.step()
        except Unsupported as e:
            return {"status": "unsupported", "why": str(e)}
        except AttributeError as e:
            if "'Vocabulary' object has no attribute" not in str(e):
                raise
            return {"status": "unsupported", "why": str(e)}
        return {"status": "ok", "digest": digest(self.prepared.results), "seconds": took}

    def answer(self, request):
        try:
            if request["do"] == "prepare":
                return self.prepare(request["family"], request["row"])
            return {"seconds": time_steps(self.prepared.step, request["budget"])}
        except Exception:
            return {"status": "error", "why": traceback.format_exc()[-2000:]}


def main():
    name, threads = sys.argv[1], int(sys.argv[2])
    os.sched_setaffinity(0, cores(threads))
    # Libraries may print; what is said to the harness goes elsewhere.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    gc.disable()
    worker = Worker(name, threads)
    for line in sys.stdin:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
