"""Writes tf115_generic.pb: functions whose types and counts are attributes of each call, as TensorFlow 1.15 reads and
runs them. Results that it gave are in the graph itself: constant "want/x" is the value of "x"."""

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.framework import importer

# TensorFlow's runtime takes such functions, and its Python wrappers of functions do not: they are left out.
importer.function.from_library = lambda library: []

LIBRARY = """
library {
  function {
    signature {
      name: "product"
      input_arg { name: "a" type_attr: "T" }
      input_arg { name: "b" type_attr: "T" }
      output_arg { name: "c" type_attr: "T" }
      attr { name: "T" type: "type" allowed_values { list { type: DT_FLOAT type: DT_DOUBLE type: DT_INT32 } } }
      attr { name: "flip" type: "bool" default_value { b: false } }
    }
    node_def {
      name: "m" op: "MatMul" input: "a" input: "b"
      attr { key: "T" value { placeholder: "T" } }
      attr { key: "transpose_a" value { placeholder: "flip" } }
      attr { key: "transpose_b" value { b: false } }
    }
    ret { key: "c" value: "m:product:0" }
  }
  function {
    signature {
      name: "total"
      input_arg { name: "xs" type_attr: "T" number_attr: "N" }
      output_arg { name: "sum" type_attr: "T" }
      attr { name: "T" type: "type" }
      attr { name: "N" type: "int" has_minimum: true minimum: 1 }
    }
    node_def {
      name: "add" op: "AddN" input: "xs"
      attr { key: "T" value { placeholder: "T" } }
      attr { key: "N" value { placeholder: "N" } }
    }
    ret { key: "sum" value: "add:sum:0" }
  }
  function {
    signature {
      name: "square_of_total"
      input_arg { name: "xs" type_attr: "T" number_attr: "N" }
      output_arg { name: "y" type_attr: "T" }
      attr { name: "T" type: "type" }
      attr { name: "N" type: "int" }
    }
    node_def {
      name: "t" op: "total" input: "xs"
      attr { key: "T" value { placeholder: "T" } }
      attr { key: "N" value { placeholder: "N" } }
    }
    node_def {
      name: "s" op: "Square" input: "t:sum:0"
      attr { key: "T" value { placeholder: "T" } }
    }
    ret { key: "y" value: "s:y:0" }
  }
  function {
    signature {
      name: "all_of_them"
      input_arg { name: "xs" type_list_attr: "Ts" }
      output_arg { name: "ys" type_list_attr: "Ts" }
      attr { name: "Ts" type: "list(type)" has_minimum: true minimum: 1 }
    }
    node_def {
      name: "id" op: "IdentityN" input: "xs"
      attr { key: "T" value { placeholder: "Ts" } }
    }
    ret { key: "ys" value: "id:output" }
  }
}
versions { producer: 134 min_consumer: 12 }
"""

CALLS = """
node { name: "p32" op: "product" input: "x" input: "y"
       attr { key: "T" value { type: DT_FLOAT } } attr { key: "flip" value { b: true } } }
node { name: "p64" op: "product" input: "x64" input: "y64"
       attr { key: "T" value { type: DT_DOUBLE } } attr { key: "flip" value { b: false } } }
node { name: "t" op: "square_of_total" input: "x" input: "y" input: "p32"
       attr { key: "T" value { type: DT_FLOAT } } attr { key: "N" value { i: 3 } } }
node { name: "both" op: "all_of_them" input: "x" input: "p64"
       attr { key: "Ts" value { list { type: DT_FLOAT type: DT_DOUBLE } } } }
node { name: "loss" op: "L2Loss" input: "t" attr { key: "T" value { type: DT_FLOAT } } }
"""


def main():
  graph_def = text_format.Parse(LIBRARY + CALLS, tf.compat.v1.GraphDef())
  with tf.Graph().as_default() as g:
    tf.constant([[1., 2.], [3., -4.]], name="x")
    tf.constant([[0.5, -1.], [2., 0.25]], name="y")
    tf.constant(np.array([[1., 2.], [3., -4.]]), name="x64")
    tf.constant(np.array([[0.5, -1.], [2., 0.25]]), name="y64")
    inputs = g.as_graph_def()
  graph_def.node.extend(inputs.node)
  with tf.Graph().as_default() as g, tf.compat.v1.Session() as sess:
    tf.import_graph_def(graph_def, name="")
    fetched = ["p32:0", "p64:0", "t:0", "both:0", "both:1", "loss:0"]
    values = sess.run(fetched)
    # By hand what the loss's derivatives are, since TensorFlow needs a registered one for a function called by name.
    x, y = g.get_tensor_by_name("x:0"), g.get_tensor_by_name("y:0")
    t = tf.square(x + y + tf.matmul(x, y, transpose_a=True))
    values += sess.run(tf.gradients(tf.nn.l2_loss(t), [x, y]))
  with tf.Graph().as_default() as g:
    for name, value in zip(fetched + ["dx", "dy"], values):
      tf.constant(value, name="want/" + name.replace(":", "_"))
    graph_def.node.extend(g.as_graph_def().node)
  with open("tf115_generic.pb", "wb") as f:
    f.write(graph_def.SerializeToString(deterministic=True))
  print(values)


main()
