"""PyTorch, eager and compiled (`torch_compile`: torch.compile with static shapes; weights of models frozen).

Images keep a row's order of dimensions, which is PyTorch's channels_last memory format seen through a permuted view, and
filters lie as [out, height, width, in] behind theirs: the layouts that its convolutions like best. Optimizers are the fused
ones where there are.
"""
import numpy as np
import torch
import torch.nn.functional as F

from ..row import Fed, Gradient, Model, Training, Update
from . import LOSSES, Prepared, as_list


def _nchw(x):
    return x.permute(0, 3, 1, 2)


def _nhwc(x):
    return x.permute(0, 2, 3, 1)


def _oihw(w):
    return w.permute(3, 2, 0, 1)


def _same(x, height, width, stride, value=0.0):
    """The padding that "SAME" means: a symmetric one for the operation where it is that, else the image padded by hand."""
    pads = []
    for size, window in zip(x.shape[2:], (height, width)):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        pads.append((total // 2, total - total // 2))
    (top, bottom), (left, right) = pads
    if top == bottom and left == right:
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


class Vocabulary:
    def __init__(self):
        for name in ("exp", "log", "tanh", "sigmoid", "sqrt", "rsqrt", "square", "sin", "erf", "maximum", "minimum", "abs",
                     "pow", "relu", "where", "cumsum", "tile", "reshape", "stack"):
            setattr(self, name, getattr(torch, name))
        self.concat = torch.cat

    def transpose(self, x, order):
        return x.permute(order).contiguous()  # else a view, which moves nothing

    def reverse(self, x, axes):
        return torch.flip(x, axes)

    def cast(self, x, dtype):
        return x.to(getattr(torch, dtype))

    def bfloat16(self, x):
        return x.to(torch.bfloat16)

    def matmul(self, a, b, ta=False, tb=False):
        return torch.matmul(a.mT if ta else a, b.mT if tb else b)

    def sum(self, x, axes=None):
        return torch.sum(x) if axes is None else torch.sum(x, dim=axes)

    def mean(self, x, axes=None):
        return torch.mean(x) if axes is None else torch.mean(x, dim=axes)

    def max(self, x, axes=None):
        return torch.amax(x, dim=() if axes is None else axes)

    def argmax(self, x, axis):
        return torch.argmax(x, dim=axis)

    def gather(self, x, ids, axis=0):
        return torch.index_select(x, axis, ids)

    def segment_sum(self, x, ids, count):
        return torch.zeros((count,) + tuple(x.shape[1:]), dtype=x.dtype).index_add_(0, ids, x)

    def one_hot(self, ids, depth):
        return torch.zeros(tuple(ids.shape) + (depth,)).scatter_(-1, ids.long().unsqueeze(-1), 1.0)

    def dropout(self, x, rate):
        return F.dropout(x, rate)

    def pad(self, x, widths):
        return F.pad(x, [w for pair in reversed(widths) for w in pair])

    def slice(self, x, begins, sizes):
        return x[tuple(slice(b, b + s) for b, s in zip(begins, sizes))].contiguous()

    def softmax(self, x):
        return torch.softmax(x, -1)

    def log_softmax(self, x):
        return torch.log_softmax(x, -1)

    def _conv(self, x, w, stride, padding, groups=1):
        x = _nchw(x)
        pads = (0, 0)
        if padding == "SAME":
            x, pads = _same(x, w.shape[2], w.shape[3], stride)
        return _nhwc(F.conv2d(x, w, stride=stride, padding=pads, groups=groups))

    def conv(self, x, w, stride=1, padding="SAME"):
        return self._conv(x, _oihw(w), stride, padding)

    def depthwise_conv(self, x, w, stride=1, padding="SAME"):
        return self._conv(x, w.permute(2, 3, 0, 1), stride, padding, groups=w.shape[2])

    def _conv_backward(self, x, w, g, stride, padding, mask):
        x, w = _nchw(x), _oihw(w)
        pads = (0, 0)
        if padding == "SAME":
            x, pads = _same(x, w.shape[2], w.shape[3], stride)
        return torch.ops.aten.convolution_backward(_nchw(g), x, w, None, [stride, stride], list(pads), [1, 1], False, [0, 0], 1,
                                                   mask)

    def conv_input_gradient(self, x, w, g, stride=1, padding="SAME"):
        return _nhwc(self._conv_backward(x, w, g, stride, padding, [True, False, False])[0])

    def conv_filter_gradient(self, x, w, g, stride=1, padding="SAME"):
        return self._conv_backward(x, w, g, stride, padding, [False, True, False])[1].permute(2, 3, 1, 0)

    def max_pool(self, x, size, stride, padding="SAME"):
        x = _nchw(x)
        if padding == "VALID":
            return _nhwc(F.max_pool2d(x, size, stride))
        totals = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:]]
        # Windows that begin inside and end beyond the image are what ceil_mode means.
        if max(totals) <= 1:
            return _nhwc(F.max_pool2d(x, size, stride, ceil_mode=True))
        x, pads = _same(x, size, size, stride, float("-inf"))
        return _nhwc(F.max_pool2d(x, size, stride, pads))

    def avg_pool(self, x, size, stride, padding="SAME"):
        x = _nchw(x)
        if padding == "VALID":
            return _nhwc(F.avg_pool2d(x, size, stride))
        x, pads = _same(x, size, size, stride)
        return _nhwc(F.avg_pool2d(x, size, stride, pads, count_include_pad=False))

    def cross_entropy(self, logits, labels):
        return F.cross_entropy(logits, labels.long(), reduction="none")

    def layer_norm(self, x, scale, offset):
        return F.layer_norm(x, x.shape[-1:], scale, offset, 1e-5)

    def batch_norm_train(self, x, scale, offset):
        return _nhwc(F.batch_norm(_nchw(x), None, None, scale, offset, training=True, eps=1e-3))

    def batch_norm(self, x, scale, offset, mean, variance):
        return _nhwc(F.batch_norm(_nchw(x), mean, variance, scale, offset, training=False, eps=1e-3))

    def gelu(self, x):
        return F.gelu(x, approximate="tanh")

    def attention(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)

    @torch.compiler.disable
    def lstm(self, x, wx, wh, b, loop):
        """PyTorch's own LSTM, which loops inside; its gates have this order. torch.compile cannot trace it."""
        h = x.new_zeros(1, x.shape[0], wh.shape[0])
        flat = [wx.t().contiguous(), wh.t().contiguous(), b, torch.zeros_like(b)]
        return torch.lstm(x, (h, h), flat, True, 1, 0.0, self.training, False, True)[1][0]

    training = False  # whether gradients follow


