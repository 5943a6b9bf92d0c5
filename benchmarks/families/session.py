"""What a step costs apart from its arithmetic: calls with and without values, chains of tiny operations, counting loops."""
from ..row import Fed, Row, tensor


def chain(length, link):
    def run(o, x, *others):
        for _ in range(length):
            x = link(o, x, *others)
        return x
    return run


ROWS = (
    Row("run a constant", (), Fed(lambda o: o.constant(1.0), prepared=False)),
    Row("run: feed 4 floats, add, fetch", (tensor(4),), Fed(lambda o, x: x + 1.0, prepared=False)),
    Row("callable: feed 4 floats, add, fetch", (tensor(4),), Fed(lambda o, x: x + 1.0)),
    Row("callable: feed 2x1021 and 1021x10, product, fetch", (tensor(2, 1021), tensor(1021, 10)),
        Fed(lambda o, x, w: o.matmul(x, w))),
    Row("1,000 scalar operations, fusable", (tensor(1), tensor(1, low=0.5, high=0.6)), chain(500, lambda o, x, y: x * y + y)),
    Row("1,000 products of 3x3, not fusable", (tensor(3, 3), tensor(3, 3, low=0.3, high=0.36)),
        chain(1000, lambda o, x, y: o.matmul(x, y))),
    Row("loop counting to 10,000", (tensor(dtype="int32", low=10000, high=10001),), lambda o, limit: o.count(limit)),
)
