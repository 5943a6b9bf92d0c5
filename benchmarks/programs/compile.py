"""What compiling a ResNet-50's training step takes: milliseconds that a first run takes beyond later ones, and the same for
the first run of another batch size. Images are small, so that the arithmetic does not hide it."""
import json
import sys
import time

import numpy as np

from .residual_network import residual_network, tf

SIZE, LATER = 32, 5


def beyond(session, step, feeds):
    """Milliseconds of the first run beyond the quickest of later ones."""
    times = []
    for _ in range(1 + LATER):
        began = time.perf_counter()
        session.run(step, feeds)
        times.append(time.perf_counter() - began)
    return (times[0] - min(times[1:])) * 1e3


with tf.Graph().as_default():
    images, labels, train, initialize = residual_network(SIZE)
    threads = int(sys.argv[2])
    config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    with tf.Session(config=config) as session:
        session.run(initialize)
        random = np.random.RandomState(0)

        def feeds(batch):
            return {images: random.rand(batch, SIZE, SIZE, 3).astype(np.float32), labels: random.randint(0, 1000, batch)}

        first = beyond(session, train, feeds(2))
        print(json.dumps({"first_run_ms": first, "new_batch_size_ms": beyond(session, train, feeds(3))}))
