"""Loops and recurrent nets: nanoseconds per iteration, a dynamic_rnn against the same net unrolled, memory of gradients."""
import importlib
import json
import resource
import sys
import time

import numpy as np

module = importlib.import_module(sys.argv[1])
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
TIME, BATCH, UNITS = 50, 16, 64
ROUNDS = 30
ITERATIONS = 100000
MIB = 1 << 20


def interleaved(calls, rounds):
    """The best time of each call in seconds; they take turns, so that a machine whose speed drifts favours none."""
    best = [float("inf")] * len(calls)
    for call in calls:
        call()
    for _ in range(rounds):
        for i, call in enumerate(calls):
            began = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - began)
    return best


def counting():
    """Nanoseconds per iteration of a loop that counts."""
    with tf.Graph().as_default(), tf.Session() as session:
        count = 1000000 if sys.argv[1] == "thalweg" else 10000
        loop = tf.while_loop(lambda i: i < count, lambda i: i + 1, [0])
        return interleaved([lambda: session.run(loop)], 3)[0] / count * 1e9


def recurrent(cell_class, dynamic, training):
    """A callable that runs one step of a net, whose weights are the same in both forms."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [BATCH, TIME, UNITS])
        cell = cell_class(UNITS)
        if dynamic:
            outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        else:
            outputs = tf.stack(tf.nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32)[0], axis=1)
        fetch = tf.reduce_mean(tf.square(outputs))
        if training:
            fetch = tf.gradients(fetch, tf.trainable_variables())
        session = tf.Session()
        session.run(tf.global_variables_initializer())
    value = np.random.RandomState(0).rand(BATCH, TIME, UNITS).astype(np.float32)
    step = session.make_callable(fetch, [x])
    return lambda: step(value)


def peak_of_gradient():
    """Peak memory of a loop with gradient, in MiB, beside what its backward pass needs of the forward one."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(np.full(16, 0.999, np.float32))
        y = tf.while_loop(lambda i, y: i < ITERATIONS, lambda i, y: (i + 1, tf.sin(y) * x), [0, x])[1]
        gradient = tf.gradients(y, x)[0]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        session.run(gradient)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # Of each iteration: y for the derivative of sin, and sin(y) for that of x.
    return grown * 1024 / MIB, ITERATIONS * 2 * 16 * 4 / MIB


figures = {}
figures["gradient_peak_mib"], figures["gradient_saved_mib"] = peak_of_gradient()
figures["while_iteration_ns"] = counting()
for training in (False, True):
    lstm = tf.nn.rnn_cell.LSTMCell
    dynamic, unrolled = interleaved([recurrent(lstm, d, training) for d in (True, False)], ROUNDS)
    what = "training" if training else "forward"
    figures["lstm_%s_dynamic_ms" % what] = dynamic * 1e3
    figures["lstm_%s_unrolled_ms" % what] = unrolled * 1e3
    figures["lstm_%s_ratio" % what] = dynamic / unrolled
print(json.dumps(figures))
