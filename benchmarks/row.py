"""A row of the table: one computation, declared once and run by every candidate.

A row's `run` is written over the small vocabulary of `frameworks/`, so that a case is one line and no candidate computes
something else. Inputs come from a generator seeded by the row's name: every process makes the same numbers.
"""
import zlib
from dataclasses import dataclass
from typing import Callable

import numpy as np

# Arrays whose traffic per step is smaller than this may stay in the caches, and memory is then no limit.
CACHES = 64e6


@dataclass(frozen=True)
class Input:
    """An array that a row reads. `role` tells a framework how it may keep it:

    tensor   a value that stays where it is between steps
    filter   the same, [height, width, in, out] of a convolution, in whatever order of memory the framework likes best
    """
    shape: tuple
    dtype: str = "float32"
    low: float = -1.0
    high: float = 1.0
    role: str = "tensor"

    def make(self, rng):
        if np.dtype(self.dtype).kind in "iu":
            return rng.integers(int(self.low), int(self.high), self.shape).astype(self.dtype)
        values = rng.random(self.shape, dtype=np.float32)
        values *= self.high - self.low
        values += self.low
        return values.astype(self.dtype, copy=False)


def tensor(*shape, low=-1.0, high=1.0, dtype="float32"):
    return Input(shape, dtype, low, high)


def indices(limit, *shape, dtype="int32"):
    """Whole numbers in [0, limit)."""
    return Input(shape, dtype, 0, limit)


def filters(height, width, depth, channels):
    """A convolution's weights, scaled so that its outputs are about as large as its inputs."""
    scale = (3.0 / (height * width * depth)) ** 0.5
    return Input((height, width, depth, channels), "float32", -scale, scale, "filter")


def depthwise(height, width, channels):
    return Input((height, width, channels, 1), "float32", -0.6, 0.6, "filter")


def weights(rows, columns):
    """A layer's matrix, scaled as `filters` are."""
    scale = (3.0 / rows) ** 0.5
    return Input((rows, columns), "float32", -scale, scale)


@dataclass(frozen=True)
class Gradient:
    """Forward and backward: the inputs are those of `function(o, *xs)`, then the gradient of its result. The results are the
    function's and the gradients of the inputs numbered `wrt`."""
    function: Callable
    wrt: tuple


@dataclass(frozen=True)
class Training:
    """A training step that lowers the scalar `loss(o, parameters, batch)`. The first `parameters` inputs are what is trained,
    in place; the rest is the batch. The result compared is the losses of the first steps."""
    loss: Callable
    parameters: int
    optimizer: str
    rate: float


@dataclass(frozen=True)
class Update:
    """An optimizer alone: the first half of the inputs are variables, the other half their gradients. The results compared
    are the variables after one step."""
    optimizer: str
    rate: float


@dataclass(frozen=True)
class Model:
    """Inference by `function(o, batch, *weights)`, whose weights never change and may be prepared for that."""
    function: Callable


@dataclass(frozen=True)
class Fed:
    """`function(o, *xs)` of arrays that the caller hands over at each step, and whose result it gets as an array. `prepared`
    chooses TensorFlow's Session.make_callable over Session.run; others have one way."""
    function: Callable
    prepared: bool = True


@dataclass(frozen=True)
class Row:
    """`run` is one of the above, or a function (o, *tensors) -> result or results, of values that stay where they are.

    flops and bytes are the least that the computation takes: multiply-adds counted twice, each input read once and each
    result written once. `traffic` names the bandwidth that bounds the bytes, "copy" or "read". `tolerance` is relative to
    the root of the mean square of a result; `checked` is False where values are random.
    """
    name: str
    inputs: tuple
    run: object
    flops: float = 0.0
    bytes: float = 0.0
    traffic: str = "copy"
    tolerance: float = 1e-3
    checked: bool = True

    def arrays(self):
        rng = np.random.Generator(np.random.PCG64(zlib.crc32(self.name.encode())))
        return [i.make(rng) for i in self.inputs]

    def limit_seconds(self, limits):
        """The least time that the machine's limits allow, or None where neither bounds the row."""
        by_memory = self.bytes / limits[self.traffic] if self.bytes >= CACHES else 0.0
        return max(self.flops / limits["flops"], by_memory) or None


SAMPLES = 509  # values of each result that candidates are compared by


def digest(results):
    """What is compared of a row's results: for each its shape, root of the mean square, mean and a fixed choice of values."""
    digests = []
    for result in results:
        values = np.asarray(result)
        flat = values.astype(np.float64, copy=False).reshape(-1)
        chosen = flat[np.linspace(0, flat.size - 1, min(SAMPLES, flat.size)).astype(np.int64)] if flat.size else flat
        digests.append({"shape": list(values.shape), "rms": float(np.sqrt(np.mean(np.square(flat)))) if flat.size else 0.0,
                        "mean": float(np.mean(flat)) if flat.size else 0.0, "values": [float(v) for v in chosen]})
    return digests


def agree(one, other, tolerance):
    """Whether two digests are of the same results within float error."""
    if len(one) != len(other):
        return False
    for a, b in zip(one, other):
        scale = max(a["rms"], b["rms"])
        if a["shape"] != b["shape"] or not np.isfinite(scale):
            return False
        far = np.abs(np.subtract(a["values"], b["values"])) > tolerance * (scale + np.abs(b["values"]))
        if np.any(far) or abs(a["rms"] - b["rms"]) > tolerance * scale or abs(a["mean"] - b["mean"]) > tolerance * scale:
            return False
    return True
