"""First inputs for the fuzzers, from files that TensorFlow 1.15.5 wrote.

Run with its Python: python make_seeds.py. Reads ../formats/data, writes seeds/.
"""
import os
import struct

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "formats", "data")


def save(target, name, data):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def read(name):
    with open(os.path.join(DATA, name), "rb") as f:
        return f.read()


def graph(build):
    g = tf.Graph()
    with g.as_default():
        build()
    return g.as_graph_def().SerializeToString()


def variables():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2], initializer=tf.constant_initializer([[1, 2], [3, 4], [5, 6]]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    tf.train.AdamOptimizer(0.1).minimize(loss)


def loop():
    x = tf.placeholder(tf.float32, [2])
    y = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.cond(v[0] > 1, lambda: v * 2, lambda: v)), (0, x))[1]
    tf.gradients(y, x)


def constants():
    for dtype in (tf.float16, tf.float32, tf.float64, tf.int8, tf.int64, tf.complex64, tf.bool, tf.string):
        values = ["a", "bc"] if dtype == tf.string else [True, False] if dtype == tf.bool else [1, 2]
        tf.constant(values, dtype)
    tf.split(tf.zeros([4, 2]), 2)
    tf.fill([2, 3], 7.0)


def entries(pairs):
    return b"".join(struct.pack("<B", len(k)) + k + struct.pack("<H", len(v)) + v for k, v in pairs)


def bundle():
    from tensorflow.core.protobuf import tensor_bundle_pb2 as pb
    header = pb.BundleHeaderProto(num_shards=1)
    header.version.producer = 1
    pairs, data = [(b"", header.SerializeToString())], b""
    for name, dtype, shape, values in ((b"a", tf.float32, [2], struct.pack("<2f", 1, 2)),
                                       (b"b", tf.int64, [], struct.pack("<q", 3)),
                                       (b"s", tf.string, [1], b"\x02" + struct.pack("<I", 0) + b"hi")):
        entry = pb.BundleEntryProto(dtype=dtype.as_datatype_enum, offset=len(data), size=len(values))
        for size in shape:
            entry.shape.dim.add(size=size)
        pairs.append((name, entry.SerializeToString()))
        data += values
    return entries(pairs) + b"\xff" + data


def first_version():
    from tensorflow.core.util import saved_tensor_slice_pb2 as pb
    meta = pb.SavedTensorSlices()
    meta.meta.versions.producer = 1
    tensor = meta.meta.tensor.add(name="a", type=tf.float32.as_datatype_enum)
    tensor.shape.dim.add(size=2)
    tensor.slice.add().extent.add()
    value = pb.SavedTensorSlices()
    value.data.name = "a"
    value.data.slice.extent.add()
    value.data.data.float_val.extend([1, 2])
    return entries([(b"", meta.SerializeToString()), (b"\x00\x01a\x00\x01\x01\x80\x80", value.SerializeToString())])


def main():
    for build in (variables, loop, constants):
        save("graph_def", build.__name__, graph(build))
    save("graph_def", "generic_functions", read("tf115_generic.pb"))
    save("checkpoint", "bundle", b"B" + bundle())
    save("checkpoint", "v1", b"V" + first_version())
    for name in ("v1", "parts_v1", "v2.index", "parts_v2.index"):
        save("checkpoint", "file_" + name, b"T" + read(name))


if __name__ == "__main__":
    main()
