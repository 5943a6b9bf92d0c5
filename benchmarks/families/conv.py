"""Convolutions and their two gradients, on layers of ResNet-50, Inception-v3, MobileNet and CIFAR networks.

Where the stride is 2 the sizes are odd, so that TensorFlow's padding is symmetric and every peer has it.
"""
from ..row import Row, depthwise, filters, tensor


def _sizes(n, h, w, kernel, stride, padding):
    kh, kw = kernel
    if padding == "SAME":
        return -(-h // stride), -(-w // stride)
    return (h - kh) // stride + 1, (w - kw) // stride + 1


def layer(name, image, kernel, channels, stride=1, padding="SAME", gradients=True):
    """The rows of one layer: image is [batch, height, width, depth], kernel [height, width]."""
    n, h, w, c = image
    oh, ow = _sizes(n, h, w, kernel, stride, padding)
    weights, output = filters(*kernel, c, channels), tensor(n, oh, ow, channels)
    flops = 2.0 * n * oh * ow * kernel[0] * kernel[1] * c * channels
    bytes_ = 4.0 * (n * h * w * c + kernel[0] * kernel[1] * c * channels + n * oh * ow * channels)
    about = f"{name} {h}x{w}x{c}->{channels} {kernel[0]}x{kernel[1]}" + (f"/{stride}" if stride > 1 else "") + f" b{n}"
    rows = [Row("fwd " + about, (tensor(*image), weights), lambda o, x, f: o.conv(x, f, stride, padding), flops=flops,
                bytes=bytes_)]
    if gradients:
        inputs = (tensor(*image), weights, output)
        rows += [Row("dx  " + about, inputs, lambda o, x, f, g: o.conv_input_gradient(x, f, g, stride, padding), flops=flops,
                     bytes=bytes_),
                 Row("dw  " + about, inputs, lambda o, x, f, g: o.conv_filter_gradient(x, f, g, stride, padding), flops=flops,
                     bytes=bytes_)]
    return rows


def depthwise_layer(name, image, size, stride=1):
    n, h, w, c = image
    oh, ow = _sizes(n, h, w, (size, size), stride, "SAME")
    return [Row(f"fwd {name} {h}x{w}x{c} depthwise {size}x{size}" + (f"/{stride}" if stride > 1 else "") + f" b{n}",
                (tensor(*image), depthwise(size, size, c)), lambda o, x, f: o.depthwise_conv(x, f, stride),
                flops=2.0 * n * oh * ow * size * size * c, bytes=4.0 * n * c * (h * w + oh * ow))]


ROWS = tuple(
    layer("resnet50 stem", (4, 225, 225, 3), (7, 7), 64, 2)
    + layer("resnet50 c2", (4, 56, 56, 64), (3, 3), 64)
    + layer("resnet50 c3", (4, 29, 29, 128), (3, 3), 128, 2)
    + layer("resnet50 c4", (1, 14, 14, 256), (3, 3), 256)
    + layer("resnet50 c5", (1, 7, 7, 512), (3, 3), 512, gradients=False)
    + layer("resnet50 1x1", (4, 28, 28, 128), (1, 1), 512)
    + layer("resnet50 1x1", (1, 14, 14, 1024), (1, 1), 256, gradients=False)
    + layer("resnet50 1x1", (4, 57, 57, 256), (1, 1), 512, 2)
    + layer("inception 1x7", (1, 17, 17, 160), (1, 7), 192)
    + layer("inception 7x1", (1, 17, 17, 192), (7, 1), 192, gradients=False)
    + layer("inception 5x5", (1, 35, 35, 48), (5, 5), 64, gradients=False)
    + layer("inception stem", (1, 149, 149, 32), (3, 3), 32, 1, "VALID", gradients=False)
    + layer("cifar first", (64, 32, 32, 3), (3, 3), 16)
    + layer("cifar 16", (64, 32, 32, 16), (3, 3), 16)
    + layer("cifar 32", (64, 17, 17, 16), (3, 3), 32, 2, gradients=False)
    + layer("cifar 64", (64, 8, 8, 64), (3, 3), 64)
    + layer("odd", (3, 31, 29, 37), (3, 3), 53)
    + depthwise_layer("mobilenet", (1, 112, 112, 32), 3)
    + depthwise_layer("mobilenet", (1, 57, 57, 128), 3, 2)
    + depthwise_layer("mobilenet", (4, 14, 14, 512), 3)
)
