"""ONNX Runtime: the vocabulary writes an ONNX model, whose inputs and outputs are bound to memory of the session's.

Convolutions are [batch, channels, height, width] there, so a tensor knows in which order its dimensions lie: images and what
element-wise operations make of them stay in ONNX's order, and Transpose is only written where another order is asked for.
"""
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from ..row import Fed, Gradient, Model, Training, Update
from . import Prepared, Unsupported, as_list
from .exporting import exported, main

OPSET = 20
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16, "int32": TensorProto.INT32,
         "int64": TensorProto.INT64}


class Value:
    """A name in the model. `shape` is the row's, [batch, height, width, channels] for images; `nchw` tells how it lies."""

    def __init__(self, model, name, shape, nchw=False):
        self.model, self.name, self.shape, self.nchw = model, name, tuple(shape), nchw

    def _binary(self, op, other, swapped=False):
        one, two = (other, self) if swapped else (self, other)
        return self.model.elementwise(op, one, two)

    def __add__(self, other):
        return self._binary("Add", other)

    def __radd__(self, other):
        return self._binary("Add", other, True)

    def __sub__(self, other):
        return self._binary("Sub", other)

    def __rsub__(self, other):
        return self._binary("Sub", other, True)

    def __mul__(self, other):
        return self._binary("Mul", other)

    def __rmul__(self, other):
        return self._binary("Mul", other, True)

    def __truediv__(self, other):
        return self._binary("Div", other)

    def __gt__(self, other):
        return self._binary("Greater", other)


