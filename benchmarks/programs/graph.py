"""Building graphs: microseconds per node of the graph for typical calls, and seconds for a whole training graph."""
import json
import sys
import time

from .residual_network import residual_network, tf

COUNT = 1000


def per_node(make, prepare, count=COUNT):
    """Microseconds per node that `count` calls of make(i, prepare()) add, best of three graphs."""
    best = float("inf")
    for _ in range(3):
        with tf.Graph().as_default() as graph:
            arguments = prepare()
            before = len(graph.get_operations())
            began = time.perf_counter()
            for i in range(count):
                make(i, arguments)
            took = time.perf_counter() - began
            best = min(best, took / (len(graph.get_operations()) - before))
    return best * 1e6


def matrix():
    return tf.placeholder(tf.float32, [None, 8])


def square():
    return tf.placeholder(tf.float32, [8, 8])


def image():
    return tf.placeholder(tf.float32, [None, 8, 8, 4]), tf.constant(1.0, tf.float32, [3, 3, 4, 4]), tf.constant([0.0] * 4)


def whole(build):
    best = float("inf")
    for _ in range(3):
        with tf.Graph().as_default() as graph:
            began = time.perf_counter()
            build()
            best = min(best, time.perf_counter() - began)
            nodes = len(graph.get_operations())
    return best, nodes


figures = {
    "add_us": per_node(lambda i, x: tf.add(x, x), matrix),
    "add_constant_us": per_node(lambda i, x: x + 1.0, matrix),
    "matmul_us": per_node(lambda i, x: tf.matmul(x, x), square),
    "reshape_us": per_node(lambda i, x: tf.reshape(x, [-1, 4]), matrix),
    "reduce_mean_us": per_node(lambda i, x: tf.reduce_mean(x, axis=1), matrix),
    "get_variable_us": per_node(lambda i, x: tf.get_variable("v%d" % i, [8, 8]), lambda: None, 200),
    "conv2d_bias_us": per_node(
        lambda i, x: tf.nn.bias_add(tf.nn.conv2d(x[0], x[1], strides=[1, 1, 1, 1], padding="SAME"), x[2]), image),
}
if hasattr(tf, "layers") and sys.argv[1] == "thalweg":
    figures["layers_dense_us"] = per_node(lambda i, x: tf.layers.dense(x, 8, name="d%d" % i), matrix, 100)
seconds, nodes = whole(lambda: residual_network(224))
figures["resnet50_s"], figures["resnet50_nodes"] = seconds, nodes
print(json.dumps(figures))
