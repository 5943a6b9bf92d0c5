"""TensorFlow compiled by XLA: tf.function(jit_compile=True) around the graph mode's vocabulary, on variables."""
import numpy as np
import tensorflow as tf2

from ..row import Fed, Gradient, Model, Training, Update
from . import LOSSES, Prepared, as_list
from .tf1 import Vocabulary
from .update_rules import RULES

tf = tf2.compat.v1


def _arrays(results):
    return [r.numpy() for r in as_list(results)]


class Framework:
    def __init__(self, candidate, threads):
        tf2.config.threading.set_intra_op_parallelism_threads(threads)
        tf2.config.threading.set_inter_op_parallelism_threads(threads)
        self.o = Vocabulary(tf, bounded_loops=True)

    def prepare(self, row, arrays):
        run, o = row.run, self.o
        if isinstance(run, Fed):
            function = tf2.function(lambda *xs: run.function(o, *xs), jit_compile=True)
            step = lambda: function(*[tf2.constant(a) for a in arrays]).numpy()
            return Prepared(step, [step()])
        if isinstance(run, (Training, Update)):
            return self._stepping(run, arrays)
        # A model's weights are arguments, like its images: XLA would take minutes to fold such constants.
        xs = [tf2.constant(a) for a in arrays]
        if isinstance(run, Gradient):
            def function(*xs):
                y = run.function(o, *xs[:-1])
                return (y,) + tuple(tf2.gradients(y, [xs[i] for i in run.wrt], grad_ys=xs[-1]))
        else:
            body = run.function if isinstance(run, Model) else run
            function = lambda *xs: body(o, *xs)
        function = tf2.function(function, jit_compile=True)
        return Prepared(lambda: function(*xs), _arrays(function(*xs)))

    def _stepping(self, run, arrays):
        starts, update = RULES[run.optimizer]
        count = run.parameters if isinstance(run, Training) else len(arrays) // 2
        parameters = [tf2.Variable(a) for a in arrays[:count]]
        slots = [tuple(tf2.Variable(np.full_like(a, v)) for v in starts) for a in arrays[:count]]
        rest = [tf2.constant(a) for a in arrays[count:]]
        t = tf2.Variable(0.0)

        @tf2.function(jit_compile=True)
        def function(*rest):
            values = [p.read_value() for p in parameters]
            if isinstance(run, Training):
                loss = run.loss(self.o, values, rest)
                gradients = tf2.gradients(loss, values)
            else:
                loss, gradients = tf2.constant(0.0), rest
            now = t.assign_add(1.0, read_value=True)
            for p, value, g, s in zip(parameters, values, gradients, slots):
                new, new_slots = update(self.o, run.rate, value, g, [x.read_value() for x in s], now)
                p.assign(new)
                for variable, x in zip(s, new_slots):
                    variable.assign(x)
            return loss

        step = lambda: function(*rest).numpy()
        if isinstance(run, Training):
            return Prepared(step, [np.array([step() for _ in range(LOSSES)], np.float32)])
        step()
        return Prepared(step, [p.numpy() for p in parameters])
