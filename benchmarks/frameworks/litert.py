"""LiteRT, for models and fed rows: TensorFlow's converter, in TensorFlow's own environment, writes the model file from the
graph mode's vocabulary; the interpreter runs it with its default delegate (XNNPACK)."""
from ..row import Fed, Model
from . import Prepared, Unsupported
from .exporting import exported, main


def export(row, arrays, path):
    """Runs under TensorFlow."""
    import tensorflow as tf

    from .tf1 import Vocabulary

    run = row.run
    fed = arrays if isinstance(run, Fed) else arrays[:1]

    @tf.function(input_signature=[tf.TensorSpec(a.shape, a.dtype) for a in fed])
    def function(*xs):
        return run.function(Vocabulary(tf.compat.v1), *xs, *[tf.constant(a) for a in arrays[len(fed):]])

    model = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()]).convert()
    with open(path, "wb") as file:
        file.write(model)


class Framework:
    def __init__(self, candidate, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.threads, self.interpreter = threads, Interpreter

    def prepare(self, row, arrays):
        if not isinstance(row.run, (Fed, Model)) or not arrays:
            raise Unsupported("LiteRT runs models")
        with exported("litert", "tensorflow", row, self.threads) as path:
            interpreter = self.interpreter(model_path=path, num_threads=self.threads)
            interpreter.allocate_tensors()
        inputs = sorted(interpreter.get_input_details(), key=lambda d: d["name"])
        result = interpreter.get_output_details()[0]["index"]
        fed = arrays if isinstance(row.run, Fed) else arrays[:1]

        def step():
            for detail, array in zip(inputs, fed):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            return interpreter.get_tensor(result)

        first = [step()]
        return Prepared(interpreter.invoke if isinstance(row.run, Model) else step, first)


if __name__ == "__main__":
    main(export)
