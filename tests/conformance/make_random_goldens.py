"""Writes tests/kernels/random_goldens.inc: what TensorFlow's random ops give for fixed seeds.

Run with a Python that has TensorFlow 1.15:  python make_random_goldens.py > ../kernels/random_goldens.inc
With --check FILE it compares instead of writing (any TensorFlow from 1.15 on).

A row is {op, dtype, seed, seed2, shape, run, stride, parameters, values}: output of the run-th session.run on one node,
every stride-th element, as raw bits.
"""
import sys

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
raw = tf.raw_ops
SEEDS = [(87654321, 42), (1, 0), (0, 5), (-3, 1 << 40)]
SHAPES = [[5, 7], [3], [1], [0, 2]]
FLOATS = ["half", "bfloat16", "float", "double"]
NUMPY = {"half": np.uint16, "bfloat16": np.uint16, "float": np.uint32, "double": np.uint64, "int32": np.uint32, "int64": np.uint64}
DTYPE = {"half": "kHalf", "bfloat16": "kBfloat16", "float": "kFloat", "double": "kDouble", "int32": "kInt32", "int64": "kInt64"}


def dt(name):
    return tf.as_dtype({"float": "float32", "double": "float64", "half": "float16"}.get(name, name))


def cases():
    """Yields (op, dtype, seed, seed2, shape, stride, parameters, function that builds the output)."""
    for op in ["RandomUniform", "RandomStandardNormal", "TruncatedNormal"]:
        f = getattr(raw, op)
        for d in FLOATS:
            for i, (s, s2) in enumerate(SEEDS):
                shape = SHAPES[i]
                yield op, d, s, s2, shape, 1, [], lambda f=f, shape=shape, d=d, s=s, s2=s2: f(
                    shape=np.array(shape, np.int32), dtype=dt(d), seed=s, seed2=s2)
            # Long enough for several threads.
            yield op, d, 7, 9, [100003], 5003, [], lambda f=f, d=d: f(
                shape=np.array([100003], np.int32), dtype=dt(d), seed=7, seed2=9)
    for d in ["int32", "int64"]:
        for s, s2 in SEEDS:
            for lo, hi in [(0, 10), (-1000, 100000), (-2**31, 2**31 - 1)]:
                yield "RandomUniformInt", d, s, s2, [9], 1, [lo, hi], lambda d=d, s=s, s2=s2, lo=lo, hi=hi: raw.RandomUniformInt(
                    shape=np.array([9], np.int32), minval=tf.constant(lo, dt(d)), maxval=tf.constant(hi, dt(d)), seed=s, seed2=s2)
    for s, s2 in SEEDS:
        for n in [1, 2, 30]:
            yield "RandomShuffle", "int32", s, s2, [n], 1, [], lambda s=s, s2=s2, n=n: raw.RandomShuffle(
                value=tf.range(n), seed=s, seed2=s2)
    for d in ["int32", "int64"]:
        for s, s2 in SEEDS:
            for k in [1, 6]:
                logits = np.log(np.arange(1, 16, dtype=np.float32).reshape(3, 5))
                yield "Multinomial", d, s, s2, [3, k], 1, [], lambda d=d, s=s, s2=s2, k=k, logits=logits: raw.Multinomial(
                    logits=logits, num_samples=k, seed=s, seed2=s2, output_dtype=dt(d))
    for d in ["half", "float", "double"]:
        for s, s2 in SEEDS:
            alpha = np.array([0.3, 1.0, 2.5])
            yield "RandomGamma", d, s, s2, [4], 1, [], lambda d=d, s=s, s2=s2, alpha=alpha: raw.RandomGamma(
                shape=np.array([4], np.int32), alpha=tf.constant(alpha, dt(d)), seed=s, seed2=s2)
    for d in ["int64", "double"]:
        for s, s2 in SEEDS:
            yield "RandomPoissonV2", d, s, s2, [4], 1, [], lambda d=d, s=s, s2=s2: raw.RandomPoissonV2(
                shape=np.array([4], np.int32), rate=tf.constant([0.5, 3.0, 50.0], tf.float64), dtype=dt(d), seed=s, seed2=s2)
    for op in ["StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"]:
        f = getattr(raw, op)
        for d in FLOATS:
            for s, s2 in SEEDS:
                yield op, d, s, s2, [5, 3], 1, [], lambda f=f, d=d, s=s, s2=s2: f(
                    shape=np.array([5, 3], np.int32), seed=np.array([s, s2], np.int64), dtype=dt(d))
    for d in ["int32", "int64"]:
        for s, s2 in SEEDS:
            yield "StatelessRandomUniformInt", d, s, s2, [9], 1, [-5, 1000], lambda d=d, s=s, s2=s2: raw.StatelessRandomUniformInt(
                shape=np.array([9], np.int32), seed=np.array([s, s2], np.int64), minval=tf.constant(-5, dt(d)), maxval=tf.constant(1000, dt(d)))


def rows():
    for op, d, s, s2, shape, stride, params, build in cases():
        with tf.Graph().as_default():
            out = build()
            # One thread: Multinomial's numbers depend on how TensorFlow splits its rows.
            with tf1.Session(config=tf1.ConfigProto(intra_op_parallelism_threads=1)) as session:
                for run in range(1 if op.startswith("Stateless") else 2):
                    bits = np.asarray(session.run(out)).reshape(-1)[::stride].view(NUMPY[d])
                    yield '{"%s", DType::%s, %d, %d, {%s}, %d, %d, {%s}, {%s}},' % (
                        op, DTYPE[d], s, s2, ", ".join(map(str, shape)), run, stride, ", ".join("%d" % p for p in params),
                        ", ".join("%#x" % int(b) for b in bits))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        known = [line.strip() for line in open(sys.argv[2]) if line.startswith("{")]
        new = list(rows())
        for a, b in zip(known, new):
            if a != b:
                print("differs:\n %s\n %s" % (a[:200], b[:200]))
        print("%d rows, %d differ" % (len(new), sum(a != b for a, b in zip(known, new)) + abs(len(known) - len(new))))
    else:
        print("// Made by tests/conformance/make_random_goldens.py with TensorFlow %s." % tf.__version__)
        for row in rows():
            print(row)
