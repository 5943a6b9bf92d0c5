"""LiteRT, for models and fed rows: TensorFlow's converter, in TensorFlow's own environment, writes the model file from the
graph mode's vocabulary; the interpreter runs it with its default delegate (XNNPACK)."""
import os
import subprocess
import sys
import tempfile

from ..candidates import ROOT, environment_for, python_for
from ..row import Fed, Model
from . import Prepared, Unsupported

CONVERT_SECONDS = 140


def convert(family, name, path):
    """Runs under TensorFlow."""
    import tensorflow as tf

    from .. import families
    from .tf1 import Vocabulary

    row = families.find(family, name)
    arrays, run = row.arrays(), row.run
    fed = arrays if isinstance(run, Fed) else arrays[:1]

    @tf.function(input_signature=[tf.TensorSpec(a.shape, a.dtype) for a in fed])
    def function(*xs):
        return run.function(Vocabulary(tf.compat.v1), *xs, *[tf.constant(a) for a in arrays[len(fed):]])

    model = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]).convert()
    with open(path, "wb") as file:
        file.write(model)


class Framework:
    def __init__(self, candidate, threads):
        self.threads = threads

    def prepare(self, row, arrays):
        from ai_edge_litert.interpreter import Interpreter

        from .. import families

        if not isinstance(row.run, (Fed, Model)) or not arrays:
            raise Unsupported("LiteRT runs models")
        family = next(f for f in families.NAMES if row in families.rows(f))
        peers = os.environ.get("BENCHMARK_PEERS")
        python = python_for("tensorflow", peers)
        if python is None:
            raise Unsupported("TensorFlow, which converts the model, is not installed")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.tflite")
            subprocess.run([python, "-m", "benchmarks.frameworks.litert", family, row.name, path], check=True, cwd=ROOT,
                           env=environment_for("tensorflow", self.threads, peers), timeout=CONVERT_SECONDS,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(path, "rb") as file:
                interpreter = Interpreter(model_content=file.read(), num_threads=self.threads)
        interpreter.allocate_tensors()
        inputs = sorted(interpreter.get_input_details(), key=lambda d: d["name"])
        result = interpreter.get_output_details()[0]["index"]
        fed = arrays if isinstance(row.run, Fed) else arrays[:1]
        for detail, array in zip(inputs, fed):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        first = [interpreter.get_tensor(result)]
        if isinstance(row.run, Model):
            return Prepared(interpreter.invoke, first)

        def step():
            for detail, array in zip(inputs, fed):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            return interpreter.get_tensor(result)

        return Prepared(step, first)


if __name__ == "__main__":
    convert(*sys.argv[1:])
