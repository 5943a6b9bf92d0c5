"""A training step of the demo's network without its input pipeline: milliseconds."""
import importlib
import json
import sys
import time

import numpy as np

module = importlib.import_module(sys.argv[1])
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
BATCH, STEPS = 64, 60


def weights(name, shape):
    return tf.get_variable(name, shape, initializer=tf.truncated_normal_initializer(stddev=0.1, seed=1))


def convolution(x, channels, name):
    with tf.variable_scope(name):
        x = tf.nn.conv2d(x, weights("weights", [3, 3, int(x.shape[-1]), channels]), strides=[1, 1, 1, 1], padding="SAME")
        scale = tf.get_variable("scale", [channels], initializer=tf.ones_initializer())
        offset = tf.get_variable("offset", [channels], initializer=tf.zeros_initializer())
        return tf.nn.relu(tf.nn.fused_batch_norm(x, scale, offset)[0])


with tf.Graph().as_default(), tf.Session() as session:
    images = tf.placeholder(tf.float32, [None, 8, 8, 1])
    labels = tf.placeholder(tf.int32, [None])
    x = convolution(convolution(images, 32, "conv1"), 64, "conv2")
    x = tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    x = tf.nn.relu(tf.matmul(tf.reshape(x, [-1, 1024]), weights("hidden", [1024, 128])))
    logits = tf.matmul(x, weights("classes", [128, 10]))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    step = tf.train.AdamOptimizer(1e-3).minimize(loss)
    session.run(tf.global_variables_initializer())
    random = np.random.RandomState(0)
    feeds = {images: random.rand(BATCH, 8, 8, 1).astype(np.float32), labels: random.randint(0, 10, BATCH)}
    for _ in range(10):
        session.run([loss, step], feeds)
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        value, _ = session.run([loss, step], feeds)
        times.append(time.perf_counter() - began)
    print(json.dumps({"step_ms": sorted(times)[STEPS // 2] * 1e3, "loss_after_70_steps": float(value)}))
