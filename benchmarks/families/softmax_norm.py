"""Softmax, cross entropy and the normalisations, forward and with their gradients."""
from ..row import Gradient, Row, indices, tensor


def plain(name, function, *inputs, passes=2):
    """passes: how often an array of the first input's size is read or written."""
    count = 1
    for n in inputs[0].shape:
        count *= n
    return Row(f"{name} {'x'.join(str(n) for n in inputs[0].shape)}", inputs, function, bytes=4.0 * count * passes)


def gradient(name, function, *inputs, wrt=(0,), output=None, passes=4):
    """Forward and backward: reads x and the result's gradient, writes the result and x's gradient."""
    output = output or tensor(*inputs[0].shape)
    return plain(name + " + gradient", Gradient(function, wrt), *inputs, output, passes=passes)


def channels(n, low=-1.0, high=1.0):
    return tensor(n, low=low, high=high)


def norm_inputs(*shape):
    return tensor(*shape), channels(shape[-1], 0.5, 1.5), channels(shape[-1])


def image(*shape):
    c = shape[-1]
    return norm_inputs(*shape) + (channels(c), channels(c, 0.5, 1.5))


def softmax(o, x):
    return o.softmax(x)


def cross_entropy(o, x, labels):
    return o.cross_entropy(x, labels)


def layer_norm(o, x, scale, offset):
    return o.layer_norm(x, scale, offset)


def batch_norm_train(o, x, scale, offset):
    return o.batch_norm_train(x, scale, offset)


def batch_norm(o, x, scale, offset, mean, variance):
    return o.batch_norm(x, scale, offset, mean, variance)


ROWS = (
    plain("softmax", softmax, tensor(12007, 1021, low=-4, high=4)),
    plain("softmax", softmax, tensor(98317, 127, low=-4, high=4)),
    plain("softmax", softmax, tensor(257, 50021, low=-4, high=4)),
    plain("softmax", softmax, tensor(64, 10, low=-4, high=4)),
    gradient("softmax", softmax, tensor(12007, 1021, low=-4, high=4)),
    plain("log_softmax", lambda o, x: o.log_softmax(x), tensor(12007, 1021, low=-4, high=4)),
    plain("cross entropy", cross_entropy, tensor(12007, 1021, low=-4, high=4), indices(1021, 12007), passes=1),
    gradient("cross entropy", cross_entropy, tensor(12007, 1021, low=-4, high=4), indices(1021, 12007), output=tensor(12007),
             passes=2),
    plain("layer norm", layer_norm, *norm_inputs(16001, 768)),
    plain("layer norm", layer_norm, *norm_inputs(197, 769)),
    gradient("layer norm", layer_norm, *norm_inputs(16001, 768), wrt=(0, 1, 2)),
    plain("batch norm, train", batch_norm_train, *norm_inputs(32, 56, 56, 128)),
    gradient("batch norm, train", batch_norm_train, *norm_inputs(32, 56, 56, 128), wrt=(0, 1, 2)),
    plain("batch norm, inference", batch_norm, *image(32, 56, 56, 128)),
    plain("batch norm, inference", batch_norm, *image(1, 14, 14, 255)),
)