def _place(array, role):
    if role == "filter":  # [out, height, width, in] in memory
        return torch.from_numpy(np.ascontiguousarray(array.transpose(3, 0, 1, 2))).permute(1, 2, 3, 0)
    return torch.from_numpy(array.copy())


def _arrays(results):
    return [r.detach().numpy() for r in as_list(results)]


class Framework:
    def __init__(self, candidate, threads):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        torch.set_grad_enabled(False)
        self.o = Vocabulary()
        self.compiled = candidate == "torch_compile"
        if self.compiled:
            import torch._inductor.config as config
            config.freezing = True

    def _compile(self, function):
        if not self.compiled:
            return function
        torch._dynamo.reset()
        return torch.compile(function, dynamic=False)

    def prepare(self, row, arrays):
        run, o = row.run, self.o
        xs = [_place(a, i.role) for a, i in zip(arrays, row.inputs)]
        o.training = isinstance(run, (Gradient, Training))
        if isinstance(run, Gradient):
            return self._gradient(run, xs)
        if isinstance(run, Training):
            return self._training(run, xs)
        if isinstance(run, Update):
            half = len(xs) // 2
            for x, g in zip(xs[:half], xs[half:]):
                x.grad = g
            step = self._compile(self._optimizer(run, xs[:half]).step)
            step()
            return Prepared(step, [a.copy() for a in _arrays(xs[:half])])  # later steps change them
        if isinstance(run, Fed):
            function = self._compile(lambda *xs: run.function(o, *xs))
            step = lambda: function(*[torch.from_numpy(a) for a in arrays]).numpy()
            return Prepared(step, [step()])
        if isinstance(run, Model):
            function = self._compile(lambda x: run.function(o, x, *xs[1:]))
            step = lambda: function(xs[0])
        else:
            function = self._compile(lambda *xs: run(o, *xs))
            step = lambda: function(*xs)
        return Prepared(step, _arrays(step()))

    def _gradient(self, run, xs):
        function = self._compile(lambda *xs: run.function(self.o, *xs))
        for i in run.wrt:
            xs[i].requires_grad_()
        wanted = [xs[i] for i in run.wrt]

        def step():
            with torch.enable_grad():
                y = function(*xs[:-1])
                return (y,) + torch.autograd.grad(y, wanted, xs[-1])

        return Prepared(step, _arrays(step()))

    def _optimizer(self, run, parameters):
        optim, rate = torch.optim, run.rate
        fused = not self.compiled  # the compiler fuses the plain ones itself
        if run.optimizer == "rmsprop":
            made = optim.RMSprop(parameters, rate, alpha=0.9, eps=1e-10, foreach=True)
            for p in parameters:  # TensorFlow's begins at one
                made.state[p] = {"step": torch.zeros(()), "square_avg": torch.ones_like(p)}
            return made
        return {"sgd": lambda: optim.SGD(parameters, rate, fused=fused),
                "momentum": lambda: optim.SGD(parameters, rate, momentum=0.9, fused=fused),
                "adam": lambda: optim.Adam(parameters, rate, fused=fused)}[run.optimizer]()

    def _training(self, run, xs):
        parameters, batch = xs[:run.parameters], xs[run.parameters:]
        for p in parameters:
            p.requires_grad_()
        loss_of = self._compile(lambda parameters, batch: run.loss(self.o, parameters, batch))
        optimizer = self._optimizer(run, parameters)

        def step():
            with torch.enable_grad():
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(parameters, batch)
                loss.backward()
                optimizer.step()
                return loss.item()

        return Prepared(step, [np.array([step() for _ in range(LOSSES)], np.float32)])
