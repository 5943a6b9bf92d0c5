"""Inference of image networks with the same made-up weights everywhere; batch normalisation is there to be folded."""
from ..row import Input, Model, Row, depthwise, filters, tensor, weights


class Network:
    """Collects the weights a network takes, in the order in which `apply` will read them, and its multiply-adds.

    A network is described once, by a function build(net, x): with a Network it declares, with a Runner it computes.
    """

    def __init__(self):
        self.inputs, self.macs = [], 0

    def norm(self, channels):
        self.inputs += [tensor(channels, low=0.8, high=1.2), tensor(channels, low=-0.1, high=0.1),
                        tensor(channels, low=-0.1, high=0.1), tensor(channels, low=0.5, high=1.5)]

    def size(self, n, kernel, stride, padding):
        return -(-n // stride) if padding == "SAME" else (n - kernel) // stride + 1

    def conv(self, x, channels, kernel, stride=1, padding="SAME", relu=True):
        kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        n, h, w, c = x
        self.inputs.append(filters(kh, kw, c, channels))
        self.norm(channels)
        out = (n, self.size(h, kh, stride, padding), self.size(w, kw, stride, padding), channels)
        self.macs += out[0] * out[1] * out[2] * channels * kh * kw * c
        return out

    def depthwise(self, x, stride):
        n, h, w, c = x
        self.inputs.append(depthwise(3, 3, c))
        self.norm(c)
        out = (n, self.size(h, 3, stride, "SAME"), self.size(w, 3, stride, "SAME"), c)
        self.macs += out[0] * out[1] * out[2] * c * 9
        return out

    def pool(self, x, size, stride, padding="SAME", kind="max"):
        return x[0], self.size(x[1], size, stride, padding), self.size(x[2], size, stride, padding), x[3]

    def add_relu(self, x, y):
        return x

    def concat(self, xs):
        return xs[0][:3] + (sum(x[3] for x in xs),)

    def classes(self, x, count):
        self.inputs += [weights(x[3], count), Input((count,), low=-0.1, high=0.1)]
        self.macs += x[0] * x[3] * count
        return x[0], count


class Runner:
    def __init__(self, o, values):
        self.o, self.values = o, iter(values)

    def take(self, count):
        return [next(self.values) for _ in range(count)]

    def conv(self, x, channels, kernel, stride=1, padding="SAME", relu=True):
        x = self.o.conv(x, next(self.values), stride, padding)
        x = self.o.batch_norm(x, *self.take(4))
        return self.o.relu(x) if relu else x

    def depthwise(self, x, stride):
        return self.o.relu(self.o.batch_norm(self.o.depthwise_conv(x, next(self.values), stride), *self.take(4)))

    def pool(self, x, size, stride, padding="SAME", kind="max"):
        return (self.o.max_pool if kind == "max" else self.o.avg_pool)(x, size, stride, padding)

    def add_relu(self, x, y):
        return self.o.relu(x + y)

    def concat(self, xs):
        return self.o.concat(xs, 3)

    def classes(self, x, count):
        w, b = self.take(2)
        return self.o.softmax(self.o.matmul(self.o.mean(x, (1, 2)), w) + b)


def resnet50(net, x):
    """He et al. 2015, with the stride in the 3x3 layer, as later programs have it."""
    x = net.pool(net.conv(x, 64, 7, 2), 3, 2)
    for group, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << group
        for block in range(blocks):
            stride = 2 if group > 0 and block == 0 else 1
            shortcut = net.conv(x, 4 * width, 1, stride, relu=False) if block == 0 else x
            y = net.conv(net.conv(net.conv(x, width, 1), width, 3, stride), 4 * width, 1, relu=False)
            x = net.add_relu(y, shortcut)
    return net.classes(x, 1000)


def mobilenet(net, x):
    """MobileNet-v1, Howard et al. 2017, table 1."""
    x = net.conv(x, 32, 3, 2)
    for stride, channels in ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5, (2, 1024), (1, 1024)):
        x = net.conv(net.depthwise(x, stride), channels, 1)
    return net.classes(x, 1000)


def inception_v3(net, x):
    """Szegedy et al. 2015, as its authors' released program has it, without the auxiliary classifier."""
    def chain(x, *layers):
        for channels, kernel, *rest in layers:
            x = net.conv(x, channels, kernel, *rest)
        return x

    x = chain(x, (32, 3, 2, "VALID"), (32, 3, 1, "VALID"), (64, 3))
    x = net.pool(x, 3, 2, "VALID")
    x = chain(x, (80, 1, 1, "VALID"), (192, 3, 1, "VALID"))
    x = net.pool(x, 3, 2, "VALID")
    for pooled in (32, 64, 64):
        x = net.concat((chain(x, (64, 1)), chain(x, (48, 1), (64, 5)), chain(x, (64, 1), (96, 3), (96, 3)),
                        chain(net.pool(x, 3, 1, kind="avg"), (pooled, 1))))
    x = net.concat((chain(x, (384, 3, 2, "VALID")), chain(x, (64, 1), (96, 3), (96, 3, 2, "VALID")), net.pool(x, 3, 2, "VALID")))
    for n in (128, 160, 160, 192):
        x = net.concat((chain(x, (192, 1)), chain(x, (n, 1), (n, (1, 7)), (192, (7, 1))),
                        chain(x, (n, 1), (n, (7, 1)), (n, (1, 7)), (n, (7, 1)), (192, (1, 7))),
                        chain(net.pool(x, 3, 1, kind="avg"), (192, 1))))
    x = net.concat((chain(x, (192, 1), (320, 3, 2, "VALID")),
                    chain(x, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2, "VALID")), net.pool(x, 3, 2, "VALID")))
    for _ in range(2):
        a = chain(x, (320, 1))
        b = chain(x, (384, 1))
        b1, b2 = chain(b, (384, (1, 3))), chain(b, (384, (3, 1)))
        c = chain(x, (448, 1), (384, 3))
        c1, c2 = chain(c, (384, (1, 3))), chain(c, (384, (3, 1)))
        x = net.concat((a, b1, b2, c1, c2, chain(net.pool(x, 3, 1, kind="avg"), (192, 1))))
    return net.classes(x, 1001)


def row(name, build, *image):
    net = Network()
    build(net, image)
    return Row(f"{name} b{image[0]}", (tensor(*image),) + tuple(net.inputs),
               Model(lambda o, x, *values: build(Runner(o, values), x)), flops=2.0 * net.macs)


ROWS = (
    row("ResNet-50", resnet50, 1, 224, 224, 3), row("ResNet-50", resnet50, 8, 224, 224, 3),
    row("Inception-v3", inception_v3, 1, 299, 299, 3), row("MobileNet-v1", mobilenet, 1, 224, 224, 3),
)
