"""Writes tf115_model.pb with TensorFlow 1.15: variables of both kinds, a training step, a Defun called by name,
functions with control flow, and the wire form of cond and while_loop."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function

tf.compat.v1.disable_eager_execution()


@function.Defun(tf.float32)
def square(v):
    return v * v


@tf.function
def scale(a, n):
    i = tf.constant(0)
    while i < n:
        a = a * 2.0
        i += 1
    if tf.reduce_sum(a) > 3.0:
        r = a + 1.0
    else:
        r = a - 1.0
    tf.print("r", r)
    return r


with tf.Graph().as_default() as g:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("layer"):
        w = tf.get_variable("w", [3, 4], initializer=tf.truncated_normal_initializer(seed=7))
        b = tf.get_variable("b", [4], initializer=tf.zeros_initializer(), use_resource=True)
    y = tf.nn.relu(tf.matmul(x, w) + b, name="y")
    tf.train.AdamOptimizer(0.1).minimize(tf.reduce_mean(tf.square(y)))
    square(y)
    scale(y, tf.constant(3))
    tf.cond(tf.reduce_sum(y) > 0, lambda: y * 2.0, lambda: y * 3.0)
    tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2.0), [tf.constant(0), y])
    tf.global_variables_initializer()
    tf.constant(["a", "bc"])
    tf.constant(np.array([1, 2], np.float16))
with open("tf115_model.pb", "wb") as f:
    f.write(g.as_graph_def().SerializeToString(deterministic=True))
