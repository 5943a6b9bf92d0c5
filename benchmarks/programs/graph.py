"""Building graphs: microseconds per operation."""
import importlib
import json
import sys
import time

module = importlib.import_module(sys.argv[1])
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
COUNT = 5000


def build(count):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 8])
        began = time.perf_counter()
        for _ in range(count):
            x = tf.add(x, x)
        return time.perf_counter() - began


build(200)
print(json.dumps({"us_per_op": build(COUNT) / COUNT * 1e6}))
