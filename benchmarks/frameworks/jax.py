"""JAX: every row is one jitted function of arrays that stay on the device; state is donated, so that it is updated in place."""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..row import Fed, Gradient, Model, Training, Update
from . import LOSSES, Prepared, as_list
from .update_rules import RULES

IMAGE = ("NHWC", "HWIO", "NHWC")


class Vocabulary:
    def __init__(self):
        for name in ("exp", "log", "tanh", "sqrt", "square", "sin", "maximum", "minimum", "abs", "where", "reshape", "transpose",
                     "cumsum", "tile", "stack", "sum", "mean", "max", "argmax", "pad"):
            setattr(self, name, getattr(jnp, name))
        self.pow, self.concat, self.reverse, self.rsqrt = jnp.power, jnp.concatenate, jnp.flip, lax.rsqrt
        self.sigmoid, self.relu, self.erf = jax.nn.sigmoid, jax.nn.relu, lax.erf
        self.softmax, self.log_softmax = jax.nn.softmax, jax.nn.log_softmax
        self.key = jax.random.key(0)

    def cast(self, x, dtype):
        return x.astype(dtype)

    def bfloat16(self, x):
        return x.astype(jnp.bfloat16)

    def matmul(self, a, b, ta=False, tb=False):
        return jnp.matmul(jnp.swapaxes(a, -1, -2) if ta else a, jnp.swapaxes(b, -1, -2) if tb else b)

    def gather(self, x, ids, axis=0):
        return jnp.take(x, ids, axis, mode="clip")

    def segment_sum(self, x, ids, count):
        return jax.ops.segment_sum(x, ids, count)

    def one_hot(self, ids, depth):
        return jax.nn.one_hot(ids, depth, dtype=jnp.float32)

    def dropout(self, x, rate):
        return jnp.where(jax.random.bernoulli(self.key, 1 - rate, x.shape), x / (1 - rate), 0.0)

    def slice(self, x, begins, sizes):
        return lax.dynamic_slice(x, begins, sizes)

    def conv(self, x, w, stride=1, padding="SAME"):
        return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=IMAGE)

    def conv_input_gradient(self, x, w, g, stride=1, padding="SAME"):
        return jax.linear_transpose(lambda x: self.conv(x, w, stride, padding), x)(g)[0]

    def conv_filter_gradient(self, x, w, g, stride=1, padding="SAME"):
        return jax.linear_transpose(lambda w: self.conv(x, w, stride, padding), w)(g)[0]

    def depthwise_conv(self, x, w, stride=1, padding="SAME"):
        h, width, c, _ = w.shape
        return lax.conv_general_dilated(x, jnp.reshape(w, (h, width, 1, c)), (stride, stride), padding, dimension_numbers=IMAGE,
                                        feature_group_count=c)

    def max_pool(self, x, size, stride, padding="SAME"):
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, stride, stride, 1), padding)

    def avg_pool(self, x, size, stride, padding="SAME"):
        def sums(values):
            return lax.reduce_window(values, 0.0, lax.add, (1, size, size, 1), (1, stride, stride, 1), padding)
        return sums(x) / sums(jnp.ones((1,) + x.shape[1:3] + (1,), x.dtype))

    def cross_entropy(self, logits, labels):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)[:, 0]

    def layer_norm(self, x, scale, offset):
        mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + offset

    def batch_norm_train(self, x, scale, offset):
        mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
        return self.batch_norm(x, scale, offset, mean, variance)

    def batch_norm(self, x, scale, offset, mean, variance):
        factor = scale * lax.rsqrt(variance + 1e-3)
        return x * factor + (offset - mean * factor)

    def gelu(self, x):
        return jax.nn.gelu(x, approximate=True)

    def attention(self, q, k, v):
        scores = jnp.matmul(q, jnp.swapaxes(k, -1, -2)) * q.shape[-1] ** -0.5
        return jnp.matmul(jax.nn.softmax(scores), v)

    def lstm(self, x, wx, wh, b, loop):
        units = wh.shape[0]
        kernel = jnp.concatenate((wx, wh), 0)

        def cell(state, value):
            h, c = state
            i, f, g, o = jnp.split(jnp.concatenate((value, h), 1) @ kernel + b, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        state = (jnp.zeros((x.shape[0], units), x.dtype),) * 2
        if loop:
            return lax.scan(cell, state, jnp.swapaxes(x, 0, 1))[0][0]
        for t in range(x.shape[1]):
            state = cell(state, x[:, t])[0]
        return state[0]

    def count(self, limit):
        return lax.while_loop(lambda i: i < limit, lambda i: i + 1, jnp.int32(0))


def _arrays(results):
    return [np.asarray(r) for r in as_list(results)]


class Framework:
    def __init__(self, candidate, threads):
        self.o = Vocabulary()

    def prepare(self, row, arrays):
        run, o = row.run, self.o
        jax.config.update("jax_enable_x64", any(a.dtype == np.float64 for a in arrays))  # until the next row
        if isinstance(run, Fed):
            function = jax.jit(lambda *xs: run.function(o, *xs))
            step = lambda: np.asarray(function(*arrays))
            return Prepared(step, [step()])
        xs = [jax.device_put(a) for a in arrays]
        if isinstance(run, Training):
            return self._training(run, xs)
        if isinstance(run, Update):
            half = len(xs) // 2
            return self._stepping(run, xs[:half], lambda parameters, gradients: (jnp.float32(0), gradients), (xs[half:],),
                                  lambda step, state: (step(), _arrays(state()))[1])
        if isinstance(run, Gradient):
            def function(*xs):
                def of(*wanted):
                    all_ = list(xs[:-1])
                    for i, x in zip(run.wrt, wanted):
                        all_[i] = x
                    return run.function(o, *all_)
                y, back = jax.vjp(of, *[xs[i] for i in run.wrt])
                return (y,) + back(xs[-1])
        else:
            body = run.function if isinstance(run, Model) else run
            function = lambda *xs: body(o, *xs)
        function = jax.jit(function)
        return Prepared(lambda: jax.block_until_ready(function(*xs)), _arrays(function(*xs)))

    def _training(self, run, xs):
        loss_of = jax.value_and_grad(lambda parameters, batch: run.loss(self.o, parameters, batch))
        return self._stepping(run, xs[:run.parameters], loss_of, (xs[run.parameters:],),
                              lambda step, state: [np.array([step() for _ in range(LOSSES)], np.float32)])

    def _stepping(self, run, parameters, loss_of, data, first):
        starts, update = RULES[run.optimizer]

        def function(parameters, slots, t, *data):
            loss, gradients = loss_of(parameters, *data)
            t = t + 1
            new = [update(self.o, run.rate, p, g, s, t) for p, g, s in zip(parameters, gradients, slots)]
            return loss, [p for p, _ in new], [s for _, s in new], t

        function = jax.jit(function, donate_argnums=(0, 1, 2))
        state = [parameters, [tuple(jnp.full_like(p, v) for v in starts) for p in parameters], jnp.float32(0)]

        def step():
            loss, *state[:] = jax.block_until_ready(function(*state, *data))
            return float(loss)

        return Prepared(step, first(step, lambda: state[0]))
