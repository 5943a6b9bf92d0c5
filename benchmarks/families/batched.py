"""Batched products, in the shapes of attention: scores (queries by keys) and values (scores by values)."""
from ..row import Row, tensor


def scores(batch, time, depth, keys=None):
    keys = keys or time
    return Row(f"scores {batch}x{time}x{depth}x{keys}", (tensor(batch, time, depth), tensor(batch, keys, depth)),
               lambda o, q, k: o.matmul(q, k, tb=True), flops=2.0 * batch * time * depth * keys)


def values(batch, time, depth, keys=None):
    keys = keys or time
    return Row(f"values {batch}x{time}x{keys}x{depth}", (tensor(batch, time, keys), tensor(batch, keys, depth)),
               lambda o, s, v: o.matmul(s, v), flops=2.0 * batch * time * depth * keys)


def many_small(batch, n):
    return Row(f"{batch} of {n}x{n}", (tensor(batch, n, n), tensor(batch, n, n)), lambda o, a, b: o.matmul(a, b),
               flops=2.0 * batch * n * n * n)


ROWS = (
    scores(96, 128, 64), values(96, 128, 64), scores(12, 512, 64), values(12, 512, 64), scores(8, 197, 80), values(8, 197, 80),
    scores(32, 1, 64, 1024), values(32, 1, 64, 1024), many_small(1000, 16), many_small(200, 37),
)
