"""What a run costs from Python: microseconds."""
import importlib
import json
import sys
import time

import numpy as np

module = importlib.import_module(sys.argv[1])
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
COUNT = 3000


def microseconds(call):
    for _ in range(100):
        call()
    began = time.perf_counter()
    for _ in range(COUNT):
        call()
    return (time.perf_counter() - began) / COUNT * 1e6


with tf.Graph().as_default(), tf.Session() as session:
    constant = tf.constant(1.0)
    x = tf.placeholder(tf.float32, [4])
    y = x + 1.0
    value = np.ones(4, np.float32)
    prepared = session.make_callable(y, [x])
    print(json.dumps({
        "run_constant_us": microseconds(lambda: session.run(constant)),
        "feed_and_add_us": microseconds(lambda: session.run(y, {x: value})),
        "prepared_callable_us": microseconds(lambda: prepared(value)),
    }))
