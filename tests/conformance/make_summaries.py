"""Writes tests/formats/data/summaries.tfrecord with TensorFlow 1.15: python make_summaries.py OUT_FILE."""
import sys

import numpy as np
import tensorflow as tf

values = np.array([((i * 37) % 101 - 50) * 2.0 ** (i % 7 * 3 - 9) for i in range(300)] + [0.0] * 5)
sound = np.array([[((i * 29) % 41 - 20) / 16.0, i / 64.0] for i in range(32)], np.float32)
made = [
    tf.raw_ops.ScalarSummary(tags=["a", "scope/b"], values=np.array([1.5, -2e-20], np.float32)),
    tf.raw_ops.HistogramSummary(tag="h", values=values),
    tf.raw_ops.HistogramSummary(tag="empty", values=np.zeros([0], np.float32)),
    tf.raw_ops.AudioSummaryV2(tag="sound", tensor=sound[None], sample_rate=8000.0, max_outputs=3),
    tf.raw_ops.MergeSummary(inputs=[tf.raw_ops.ScalarSummary(tags="x", values=1.0),
                                    tf.raw_ops.ScalarSummary(tags="y", values=2.0)]),
]
with tf.Session() as session, tf.python_io.TFRecordWriter(sys.argv[1]) as writer:
    for summary in session.run(made):
        writer.write(summary)
