"""Trains a small convolutional network on real handwritten digits.

    python train.py --out demo-out

Writes checkpoints, an event log for TensorBoard, and at the end a frozen graph. Stopped with Ctrl-C and started again, it
goes on from its last checkpoint.
"""
import argparse
import os
import sys
import time

import network
import numpy as np
import thalweg as tf

HERE = os.path.dirname(os.path.abspath(__file__))
HELD_OUT = 360
BATCH = 64


def load():
    """Images as float32 [n, 8, 8, 1] in 0..1 and labels as int32 [n], split into training and held-out parts."""
    with np.load(os.path.join(HERE, "digits.npz")) as data:
        images = data["images"].astype(np.float32)[..., None] / 16.0
        labels = data["labels"].astype(np.int32)
    order = np.random.RandomState(7).permutation(len(labels))
    images, labels = images[order], labels[order]
    return (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT])


def shifted(images, random):
    """Each image moved by up to one pixel, so that 1,437 pictures go further."""
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    moved = np.empty_like(images)
    for i, (y, x) in enumerate(random.randint(0, 3, size=(len(images), 2))):
        moved[i] = padded[i, y:y + 8, x:x + 8]
    return moved


class Training:
    """The training graph: feed `images` and `labels`, run `train_op`."""

    def __init__(self):
        self.images = tf.placeholder(tf.float32, [None, 8, 8, 1], name="images")
        self.labels = tf.placeholder(tf.int32, [None], name="labels")
        self.global_step = tf.train.get_or_create_global_step()
        logits = network.logits(self.images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.labels, logits=logits)
        decay = network.WEIGHT_DECAY * tf.add_n(tf.get_collection("decayed_weights"))
        self.loss = tf.add(tf.reduce_mean(losses), decay, name="loss")
        rate = tf.train.exponential_decay(2e-3, self.global_step, decay_steps=100, decay_rate=0.85)
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            self.train_op = tf.train.AdamOptimizer(rate).minimize(self.loss, global_step=self.global_step)

        tf.summary.scalar("loss", self.loss)
        tf.summary.scalar("learning_rate", rate)
        tf.summary.image("digits", self.images, max_outputs=4)
        for variable in tf.trainable_variables():
            tf.summary.histogram(variable.op.name, variable)
        self.summaries = tf.summary.merge_all()


class Inference:
    """The same network without dropout, with the averages of batch normalisation: what is frozen in the end."""

    def __init__(self):
        self.images = tf.placeholder(tf.float32, [None, 8, 8, 1], name="input")
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            logits = network.logits(self.images, training=False)
        self.probabilities = tf.nn.softmax(logits, name="probabilities")

    def classify(self, session, images):
        return np.argmax(session.run(self.probabilities, {self.images: images}), axis=1)


class Progress:
    """One line that is rewritten on a terminal, and an occasional line elsewhere."""

    def __init__(self, total):
        self.total = total
        self.live = sys.stdout.isatty()
        self.since, self.images = time.time(), 0

    def show(self, step, loss, images):
        self.images += images
        if not self.live and step % 100 != 0 and step != self.total:
            return
        rate = self.images / max(time.time() - self.since, 1e-9)
        filled = 30 * step // self.total
        bar = "#" * filled + "." * (30 - filled)
        line = f"step {step:4d}/{self.total} [{bar}] loss {loss:.4f}  {rate:,.0f} images/s"
        print("\r" + line if self.live else line, end="" if self.live else "\n", flush=True)

    def close(self):
        if self.live:
            print()


def train(session, graph, saver, writer, data, out, steps):
    """Runs steps until the global step is `steps`; returns True unless Ctrl-C ended it early."""
    images, labels = data
    checkpoint = os.path.join(out, "model.ckpt")
    step = int(session.run(graph.global_step))
    progress = Progress(steps)
    try:
        while step < steps:
            random = np.random.RandomState(step)
            picked = random.randint(0, len(labels), size=BATCH)
            feeds = {graph.images: shifted(images[picked], random), graph.labels: labels[picked]}
            loss, _ = session.run([graph.loss, graph.train_op], feeds)
            step += 1
            if step % 50 == 0:
                writer.add_summary(session.run(graph.summaries, feeds), step)
            if step % 200 == 0:
                saver.save(session, checkpoint, global_step=step)
            progress.show(step, loss, BATCH)
    except KeyboardInterrupt:
        progress.close()
        saver.save(session, checkpoint, global_step=step)
        print(f"Stopped at step {step}. Run the same command again to go on from there.")
        return False
    progress.close()
    saver.save(session, checkpoint, global_step=step)
    return True


def freeze(session, node, out):
    """The graph up to `node` with every variable a constant."""
    definition = tf.graph_util.convert_variables_to_constants(session, session.graph.as_graph_def(), [node])
    path = os.path.join(out, "digits.pb")
    with tf.gfile.GFile(path, "wb") as file:
        file.write(definition.SerializeToString())
    return path


def write_held_out(path, images, labels, predictions):
    """For the C program: int32 count, then the images, labels and our predictions, as they lie in memory."""
    with open(path, "wb") as file:
        for array in (np.int32(len(labels)), images, labels.astype(np.int32), predictions.astype(np.int32)):
            file.write(np.ascontiguousarray(array).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="demo-out", help="folder for checkpoints, events and the frozen graph")
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)

    data, (test_images, test_labels) = load()
    tf.set_random_seed(1)
    graph = Training()
    inference = Inference()
    saver = tf.train.Saver(max_to_keep=3)
    with tf.Session() as session:
        latest = tf.train.latest_checkpoint(args.out)
        if latest:
            saver.restore(session, latest)
            print(f"Going on from {latest}")
        else:
            session.run(tf.global_variables_initializer())
        writer = tf.summary.FileWriter(os.path.join(args.out, "events"), session.graph)
        finished = train(session, graph, saver, writer, data, args.out, args.steps)
        writer.close()
        if not finished:
            return 130
        predictions = inference.classify(session, test_images)
        accuracy = float(np.mean(predictions == test_labels))
        frozen = freeze(session, "probabilities", args.out)
        write_held_out(os.path.join(args.out, "held_out.bin"), test_images, test_labels, predictions)
        print(f"Held-out accuracy: {accuracy:.4f} on {len(test_labels)} images")
        print(f"Checkpoint:   {tf.train.latest_checkpoint(args.out)}")
        print(f"Event log:    {os.path.join(args.out, 'events')}  (tensorboard --logdir {args.out}/events)")
        print(f"Frozen graph: {frozen}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
