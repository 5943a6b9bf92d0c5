"""Training steps of whole networks, from the same weights on the same batch; the losses of the first steps are compared."""
from ..row import Row, Training, filters, indices, tensor, weights


def bias(n):
    return tensor(n, low=-0.05, high=0.05)


def scale(n):
    return tensor(n, low=0.8, high=1.2)


def mean_loss(o, logits, labels):
    return o.mean(o.cross_entropy(logits, labels))


def row(name, parameters, batch, loss, optimizer, rate, flops):
    return Row(name, tuple(parameters) + tuple(batch), Training(loss, len(parameters), optimizer, rate), flops=flops,
               tolerance=1e-2)


def mlp(batch, sizes):
    parameters = [i for a, b in zip(sizes, sizes[1:]) for i in (weights(a, b), bias(b))]

    def loss(o, p, data):
        x = data[0]
        for i in range(0, len(p), 2):
            x = o.matmul(x, p[i]) + p[i + 1]
            if i + 2 < len(p):
                x = o.relu(x)
        return mean_loss(o, x, data[1])

    products = sum(a * b for a, b in zip(sizes, sizes[1:]))
    return row(f"MLP {'-'.join(map(str, sizes))} b{batch}, Adam", parameters,
               (tensor(batch, sizes[0]), indices(sizes[-1], batch)), loss, "adam", 1e-3,
               2.0 * batch * (3 * products - sizes[0] * sizes[1]))


def lenet(batch):
    parameters = (filters(5, 5, 1, 32), bias(32), filters(5, 5, 32, 64), bias(64), weights(3136, 1024), bias(1024),
                  weights(1024, 10), bias(10))

    def loss(o, p, data):
        x = o.max_pool(o.relu(o.conv(data[0], p[0]) + p[1]), 2, 2)
        x = o.max_pool(o.relu(o.conv(x, p[2]) + p[3]), 2, 2)
        x = o.relu(o.matmul(o.reshape(x, (batch, 3136)), p[4]) + p[5])
        return mean_loss(o, o.matmul(x, p[6]) + p[7], data[1])

    first = 28 * 28 * 25 * 32
    rest = 14 * 14 * 25 * 32 * 64 + 3136 * 1024 + 1024 * 10
    return row(f"LeNet b{batch}, Adam", parameters, (tensor(batch, 28, 28, 1), indices(10, batch)), loss, "adam", 1e-4,
               2.0 * batch * (2 * first + 3 * rest))


def resnet20(batch):
    """He et al. 2015, section 4.2, with n = 3 and projections where the size changes."""
    parameters, macs = [], [0]

    def norm(n):
        parameters.extend((scale(n), bias(n)))

    def conv(size, kernel, depth, channels, gradients=3):
        parameters.append(filters(kernel, kernel, depth, channels))
        macs[0] += gradients * size * size * kernel * kernel * depth * channels
        norm(channels)

    conv(32, 3, 3, 16, 2)
    plan, depth = [], 16
    for channels, size in ((16, 32), (32, 16), (64, 8)):
        for block in range(3):
            stride = 2 if channels > 16 and block == 0 else 1
            plan.append((stride, channels != depth))
            conv(size, 3, depth, channels)
            conv(size, 3, channels, channels)
            if channels != depth:
                conv(size, 1, depth, channels)
            depth = channels
    parameters += [weights(64, 10), bias(10)]

    def loss(o, p, data):
        left = iter(p)

        def conv(x, stride=1):
            return o.batch_norm_train(o.conv(x, next(left), stride), next(left), next(left))

        x = o.relu(conv(data[0]))
        for stride, project in plan:
            y = conv(o.relu(conv(x, stride)))
            x = o.relu(y + (conv(x, stride) if project else x))
        x = o.mean(x, (1, 2))
        return mean_loss(o, o.matmul(x, next(left)) + next(left), data[1])

    return row(f"ResNet-20 CIFAR b{batch}, Momentum", parameters, (tensor(batch, 32, 32, 3), indices(10, batch)), loss,
               "momentum", 0.01, 2.0 * batch * macs[0])


def lstm(batch, time, depth, units, loop):
    parameters = (weights(depth, 4 * units), weights(units, 4 * units), bias(4 * units), weights(units, 10), bias(10))

    def loss(o, p, data):
        return mean_loss(o, o.matmul(o.lstm(data[0], p[0], p[1], p[2], loop), p[3]) + p[4], data[1])

    # The input's gradient is not wanted.
    macs = time * 4 * units * (2 * depth + 3 * units)
    return row(f"LSTM {units} units, {time} steps b{batch}, {'loop' if loop else 'unrolled'}, SGD", parameters,
               (tensor(batch, time, depth), indices(10, batch)), loss, "sgd", 0.1, 2.0 * batch * macs)


def transformer(batch, time, width, heads):
    """One block with normalisation first: attention, then two layers with GELU."""
    parameters = (scale(width), bias(width), weights(width, 3 * width), bias(3 * width), weights(width, width), bias(width),
                  scale(width), bias(width), weights(width, 4 * width), bias(4 * width), weights(4 * width, width), bias(width))
    rows, depth = batch * time, width // heads

    def loss(o, p, data):
        x, target = data
        projected = o.reshape(o.matmul(o.layer_norm(x, p[0], p[1]), p[2]) + p[3], (batch, time, 3, heads, depth))
        projected = o.transpose(projected, (2, 0, 3, 1, 4))
        mixed = o.transpose(o.attention(projected[0], projected[1], projected[2]), (0, 2, 1, 3))
        x = x + o.matmul(o.reshape(mixed, (rows, width)), p[4]) + p[5]
        x = x + o.matmul(o.gelu(o.matmul(o.layer_norm(x, p[6], p[7]), p[8]) + p[9]), p[10]) + p[11]
        return o.mean(o.square(x - target))

    macs = rows * 12 * width * width + 2 * rows * time * width
    return row(f"transformer block {width} wide, {heads} heads, {time} steps b{batch}, Adam", parameters,
               (tensor(rows, width), tensor(rows, width)), loss, "adam", 1e-3, 2.0 * 3 * macs)


ROWS = (
    mlp(64, (784, 512, 512, 10)), mlp(37, (1021, 2053, 1021, 101)), lenet(64), resnet20(32), resnet20(7),
    lstm(32, 25, 128, 128, False), lstm(32, 25, 128, 128, True), transformer(8, 128, 256, 4), transformer(3, 101, 384, 6),
)
