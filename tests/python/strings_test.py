"""Strings, printing and files; the expected texts are TensorFlow 1.15's."""

import numpy as np
import pytest
import thalweg as tf


def run(x):
  with tf.Session() as s:
    return s.run(x)


@pytest.mark.parametrize("value,kwargs,want", [
    (1.5, {}, b"1.500000"), (1 / 3.0, {"precision": 2}, b"0.33"), (1.5, {"scientific": True}, b"1.500000e+00"),
    (1.5, {"shortest": True}, b"1.5"), (True, {}, b"true"), (7, {"width": 5}, b"    7"),
    (1 + 2j, {}, b"(1.000000,2.000000)"), (7, {"width": 4, "fill": "-"}, b"7   ")])
def test_as_string(value, kwargs, want):
  assert run(tf.as_string(value, **kwargs)) == want


def test_joins():
  a = tf.constant([["a", "b"], ["c", "d"]])
  join = lambda axis: run(tf.reduce_join(a, axis, separator="-"))
  assert join([0]).tolist() == [b"a-c", b"b-d"] and join([-1]).tolist() == [b"a-b", b"c-d"]
  assert join([0, 1]) == b"a-c-b-d" and join([1, 0]) == b"a-b-c-d"
  assert join([]).tolist() == [[b"a", b"b"], [b"c", b"d"]]
  assert run(tf.reduce_join(a)) == b"abcd"
  assert run(tf.string_join([a, "x"], ",")).tolist() == [[b"a,x", b"b,x"], [b"c,x", b"d,x"]]


def test_numbers():
  assert run(tf.string_to_number(["1.5", " 2 ", "0x10"])).tolist() == [1.5, 2.0, 16.0]
  assert run(tf.string_to_number("-7", tf.int64)) == -7
  for text, dtype in (("abc", tf.float32), ("", tf.float32), ("99999999999", tf.int32), ("1.5", tf.int32)):
    with pytest.raises(tf.errors.InvalidArgumentError, match="StringToNumberOp could not correctly convert string: "):
      run(tf.string_to_number(text, dtype))


def test_print_and_assert(capfd):
  cube = tf.reshape(tf.range(8), [2, 4])
  run(tf.Print(1, [cube, [True], ["q\n\"\u00e9"], tf.zeros([0]), tf.constant([[1.5, 2]], tf.float16), 2.0], "msg: "))
  run(tf.Print(1, [cube], summarize=6))
  assert capfd.readouterr().err == 'msg: [[0 1 2...]...][1][q\\n\\"\\303\\251][][[1.5 2]][2]\n[[0 1 2 3][4 5...]...]\n'
  twice = tf.Print(1, ["x"], first_n=1)
  with tf.Session() as s:
    s.run(twice)
    s.run(twice)
  assert capfd.readouterr().err == "[x]\n"
  with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[1 2 3\.\.\.\] \[hi\]"):
    run(tf.raw_ops.Assert(condition=False, data=[tf.constant([1, 2, 3, 4]), tf.constant("hi")]))


@pytest.mark.parametrize("value,want", [
    (np.array([[1, 2], [3, 4]]), "[[1 2]\n [3 4]]"), (np.arange(10), "[0 1 2 ... 7 8 9]"),
    (np.arange(8).reshape(2, 2, 2), "[[[0 1]\n  [2 3]]\n\n [[4 5]\n  [6 7]]]"), (np.zeros([0, 3]), "[]"),
    (["a\n", "b\"c"], '["a\\n" "b\\"c"]'), (np.float32(1 / 3.0), "0.333333343"), ([True, False], "[1 0]")])
def test_format(value, want):
  made = tf.raw_ops.StringFormat(inputs=[tf.constant(value)], template="{}", placeholder="{}")
  assert run(made).decode() == want


def test_files(tmp_path):
  path = str(tmp_path / "deep" / "a.txt")
  run(tf.write_file(path, b"\x00text"))
  assert run(tf.read_file(path)) == b"\x00text"
  assert run(tf.matching_files([str(tmp_path / "*" / "?.txt"), str(tmp_path / "none*")])).tolist() == [path.encode()]
  with pytest.raises(tf.errors.NotFoundError, match="No such file or directory"):
    run(tf.read_file(str(tmp_path / "none")))


def test_text_in_other_encodings():
  def run(text, *args, **kwargs):
    with tf.Graph().as_default(), tf.Session() as sess:
      return sess.run(tf.strings.unicode_transcode(text, *args, **kwargs))

  text = "a\u00e9\u20ac\U0001f600"
  for name, codec in (("UTF-16-BE", "utf-16-be"), ("UTF-32-BE", "utf-32-be"), ("UTF-8", "utf-8")):
    assert run(text, "UTF-8", name) == text.encode(codec)
    assert run(text.encode(codec), name, "UTF-8") == text.encode()
  assert run("\u00e9".encode("latin-1"), "ISO-8859-1", "UTF-8") == "\u00e9".encode()
  broken = b"a\xff\xe2\x82b"
  assert run(broken, "UTF-8", "UTF-8").decode() == "a\ufffd\ufffdb"
  assert run(broken, "UTF-8", "UTF-8", errors="ignore") == b"ab"
  assert run(b"\xd8\x00\x00a\xd8", "UTF-16-BE", "UTF-8", replacement_char=63) == b"?a?"
  for args in (("UTF-8", "UTF-8", "strict"), ("EBCDIC", "UTF-8")):
    with pytest.raises(tf.errors.InvalidArgumentError):
      run(broken, *args)


def test_code_points_as_text():
  with tf.Graph().as_default(), tf.Session() as sess:
    assert sess.run(tf.strings.unicode_encode([104, 233], "UTF-8")) == "h\u00e9".encode()
    assert sess.run(tf.strings.unicode_encode([[104, 105], [55296, 33]], "UTF-8")).tolist() == [b"hi", "\ufffd!".encode()]
    assert sess.run(tf.strings.unicode_encode([97, 1114112, 98], "UTF-16-BE", errors="ignore")) == b"\0a\0b"
    with pytest.raises(tf.errors.InvalidArgumentError, match="valid Unicode range"):
      sess.run(tf.strings.unicode_encode([1114112], "UTF-8", errors="strict"))
