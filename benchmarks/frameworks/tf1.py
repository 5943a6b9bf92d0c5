"""TensorFlow's graph mode: Thalweg, and TensorFlow through compat.v1, by the same lines.

Inputs are variables (a model's weights constants), the step is a prepared callable that runs targets, so that no value
leaves the session; `Fed` rows feed and fetch arrays.
"""
import importlib

from ..row import Fed, Gradient, Model, Training, Update
from . import LOSSES, Prepared, as_list


class Vocabulary:
    def __init__(self, tf, bounded_loops=False):
        """bounded_loops: loops with gradients have to say how often they run at most."""
        self.tf, self.bounded_loops = tf, bounded_loops
        for name in ("exp", "log", "tanh", "sigmoid", "sqrt", "rsqrt", "square", "sin", "maximum", "minimum", "abs", "pow",
                     "reshape", "transpose", "concat", "gather", "one_hot", "tile", "reverse", "cumsum", "cast", "stack"):
            setattr(self, name, getattr(tf, name))
        self.erf, self.relu = tf.math.erf, tf.nn.relu
        self.where, self.argmax = tf.where, tf.argmax
        self.softmax, self.log_softmax = tf.nn.softmax, tf.nn.log_softmax

    def bfloat16(self, x):
        return self.tf.cast(x, self.tf.bfloat16)

    def matmul(self, a, b, ta=False, tb=False):
        return self.tf.matmul(a, b, transpose_a=ta, transpose_b=tb)

    def sum(self, x, axes=None):
        return self.tf.reduce_sum(x, axis=axes)

    def mean(self, x, axes=None):
        return self.tf.reduce_mean(x, axis=axes)

    def max(self, x, axes=None):
        return self.tf.reduce_max(x, axis=axes)

    def pad(self, x, widths):
        return self.tf.pad(x, widths)

    def slice(self, x, begins, sizes):
        return self.tf.slice(x, begins, sizes)

    def segment_sum(self, x, ids, count):
        return self.tf.math.unsorted_segment_sum(x, ids, count)

    def dropout(self, x, rate):
        return self.tf.nn.dropout(x, rate=rate)

    def conv(self, x, w, stride=1, padding="SAME"):
        return self.tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding=padding)

    def conv_input_gradient(self, x, w, g, stride=1, padding="SAME"):
        """x is there for its shape."""
        return self.tf.nn.conv2d_backprop_input(x.shape.as_list(), w, g, strides=[1, stride, stride, 1], padding=padding)

    def conv_filter_gradient(self, x, w, g, stride=1, padding="SAME"):
        """w is there for its shape."""
        return self.tf.nn.conv2d_backprop_filter(x, w.shape.as_list(), g, strides=[1, stride, stride, 1], padding=padding)

    def depthwise_conv(self, x, w, stride=1, padding="SAME"):
        return self.tf.nn.depthwise_conv2d(x, w, strides=[1, stride, stride, 1], padding=padding)

    def max_pool(self, x, size, stride, padding="SAME"):
        return self.tf.nn.max_pool(x, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding)

    def avg_pool(self, x, size, stride, padding="SAME"):
        return self.tf.nn.avg_pool(x, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding)

    def cross_entropy(self, logits, labels):
        return self.tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def layer_norm(self, x, scale, offset):
        mean, variance = self.tf.nn.moments(x, [-1], keep_dims=True)
        return self.tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5)

    def batch_norm_train(self, x, scale, offset):
        return self.tf.nn.fused_batch_norm(x, scale, offset, epsilon=1e-3)[0]

    def batch_norm(self, x, scale, offset, mean, variance):
        return self.tf.nn.fused_batch_norm(x, scale, offset, mean, variance, epsilon=1e-3, is_training=False)[0]

    def gelu(self, x):
        return 0.5 * x * (1.0 + self.tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def attention(self, q, k, v):
        """[..., time, depth] each."""
        scores = self.tf.matmul(q, k, transpose_b=True) * float(q.shape.as_list()[-1]) ** -0.5
        return self.tf.matmul(self.tf.nn.softmax(scores), v)

    def lstm(self, x, wx, wh, b, loop):
        """The last output of [batch, time, depth]; gates in the order input, forget, candidate, output."""
        tf = self.tf
        batch, time, _ = x.shape.as_list()
        units = wh.shape.as_list()[0]
        kernel = tf.concat([wx, wh], 0)

        def cell(value, h, c):
            i, f, g, o = tf.split(tf.matmul(tf.concat([value, h], 1), kernel) + b, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(c), c

        h = c = tf.zeros([batch, units])
        if not loop:
            for value in tf.unstack(x, axis=1):
                h, c = cell(value, h, c)
            return h
        values = tf.TensorArray(tf.float32, time).unstack(tf.transpose(x, [1, 0, 2]))
        return tf.while_loop(lambda t, h, c: t < time, lambda t, h, c: (t + 1,) + cell(values.read(t), h, c), [0, h, c],
                             maximum_iterations=time if self.bounded_loops else None)[1]

    def constant(self, value):
        return self.tf.constant(value)

    def count(self, limit):
        """Counts in a loop up to a limit that is known when the step runs."""
        return self.tf.while_loop(lambda i: i < limit, lambda i: i + 1, [0])


class Framework:
    def __init__(self, candidate, threads):
        module = importlib.import_module(candidate)
        self.tf = module if candidate == "thalweg" else module.compat.v1
        self.o = Vocabulary(self.tf)
        self.config = self.tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)

    def prepare(self, row, arrays):
        tf, run = self.tf, row.run
        with tf.Graph().as_default():
            session = tf.Session(config=self.config)
            if isinstance(run, Fed):
                xs = [tf.placeholder(a.dtype, a.shape) for a in arrays]
                y = run.function(self.o, *xs)
                if not run.prepared:
                    feeds = dict(zip(xs, arrays))
                    return Prepared(lambda: session.run(y, feeds), [session.run(y, feeds)])
                step = session.make_callable(y, xs)
                return Prepared(lambda: step(*arrays), [step(*arrays)])

            def variable(array, trainable=False):
                value = tf.placeholder(array.dtype, array.shape)
                made = tf.Variable(value, trainable=trainable)
                session.run(made.initializer, {value: array})
                return made

            if isinstance(run, Model):
                results = run.function(self.o, variable(arrays[0]), *[tf.constant(a) for a in arrays[1:]])
            elif isinstance(run, Training):
                return self._training(session, run, arrays, variable)
            elif isinstance(run, Update):
                half = len(arrays) // 2
                variables = [variable(a) for a in arrays[:half]]
                gradients = [variable(a) for a in arrays[half:]]
                step = self._optimizer(run).apply_gradients([(g.value(), v) for g, v in zip(gradients, variables)])
                self._initialize_others(session, variables + gradients)
                step = session.make_callable(step)
                step()
                return Prepared(step, session.run(variables))
            else:
                xs = [variable(a) for a in arrays]
                if isinstance(run, Gradient):
                    y = run.function(self.o, *xs[:-1])
                    results = [y] + tf.gradients(y, [xs[i] for i in run.wrt], grad_ys=xs[-1])
                else:
                    results = run(self.o, *xs)
            results = as_list(results)
            step = session.make_callable([r.op for r in results])
            return Prepared(step, session.run(results))

    def _optimizer(self, run):
        train = self.tf.train
        return {"sgd": lambda: train.GradientDescentOptimizer(run.rate),
                "momentum": lambda: train.MomentumOptimizer(run.rate, 0.9),
                "adam": lambda: train.AdamOptimizer(run.rate),
                "rmsprop": lambda: train.RMSPropOptimizer(run.rate, decay=0.9, momentum=0.0, epsilon=1e-10)}[run.optimizer]()

    def _initialize_others(self, session, done):
        """The optimizer's own variables."""
        names = {v.op.name for v in done}
        session.run([v.initializer for v in self.tf.global_variables() if v.op.name not in names])

    def _training(self, session, run, arrays, variable):
        parameters = [variable(a, trainable=True) for a in arrays[:run.parameters]]
        batch = [variable(a) for a in arrays[run.parameters:]]
        loss = run.loss(self.o, parameters, batch)
        minimize = self._optimizer(run).minimize(loss, var_list=parameters)
        self._initialize_others(session, parameters + batch)
        losses = [session.run([loss, minimize])[0] for _ in range(LOSSES)]
        # The loss is fetched as programs do, since they print it.
        step = session.make_callable([loss, minimize])
        return Prepared(step, [losses])
