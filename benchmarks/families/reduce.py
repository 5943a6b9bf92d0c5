"""Reductions over each axis, and of other types."""
from ..row import Row, tensor

BYTES = {"float32": 4, "float64": 8, "int32": 4, "float16": 2}


def reduction(what, shape, axes, dtype="float32"):
    count = 1
    for n in shape:
        count *= n
    high = 100 if dtype == "int32" else 1.0
    over = "all" if axes is None else ",".join(str(a) for a in axes)
    name = f"{what} of {'x'.join(str(n) for n in shape)} over {over}" + ("" if dtype == "float32" else f" {dtype}")
    return Row(name, (tensor(*shape, low=-high, high=high, dtype=dtype),), lambda o, x: getattr(o, what)(x, axes),
               bytes=float(count * BYTES[dtype]), traffic="read", tolerance=1e-2 if dtype == "float16" else 1e-3)


def argmax(shape, axis):
    return Row(f"argmax of {'x'.join(str(n) for n in shape)} over {axis}", (tensor(*shape),),
               lambda o, x: o.argmax(x, axis), bytes=4.0 * shape[0] * shape[1], traffic="read")


ROWS = (
    reduction("sum", (4001, 4507), None), reduction("sum", (4001, 4507), (1,)), reduction("sum", (4001, 4507), (0,)),
    reduction("sum", (261, 263, 269), (1,)), reduction("sum", (261, 263, 269), (0, 2)), reduction("mean", (261, 263, 269), (0, 1)),
    reduction("max", (4001, 4507), (1,)), reduction("max", (4001, 4507), (0,)),
    reduction("sum", (600011, 31), (1,)), reduction("sum", (600011, 31), (0,)),
    reduction("sum", (4001, 4507), (1,), "float64"), reduction("sum", (4001, 4507), (0,), "int32"),
    reduction("max", (4001, 9007), (1,), "float16"),
    argmax((4001, 4507), 1), argmax((4001, 4507), 0),
    reduction("sum", (64, 1021), (1,)),
)
