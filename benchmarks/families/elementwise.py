"""Expressions of elements: short and long, cheap and transcendental, broadcast, over arrays larger than the caches and not."""
from ..row import Row, tensor

LARGE = 4096 * 3001  # elements; 49 MB an array
MIDDLE = 331 * 1009


def expression(name, function, arity=1, count=LARGE, low=-1.0, high=1.0):
    return Row(f"{name}, {count}", tuple(tensor(count, low=low, high=high) for _ in range(arity)), function,
               bytes=4.0 * count * (arity + 1))


def polynomial(o, x):
    y = x * 0.25 + 0.5
    for i in range(10):
        y = y * x + (0.1 + i)
    return y


def mixed(o, x, y, z):
    """Twelve operations of three arrays."""
    a = o.maximum(x * y + z, x - y)
    b = o.minimum(a * a - z, y + 2.0)
    return o.where(b > 0.5, a * 0.5, b * z) + o.abs(x)


def gelu_gate(o, x, y):
    return o.gelu(x) * o.sigmoid(y)


def bias(rows, columns):
    return Row(f"relu(x + bias), {rows}x{columns}", (tensor(rows, columns), tensor(columns)), lambda o, x, b: o.relu(x + b),
               bytes=8.0 * rows * columns)


def outer(rows, columns):
    return Row(f"x * column + row, {rows}x{columns}", (tensor(rows, columns), tensor(rows, 1), tensor(columns)),
               lambda o, x, c, r: x * c + r, bytes=8.0 * rows * columns)


ROWS = (
    expression("x + y", lambda o, x, y: x + y, 2),
    expression("x * 2 + 1", lambda o, x: x * 2.0 + 1.0),
    expression("polynomial of degree 11", polynomial),
    expression("twelve operations", mixed, 3),
    expression("exp", lambda o, x: o.exp(x)),
    expression("tanh", lambda o, x: o.tanh(x), low=-4.0, high=4.0),
    expression("log(1 + x^2) * sin(x)", lambda o, x: o.log(1.0 + o.square(x)) * o.sin(x), low=-4.0, high=4.0),
    expression("gelu(x) * sigmoid(y)", gelu_gate, 2),
    bias(12007, 1021), outer(12007, 1021),
    expression("x + y", lambda o, x, y: x + y, 2, MIDDLE),
    expression("twelve operations", mixed, 3, MIDDLE),
    expression("exp", lambda o, x: o.exp(x), 1, MIDDLE),
    expression("twelve operations", mixed, 3, 1009),
)
