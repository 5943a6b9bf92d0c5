"""The arithmetic of the benchmark table: limits, ratios, means, the comparison of results, timing."""
import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import families, harness, row, table, worker  # noqa: E402

LIMITS = {"flops": 1e11, "copy": 2e10, "read": 1e10}


def test_least_time_is_the_greater_of_arithmetic_and_memory():
    compute = row.Row("c", (), None, flops=2e9, bytes=1e8)
    assert compute.limit_seconds(LIMITS) == pytest.approx(2e9 / 1e11)
    memory = row.Row("m", (), None, flops=1e6, bytes=4e8)
    assert memory.limit_seconds(LIMITS) == pytest.approx(4e8 / 2e10)
    assert row.Row("r", (), None, bytes=4e8, traffic="read").limit_seconds(LIMITS) == pytest.approx(4e8 / 1e10)
    assert row.Row("cached", (), None, bytes=1e6).limit_seconds(LIMITS) is None


def test_results_are_compared_by_value_shape_and_size():
    values = np.random.default_rng(1).random((37, 41), dtype=np.float32)
    good = row.digest([values])
    assert row.agree(good, row.digest([values * np.float32(1 + 1e-6)]), 1e-4)
    wrong = values.copy()
    wrong[0, 0] += 1.0
    assert not row.agree(good, row.digest([wrong]), 1e-4)
    assert not row.agree(good, row.digest([values * 1.01]), 1e-3)
    assert not row.agree(good, row.digest([values.T]), 1e-3)
    assert not row.agree(good, row.digest([values, values]), 1e-3)
    assert not row.agree(row.digest([np.full(3, np.nan)]), row.digest([np.full(3, np.nan)]), 1e-3)


def test_the_one_that_differs_is_the_outlier():
    right, wrong = row.digest([np.ones(5)]), row.digest([np.zeros(5)])
    assert harness.outliers({"a": wrong, "b": right, "c": right}, 1e-3) == {"a"}
    assert harness.outliers({"a": right}, 1e-3) == set()
    assert harness.outliers({}, 1e-3) == set()


def test_means_are_geometric_and_skip_what_is_missing():
    assert table.geometric_mean([2.0, 8.0, None]) == pytest.approx(4.0)
    assert table.geometric_mean([None]) is None


def _record(name, threads, **seconds):
    return {"family": "gemm", "row": name, "threads": threads, "flops": 0, "bytes": 0,
            "results": {k: {"seconds": v} if v else {"status": "wrong", "why": "x"} for k, v in seconds.items()}}


def test_ratios_shares_and_speed_ups():
    first = families.rows("gemm")[0]
    records = [_record(first.name, 1, thalweg=1e-3, tensorflow=2e-3, torch=3e-3, numpy=None),
               _record(first.name, 2, thalweg=5e-4, torch=4e-4)]
    limits = {1: LIMITS, 2: dict(LIMITS, flops=2e11)}
    table.evaluate(table.speed_ups(records), limits)
    assert (records[0]["best_peer"], records[0]["ratio"]) == ("tensorflow", pytest.approx(2.0))
    assert records[0]["results"]["thalweg"]["share"] == pytest.approx(first.flops / 1e11 / 1e-3)
    assert records[1]["ratio"] == pytest.approx(0.8) and records[1]["speed_up"] == pytest.approx(2.0)
    means = table.summary(records)
    assert means[("all", 1)]["behind"] == 0 and means[("all", 2)]["behind"] == 1
    text = table.render(records, limits, ["thalweg", "tensorflow", "torch", "numpy"])
    assert "WRONG" in text and "100.0 GFLOP/s" in text and "2.00 ms" in text
    assert table.render_failures(records) == f"wrong: numpy, gemm/{first.name}: x"
    assert table.render_failures(records * 3) == f"wrong: numpy, gemm/{first.name} and 2 more: x"