class Vocabulary:
    """Writes nodes. A fresh one for each model."""

    def __init__(self):
        self.nodes, self.initializers, self.arrays = [], [], {}

    def fresh(self):
        return f"v{len(self.nodes) + len(self.initializers)}"

    def node(self, op, inputs, shape, nchw=False, **attributes):
        name = self.fresh()
        self.nodes.append(helper.make_node(op, [i.name if isinstance(i, Value) else i for i in inputs], [name], **attributes))
        return Value(self, name, shape, nchw)

    def initializer(self, array):
        name = self.fresh()
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        self.arrays[name] = array
        return name

    def weight(self, value, order):
        """A constant's array with its dimensions permuted, as an initializer of its own."""
        if value.name not in self.arrays:
            return self.node("Transpose", [value], [value.shape[i] for i in order], perm=list(order)).name
        return self.initializer(self.arrays[value.name].transpose(order))

    def plain(self, x):
        """x in a row's order of dimensions."""
        return self.node("Transpose", [x], x.shape, perm=[0, 2, 3, 1]) if x.nchw else x

    def image(self, x):
        return x if x.nchw else self.node("Transpose", [x], x.shape, True, perm=[0, 3, 1, 2])

    def elementwise(self, op, *operands):
        values = [v for v in operands if isinstance(v, Value)]
        nchw = any(v.nchw for v in values)
        names = []
        for v in operands:
            if not isinstance(v, Value):
                v = self.initializer(np.float32(v))
            elif nchw and len(v.shape) == 4:
                v = self.image(v)
            elif nchw and len(v.shape) == 1:  # one for each channel
                v = self.initializer(self.arrays[v.name].reshape(-1, 1, 1)) if v.name in self.arrays else \
                    self.node("Unsqueeze", [v, self.initializer(np.array([1, 2]))], v.shape)
            names.append(v)
        return self.node(op, names, np.broadcast_shapes(*(v.shape for v in values)), nchw)

    def exp(self, x):
        return self.elementwise("Exp", x)

    def log(self, x):
        return self.elementwise("Log", x)

    def tanh(self, x):
        return self.elementwise("Tanh", x)

    def sigmoid(self, x):
        return self.elementwise("Sigmoid", x)

    def sqrt(self, x):
        return self.elementwise("Sqrt", x)

    def sin(self, x):
        return self.elementwise("Sin", x)

    def abs(self, x):
        return self.elementwise("Abs", x)

    def relu(self, x):
        return self.elementwise("Relu", x)

    def square(self, x):
        return self.elementwise("Mul", x, x)

    def maximum(self, x, y):
        return self.elementwise("Max", x, y)

    def minimum(self, x, y):
        return self.elementwise("Min", x, y)

    def where(self, condition, x, y):
        return self.elementwise("Where", condition, x, y)

    def gelu(self, x):
        return self.node("Gelu", [x], x.shape, x.nchw, approximate="tanh")

    def matmul(self, a, b, ta=False, tb=False):
        a, b = self.plain(a), self.plain(b)
        m, n = a.shape[-1 if ta else -2], b.shape[-2 if tb else -1]
        shape = a.shape[:-2] + (m, n)
        if len(a.shape) == 2 and (ta or tb):
            return self.node("Gemm", [a, b], shape, transA=int(ta), transB=int(tb))
        order = list(range(len(a.shape) - 2)) + [len(a.shape) - 1, len(a.shape) - 2]
        if ta:
            a = self.node("Transpose", [a], [a.shape[i] for i in order], perm=order)
        if tb:
            b = self.node("Transpose", [b], [b.shape[i] for i in order], perm=order)
        return self.node("MatMul", [a, b], shape)

    def _reduce(self, op, x, axes):
        axes = tuple(range(len(x.shape))) if axes is None else axes
        shape = [n for i, n in enumerate(x.shape) if i not in axes]
        places = [(0, 2, 3, 1)[a] for a in axes] if x.nchw else list(axes)
        if x.nchw and 0 in axes:
            x, places = self.plain(x), list(axes)
        return self.node(op, [x, self.initializer(np.array(places, np.int64))], shape, keepdims=0)

    def sum(self, x, axes=None):
        return self._reduce("ReduceSum", x, axes)

    def mean(self, x, axes=None):
        return self._reduce("ReduceMean", x, axes)

    def max(self, x, axes=None):
        return self._reduce("ReduceMax", x, axes)

    def argmax(self, x, axis):
        return self.node("ArgMax", [x], [n for i, n in enumerate(x.shape) if i != axis], axis=axis, keepdims=0)

    def softmax(self, x):
        return self.node("Softmax", [x], x.shape, axis=-1)

    def log_softmax(self, x):
        return self.node("LogSoftmax", [x], x.shape, axis=-1)

    def layer_norm(self, x, scale, offset):
        return self.node("LayerNormalization", [x, scale, offset], x.shape, axis=-1, epsilon=1e-5)

    def batch_norm(self, x, scale, offset, mean, variance):
        return self.node("BatchNormalization", [self.image(x), scale, offset, mean, variance], x.shape, True, epsilon=1e-3)

    def transpose(self, x, order):
        x = self.plain(x)
        return self.node("Transpose", [x], [x.shape[i] for i in order], perm=list(order))

    def reshape(self, x, shape):
        return self.node("Reshape", [self.plain(x), self.initializer(np.array(shape, np.int64))], shape)

    def concat(self, xs, axis):
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] for x in xs)
        if any(x.nchw for x in xs):
            return self.node("Concat", [self.image(x) for x in xs], shape, True, axis=(0, 2, 3, 1)[axis])
        return self.node("Concat", list(xs), shape, axis=axis)

    def gather(self, x, ids, axis=0):
        return self.node("Gather", [x, ids], x.shape[:axis] + ids.shape + x.shape[axis + 1:], axis=axis)

    def slice(self, x, begins, sizes):
        ends = [b + s for b, s in zip(begins, sizes)]
        return self.node("Slice", [x, self.initializer(np.array(begins)), self.initializer(np.array(ends))], sizes)

    def pad(self, x, widths):
        pads = np.array([w[0] for w in widths] + [w[1] for w in widths])
        return self.node("Pad", [x, self.initializer(pads)], [n + sum(w) for n, w in zip(x.shape, widths)])

    def _windows(self, x, height, width, stride, padding):
        """Output shape and attributes of a window that slides over an image."""
        sizes, pads = [], []
        for n, window in zip(x.shape[1:3], (height, width)):
            out = -(-n // stride) if padding == "SAME" else (n - window) // stride + 1
            total = max((out - 1) * stride + window - n, 0) if padding == "SAME" else 0
            sizes.append(out)
            pads.append((total // 2, total - total // 2))
        (top, bottom), (left, right) = pads
        return sizes, {"kernel_shape": [height, width], "strides": [stride, stride], "pads": [top, left, bottom, right]}

    def conv(self, x, w, stride=1, padding="SAME"):
        height, width, _, channels = w.shape
        sizes, attributes = self._windows(x, height, width, stride, padding)
        return self.node("Conv", [self.image(x), self.weight(w, (3, 2, 0, 1))], (x.shape[0], *sizes, channels), True, **attributes)

    def depthwise_conv(self, x, w, stride=1, padding="SAME"):
        height, width, channels, _ = w.shape
        sizes, attributes = self._windows(x, height, width, stride, padding)
        return self.node("Conv", [self.image(x), self.weight(w, (2, 3, 0, 1))], (x.shape[0], *sizes, channels), True,
                         group=channels, **attributes)

    def max_pool(self, x, size, stride, padding="SAME"):
        sizes, attributes = self._windows(x, size, size, stride, padding)
        return self.node("MaxPool", [self.image(x)], (x.shape[0], *sizes, x.shape[3]), True, **attributes)

    def avg_pool(self, x, size, stride, padding="SAME"):
        sizes, attributes = self._windows(x, size, size, stride, padding)
        return self.node("AveragePool", [self.image(x)], (x.shape[0], *sizes, x.shape[3]), True, count_include_pad=0, **attributes)


def build(row, arrays):
    """The row's model: (model, what is fed by name, results as Values)."""
    run, o, fed, values = row.run, Vocabulary(), {}, []
    for i, (array, declared) in enumerate(zip(arrays, row.inputs)):
        if declared.role == "filter" or (isinstance(run, Model) and i > 0):
            values.append(Value(o, o.initializer(array), array.shape))
            continue
        # An image that a model or a convolution takes is handed over in ONNX's order, as its users do.
        nchw = i == 0 and array.ndim == 4 and (isinstance(run, Model) or any(x.role == "filter" for x in row.inputs))
        name = f"x{i}"
        fed[name] = np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if nchw else array
        values.append(Value(o, name, array.shape, nchw))
    body = run.function if isinstance(run, (Fed, Model)) else run
    results = as_list(body(o, *values))
    graph = helper.make_graph(
        o.nodes, "row", [helper.make_tensor_value_info(n, TYPES[str(a.dtype)], a.shape) for n, a in fed.items()],
        [helper.make_value_info(r.name, onnx.TypeProto()) for r in results], o.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9), fed, results


class Framework:
    def __init__(self, candidate, threads):
        self.threads, self.options = threads, ort.SessionOptions()
        self.options.intra_op_num_threads, self.options.inter_op_num_threads = threads, 1
        self.options.log_severity_level = 3

    def prepare(self, row, arrays):
        if isinstance(row.run, (Gradient, Training, Update)):
            raise Unsupported("no gradients")
        if isinstance(row.run, Model):
            with exported("onnx", "onnxruntime", row, self.threads) as path:
                session = self.session(path)
            return self.bound(session, {"x0": np.ascontiguousarray(arrays[0].transpose(0, 3, 1, 2))}, [False])
        model, fed, results = build(row, arrays)
        session = self.session(model.SerializeToString())
        if isinstance(row.run, Fed):
            return Prepared(lambda: session.run(None, fed), session.run(None, fed))
        return self.bound(session, fed, [r.nchw for r in results])

    def session(self, model):
        return ort.InferenceSession(model, self.options, providers=["CPUExecutionProvider"])

    def bound(self, session, fed, nchw):
        """Steps with inputs and outputs where they stay; nchw tells which results are images in ONNX's order."""
        binding, first = session.io_binding(), session.run(None, fed)
        for name, array in fed.items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        for output, value in zip(session.get_outputs(), first):
            binding.bind_ortvalue_output(output.name, ort.OrtValue.ortvalue_from_shape_and_type(value.shape, value.dtype))
        return Prepared(lambda: session.run_with_iobinding(binding),
                        [v.transpose(0, 2, 3, 1) if n else v for v, n in zip(first, nchw)])


def export(row, arrays, path):
    with open(path, "wb") as file:
        file.write(build(row, arrays)[0].SerializeToString())


if __name__ == "__main__":
    main(export)
