"""tf.print: the lines are TensorFlow 1.15's."""

import collections
import sys

import pytest
import thalweg as tf


def printed(capfd, *inputs, **kwargs):
  made = tf.print(*inputs, output_stream=sys.stdout, **kwargs)
  assert isinstance(made, tf.Operation) and made.type == "PrintV2"
  with tf.Session() as session:
    capfd.readouterr()
    session.run(made)
  return capfd.readouterr().out


def test_what_is_printed(capfd):
  x = tf.constant([[1, 2], [3, 4]])
  assert printed(capfd, "a", x) == "a [[1 2]\n [3 4]]\n"
  assert printed(capfd, {"k": x, "b": [1, tf.constant("t")]}, (x,), 3.5, None, "{}", sep="|") == (
      "{'b': [1, \"t\"], 'k': [[1 2]\n [3 4]]}|([[1 2]\n [3 4]],)|3.5|None|{}\n")
  assert printed(capfd, tf.constant("scalar"), end="<end>\n") == "scalar<end>\n"
  assert printed(capfd, tf.range(20), summarize=2) == "[0 1 ... 18 19]\n"
  assert printed(capfd, tf.range(9), summarize=-1) == "[0 1 2 3 4 5 6 7 8]\n"
  sparse = tf.SparseTensor([[0, 1]], [2.5], [2, 2])
  assert printed(capfd, sparse) == "'SparseTensor(indices=[[0 1]], values=[2.5], shape=[2 2])'\n"


def test_variables_and_tuples(capfd):
  point = collections.namedtuple("Point", "x y")
  v = tf.Variable(1.5, name="v")
  made = tf.print(point(v, 2), output_stream=sys.stdout)
  with tf.Session() as session:
    session.run(v.initializer)
    capfd.readouterr()
    session.run(made)
  assert capfd.readouterr().out == "Point(x=1.5, y=2)\n"


def test_streams(capfd, tmp_path):
  path = str(tmp_path / "out.txt")
  with tf.Session() as session:
    session.run([tf.print("to a file", output_stream="file://" + path), tf.print("to stderr")])
  with open(path, encoding="utf-8") as f:
    assert f.read() == "to a file\n"
  assert "to stderr\n" in capfd.readouterr().err
  for stream in (tf.logging.info, tf.logging.WARN, tf.logging.error):
    assert tf.print("x", output_stream=stream).get_attr("output_stream").startswith(b"log(")
  with pytest.raises(ValueError, match="Unsupported output stream"):
    tf.print("x", output_stream="nowhere")
  with pytest.raises(ValueError, match="Unrecognized keyword"):
    tf.print("x", colour="red")