def test_a_wrong_result_cannot_be_the_best_peer():
    assert table.best_peer({"thalweg": {"seconds": 1.0}, "torch": {"status": "wrong"}, "jax": {"seconds": 3.0}}) == ("jax", 3.0)


@pytest.mark.parametrize("seconds, text", [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (4.2e-6, "4.20 us"), (2e-7, "0.20 us")])
def test_durations(seconds, text):
    assert table.duration(seconds) == text


def test_timing_takes_the_median_and_keeps_to_its_budget():
    now = [0.0]
    steps = iter([0.005] + [0.001, 0.001, 0.009] * 100)

    def step():
        now[0] += next(steps)

    assert worker.time_steps(step, 0.05, clock=lambda: now[0]) == pytest.approx(0.001)
    assert now[0] < 0.07


class Stub:
    """A candidate whose time follows the machine."""

    def __init__(self, machine):
        self.machine = machine

    def ask(self, line, seconds):
        if "prepare" in line:
            return {"status": "ok", "digest": row.digest([np.ones(3)]), "seconds": 0.0}
        self.machine["rounds"] += 1
        return {"seconds": 1.0 if self.machine["rounds"] > self.machine["slow"] else 2.0}


@pytest.mark.parametrize("slow, kept", [(0, [1.0, 1.0]), (3, [1.0, 1.0]), (99, [2.0, 2.0])])
def test_rounds_of_a_slow_machine_are_repeated_for_a_while(slow, kept):
    machine = {"rounds": 0, "slow": slow}
    result = harness.measure({"thalweg": Stub(machine)}, "gemm", families.rows("gemm")[0], 2, 0.01,
                             steady=lambda: machine["rounds"] >= machine["slow"], sleep=lambda seconds: None)
    assert result["thalweg"]["rounds"] == kept
    assert machine["rounds"] <= 2 + harness.WAITS


class Meter:
    """Tells one figure after the other."""

    def __init__(self, figures):
        self.figures = iter(figures)

    def ask(self, line, seconds):
        return next(self.figures)


@pytest.mark.parametrize("slow", ["flops", "copy"])
def test_a_machine_is_steady_while_it_is_as_quick_as_it_mostly_is(slow):
    other = {"flops": "copy", "copy": "flops"}[slow]
    limits = harness.Limits(None, 1)
    limits.process = Meter([{slow: value, other: 100} for value in (100, 150, 98, 102, 60, 101, 99, 55)])
    assert [limits.steady() for _ in range(8)] == [True, True, True, True, False, True, True, False]
    assert limits.best == {slow: 150, other: 100}


SMALL = (("gemm", "127x131x137 NN"), ("elementwise", "twelve operations, 1009"), ("softmax_norm", "softmax 64x10"),
         ("reduce", "sum of 64x1021 over 1"), ("move", "permute 31x37 to 1,0"))


@pytest.mark.parametrize("family, name", SMALL)
def test_candidates_agree_on_a_row(family, name):
    digests = [worker.Worker(candidate, 1).prepare(family, name)["digest"] for candidate in ("thalweg", "numpy")]
    assert row.agree(*digests, families.find(family, name).tolerance)


def test_a_candidate_says_what_it_has_not():
    assert worker.Worker("numpy", 1).prepare("session", "run a constant")["status"] == "unsupported"
    assert worker.Worker("numpy", 1).prepare("move", "one-hot 20011 of 1000")["status"] == "unsupported"


def test_training_starts_alike_in_each_process():
    losses = [worker.Worker("thalweg", 1).prepare("train", "MLP 784-512-512-10 b64, Adam")["digest"] for _ in range(2)]
    assert losses[0] == losses[1] and losses[0][0]["values"][2] < losses[0][0]["values"][0]


def test_rows_are_named_once_and_say_what_they_take():
    for family in families.NAMES:
        rows = families.rows(family)
        assert len({r.name for r in rows}) == len(rows), family
        for r in rows:
            assert r.flops >= 0 and r.bytes >= 0 and math.isfinite(r.flops + r.bytes)
            assert r.traffic in ("copy", "read")
