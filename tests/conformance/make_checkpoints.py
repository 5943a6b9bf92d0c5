"""Writes the checkpoints of tests/formats/data with TensorFlow 1.15: python make_checkpoints.py OUT_DIR."""
import os
import sys

import numpy as np
import tensorflow as tf


def variables():
    values = {
        "float": np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4),
        "double": np.arange(5, dtype=np.float64) / 7,
        "int32": np.int32(-41),
        "int64": np.array([1 << 40, -2], np.int64),
        "half": np.array([0.5, -2.25], np.float16),
        "bool": np.array([True, False, True]),
        "uint8": np.array([[1, 255]], np.uint8),
        "complex64": np.array([1 + 2j], np.complex64),
        "string": np.array([["a", ""], ["longer text" * 20, b"\0\xff"]], object),
        "empty": np.zeros([0, 3], np.float32),
        "scope/deep/name": np.float32(2.5),
    }
    return [tf.Variable(v, name=k, validate_shape=True) for k, v in values.items()]


def save(out, name, make, **kwargs):
    with tf.Graph().as_default(), tf.Session() as session:
        made = make()
        session.run(tf.global_variables_initializer())
        tf.train.Saver(made, **kwargs).save(session, os.path.join(out, name), write_meta_graph=False, write_state=False)


def partitioned():
    return [tf.get_variable("parts", initializer=tf.reshape(tf.range(0.0, 20.0), [5, 4]),
                            partitioner=tf.fixed_size_partitioner(2, axis=0)),
            tf.get_variable("whole", initializer=tf.constant([7, 8, 9]))]


def sharded():
    with tf.device("/job:localhost/replica:0/task:0/cpu:0"):
        a = tf.Variable([1.0, 2.0], name="a")
    return [a, tf.Variable([3, 4, 5], name="b")]


out = sys.argv[1]
V1, V2 = tf.train.SaverDef.V1, tf.train.SaverDef.V2
save(out, "v2", variables, write_version=V2)
save(out, "v1", lambda: [v for v in variables() if v.op.name != "empty"], write_version=V1)
save(out, "parts_v2", partitioned, write_version=V2)
save(out, "parts_v1", partitioned, write_version=V1)
save(out, "sharded_v2", sharded, write_version=V2, sharded=True)
save(out, "sharded_v1", sharded, write_version=V1, sharded=True)
